"""The script as people start it: killed, on two processes, on processes that are not connected; and its recipes."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml
from accelerate.commands.launch import launch_command, launch_command_parser

from hf_ecg.cli import call
from hf_ecg.models.ecg_resnext.configuration_ecg_resnext import SIZES
from hf_ecg.training import load_recipe, pretrain
from hf_ecg.training.log_file import read_log
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe import parse_recipe
from tests.processes import FORK, run_ranks


@pytest.fixture
def write_recipe(tmp_path):
    def write(content, name="recipe"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def train_in_child(recipe, folder, resume):
    """What train/pretrain.py does, in a process of its own."""
    torch.set_num_threads(1)
    os.close(2)  # progress bars
    os.open(os.devnull, os.O_WRONLY)
    pretrain(load_recipe(recipe), folder, resume=resume)


def finished_steps(folder):
    path = folder / "checkpoints" / "last" / "progress.json"
    try:
        return json.loads(path.read_text())["step"]
    except (OSError, ValueError):  # not there, or just being replaced
        return 0


def use_extra_texts(text_recipe, number=3):
    text_recipe["model"]["config"] |= {"standardise_text": True, "text_whitening": 0.5, "text_weighting": "distinct"}
    text_recipe["method"]["options"] |= {"true_texts": True, "extra_texts": number, "rare_sentence_power": 1.0}


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.large)])
def test_killed_at_random_moments_and_resumed(text_recipe, write_recipe, tmp_path, workers):
    """A checkpoint after every step: many of the kills hit its writing."""
    use_extra_texts(text_recipe)
    text_recipe["run"] |= {"checkpoint_every_steps": 1, "ema_decay": 0.9, "num_workers": workers, "epochs": 3}
    recipe = write_recipe(text_recipe)

    def start(folder, resume):
        child = FORK.Process(target=train_in_child, args=(recipe, folder, resume))
        child.start()
        return child

    whole = start(tmp_path / "whole", False)
    chance, kills, started = random.Random(workers), 0, []
    for target in (1, 6, 13):
        child = start(tmp_path / "cut", kills > 0)
        while finished_steps(tmp_path / "cut") < target and child.is_alive():
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.06))
        kills += child.is_alive()
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        started.append(child)
    assert kills == 3 and finished_steps(tmp_path / "cut") < 21
    last = start(tmp_path / "cut", True)
    for child in (whole, last):
        child.join()
        assert child.exitcode == 0
    for name in ("model.safetensors", "encoder/model.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    losses = [
        [(line["step"], line["kind"], line["loss"]) for line in read_log(tmp_path / n)] for n in ("whole", "cut")
    ]
    assert losses[0] == losses[1]
    assert not [path for path in (tmp_path / "cut").rglob("*") if path.name.endswith((".incomplete", ".previous"))]


@pytest.mark.distributed
@pytest.mark.parametrize("launched", [False, pytest.param(True, marks=pytest.mark.large)])
def test_two_processes_train_as_one_with_the_whole_batch(text_recipe, write_recipe, tmp_path, repository, launched):
    """Losses, validation and weights; BatchNorm is frozen, since it sees each process's rows alone."""
    use_extra_texts(text_recipe, number=100)  # all that there are, on both processes
    model = build_model(parse_recipe(text_recipe).model)
    norms = [name for name, module in model.named_modules() if isinstance(module, torch.nn.BatchNorm2d)]
    text_recipe["freeze"] = ["text_model", *norms]
    text_recipe["validation"]["batch_size"] = 8
    recipe = write_recipe(text_recipe)
    arguments = ["--config", str(recipe), "--output_dir", str(tmp_path / "two")]
    if launched:
        start = "from accelerate.commands.accelerate_cli import main; main()"
        launcher = ["launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0", "train/pretrain.py"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
        line = [sys.executable, "-c", start, *launcher, *arguments]
        done = subprocess.run(line, cwd=repository, env=environment, capture_output=True, text=True)
        # the files are the result: the launcher's own exit can fail after all work is done
        assert (tmp_path / "two" / "config.json").exists(), done.stderr[-3000:]
    else:
        run_ranks(call, "pretrain", arguments)
    pretrain(load_recipe(recipe), tmp_path / "one")
    assert json.loads((tmp_path / "two/checkpoints/last/progress.json").read_text())["num_processes"] == 2
    curves = [[line["loss"] for line in read_log(tmp_path / name)] for name in ("one", "two")]
    assert len(curves[0]) == 16
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)


