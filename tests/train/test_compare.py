import json
import shutil

import numpy as np
import pytest
import yaml

from tests.evaluation import tiny

EXTRACTOR = {
    "sampling_rate": 100,
    "leads": ["I"],
    "num_samples": tiny.SAMPLES,
    "steps": [{"name": "pick_lead"}, {"name": "normalise", "method": "zscore"}],
}
RECIPE = {
    "model": {
        "class": "ECGForContrastivePreTraining",
        "config": {
            "ecg_config": {
                **{"model_type": "ecg_resnext", "num_leads": 1, "num_samples": tiny.SAMPLES, "sampling_rate": 100},
                **{"widths": [8, 16], "depths": [1, 1], "group_width": 4, "kernel_size": 6},
            }
        },
    },
    "processor": {"feature_extractor": EXTRACTOR},
    "data": {"folds": {"train": [1]}, "columns": {"risk": "age"}},
    "collator": {"name": "ecg_contrastive", "views": [{"name": "electrode_noise", "rms": 0.1}]},
    "optimizer": {"lr": 1e-3},
    "run": {"epochs": 1, "batch_size": 32, "num_workers": 0, "num_threads": 1},
}
COMPARISON = {
    "title": "Tiny comparison",
    "recipe": "recipe.yaml",
    "arms": {
        "random encoder": {"trained": False},
        "SimCLR": {"overrides": ["model.config.loss_type=info_nce"]},
        "CLEF": {},
    },
    "measures": {
        "rhythm probe": {"kind": "probe", "label_set": "rhythm"},
        "age": {"kind": "regression", "target": "age"},
        "rhythm fine-tuned": {
            **{"kind": "finetune", "label_set": "rhythm", "arms": ["CLEF"]},
            "overrides": ["run.epochs=1", "run.num_workers=0", "run.num_threads=1"],
        },
    },
    "differences": [["CLEF", "SimCLR"]],
}


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "compare")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    tiny.write_corpus(folder / "corpus", whole=tiny.dataset(480))
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (folder / "comparison.yaml").write_text(yaml.safe_dump(COMPARISON))
    return folder


def command(work, name, *options):
    arguments = ["--comparison", str(work / "comparison.yaml"), "--data", str(work / "corpus")]
    arguments += ["--config", tiny.CONFIG, "--output_dir", str(work / name), "--bootstrap", "20", "--minimum", "3"]
    return [*arguments, *options]


def test_two_shares_make_one_report_of_every_fold(script, work):
    assert script.main(command(work, "OUT", "--share", "2/2")) is None
    report = script.main(command(work, "OUT", "--share", "1/2"))
    tasks = {task["name"]: task for task in report["tasks"]}
    assert set(tasks["rhythm probe"]["systems"]) == {"random encoder", "SimCLR", "CLEF"}
    assert set(tasks["rhythm fine-tuned"]["systems"]) == {"CLEF"} and not tasks["rhythm fine-tuned"]["differences"]
    assert tasks["age"]["records"] == 480  # every record was tested, and none twice
    assert [entry["first"] for entry in tasks["rhythm probe"]["differences"]] == ["CLEF"]
    assert "wanted" not in (work / "OUT/comparison.md").read_text()
    saved = json.loads((work / "OUT/comparison.json").read_text())
    assert saved["data"]["folds"] == list(range(1, 11)) and saved["tasks"][0]["seeds"] == [0]

    # Whatever is there is neither trained nor measured again, and gives the same report.
    first = {path: path.stat().st_mtime_ns for path in (work / "OUT").rglob("*.npz")}
    lost = work / "OUT/clef/seed_0/test_3_4/scores/age.npz"
    before = np.load(lost)["scores"]
    lost.unlink()
    again = script.main(command(work, "OUT"))
    assert again["tasks"] == report["tasks"]
    assert {path for path, time in first.items() if path.stat().st_mtime_ns != time} == {lost}
    np.testing.assert_array_equal(np.load(lost)["scores"], before)


def test_runs_of_another_recipe_are_not_taken_for_these(script, work):
    shutil.copytree(work / "OUT/simclr/seed_0/test_1_2", work / "OTHER/simclr/seed_0/test_1_2")
    with pytest.raises(ValueError, match="cannot resume the run in .*simclr.*optimizer.lr was 0.001 and is now 0.01"):
        script.main(command(work, "OTHER", "optimizer.lr=0.01"))


def test_scores_of_other_records_are_refused(script, work):
    shutil.copytree(work / "OUT", work / "CHANGED")
    path = work / "CHANGED/clef/seed_0/test_5_6/scores/age.npz"
    content = dict(np.load(path))
    np.savez(path, scores=content["scores"], records=content["records"][::-1])
    with pytest.raises(ValueError, match="scores of other records"):
        script.main(command(work, "CHANGED"))


def test_a_measure_that_the_corpus_cannot_answer_costs_no_training(script, work):
    (work / "wrong.yaml").write_text(
        yaml.safe_dump(COMPARISON | {"measures": {"x": {"kind": "probe", "label_set": "colour"}}, "differences": []})
    )
    arguments = command(work, "NONE")
    arguments[1] = str(work / "wrong.yaml")
    with pytest.raises(ValueError, match="colour"):
        script.main(arguments)
    assert not (work / "NONE").exists()
