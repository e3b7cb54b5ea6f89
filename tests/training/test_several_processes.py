"""Two gloo processes: accumulation and FSDP2 against what they stand for, and runs that are stopped and resumed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from hf_ecg.training import load_recipe, pretrain
from hf_ecg.training.tracking import read_log

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
    text_recipe["run"] |= {"num_workers": 0, "ema_decay": 0.9}
    return text_recipe


def command(recipe, folder, *more):
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]
    script = ["train/pretrain.py", "--config", str(recipe), "--output_dir", str(folder), *more]
    return [sys.executable, *launch, *script]


def run(repository, recipe, folder, *more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        command(recipe, folder, *more),
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    # the files are the result: torchrun's own exit can fail after all work is done
    assert (folder / "config.json").exists(), done.stderr[-3000:]
    return load_file(folder / "model.safetensors")


def assert_close(first, second, tolerance):
    for name, value in first.items():
        assert (value - second[name]).abs().max() <= tolerance * max(1.0, float(value.abs().max())), name


def test_two_processes_with_accumulation_are_one_with_the_whole_batch(label_recipe, write, tmp_path, repository):
    label_recipe["model"] = {
        "class": "ECGResNeXtForECGClassification",
        "config": {key: value for key, value in ENCODER.items() if key != "model_type"},
    }
    label_recipe["data"]["label_sets"] = ["superdiagnostic"]
    label_recipe["run"] |= {"epochs": 1, "num_workers": 0}
    recipe = write(label_recipe)
    two = run(repository, recipe, tmp_path / "two", "run.accumulation=2")
    pretrain(load_recipe(recipe), tmp_path / "one")
    assert_close(load_file(tmp_path / "one" / "model.safetensors"), two, 1e-6)
    assert json.loads((tmp_path / "two/checkpoints/last/progress.json").read_text())["num_processes"] == 2


def test_a_sharded_run_is_the_replicated_one_and_resumes(sharing_recipe, write, tmp_path, repository):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    script = [str(Path(__file__).parent / "two_ranks.py"), str(write(sharing_recipe)), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [*launch, *script], cwd=repository, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert (tmp_path / "cut" / "config.json").exists(), done.stderr[-3000:]
    replicated, sharded, cut = (
        load_file(tmp_path / name / "model.safetensors") for name in ("replicated", "sharded", "cut")
    )
    assert_close(replicated, sharded, 1e-6)
    curves = [[line["loss"] for line in read_log(tmp_path / name)] for name in ("replicated", "sharded", "cut")]
    assert curves[1] == pytest.approx(curves[0], rel=1e-5) and len(curves[0]) == 16
    for rank in range(2):
        assert "after step 5 of 14" in (tmp_path / f"stopped_{rank}.txt").read_text()
    assert all((cut[name] == value).all() for name, value in sharded.items()) and curves[2] == curves[1]


def test_sharding_wants_several_processes(sharing_recipe, write, tmp_path):
    with pytest.raises(ValueError, match="run.sharding is fsdp2, but a single process"):
        pretrain(load_recipe(write(sharing_recipe), ["run.sharding=fsdp2"]), tmp_path / "out")
