"""One step whatever the model: micro-batches, cached gradients, clipping, factors, hooks, batches that do not fit."""

import math
import os
import signal

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.engine import Engine
from hf_ecg.training.loading import batch_sampler
from hf_ecg.training.log_file import read_log
from hf_ecg.training.processes import prepare_torch
from tests.training.watched import WatchedTextModel, watch

RESNEXT = {"num_leads": 12, "num_samples": 100, "sampling_rate": 100, "widths": [8, 16], "depths": [1, 1]}


@pytest.fixture
def plain_recipe(label_recipe) -> dict:
    """A classifier without BatchNorm and dropout, on a label set that every record is annotated for."""
    label_recipe["model"] = {
        "class": "ECGResNeXtForECGClassification",
        "config": {"group_width": 4, "kernel_size": 6, **RESNEXT},
    }
    label_recipe["data"]["label_sets"] = ["superdiagnostic"]
    label_recipe["run"] |= {"epochs": 1, "num_workers": 0}
    return label_recipe


@pytest.fixture
def contrastive_recipe(plain_recipe) -> dict:
    """SimCLR in double precision: the loss sees all records of a step."""
    encoder = {"model_type": "ecg_resnext", "group_width": 4, "kernel_size": 6, **RESNEXT}
    plain_recipe["model"] = {
        "class": "ECGForContrastivePreTraining",
        "config": {"ecg_config": encoder, "loss_type": "info_nce"},
    }
    plain_recipe["data"]["label_sets"] = []
    plain_recipe["method"]["name"] = "view_pairs"
    plain_recipe["validation"] = None
    return plain_recipe


def trained(recipe, folder):
    pretrain(recipe, folder)
    return load_file(folder / "model.safetensors")


def assert_close(first, second, tolerance=1e-6):
    for name, value in first.items():
        assert (value - second[name]).abs().max() <= tolerance * max(1.0, float(value.abs().max())), name


def test_accumulation_gives_the_whole_batch(plain_recipe, recipe_of, tmp_path):
    whole = trained(recipe_of(plain_recipe), tmp_path / "whole")
    parts = trained(recipe_of(plain_recipe, run__accumulation=4), tmp_path / "parts")
    assert_close(whole, parts)
    losses = [
        [line["loss"] for line in read_log(tmp_path / name) if line["kind"] == "train"] for name in ("whole", "parts")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.fixture
def text_pairs_recipe(text_recipe) -> dict:
    """A dual encoder without BatchNorm, its text tower frozen: dropout would be drawn for other rows."""
    encoder = {"model_type": "ecg_resnext", "group_width": 4, "kernel_size": 6, **RESNEXT}
    text_recipe["model"]["config"]["ecg_config"] = encoder
    text_recipe["freeze"], text_recipe["validation"] = ["text_model"], None
    text_recipe["run"] |= {"epochs": 1, "num_workers": 0}
    text_recipe["method"]["options"] = {"true_texts": True, "single_sentence_probability": 0.5}
    return text_recipe


@pytest.mark.parametrize("kind", ["contrastive_recipe", "text_pairs_recipe"])
def test_cached_gradients_are_those_of_the_whole_batch(request, recipe_of, tmp_path, kind):
    content = request.getfixturevalue(kind)
    whole = trained(recipe_of(content), tmp_path / "whole")
    cached = trained(recipe_of(content, run__accumulation=4, run__gradient="cached"), tmp_path / "cached")
    assert_close(whole, cached, 2e-6)
    plain = trained(recipe_of(content, run__accumulation=4), tmp_path / "plain")
    with pytest.raises(AssertionError):
        assert_close(whole, plain, 1e-4)  # the loss of a micro-batch compares fewer records


def test_cached_gradients_repeat_the_random_numbers_of_a_model(text_pairs_recipe, recipe_of, tmp_path):
    """Dropout in both passes is the same, or the gradient would be of another network than the loss."""
    text_pairs_recipe["model"]["config"]["projection_dropout"] = 0.5
    plain = trained(recipe_of(text_pairs_recipe), tmp_path / "plain")
    cached = trained(recipe_of(text_pairs_recipe, run__gradient="cached"), tmp_path / "cached")
    assert_close(plain, cached)
    quiet = trained(recipe_of(text_pairs_recipe, model__config__projection_dropout=0.0), tmp_path / "quiet")
    with pytest.raises(AssertionError):
        assert_close(plain, quiet, 1e-4)


def test_a_model_without_a_loss_on_embeddings_has_no_cached_gradients(plain_recipe, recipe_of, tmp_path):
    with pytest.raises(ValueError, match="ECGResNeXtForECGClassification has no loss on embeddings"):
        pretrain(recipe_of(plain_recipe, run__gradient="cached"), tmp_path / "out")


def first_step(recipe):
    """The engine and its parameters before and after one step."""
    prepare_torch(recipe.run)
    parts = build_parts(recipe)
    engine = Engine(parts.model, recipe, Accelerator())
    before = {name: value.detach().clone() for name, value in engine.bare.named_parameters()}
    batch = parts.collator(parts.rows.__getitems__(next(iter(batch_sampler(recipe, parts)))))
    result = engine.step([batch], 0, 10)
    return result, before, dict(engine.bare.named_parameters())


def test_gradients_are_clipped(plain_recipe, recipe_of):
    sgd = {"name": "sgd", "momentum": 0.0, "lr": 1.0, "weight_decay": 0.0}
    schedule = {"name": "constant", "warmup_ratio": 0.0}
    norms = {}
    for limit in (None, 1e-3):
        recipe = recipe_of(plain_recipe, optimizer=sgd | {"max_grad_norm": limit}, schedule=schedule)
        result, before, after = first_step(recipe)
        moved = torch.stack([(before[name] - after[name]).square().sum() for name in before]).sum().sqrt().item()
        norms[limit] = (result.grad_norm.item(), moved)
    assert norms[None][1] == pytest.approx(norms[None][0], rel=1e-4)
    # what is logged is the norm before clipping
    assert norms[1e-3][0] == pytest.approx(norms[None][0], rel=1e-5) and norms[1e-3][1] == pytest.approx(
        1e-3, rel=1e-3
    )


def test_a_groups_learning_rate_is_its_factor_times_the_schedules(plain_recipe, recipe_of):
    sgd = {"name": "sgd", "momentum": 0.0, "lr": 0.5, "weight_decay": 0.0, "max_grad_norm": None}
    schedule = {"name": "constant", "warmup_ratio": 0.0}
    _, before, plain = first_step(recipe_of(plain_recipe, optimizer=sgd, schedule=schedule))
    groups = [{"parameters": ["classifier"], "lr_factor": 3.0}]
    _, _, faster = first_step(recipe_of(plain_recipe, optimizer=sgd | {"groups": groups}, schedule=schedule))
    for name in before:
        factor = 3.0 if name.startswith("classifier") else 1.0
        torch.testing.assert_close(
            faster[name] - before[name], factor * (plain[name] - before[name]), rtol=1e-4, atol=1e-8
        )


def test_after_step_is_called_with_the_step(text_recipe, recipe_of, tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(WatchedTextModel, "after_step", lambda self, step: steps.append(step))
    pretrain(recipe_of(watch(text_recipe), run__max_steps=5, validation=None), tmp_path / "out")
    assert steps == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"method": {"name": "view_pairs"}, "data__label_sets": []},
            r"method view_pairs makes the inputs \['return_loss', 'second_input_values', .*forward does not take",
        ),
        ({"method": {"name": "waveforms"}, "data__label_sets": []}, "gives no loss for the inputs .*does not fit"),
    ],
)
def test_a_method_that_does_not_fit_the_model_is_refused(plain_recipe, recipe_of, tmp_path, changes, message):
    folder = tmp_path / "out"
    pretrain(recipe_of(plain_recipe, run__max_steps=1, validation=None), folder)
    before = sorted(folder.rglob("*"))
    with pytest.raises(ValueError, match=message):
        pretrain(recipe_of(plain_recipe, **changes, validation=None), folder, overwrite=True)
    assert sorted(folder.rglob("*")) == before  # the run that was there is still there


