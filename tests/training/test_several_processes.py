"""Two gloo processes: accumulation and FSDP2 against what they stand for, and runs that are stopped and resumed."""

import json

import pytest
import yaml
from safetensors.torch import load_file

from hf_ecg.training import load_recipe, pretrain
from hf_ecg.training.log_file import read_log
from tests.processes import run_ranks
from tests.training import two_ranks

RESNEXT = {"num_leads": 12, "num_samples": 100, "sampling_rate": 100, "widths": [8, 16], "depths": [1, 1]}
ENCODER = {"model_type": "ecg_resnext", "group_width": 4, "kernel_size": 6, **RESNEXT}

pytestmark = pytest.mark.distributed


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def sharing_recipe(text_recipe) -> dict:
    """A dual encoder whose text tower has blocks to shard, without BatchNorm and dropout; scalars stay whole."""
    text_recipe["model"]["config"]["ecg_config"] = dict(ENCODER)
    text_recipe["freeze"] = ["text_model"]
    text_recipe["method"]["options"] |= {"true_texts": True, "extra_texts": 100, "single_sentence_probability": 1.0}
    text_recipe["validation"]["batch_size"] = 8
    # Adam would blow rounding errors of gradients near zero up
    text_recipe["optimizer"] |= {"name": "sgd", "momentum": 0.9}
    text_recipe["run"] |= {"num_workers": 0, "ema_decay": 0.9, "epochs": 1}
    return text_recipe


@pytest.fixture
def taught_recipe(sharing_recipe) -> dict:
    """A student and a momentum teacher that follows it fast."""
    sharing_recipe["model"] = {
        "class": "ECGForContrastivePreTraining",
        "config": {
            "ecg_config": dict(ENCODER),
            "loss_type": "moco_v3",
            "predictor_hidden_size": 8,
            "projection_dim": 8,
        }
        | {"teacher_momentum": 0.5, "teacher_momentum_end": 0.9},
    }
    del sharing_recipe["processor"]["tokenizer"]
    sharing_recipe["method"] = {"name": "view_pairs", "options": {"views": [{"name": "gaussian_noise", "rms": 0.2}]}}
    sharing_recipe["data"].pop("columns", None)
    return sharing_recipe | {"freeze": [], "validation": None}


def train(recipe, overrides, folder):
    """What each rank does."""
    pretrain(load_recipe(recipe, overrides), folder)


def assert_close(first, second, tolerance):
    for name, value in first.items():
        assert (value - second[name]).abs().max() <= tolerance * max(1.0, float(value.abs().max())), name


def test_two_processes_with_accumulation_are_one_with_the_whole_batch(label_recipe, write, tmp_path):
    label_recipe["model"] = {
        "class": "ECGResNeXtForECGClassification",
        "config": {key: value for key, value in ENCODER.items() if key != "model_type"},
    }
    label_recipe["data"]["label_sets"] = ["superdiagnostic"]
    label_recipe["run"] |= {"epochs": 1, "num_workers": 0}
    recipe = write(label_recipe)
    run_ranks(train, recipe, ["run.accumulation=2"], tmp_path / "two")
    pretrain(load_recipe(recipe), tmp_path / "one")
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert_close(one, two, 1e-6)
    assert json.loads((tmp_path / "two/checkpoints/last/progress.json").read_text())["num_processes"] == 2


@pytest.mark.parametrize("recipe", ["sharing_recipe", pytest.param("taught_recipe", marks=pytest.mark.large)])
def test_a_sharded_run_is_the_replicated_one_and_resumes(recipe, request, write, tmp_path):
    run_ranks(two_ranks.main, write(request.getfixturevalue(recipe)), tmp_path)
    replicated, sharded, cut = (
        load_file(tmp_path / name / "model.safetensors") for name in ("replicated", "sharded", "cut")
    )
    assert_close(replicated, sharded, 1e-6)
    curves = [[line["loss"] for line in read_log(tmp_path / name)] for name in ("replicated", "sharded", "cut")]
    assert curves[1] == pytest.approx(curves[0], rel=1e-5) and len(curves[0]) >= 7
    for rank in range(2):
        assert "after step 5 of 7" in (tmp_path / f"stopped_{rank}.txt").read_text()
    assert all((cut[name] == value).all() for name, value in sharded.items()) and curves[2] == curves[1]


def test_sharding_wants_several_processes(sharing_recipe, write, tmp_path):
    with pytest.raises(ValueError, match="run.sharding is fsdp2, but a single process"):
        pretrain(load_recipe(write(sharing_recipe), ["run.sharding=fsdp2"]), tmp_path / "out")
