"""Objectives over environments, as options of fine-tuning."""

import itertools

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch.nn import functional as F

from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.engine import Engine
from hf_ecg.training.environment_objective import OBJECTIVES
from hf_ecg.training.finetune import finetuning_recipe
from hf_ecg.training.loading import batch_sampler
from hf_ecg.training.methods import build_method
from hf_ecg.training.processes import prepare_torch
from hf_ecg.training.rows import load_sources
from tests.training.test_finetune import ZSCORE, data, save_encoder  # noqa: F401

QUICK = ["run.epochs=1", "run.batch_size=16", "run.num_workers=0", "run.num_threads=1", "validation.minimum=2"]
BY_FOLD = "data.environments={by: [{column: fold, cuts: [2, 4]}]}"


def of(tmp_path, data, objective, *overrides, **options):  # noqa: F811
    source = save_encoder(tmp_path / "encoder", ZSCORE)
    options = {"label_sets": ["superdiagnostic"]} | options
    asked = [] if objective is None else [BY_FOLD, f"method.options.objective={objective}"]
    return finetuning_recipe(source, overrides=[*data, *QUICK, *asked, *overrides], **options)


def one_step(recipe, progress=0.5):
    """Its loss and gradient, without dropout and views, and the batch."""
    prepare_torch(recipe.run)
    parts = build_parts(recipe)
    engine = Engine(parts.model, recipe, Accelerator(cpu=True), objective=parts.objective)
    engine.bare.eval()
    batch = parts.collator(parts.rows.__getitems__(next(iter(batch_sampler(recipe, parts)))))
    loss = engine.objective(engine.model, batch, progress)
    loss.backward()
    return loss.item(), engine, batch


def risks(engine, batch):
    """Environment -> its mean loss, with the logits and the features."""
    model = engine.bare
    seen = []
    hook = model.classifier.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    logits = model(**{name: value for name, value in batch.items() if name not in ("environments", "labels")}).logits
    hook.remove()
    numbers = batch["environments"]
    places = {number: numbers == number for number in sorted(set(numbers.tolist()))}

    def risk(rows):
        return F.binary_cross_entropy_with_logits(logits[rows], batch["labels"][rows]).item()

    return {number: risk(rows) for number, rows in places.items()}, seen[0].detach(), places


def test_without_one_nothing_changes_and_erm_is_the_model_s_own_loss(tmp_path, data):  # noqa: F811
    plain, engine, batch = one_step(of(tmp_path, data, None))
    assert "environments" not in batch and engine.objective.state_dict() == {}
    erm, engine, batch = one_step(of(tmp_path, data, "{name: erm}"))
    assert erm == pytest.approx(plain) and batch["environments"].unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["balanced", "v_rex", "coral", "group_dro"])
def test_it_is_risk_and_penalty_by_hand(tmp_path, data, name):  # noqa: F811
    loss, engine, batch = one_step(of(tmp_path, data, f"{{name: {name}, weight: 2.0, warmup: 1.0, step_size: 0.5}}"))
    found, features, places = risks(engine, batch)
    own = list(found.values())
    mean = sum(own) / 3
    wanted = mean
    if name == "v_rex":
        wanted = mean + sum((one - mean) ** 2 for one in own) / 3  # half of the weight of 2 by now
    elif name == "coral":
        spreads = [torch.cov(features[rows].T) for rows in places.values()]
        pairs = [(a - b).square().sum().item() / (4 * len(a) ** 2) for a, b in itertools.combinations(spreads, 2)]
        wanted = mean + sum(pairs) / 3
    elif name == "group_dro":
        grown = torch.tensor(own).mul(0.5).softmax(0)
        wanted = (grown * torch.tensor(own)).sum().item()
        torch.testing.assert_close(engine.state()["objective"]["weights"], grown)
    assert loss == pytest.approx(wanted, rel=1e-5)
    assert all(p.grad is not None for p in engine.bare.parameters())


def test_the_penalty_rises_from_nothing_and_great_weights_do_not_lengthen_steps(tmp_path, data):  # noqa: F811
    recipe = of(tmp_path, data, "{name: irm, weight: 100.0, warmup: 0.5}")
    first, engine, batch = one_step(recipe, progress=0.0)
    found, *_ = risks(engine, batch)
    assert first == pytest.approx(sum(found.values()) / 3, rel=1e-5)
    assert [engine.objective.weight(part) for part in (0, 0.25, 0.5, 1)] == [0, 50, 100, 100]
    full, _, _ = one_step(recipe, progress=1.0)
    assert full < first


def test_a_run_trains_resumes_and_says_what_it_did(tmp_path, data):  # noqa: F811
    told = {"frozen": True, "covariates": ["fold"]}
    recipe = of(tmp_path, data, "{name: group_dro, step_size: 0.1}", "run.epochs=2", **told)
    pretrain(recipe, tmp_path / "run")
    weights = load_file(tmp_path / "run" / "model.safetensors")
    (tmp_path / "run" / "model.safetensors").unlink()
    pretrain(recipe, tmp_path / "run", resume=True)
    again = load_file(tmp_path / "run" / "model.safetensors")
    assert all(torch.equal(value, again[name]) for name, value in weights.items())
    card = (tmp_path / "run" / "README.md").read_text()
    assert "- the head is told fold beside the waveform" in card
    assert "- objective `group_dro` over environments by fold" in card
    assert set(OBJECTIVES) >= {"irm", "conditional_mmd"}


def test_rows_of_kept_environments_alone_train_and_select(tmp_path, data):  # noqa: F811
    kept = "data.environments={by: [{column: patient_id}], kept: [patient_id patient-2, patient_id patient-4]}"
    recipe = of(tmp_path, data, None, kept)
    sources, judged = load_sources(recipe.data, build_method(recipe.method, recipe.data), with_validation=True)
    for rows in (sources[0], judged[0][1]):
        assert set(rows["patient_id"][:]) == {"patient-2", "patient-4"}
    with pytest.raises(ValueError, match=r"environments.kept names 'fold >= 5'.*; the rows are of"):
        build_parts(of(tmp_path, data, None, "data.environments={by: [{column: fold, cuts: [5]}], kept: [fold >= 5]}"))
    with pytest.raises(ValueError, match=r"has no column 'sxe'"):
        build_parts(of(tmp_path, data, "{name: irm}", "data.environments={by: [{column: sxe}]}"))


@pytest.mark.parametrize(
    "overrides, message",
    [
        (["method.options.objective={name: irm}"], "objective is irm, which wants data.environments"),
        (["method.options.objective={name: irn}", BY_FOLD], "objective.name is 'irn'"),
        (["method.options.objective={name: irm, warmup: 2.0}", BY_FOLD], "warmup is 2.0"),
        (
            ["method.options.objective={name: irm}", "data.environments={by: [{column: age, cuts: [50]}]}"],
            "wants two environments or more",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, data, overrides, message):  # noqa: F811
    with pytest.raises(ValueError, match=message):
        build_parts(of(tmp_path, data, None, *overrides))


def test_a_gradient_that_knows_the_model_s_loss_alone_is_refused(tmp_path, data):  # noqa: F811
    with pytest.raises(ValueError, match="objective takes run.gradient plain"):
        one_step(of(tmp_path, data, "{name: irm}", "run.compile=true"))
