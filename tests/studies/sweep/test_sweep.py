import copy
import json
import signal
import time

import pytest
import yaml

from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.evaluation import prompt_scores
from hf_ecg.evaluation.options import IntervalOptions
from hf_ecg.recipes_found import SWEEPS, find_recipe, recipe_names
from hf_ecg.studies.sweep.sweep_run import SweepOptions, run_sweep
from hf_ecg.studies.sweep.sweep_scores import SweptRows, run_scores
from hf_ecg.studies.sweep.sweep_spec import arm_recipe, load_sweep
from hf_ecg.training import step_costs
from hf_ecg.training.recipe import load_recipe
from hf_ecg.training.step_costs import StepCosts, measure_costs
from tests.evaluation import tiny
from tests.train.test_compare import RECIPE

SMALL = IntervalOptions(20, 0, 2)
QUICK = SweepOptions(minutes=0.005)


@pytest.fixture
def sweep_file(tmp_path, label_recipe):
    label_recipe["run"] |= {"num_workers": 0}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(label_recipe))

    def write(arms, **changes):
        content = {"title": "Tiny sweep", "recipe": "recipe.yaml", "arms": arms} | changes
        (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(content))
        return tmp_path / "sweep.yaml"

    return write


def test_as_many_epochs_as_fit():
    costs = StepCosts(step=0.5, steps_per_epoch=10, validation=1.0, first_validation=3.0)
    assert costs.fitting(20.0) == (3, None)  # 2 for the preparation, 6 an epoch
    assert costs.fitting(7.9) == (1, 9) and costs.fitting(0.0) == (1, 1)


def test_every_arm_is_trained_once_and_judged(sweep_file, corpus, tmp_path):
    narrow = {"overrides": ["model.config.widths=[4,8]"]}
    path = sweep_file({"as written": {}, "narrow": narrow})
    options = SweepOptions(minutes=0.005, intervals=SMALL)
    report = run_sweep(path, str(corpus), tmp_path / "out", options)
    wide, thin = report["arms"]
    assert thin["parameters"] < wide["parameters"] and thin["epochs"] >= 1
    assert list(wide["figures"]) == ["superdiagnostic", "mean"]
    value = wide["figures"]["mean"]
    assert value["low"] <= value["value"] <= value["high"] and wide["differences"]["mean"]["value"] == 0
    assert report["data"]["folds"] == {"train": [1, 2, 3, 4], "validation": [5]}
    page = (tmp_path / "out" / "sweep.md").read_text()
    assert "| narrow |" in page and (tmp_path / "out" / "sweep.png").is_file()
    # the length is in the run's own recipe, from which it can be repeated
    folder = tmp_path / "out" / "narrow" / "seed_0"
    assert load_recipe(folder / "recipe.yaml").run.epochs == thin["epochs"]
    assert not (folder / "checkpoints").exists()

    stamp = (folder / "config.json").stat().st_mtime_ns
    plan = json.loads((folder.parent / "plan.json").read_text())
    assert plan["costs"]["step"] > 0
    again = run_sweep(path, str(corpus), tmp_path / "out", options)
    assert again["arms"] == report["arms"] and (folder / "config.json").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match=r"another sweep \(minutes 0.005, wanted 0.5\)"):
        run_sweep(path, str(corpus), tmp_path / "out", SweepOptions(minutes=0.5, intervals=SMALL))


def test_an_arm_that_cannot_be_measured_is_named(sweep_file, corpus, tmp_path):
    wild = {"overrides": ["optimizer.lr=1.0e+30"]}
    with pytest.raises(ValueError, match="wild: the model gives NaN"):
        run_sweep(sweep_file({"wild": wild}), str(corpus), tmp_path / "out", QUICK)


def test_a_sweep_that_is_asked_to_end_while_it_measures_ends(sweep_file, corpus, tmp_path, monkeypatch):
    clock = time.perf_counter
    monkeypatch.setattr(step_costs, "_READ", {"wall": lambda: (signal.raise_signal(signal.SIGTERM), clock())[1]})
    with pytest.raises(InterruptedError, match="stopped by SIGTERM while the steps were measured"):
        run_sweep(sweep_file({"a": {}}), str(corpus), tmp_path / "out", QUICK)