def test_processes_that_are_not_connected_are_refused(text_recipe, write_recipe, tmp_path, monkeypatch):
    left = {}

    class Started:
        """What the launcher would start: its environment is what matters."""

        returncode = 0

        def __init__(self, command, env):
            left.update(env)

        def wait(self):
            return 0

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", Started)
        launch_command(launch_command_parser().parse_args(["--cpu", "--num_processes", "2", "train/pretrain.py"]))
    for name in left.keys() - os.environ.keys():
        monkeypatch.setenv(name, left[name])
    with pytest.raises(ValueError, match="at least 2 processes were asked for, 1 is connected"):
        pretrain(load_recipe(write_recipe(text_recipe)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_supervised_twin_differs_in_the_objective_only(repository):
    text, labels = (load_recipe(repository / f"train/recipes/{name}.yaml") for name in ("clep_ptb_xl", "bce_ptb_xl"))
    network = {key: value for key, value in text.model.config["ecg_config"].items() if key != "model_type"}
    assert network == {key: value for key, value in labels.model.config.items() if key != "problem_type"}
    assert text.processor.feature_extractor == labels.processor.feature_extractor
    assert text.method.options["views"] == labels.method.options["views"]
    # rates of their own are for what a classifier does not have
    named = {name for group in text.optimizer.groups for name in group.parameters}
    assert named <= {"logit_scale", "logit_bias", "text_projection"}
    assert dataclasses.replace(text.optimizer, groups=[]) == labels.optimizer
    assert (text.schedule, text.run) == (labels.schedule, labels.run)
    assert text.data.sources == labels.data.sources


def test_clep_has_the_papers_values(repository):
    """arXiv 2505.11939: AdamW 2e-5, decay 1e-4, batch 100, 10 epochs, cosine, 10 % warm-up, t' = log 10, b = -10."""
    recipe = load_recipe(repository / "train/recipes/clep.yaml")
    assert (recipe.optimizer.lr, recipe.optimizer.weight_decay) == (2e-5, 1e-4)
    assert (recipe.run.batch_size, recipe.run.epochs, recipe.run.num_processes) == (100, 10, 2)
    assert (recipe.schedule.name, recipe.schedule.warmup_ratio) == ("cosine", 0.1)
    with torch.device("meta"):
        config = build_model(type(recipe.model)(recipe.model.class_, recipe.model.config)).config
    assert config.logit_scale_init_value == pytest.approx(torch.tensor(10.0).double().log().item())
    assert (config.logit_bias_init_value, config.loss_type, config.mitigation_weight) == (-10, "clep", 0.5)
    assert recipe.freeze == [] and recipe.model.init_from["text_model"] == "emilyalsentzer/Bio_ClinicalBERT"


@pytest.mark.parametrize("size", list(SIZES))
def test_clef_has_the_released_values(repository, size):
    """specs of the released code: AdamW 1e-4, decay 5e-4, batch 64, 100 epochs, restarts after 10 epochs, T 0.07."""
    recipe = load_recipe(repository / f"train/recipes/clef_{size}.yaml")
    network = recipe.model.config["ecg_config"]
    assert {key: network[key] for key in SIZES[size]} == SIZES[size]
    assert (recipe.optimizer.lr, recipe.optimizer.weight_decay, recipe.optimizer.max_grad_norm) == (1e-4, 5e-4, None)
    assert (recipe.run.batch_size, recipe.run.epochs, recipe.run.seed) == (64, 100, 42)
    schedule = recipe.schedule
    assert schedule.first_cycle_ratio * recipe.run.epochs == pytest.approx(10)
    assert (schedule.name, schedule.cycle_growth) == ("cosine_restarts", 2)
    assert schedule.final_ratio * recipe.optimizer.lr == pytest.approx(1e-6)
    assert recipe.model.config["temperature"] == 0.07 and recipe.method.options["same_lead_probability"] == 0.8