def test_texts_for_a_model_without_a_text_tower_are_refused(text_recipe, recipe_of, tmp_path):
    text_recipe["model"] = {"class": "ECGResNeXtModel", "config": {"group_width": 4, "kernel_size": 6, **RESNEXT}}
    with pytest.raises(ValueError, match=r"ECGResNeXtModel.forward does not take .*: the method does not fit"):
        pretrain(recipe_of(text_recipe, validation=None), tmp_path / "out")


@pytest.mark.parametrize(("name", "options"), [("adam", {"beta2": 0.95}), ("sgd", {}), ("lars", {}), ("lamb", {})])
def test_optimisers_by_name(plain_recipe, recipe_of, tmp_path, name, options):
    if name in ("lars", "lamb"):
        pytest.importorskip("pytorch_optimizer")
    recipe = recipe_of(plain_recipe, optimizer={"name": name, "lr": 1e-2, **options}, run__max_steps=3)
    prepare_torch(recipe.run)
    before = {key: value.clone() for key, value in build_parts(recipe).model.state_dict().items()}
    after = trained(recipe, tmp_path / "out")
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(value, before[key]) for key, value in after.items())


def test_a_validation_of_a_stochastic_objective_repeats(text_recipe, recipe_of, tmp_path):
    """A frozen model whose loss draws random numbers also in evaluation: every epoch measures the same."""
    noisy = watch(text_recipe, noise=True)
    noisy["freeze"] = ["ecg_model", "text_model", "text_projection"]
    noisy["optimizer"]["lr"] = 1e-12
    pretrain(recipe_of(noisy, run__epochs=3), tmp_path / "out")
    losses = [line["loss"] for line in read_log(tmp_path / "out") if line["kind"] == "validation"]
    assert len(losses) == 3 and losses[0] == pytest.approx(losses[1], rel=1e-9) == pytest.approx(losses[2], rel=1e-9)
    steps = [line["loss"] for line in read_log(tmp_path / "out") if line["kind"] == "train"]
    assert len(set(steps)) == len(steps)


def test_sigterm_saves_and_the_run_resumes_bit_for_bit(text_recipe, recipe_of, tmp_path, monkeypatch):
    watch(text_recipe)
    pretrain(recipe_of(text_recipe), tmp_path / "whole")
    monkeypatch.setattr(
        WatchedTextModel, "after_step", lambda self, step: os.kill(os.getpid(), signal.SIGTERM) if step == 9 else None
    )
    with pytest.raises(InterruptedError, match=r"SIGTERM after step 10 of 14: .*checkpoints/last .*--resume latest"):
        pretrain(recipe_of(text_recipe, run__num_workers=2), tmp_path / "cut")
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    pretrain(recipe_of(text_recipe), tmp_path / "cut", resume=True)
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert models[0] == models[1]


def test_the_gradient_norm_of_a_log_is_finite(plain_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(plain_recipe, run__max_steps=2), tmp_path / "out")
    assert all(math.isfinite(line["grad_norm"]) for line in read_log(tmp_path / "out") if line["kind"] == "train")
