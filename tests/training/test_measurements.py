"""Pretraining on a column of measurements: an output for each, missing ones masked, and what the card calls it."""

import json
import shutil

import datasets
import numpy as np
import pytest
from datasets import List, Value
from transformers import AutoModel

from hf_ecg import AutoModelForECGClassification
from hf_ecg.training import pretrain
from hf_ecg.training.methods.targets import target_units

NAMES = ["heart_rate", "qrs", "never", "pr"]


@pytest.fixture
def measured(corpus, tmp_path):
    """The tiny corpus with four measurements, the third of which nobody knows."""
    folder = tmp_path / "measured"
    shutil.copytree(corpus, folder)
    (file,) = folder.glob("tiny_100hz/*.parquet")
    rows = datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "cache"))
    values = np.random.default_rng(0).normal([60, 90, 0, 150], [10, 5, 1, 20], (len(rows), 4))
    values[:, 2] = np.nan
    values[::3, 3], values[5] = np.nan, np.nan
    features = datasets.Features({"measurements": List(Value("float32"), length=4)})
    column = datasets.Dataset.from_dict({"measurements": values.tolist()}, features=features)
    datasets.concatenate_datasets([rows, column], axis=1).to_parquet(str(file))
    (folder / "summary.json").write_text(json.dumps({"measurement_names": NAMES}))
    return folder


def test_a_run_regresses_every_measurement(measured, text_recipe, recipe_of, tmp_path, caplog):
    text_recipe["model"] = {
        "class": "ECGResNetForECGClassification",
        "config": {"num_leads": 1, "num_samples": 100, "sampling_rate": 100, "widths": [8], "depths": [1]},
    }
    extractor = {"sampling_rate": 100, "leads": ["I"], "num_samples": 100, "steps": [{"name": "pick_lead"}]}
    text_recipe["processor"] = {"feature_extractor": extractor}
    text_recipe["data"] = {
        "sources": [{"path": str(measured), "config": "tiny_100hz", "folds": {"train": [1, 2, 3], "validation": [4]}}],
        "targets": ["measurements"],
    }
    options = {"robust": True, "loss": "smooth_l1", "limit": 4.0}
    text_recipe["method"] = {"name": "targets", "options": options}
    text_recipe["validation"] = {"name": "loss", "metric": "loss", "greater_is_better": False}
    metrics = pretrain(recipe_of(text_recipe, run__num_workers=0), tmp_path / "out")
    assert np.isfinite(metrics["loss"])
    model = AutoModelForECGClassification.from_pretrained(tmp_path / "out")
    config = model.config
    assert list(config.id2label.values()) == NAMES
    assert (config.regression_loss, config.target_limit) == ("smooth_l1", 4.0)
    assert (config.target_mean[2], config.target_scale[2]) == (0.0, 1.0)
    assert any("1 of 4 targets say nothing in the training rows: ['never']" in line for line in caplog.messages)
    assert AutoModel.from_pretrained(tmp_path / "out/encoder").config.hidden_size == 8
    assert "**Weakly supervised**" in (tmp_path / "out/README.md").read_text()


def test_the_middle_of_many_is_not_moved_by_one():
    values = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, np.nan], [1000.0, 5.0]])
    units = target_units(values, ["a", "b"], robust=True, constant=True)
    assert units["target_mean"] == [3.0, 5.0]
    assert units["target_scale"] == [pytest.approx(2 / 1.349), 1.0]
    steps = target_units(np.array([[0.0], [0.0], [0.0], [0.0], [9.0]]), ["c"], robust=True)
    assert steps["target_scale"] == [pytest.approx(3.6)]  # the quartiles are equal


@pytest.mark.parametrize(
    ("option", "message"),
    [("loss: huber", "method.options.loss is 'huber'"), ("limit: 0", "method.options.limit is 0")],
)
def test_impossible_options_are_refused(text_recipe, recipe_of, option, message):
    key, value = option.split(": ")
    text_recipe["data"]["targets"] = ["age"]
    text_recipe["method"] = {"name": "targets", "options": {key: value if key == "loss" else int(value)}}
    from hf_ecg.training.build import build_parts

    with pytest.raises(ValueError, match=message):
        build_parts(recipe_of(text_recipe))
