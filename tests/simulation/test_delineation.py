"""What was commanded comes back from an independent delineator: 2 beats a minute, 10 ms, 10 degrees."""

import importlib.util
from pathlib import Path

import pytest

from hf_ecg.simulation import simulate_ecg

pytest.importorskip("neurokit2", reason="neurokit2 comes with the extra dev")
_SPEC = importlib.util.spec_from_file_location("delineation", Path(__file__).with_name("delineation.py"))
delineation = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(delineation)

# Neither a left bundle-branch block nor fibrillation is here: without Q, S or P neurokit2 finds no boundary, on real
# records either. test_conditions.py measures their QRS by its slope, and their rhythm by the beats.
RUNS = [
    (("sinus_rhythm",), {"heart_rate": 70, "pr_ms": 150, "qrs_ms": 90, "qt_ms": 390, "axis_degrees": 30}),
    (("sinus_rhythm",), {"heart_rate": 88, "pr_ms": 130, "qrs_ms": 100, "qt_ms": 350, "axis_degrees": 60}),
    (("sinus_bradycardia",), {"heart_rate": 52, "pr_ms": 180, "qrs_ms": 85, "qt_ms": 430, "axis_degrees": 45}),
    # at this rate it finds no S, and so no end of QRS
    (("sinus_tachycardia",), {"heart_rate": 110, "pr_ms": 125, "qt_ms": 320}),
    (("first_degree_av_block",), {"heart_rate": 65, "pr_ms": 260, "qrs_ms": 95, "qt_ms": 400, "axis_degrees": 15}),
    (
        ("right_bundle_branch_block",),
        {"heart_rate": 72, "pr_ms": 165, "qrs_ms": 138, "qt_ms": 420, "axis_degrees": 85},
    ),
    # no S either where the last forces go up
    (("inferior_infarction",), {"heart_rate": 70, "pr_ms": 155, "qt_ms": 395}),
    # no lead that it is asked in has an upright T: no QT
    (("left_ventricular_hypertrophy",), {"heart_rate": 75, "pr_ms": 160, "qrs_ms": 104, "axis_degrees": 20}),
]


@pytest.mark.filterwarnings("ignore::Warning:neurokit2")
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("conditions", "commanded"), RUNS, ids=[run[0][0] for run in RUNS])
def test_commanded_values_come_back(conditions, commanded, seed):
    ecg = simulate_ecg(conditions, 500, 6.0, seed=seed, noise=0.0, **commanded)
    found = delineation.delineate(ecg)
    assert found["heart_rate"] == pytest.approx(commanded["heart_rate"], abs=2)
    for name in ("pr_ms", "qrs_ms", "qt_ms"):
        if name in commanded:
            assert found[name] == pytest.approx(commanded[name], abs=10), name
    if "axis_degrees" in commanded:
        assert delineation.angle_between(found["axis_degrees"], commanded["axis_degrees"]) <= 10
