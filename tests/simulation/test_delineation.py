"""What was commanded comes back from an independent delineator: 2 beats a minute, 10 ms, 10 degrees.

`delineation.py` says what is measured and how; nothing in it depends on the condition. Asked in one lead, neurokit2
finds no beginning or end of a QRS without Q or S, as in left bundle-branch block: there the block of the spatial
velocity stands in, as it does everywhere, and the slopes in test_conditions.py.

Not asked for: PR, QT and axis in atrial fibrillation. There is no P, and fibrillatory waves of some 0.1 mV, which the
median of thirty beats does not take out, run through the end of T and the level that the axis is counted from.
"""

import importlib.util
import math
from pathlib import Path

import pytest

from hf_ecg.simulation import simulate_ecg

pytest.importorskip("neurokit2", reason="neurokit2 comes with the extra dev")
_SPEC = importlib.util.spec_from_file_location("delineation", Path(__file__).with_name("delineation.py"))
delineation = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(delineation)

COLUMNS = ("heart_rate", "pr_ms", "qrs_ms", "qt_ms", "axis_degrees")
# A row for each seed, 0 to 4; NaN is drawn, and not measured.
DRAWN = math.nan
RUNS = {
    "sinus_rhythm": (
        (62, 120, 80, 420, -60), (70, 150, 90, 390, 0), (76, 165, 100, 380, 30), (82, 180, 105, 370, 60),
        (90, 195, 110, 345, 100),
    ),
    "sinus_bradycardia": (
        (42, 190, 80, 460, -30), (47, 120, 90, 440, 10), (50, 150, 100, 430, 45), (55, 180, 95, 420, 70),
        (58, 200, 110, 410, 100),
    ),
    "sinus_tachycardia": (
        (104, 120, 80, 330, -30), (110, 125, 90, 320, 0), (118, 140, 100, 310, 30), (125, 125, 95, 300, 60),
        (132, 120, 105, 295, 90),
    ),
    "first_degree_av_block": (
        (60, 210, 80, 400, -30), (65, 230, 90, 400, 0), (70, 250, 100, 390, 30), (75, 265, 95, 380, 60),
        (62, 280, 110, 410, 90),
    ),
    "ventricular_premature_complexes": (
        (62, 130, 80, 400, -20), (66, 150, 90, 390, 0), (70, 160, 100, 380, 30), (74, 170, 95, 375, 60),
        (78, 180, 105, 370, 90),
    ),
    "right_bundle_branch_block": (
        (62, 130, 122, 420, 60), (68, 150, 130, 410, 70), (72, 165, 140, 420, 85), (78, 180, 150, 400, 100),
        (85, 190, 160, 390, 110),
    ),
    "left_bundle_branch_block": (
        (62, 130, 122, 420, -40), (68, 150, 130, 415, -20), (72, 165, 140, 420, 0), (78, 180, 150, 410, 30),
        (85, 190, 160, 405, 50),
    ),
    "left_ventricular_hypertrophy": (
        (62, 130, 88, 420, -30), (68, 150, 95, 400, 0), (72, 160, 104, 390, 20), (78, 180, 110, 380, 40),
        (85, 190, 100, 360, 60),
    ),
    "inferior_infarction": (
        (62, 130, 95, 420, -30), (68, 150, 100, 400, -20), (72, 155, 105, 395, -10), (78, 180, 110, 380, 0),
        (85, 190, 100, 360, 10),
    ),
    "st_depression": (
        (62, 130, 80, 420, -20), (68, 150, 90, 400, 0), (72, 160, 100, 390, 30), (78, 180, 105, 380, 60),
        (85, 190, 95, 365, 80),
    ),
    "atrial_fibrillation": (
        (62, DRAWN, 80, DRAWN, DRAWN), (70, DRAWN, 90, DRAWN, DRAWN), (80, DRAWN, 100, DRAWN, DRAWN),
        (90, DRAWN, 95, DRAWN, DRAWN), (105, DRAWN, 105, DRAWN, DRAWN),
    ),
}  # fmt: skip
TOLERANCE = {"heart_rate": 2, "pr_ms": 10, "qrs_ms": 10, "qt_ms": 10, "axis_degrees": 10}


def deviations(condition, values, seed, noise):
    """What the delineator finds less what was commanded, and the delineator's answer."""
    commanded = {name: value for name, value in zip(COLUMNS, values, strict=True) if not math.isnan(value)}
    duration = 30.0 if condition == "atrial_fibrillation" else 10.0
    found = delineation.delineate(simulate_ecg(condition, 500, duration, seed=seed, noise=noise, **commanded))
    far = {name: abs(found[name] - value) for name, value in commanded.items()}
    if "axis_degrees" in far:
        far["axis_degrees"] = delineation.angle_between(found["axis_degrees"], commanded["axis_degrees"])
    return far, found


# Of each condition every other row clean, and the rows between them with light noise; -m large has all of both.
HALVES = [
    pytest.param(noise, rows, id=f"{word}, rows {' '.join(map(str, rows))}", marks=[pytest.mark.large] * large)
    for noise, word in ((0.0, "clean"), (0.3, "light noise"))
    for rows, large in (((0, 2, 4), noise > 0), ((1, 3), noise == 0))
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("noise", "rows"), HALVES)
@pytest.mark.parametrize("condition", RUNS)
def test_commanded_values_come_back(condition, noise, rows):
    for seed in rows:
        values = RUNS[condition][seed]
        far, found = deviations(condition, values, seed, noise)
        # a boundary that is not found is NaN, and no NaN is within a tolerance
        assert all(far[name] <= TOLERANCE[name] for name in far), (seed, values, far)
        assert condition != "atrial_fibrillation" or found["irregularity"] > 0.1
