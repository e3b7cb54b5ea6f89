"""One run over two corpora of other rates, lengths and classes: what it learns, resumes, tells and refuses."""

import json

import datasets
import numpy as np
import pytest
import torch
from datasets import Value
from transformers import AutoFeatureExtractor
from transformers.utils import logging

import hf_ecg
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus, non_empty_text
from hf_ecg.data.readers.cpsc2018 import cpsc2018_corpus
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.data.schema import row_features
from hf_ecg.evaluation.loading import facts_for_evaluation
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.loading import batch_sampler
from hf_ecg.training.log_file import read_log
from hf_ecg.training.recipe_facts import training_facts
from tests.data.conftest import SmallPTBXL
from tests.evaluation.tiny import load_script
from tests.training.test_resume import assert_equal_runs, cut_off
from tests.training.watched import watch
from tests.training_fixtures import CLASSES, FORM

# another order, one class less and one more than in the first corpus
OTHER_CLASSES = ["STTC", "CD", "NORM"]
RHYTHM = ["AFIB", "SR"]


def other_row(index: int, random: np.random.Generator) -> dict:
    kind, samples = index % 3, 500 + 100 * (index % 3)
    time = np.arange(samples) / 500
    wave = (kind + 1) * np.sin(2 * np.pi * (kind + 1) * time + random.uniform(0, 6, (12, 1)))
    return {
        "record_id": f"record-{index}",
        "patient_id": f"patient-{index}",
        "signal": (2000 * wave).round().astype(np.int16).ravel().tolist(),
        "num_samples": samples,
        "sampling_rate": 500,
        "leads": list(STANDARD_LEADS),
        "gain": [2000.0] * 12,
        "baseline": [0.0] * 12,
        "fold": 1 + index % 5,
        "age": 60,
        "sex": "female",
        "text": ["ischemic ST-T changes", "premature beats", "normal ECG"][kind] + ". sinus rhythm",
        "superdiagnostic": None if index % 7 == 0 else [OTHER_CLASSES[kind]],
        "rhythm": [RHYTHM[index % 2]],
    }


def write_corpus(folder, config, rows, features):
    rows = [{name: row.get(name) for name in features} for row in rows]
    (folder / config).mkdir(parents=True)
    datasets.Dataset.from_list(rows, features=features).to_parquet(folder / config / "train-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        f"---\nlicense: cc-by-4.0\nconfigs:\n- config_name: {config}\n  data_files:\n"
        f"  - split: train\n    path: {config}/train-*.parquet\n---\n# {config}\n"
    )
    (folder / "summary.json").write_text(json.dumps({"text_source": "report"}))
    return folder


@pytest.fixture(scope="session")
def other_corpus(tmp_path_factory, empty_datasets_cache):
    """40 records in five folds, at 500 hertz and of three lengths, with names and numbers of classes of their own."""
    random = np.random.default_rng(1)
    rows = [other_row(index, random) for index in range(40)]
    features = row_features(12, None, {"superdiagnostic": OTHER_CLASSES, "rhythm": RHYTHM})
    return write_corpus(tmp_path_factory.mktemp("other"), "other_500hz", rows, features)


@pytest.fixture
def two(other_corpus):
    """A recipe with the second corpus added: train on folds 1 to 3, select on 4, keep 5 for evaluation."""

    def add(recipe: dict, *weights: float) -> dict:
        folds = {"train": [1, 2, 3], "validation": [4]}
        first = recipe["data"]["sources"][0] | {"folds": folds}
        second = {"path": str(other_corpus), "config": "other_500hz", "folds": folds}
        recipe["data"]["sources"] = [first, second]
        for source, weight in zip(recipe["data"]["sources"], weights, strict=False):
            source["weight"] = weight
        return recipe

    return add


@pytest.fixture
def two_label_recipe(label_recipe, two):
    """A classifier of classes that both corpora have, or one of them."""
    label_recipe["data"]["label_sets"] = ["superdiagnostic", "form", "rhythm"]
    return two(label_recipe)


