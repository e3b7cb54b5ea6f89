"""The study of a corpus: what trains, what judges, and what is refused before anything is trained."""

import json

import numpy as np
import pytest
import yaml
from sklearn.metrics import log_loss, roc_auc_score

from hf_ecg.cli.application import application
from hf_ecg.data.corpus import label_matrix, load_corpus
from hf_ecg.evaluation.judging.features import classifier_logits
from hf_ecg.evaluation.loading import load_classifier
from hf_ecg.evaluation.options import IntervalOptions
from hf_ecg.recipes_found import SHIFTS, find_recipe
from hf_ecg.studies.shift.corpus_study import ShiftOptions, judged_rows, run_shift
from hf_ecg.studies.shift.shift_spec import load_shift, shift_recipe
from tests.evaluation import tiny

RECIPE = {
    "model": {
        "class": "ECGResNetForECGClassification",
        "config": {"num_leads": 12, "num_samples": 100, "sampling_rate": 100, "depths": [1], "widths": [4]},
    },
    "processor": {
        "feature_extractor": {
            "sampling_rate": 100,
            "leads": tiny.LEADS,
            "num_samples": 100,
            "steps": [{"name": "select_leads"}],
        }
    },
    "data": {"label_sets": ["form"]},
    "method": {"name": "labels"},
    "validation": {
        "name": "classification",
        "metric": "macro_auroc",
        "greater_is_better": True,
        "label_sets": ["form"],
    },
    "optimizer": {"lr": 0.01},
    "run": {"epochs": 1, "batch_size": 16, "num_workers": 0, "num_threads": 1},
}
SPEC = {
    "title": "Tiny",
    "recipe": "recipe.yaml",
    "label_set": "rhythm",
    "folds": {"train": [1, 2, 3, 4, 5, 6], "validation": [7], "test": [8, 9, 10]},
    "overrides": ["validation.minimum=1"],
    "splits": {
        "young to old": {
            "by": [{"column": "age", "cuts": [30, 50, 70]}],
            "inside": ["age < 30", "age 30 to < 50"],
            "outside": ["age >= 70"],
            "covariates": ["age"],
        }
    },
    "systems": {"ERM": {}, "V-REx, covariates": {"covariates": True, "objective": {"name": "v_rex"}}},
}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shift")
    rows = tiny.dataset(160)
    # some patients are inside at first, and outside later
    ages = [80.0 if index % 12 == 1 else (20.0, 40.0, 80.0)[index // 2 % 3] for index in range(len(rows))]
    feature = rows.features["age"]
    tiny.write_corpus(folder / "corpus", whole=rows.remove_columns("age").add_column("age", ages, feature=feature))
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (folder / "spec.yaml").write_text(yaml.safe_dump(SPEC))
    return folder


def test_outside_no_patient_of_the_training_judges(work):
    spec = load_shift(work / "spec.yaml")
    split = spec.splits["young to old"]
    judged = judged_rows(spec, split, work / "corpus", None, IntervalOptions(minimum=1))
    rows = load_corpus(work / "corpus")
    learned = {row["patient_id"] for row in rows if row["fold"] <= 7 and row["age"] < 50}
    old = [row["record_id"] for row in rows if row["age"] >= 70]
    kept = judged["outside"].rows["record_id"][:]
    assert set(kept) < set(old) and not learned & set(judged["outside"].patients)
    assert all(row["age"] < 50 and row["fold"] >= 8 for row in judged["inside"].rows)


def test_the_command_trains_judges_and_goes_on(work):
    arguments = ["study", "shift", "--spec", str(work / "spec.yaml"), "--data", str(work / "corpus")]
    arguments += ["--bootstrap", "20", "--minimum", "2", "--output_dir", str(work / "out")]
    application(arguments, standalone_mode=False)
    report = json.loads((work / "out" / "shift.json").read_text())
    (split,) = report["splits"]
    assert list(split["systems"]) == ["ERM", "V-REx, covariates"] and split["rows"]["outside"]["records"] > 10
    folder = work / "out" / "seed_0" / "young_to_old" / "v_rex_covariates"
    model, extractor = load_classifier(str(folder), "cpu")
    assert model.config.covariates == ["age"]
    spec = load_shift(work / "spec.yaml")
    outside = judged_rows(spec, spec.splits["young to old"], work / "corpus", None, IntervalOptions())["outside"]
    probabilities = 1 / (1 + np.exp(-classifier_logits(model, extractor, outside.rows).astype(np.float64)))
    labels, _ = label_matrix(outside.rows, "rhythm")
    found = split["systems"]["V-REx, covariates"]["outside"]
    columns = [(labels[:, place], probabilities[:, place]) for place in range(2)]
    assert found["log_loss"]["value"] == pytest.approx(np.mean([log_loss(*one) for one in columns]), abs=1e-4)
    assert found["auroc"]["value"] == pytest.approx(np.mean([roc_auc_score(*one) for one in columns]), abs=1e-6)
    (entry,) = split["differences"]
    plain = split["systems"]["ERM"]["outside"]["log_loss"]["value"]
    assert entry["outside"]["log_loss"]["value"] == pytest.approx(found["log_loss"]["value"] - plain)
    page = (work / "out" / "shift.md").read_text()
    assert "## young to old" in page and "| V-REx, covariates |" in page
    before = (folder / "model.safetensors").stat().st_mtime_ns
    application(arguments, standalone_mode=False)
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "change, message",
    [
        ({"splits": {"a": SPEC["splits"]["young to old"] | {"outside": ["age < 30"]}}}, "and none of both"),
        ({"folds": {"train": [1], "validation": [1], "test": [2]}}, "without a fold in two of them"),
        ({"systems": {"A b": {}, "a-b": {}}}, "names that differ in their letters"),
        ({"systems": {"a": {"objective": {"name": "ir"}}}}, "objective.name is 'ir'"),
        ({"overrides": ["run.seed=3"]}, "would set the seed"),
    ],
)
def test_mistakes_in_the_file_are_told(tmp_path, change, message):
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(SPEC | change))
    with pytest.raises(ValueError, match=message):
        load_shift(tmp_path / "spec.yaml")


def test_populations_and_splits_that_are_not_there_are_told_before_anything_is_trained(work, tmp_path):
    with pytest.raises(ValueError, match=r"no split 'young' \(did you mean|no split 'young', only"):
        run_shift(work / "spec.yaml", str(work / "corpus"), tmp_path / "out", ShiftOptions(splits=["young"]))
    strange = {"a": SPEC["splits"]["young to old"] | {"outside": ["age >= 80"]}}
    (tmp_path / "spec.yaml").write_text(
        yaml.safe_dump(SPEC | {"splits": strange, "recipe": str(work / "recipe.yaml")})
    )
    with pytest.raises(ValueError, match="environments.kept names 'age >= 80'"):
        run_shift(tmp_path / "spec.yaml", str(work / "corpus"), tmp_path / "out", ShiftOptions())
    assert not (tmp_path / "out").exists()


def test_the_packaged_file_is_whole():
    path = find_recipe("ptb_xl_shift", SHIFTS)
    spec = load_shift(path)
    systems = list(spec.systems)
    for place, split in enumerate(spec.splits):
        recipe = shift_recipe(spec, split, systems[place + 1], 1, path.parent, "corpus")
        assert recipe.run.seed == 1 and recipe.data.environments.kept == spec.splits[split].inside