@pytest.mark.parametrize(
    "arms, changes, message",
    [
        ({"a": {"overrides": ["run.epochs=3"]}}, {}, "the length of the run, which the time decides"),
        ({"a": {"overrides": ["run.seed=3"]}}, {}, "would set the seed"),
        ({"a": {"overrides": ["model.config.width=[2]"]}}, {}, "arm 'a'.*widths|width"),
        ({"a b": {}, "a_b": {}}, {}, "would share a folder"),
        ({}, {}, "wanted at least one setting"),
        ({"a": {}, "b": {"overrides": ["data.sources.0.folds.validation=[6]"]}}, {}, "the same in every arm"),
        ({"a": {"overrides": ["validation=null"]}}, {}, "its validation is None"),
        ({"a": {}}, {"metric": "x"}, "unknown key metric"),
    ],
)
def test_mistakes_are_told_before_the_first_step(sweep_file, corpus, tmp_path, arms, changes, message):
    with pytest.raises(ValueError, match=message):
        run_sweep(sweep_file(arms, **changes), str(corpus), tmp_path / "out", QUICK)
    assert not list((tmp_path / "out").glob("*/seed_*"))


def test_loader_processes_have_another_clock(sweep_file, corpus):
    sweep = load_sweep(sweep_file({"a": {"overrides": ["run.num_workers=1"]}}))
    recipe = arm_recipe(sweep, "a", sweep_file({"a": {}}).parent, [f"data.sources.0.path={corpus}"])
    for clock, message in (("cpu", "does not see loader processes"), ("moon", "wanted one of wall, cpu")):
        with pytest.raises(ValueError, match=message):
            measure_costs(recipe, clock)


@pytest.mark.parametrize("name", recipe_names(SWEEPS))
def test_the_packaged_sweeps_name_recipes_that_are_there(name):
    path = find_recipe(name, SWEEPS)
    sweep = load_sweep(path)
    for arm in sweep.arms:
        assert arm_recipe(sweep, arm, path.parent).validation is not None


def test_encoders_without_labels_are_judged_by_a_probe_and_those_that_diverge_left_out(tmp_path):
    tiny.write_corpus(tmp_path / "corpus", whole=tiny.dataset(480))
    content = copy.deepcopy(RECIPE) | {"data": {"sources": [{"folds": {"train": [1, 2, 3], "validation": [4]}}]}}
    content["model"]["config"]["loss_type"] = "info_nce"
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(content))
    arms = {"a": {}, "wild": {"overrides": ["optimizer.lr=1.0e+30"]}}
    options = SweepOptions(minutes=0.005, clock="cpu", intervals=IntervalOptions(20, 0, 3))

    def run(names):
        chosen = {name: arms[name] for name in names}
        sweep = {"title": "Probes", "recipe": "recipe.yaml", "arms": chosen, "probe": ["rhythm"]}
        (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
        return run_sweep(tmp_path / "sweep.yaml", str(tmp_path / "corpus"), tmp_path / "out", options)

    report = run(["a", "wild"])
    (arm,) = report["arms"]
    assert 0 < arm["figures"]["rhythm, probe"]["value"] < 1 and (arm["epochs"], arm["max_steps"] or 1) >= (1, 1)
    assert list(report["models"]) == ["a"] and "wild is left out" in (tmp_path / "out" / "sweep.md").read_text()
    with pytest.raises(FloatingPointError, match="the loss is"):
        run(["wild"])  # nothing is left to subtract from


def test_no_setting_is_chosen_by_what_is_held_out_nor_by_untrained_prompts(text_recipe, recipe_of, tmp_path):
    folder, corpus = tmp_path / "run", tiny.write_corpus(tmp_path / "corpus")
    (corpus / "summary.json").write_text(json.dumps({"hold_out": ["PVC"]}))
    model, processor = tiny.dual_encoder(seed=3), tiny.processor()
    for part in (model, processor):
        part.save_pretrained(folder)
    facts = {"trained_texts": ["atrial fibrillation", "sinus rhythm"]}
    (folder / "training_facts.json").write_text(json.dumps(facts))
    asked = {"AFIB": ["atrial fibrillation", "ventricular premature complex"], "SR": ["sinus rhythm"]}
    rhythm = tiny.save_prompts(tmp_path / "rhythm.yaml", aggregate="mean", classes=asked)
    prompts = [str(rhythm), str(tiny.save_prompts(tmp_path / "form.yaml", "form"))]
    source = {"path": str(corpus), "folds": {"train": [1, 2], "validation": [9]}}
    validation = {"name": "label_text", "prompts": prompts, "metric": "macro_auroc", "greater_is_better": True}
    recipe = recipe_of(text_recipe, data__sources=[source], validation=validation)
    found = run_scores(recipe, folder, SweptRows(recipe))
    assert list(found) == ["rhythm"] and found["rhythm"].class_names == ["AFIB", "SR"]
    known = load_prompts(tiny.save_prompts(tmp_path / "known.yaml", aggregate="mean"))
    rows = SweptRows(recipe).validation
    assert found["rhythm"].scores == pytest.approx(prompt_scores(model, processor, rows, known), abs=1e-6)