def test_classes_of_both_corpora_are_trained_by_name(two_label_recipe, recipe_of):
    parts = build_parts(recipe_of(two_label_recipe))
    names = ["superdiagnostic: NORM", "superdiagnostic: MI", "superdiagnostic: STTC", "superdiagnostic: CD"]
    names += ["form: PVC", "form: LVH", "rhythm: AFIB", "rhythm: SR"]
    assert list(parts.model.config.id2label.values()) == names
    assert [len(source) for source in parts.sources] == [48, 24]
    rows = parts.rows.__getitems__([(0, index) for index in range(len(parts.rows))])
    labels = parts.collator(rows)["labels"].numpy()
    for row, found in zip(rows, labels, strict=True):
        own = parts.sources[row["source"]][row["record_index"] - 48 * row["source"]]
        wanted = dict.fromkeys(names, np.nan)
        listed = {
            "superdiagnostic": (CLASSES, OTHER_CLASSES)[row["source"]],
            "form": FORM if row["source"] == 0 else [],
            "rhythm": RHYTHM if row["source"] == 1 else [],
        }
        for label_set, classes in listed.items():
            if classes and own[label_set] is not None:
                wanted |= {f"{label_set}: {name}": 0.0 for name in classes}
                wanted |= {f"{label_set}: {classes[number]}": 1.0 for number in own[label_set]}
        np.testing.assert_array_equal(found, list(wanted.values()), err_msg=row["record_id"])


def test_a_run_tells_both_corpora_and_learns_from_both(two_label_recipe, recipe_of, tmp_path, corpus, other_corpus):
    metrics = pretrain(recipe_of(two_label_recipe), tmp_path / "out")
    assert metrics["macro_auroc"] == pytest.approx(
        (metrics["macro_auroc@tiny_100hz"] + metrics["macro_auroc@other_500hz"]) / 2
    )
    assert all(np.isfinite(line["loss"]) for line in read_log(tmp_path / "out") if line["kind"] == "train")
    facts = json.loads((tmp_path / "out" / "training_facts.json").read_text())
    told = [(s["corpus"], s["config"], s["train_folds"], s["validation_folds"]) for s in facts["sources"]]
    assert told == [
        (str(corpus), "tiny_100hz", [1, 2, 3], [4]),
        (str(other_corpus), "other_500hz", [1, 2, 3], [4]),
    ]
    assert [source["label_sets"] for source in facts["sources"]] == [
        ["superdiagnostic", "form"],
        ["superdiagnostic", "rhythm"],
    ]
    card = (tmp_path / "out" / "README.md").read_text()
    for words in ("`tiny_100hz`", "`other_500hz`", "72 records to train on\n"):
        assert words in card
    model = hf_ecg.AutoModelForECGClassification.from_pretrained(tmp_path / "out")
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "out")
    rows = [load_corpus(path, folds=[5])[0] for path in (corpus, other_corpus)]
    assert model(**extractor(rows, return_tensors="pt")).logits.shape == (2, 8)


def test_evaluation_on_the_folds_of_either_corpus_is_refused(
    text_recipe, two, recipe_of, tmp_path, repository, corpus, other_corpus
):
    pretrain(recipe_of(two(text_recipe), run__max_steps=1), tmp_path / "out")
    folder = str(tmp_path / "out")
    for config in ("tiny_100hz", "other_500hz", "other_100hz"):
        for fold in (1, 2, 3, 4):
            with pytest.raises(ValueError, match=rf"was \w+ on folds.*of those to be evaluated, \[{fold}, 5\]"):
                facts_for_evaluation([folder], config, [fold, 5])
        (facts,) = facts_for_evaluation([folder], config, [5])
        assert len(facts.sources) == 2
    facts_for_evaluation([folder], "third_500hz", [1, 2, 3, 4, 5])
    script = load_script(repository, "linear_probe")
    for path, config in ((corpus, "tiny_100hz"), (other_corpus, "other_500hz")):
        arguments = ["--model", f"{folder}/encoder", "--data", str(path), "--config", config, "--device", "cpu"]
        arguments += ["--label_set", "superdiagnostic", "--output", str(tmp_path / "probe.json")]
        with pytest.raises(ValueError, match=r"trained on folds \[3\] and selected on folds \[4\]"):
            script.main([*arguments, "--train_folds", "1", "--validation_folds", "2", "--test_folds", "3-5"])


