"""The simulation's known answer, and its command."""

import json

import numpy as np
import pytest

from hf_ecg.cli.application import application
from hf_ecg.studies.shift.processes import INSIDE, OUTSIDE, PROCESSES, draw
from hf_ecg.studies.shift.shift_report import mean_interval
from hf_ecg.studies.shift.simulated import TRUTH, WITH_COVARIATES, Simulation, simulate

STABLE = [name for name, process in PROCESSES.items() if process.stable]
SHIFTED = "P(Y|C) shifts"
QUICK = {"seeds": (0,), "rows": 500, "steps": 60}


@pytest.fixture(scope="module")
def losses():
    """(process, system) -> log loss outside."""
    systems = ("ERM, X", WITH_COVARIATES, "IRM, X")
    found = simulate(Simulation(processes=("d = 0", SHIFTED), systems=systems, **QUICK))
    return {(one["process"], one["system"]): one["outside"]["log_loss"] for one in found}


def test_the_processes_are_those_of_the_specification():
    assert list(PROCESSES) == ["base", "d = 0", "g = 0", "confounder", SHIFTED] and STABLE == list(PROCESSES)[:3]
    generator = np.random.default_rng(0)
    for process in PROCESSES.values():
        for mean in (*INSIDE, *OUTSIDE):
            sample = draw(process, mean, 4000, generator)
            assert sample.c.mean() == pytest.approx(mean, abs=0.06)
            outside = mean in OUTSIDE and process.intercept_outside is not None
            prior = sample.c * process.slope + (process.intercept_outside if outside else process.intercept)
            if not process.confounding:
                assert sample.y.mean() == pytest.approx((1 / (1 + np.exp(-prior))).mean(), abs=0.03)
                # the true logit is calibrated, and no other number of it is better
                probability = 1 / (1 + np.exp(-sample.truth))
                assert probability.mean() == pytest.approx(sample.y.mean(), abs=0.02)
                healthy = sample.x[sample.y == 0] - np.outer(sample.c[sample.y == 0], process.covariate)
                assert np.abs(healthy.mean(0)).max() < 0.15 and healthy.std(0) == pytest.approx(np.ones(10), abs=0.12)


@pytest.mark.parametrize("process", ["d = 0"])  # of the stable ones; docs/results has all
def test_with_stable_mechanisms_covariates_win_outside_and_invariance_loses(losses, process):
    told = losses[process, WITH_COVARIATES]
    assert told < losses[process, TRUTH] + 0.1
    for other in ("ERM, X", "IRM, X"):
        assert losses[process, other] > told + 0.02, other


def test_with_another_prior_they_do_not_suffice(losses):
    assert losses[SHIFTED, WITH_COVARIATES] > losses[SHIFTED, TRUTH] + 0.2
    assert losses[SHIFTED, WITH_COVARIATES] > losses[SHIFTED, "ERM, X"]


def test_it_is_a_function_of_the_seed():
    asked = Simulation(processes=("base",), systems=("group DRO, X", "CORAL, X"), seeds=(3,), rows=60, steps=3)
    assert simulate(asked) == simulate(asked)


def test_the_command_writes_the_table_over_seeds(tmp_path):
    arguments = ["study", "shift", "--simulate", "--seeds", "0,1", "--rows", "40", "--output_dir", str(tmp_path)]
    application([*arguments, "--steps", "2"], standalone_mode=False)
    report = json.loads((tmp_path / "simulation.json").read_text())
    assert [process["name"] for process in report["processes"]] == list(PROCESSES)
    base = report["processes"][0]
    figures = base["systems"]["IRM, X"]["outside"]["log_loss"]
    assert figures["low"] <= figures["value"] <= figures["high"]
    entry = next(entry for entry in base["differences"] if entry["first"] == "IRM, X")
    told = base["systems"][WITH_COVARIATES]["outside"]["log_loss"]["value"]
    assert entry["outside"]["log_loss"]["value"] == pytest.approx(figures["value"] - told)
    page = (tmp_path / "simulation.md").read_text()
    assert "they are not stable" in page and f"| {TRUTH} |" in page


def test_intervals_of_means_are_student_s():
    # of 1, 2, 3: the mean 2, its standard error 1 / sqrt(3), and 4.303 of 2 degrees of freedom
    found = mean_interval([1.0, 2.0, 3.0])
    assert found["value"] == 2 and found["high"] - 2 == pytest.approx(4.303 / 3**0.5)
    assert mean_interval([5.0]) == {"value": 5.0, "low": 5.0, "high": 5.0}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"systems": ("IRM",)}, r"no system 'IRM'.*only ERM, X"),
        ({"processes": ("bas",)}, r"no process 'bas' \(did you mean 'base'\?\)"),
        ({"seeds": ()}, "0 seeds"),
    ],
)
def test_what_is_not_there_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Simulation(**options)