def test_one_corpus_at_two_rates_is_not_trained_and_selected_on(two_label_recipe, recipe_of, tmp_path):
    features = row_features(12, None, {"superdiagnostic": OTHER_CLASSES, "rhythm": RHYTHM})
    rows = [other_row(index, np.random.default_rng(2)) for index in range(10)]
    path = write_corpus(tmp_path / "same", "tiny_500hz", rows, features)
    second = {"path": str(path), "config": "tiny_500hz", "folds": {"train": [4], "validation": [5]}}
    for source in (second, second | {"config": None}):
        two_label_recipe["data"]["sources"][1] = source
        recipe = recipe_of(two_label_recipe)
        with pytest.raises(ValueError, match=r"folds \[4\] of tiny are trained on as tiny_500hz"):
            build_parts(recipe)


def test_weights_hold_within_sampling_error(two_label_recipe, recipe_of, two):
    plain = recipe_of(two_label_recipe)
    assert batch_sampler(plain, build_parts(plain)).records_by_source() == [48, 24]
    recipe = recipe_of(two(two_label_recipe, 1, 3))
    sampler = batch_sampler(recipe, build_parts(recipe))
    drawn = np.zeros(2)
    for epoch in range(40):
        sampler.set_epoch(epoch)
        drawn += sampler.records_by_source()
    expected = drawn.sum() * np.array([0.25, 0.75])
    assert drawn.sum() == 40 * 72 and ((drawn - expected) ** 2 / expected).sum() < 10.8  # 99.9 % of chi-square, df 1


# with workers and accumulation in test_resume.py
@pytest.mark.parametrize(("workers", "accumulation"), [(0, 1), pytest.param(2, 2, marks=pytest.mark.large)])
def test_resume_is_bit_for_bit(text_recipe, two, recipe_of, tmp_path, workers, accumulation):
    recipe = two(watch(text_recipe), 1, 2)
    changes = {"run__ema_decay": 0.9, "run__checkpoint_every_steps": 3, "run__accumulation": accumulation}
    pretrain(recipe_of(recipe, **changes, run__num_workers=0), tmp_path / "whole")
    cut = recipe_of(recipe, **changes, run__num_workers=workers)
    for step in (1, 4, 11):  # before the first checkpoint, between two, in the second epoch
        cut_off(cut, tmp_path / "cut", step, resume=step != 1)
    pretrain(cut, tmp_path / "cut", resume=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_texts_are_shuffled_within_each_corpus(text_recipe, two, recipe_of, corpus, other_corpus):
    """Both corpora call their patients patient-0, patient-1 ...: each gets the text of another one of its own."""
    text_recipe["method"]["options"]["shuffle_texts"] = True
    parts = build_parts(recipe_of(two(text_recipe)))
    for path, shuffled in zip((corpus, other_corpus), parts.sources, strict=True):
        rows = non_empty_text(load_corpus(path, folds=[1, 2, 3]), "text")
        assert shuffled["record_id"][:] == rows["record_id"][:] and shuffled["text"][:] != rows["text"][:]
        assert sorted(shuffled["text"]) == sorted(rows["text"])


def test_numbers_that_one_corpus_lacks_are_not_known_there(two_label_recipe, recipe_of, tmp_path, monkeypatch):
    told = []
    log = logging.get_logger("hf_ecg.training.rows")
    monkeypatch.setattr(log, "warning", lambda text, *values: told.append(text % values))
    """... and where both have them, scale and mean are of all rows."""
    two_label_recipe["method"] = {"name": "targets"}
    two_label_recipe["data"] |= {"label_sets": [], "targets": ["age", "ejection_fraction"]}
    two_label_recipe["validation"] = None
    rows = [other_row(index, np.random.default_rng(2)) | {"ejection_fraction": 40.0 + index} for index in range(10)]
    features = row_features(12, None, {"rhythm": RHYTHM}, {"ejection_fraction": Value("float32")})
    second = two_label_recipe["data"]["sources"][1]
    second["path"] = str(write_corpus(tmp_path / "second", "other_500hz", rows, features))
    parts = build_parts(recipe_of(two_label_recipe))
    rows = parts.rows.__getitems__(range(len(parts.rows)))
    labels = parts.collator(rows)["labels"].numpy()
    known = np.array([row["source"] == 1 for row in rows])
    np.testing.assert_array_equal(np.isfinite(labels), np.stack([np.ones(len(rows), bool), known], axis=1))
    assert parts.model.config.target_mean == pytest.approx([labels[:, 0].mean(), labels[known, 1].mean()])
    assert set(labels[:, 0]) == {50.0, 60.0}
    assert told == ["tiny_100hz: no column 'ejection_fraction', its records count as not annotated for it"]
    facts = training_facts(recipe_of(two_label_recipe), parts.method, parts.sources)
    assert [source.targets for source in facts.sources] == [("age",), ("age", "ejection_fraction")]
    two_label_recipe["data"]["targets"] = ["ejection_fraction"]
    with pytest.raises(ValueError, match="has no column 'ejection_fraction'"):
        build_parts(recipe_of(two_label_recipe))


def test_one_class_a_record_wants_the_label_set_in_every_corpus(two_label_recipe, recipe_of):
    two_label_recipe["method"]["options"]["single_label"] = True
    with pytest.raises(ValueError, match="has no column 'form'"):
        build_parts(recipe_of(two_label_recipe, data__label_sets=["form"], validation=None))
    parts = build_parts(recipe_of(two_label_recipe, data__label_sets=["superdiagnostic"], validation=None))
    rows = parts.rows.__getitems__(range(len(parts.rows)))
    names = parts.model.config.id2label
    for row, number in zip(rows, parts.collator(rows)["labels"].tolist(), strict=True):
        own = parts.sources[row["source"]].features["superdiagnostic"].feature.names
        place = row["record_index"] - row["source"] * len(parts.sources[0])
        assert [names[number]] == [own[label] for label in parts.sources[row["source"]][place]["superdiagnostic"]]


def test_other_weights_are_another_run(text_recipe, two, recipe_of, tmp_path):
    pretrain(recipe_of(two(text_recipe, 1, 2), run__max_steps=1), tmp_path / "out")
    assert "drawn from the corpora by weights 1.0 : 2.0" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(ValueError, match="weight"):
        pretrain(recipe_of(two(text_recipe, 1, 3), run__max_steps=1), tmp_path / "out", resume=True)


def test_a_validation_loss_asks_each_corpus_by_its_own_classes(two_label_recipe, recipe_of, tmp_path, other_corpus):
    two_label_recipe["validation"] = {"name": "loss", "metric": "loss", "greater_is_better": False}
    two_label_recipe["method"]["options"]["views"] = []
    metrics = pretrain(recipe_of(two_label_recipe, run__epochs=1), tmp_path / "out")
    model = hf_ecg.AutoModelForECGClassification.from_pretrained(tmp_path / "out")
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "out")
    rows = list(load_corpus(other_corpus, folds=[4]))
    with torch.no_grad():
        logits = model(**extractor(rows, return_tensors="pt")).logits.double().numpy()
    names = list(model.config.id2label.values())
    losses = []
    for row, own in zip(rows, logits, strict=True):
        for label_set, classes in (("superdiagnostic", OTHER_CLASSES), ("rhythm", RHYTHM)):
            for number, name in enumerate(classes if row[label_set] is not None else []):
                logit = own[names.index(f"{label_set}: {name}")]
                losses.append(np.logaddexp(0, -logit if number in row[label_set] else logit))
    assert metrics["loss@other_500hz"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert metrics["loss"] == pytest.approx((metrics["loss@other_500hz"] + metrics["loss@tiny_100hz"]) / 2)


def test_two_corpora_of_one_configuration_are_both_judged(two_label_recipe, recipe_of, tmp_path, corpus):
    """Two hospitals' corpora made by the same script are called the same."""
    first = two_label_recipe["data"]["sources"][0]
    two_label_recipe["data"] |= {"sources": [first, first | {"path": str(corpus)}], "label_sets": ["superdiagnostic"]}
    two_label_recipe["data"]["sources"][1]["folds"] = {"train": [1], "validation": [5]}
    metrics = pretrain(recipe_of(two_label_recipe, run__max_steps=1, validation__minimum=1), tmp_path / "out")
    each = [metrics[f"macro_auroc@tiny_100hz#{place}"] for place in (0, 1)]
    assert metrics["macro_auroc"] == pytest.approx(np.mean(each)) and each[0] != each[1]


def test_real_records_of_two_corpora(two_label_recipe, recipe_of, ptb_xl_dir, shared_data_dir, tmp_path):
    """PTB-XL at 100 hertz and CPSC2018 at 500 hertz, records of 7 to 60 seconds, in one recipe."""
    (tmp_path / "raw").mkdir()
    SmallPTBXL(ptb_xl_dir, tmp_path / "raw", 30)
    prepare_corpus(ptb_xl_corpus(tmp_path / "raw"), tmp_path / "ptb_xl", progress=False)
    prepare_corpus(cpsc2018_corpus(shared_data_dir / "cpsc2018"), tmp_path / "cpsc2018", progress=False)
    configs = {"ptb_xl": "ptb_xl_100hz", "cpsc2018": "cpsc2018_500hz"}
    two_label_recipe["data"]["sources"] = [
        {"path": str(tmp_path / name), "config": config, "weight": 1, "folds": {"train": train, "validation": [9]}}
        for (name, config), train in zip(configs.items(), ([3], [1, 2, 3, 4, 5, 6, 7, 8]), strict=True)
    ]
    two_label_recipe["data"]["label_sets"] = ["superdiagnostic", "statements"]
    for section in (two_label_recipe["model"]["config"], two_label_recipe["processor"]["feature_extractor"]):
        section["num_samples"] = 500
    recipe = recipe_of(two_label_recipe, run__num_workers=2, validation__minimum=1)
    parts = build_parts(recipe)
    sampler = batch_sampler(recipe, parts)
    counts = sampler.records_by_source()
    assert abs(counts[0] / sum(counts) - 0.5) < 4 * 0.5 / sum(counts) ** 0.5
    names = list(parts.model.config.id2label.values())
    assert len(names) == 5 + 9 and names[0].startswith("superdiagnostic: ") and names[-1].startswith("statements: ")
    for keys in list(sampler)[:5]:
        rows = parts.rows.__getitems__(keys)
        batch = parts.collator(rows)
        assert batch["input_values"].isfinite().all()
        for row, labels in zip(rows, batch["labels"].isnan().tolist(), strict=True):
            unasked = labels[5:] if row["source"] == 0 else labels[:5]
            assert all(unasked) and (row["sampling_rate"] == 100) == (row["source"] == 0)
    metrics = pretrain(recipe, tmp_path / "out")
    assert 0 <= metrics["macro_auroc"] <= 1
    (facts,) = facts_for_evaluation([str(tmp_path / "out")], "cpsc2018_500hz", [10])
    assert [source.config for source in facts.sources] == list(configs.values())
    for config, fold in (("ptb_xl_500hz", 3), ("ptb_xl_100hz", 9), ("cpsc2018_500hz", 5)):
        with pytest.raises(ValueError, match=rf"of those to be evaluated, \[{fold}\]"):
            facts_for_evaluation([str(tmp_path / "out")], config, [fold])
