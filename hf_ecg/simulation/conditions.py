"""The conditions: the heart vector's waves in each, the intervals that belong to it, and its SCP-ECG statement.

Templates were drawn for this simulator after textbook vectorcardiograms (septal, main and terminal vectors; Surawicz
and Knilans, Chou's Electrocardiography in Clinical Practice) and adjusted on drawings; no patient's data are in them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .waves import Wave

SINUS = ("sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia")
RHYTHMS = (*SINUS, "atrial_fibrillation")
BUNDLE_BRANCH_BLOCKS = ("left_bundle_branch_block", "right_bundle_branch_block")


@dataclass(frozen=True)
class Condition:
    """What is known of a condition by its name: its SCP-ECG codes as PTB-XL uses them."""

    codes: tuple[str, ...]


CONDITIONS = {
    "sinus_rhythm": Condition(("SR",)),
    "sinus_bradycardia": Condition(("SBRAD",)),
    "sinus_tachycardia": Condition(("STACH",)),
    "atrial_fibrillation": Condition(("AFIB",)),
    "ventricular_premature_complexes": Condition(("PVC",)),
    "first_degree_av_block": Condition(("1AVB",)),
    "left_bundle_branch_block": Condition(("CLBBB",)),
    "right_bundle_branch_block": Condition(("CRBBB",)),
    "left_ventricular_hypertrophy": Condition(("LVH",)),
    "inferior_infarction": Condition(("IMI",)),
    "st_depression": Condition(("ISC_", "STD_")),
}
# Neither sign can be read, or neither is drawn here, beside the other.
_EXCLUSIVE = (
    ("atrial_fibrillation", "first_degree_av_block"),
    BUNDLE_BRANCH_BLOCKS,
    ("left_bundle_branch_block", "left_ventricular_hypertrophy"),
    ("left_bundle_branch_block", "inferior_infarction"),
    ("left_bundle_branch_block", "st_depression"),
    ("right_bundle_branch_block", "left_ventricular_hypertrophy"),
    ("right_bundle_branch_block", "inferior_infarction"),
    ("inferior_infarction", "left_ventricular_hypertrophy"),
)
# Per minute: what a rhythm's name means, and the rates drawn for it.
RATE_MEANS = {
    "sinus_rhythm": (60.0, 100.0), "sinus_bradycardia": (30.0, 60.0), "sinus_tachycardia": (100.0, 180.0),
    "atrial_fibrillation": (40.0, 180.0),
}  # fmt: skip
RATE_DRAWN = {
    "sinus_rhythm": (61.0, 95.0), "sinus_bradycardia": (42.0, 58.0), "sinus_tachycardia": (103.0, 140.0),
    "atrial_fibrillation": (55.0, 135.0),
}  # fmt: skip
# Milliseconds: what may be commanded, and what is drawn.
PR_MEANS = {False: (110.0, 200.0), True: (200.0, 400.0)}
PR_DRAWN = {False: (125.0, 190.0), True: (220.0, 320.0)}
QRS_MEANS = {False: (70.0, 118.0), True: (120.0, 200.0)}

P = Wave.of((0.36, 0.145, 0.035, 0.085, -0.055), (0.62, 0.150, 0.075, 0.055, 0.050))
# Over the time from the end of QRS to the end of T.
_T_TIMES = ((0.60, 0.15, 0.35), (0.73, 0.105, 0.75))


@dataclass(frozen=True)
class Ventricles:
    """QRS over its duration, T and ST vectors (mV), frontal axes and durations (ms) that are drawn."""

    qrs: Wave
    t_vector: tuple[float, float, float]
    st_vector: tuple[float, float, float]
    axes: tuple[float, float]
    qrs_ms: tuple[float, float]


NORMAL = Ventricles(
    qrs=Wave.of(
        (0.22, 0.080, -0.11, 0.00, -0.30),
        (0.46, 0.100, 1.05, 0.75, 0.05),
        (0.66, 0.095, 0.25, 0.15, 0.60),
        (0.82, 0.065, -0.14, -0.10, 0.22),
    ),
    t_vector=(0.30, 0.22, -0.13),
    st_vector=(0.01, 0.01, -0.02),
    axes=(0.0, 75.0),
    qrs_ms=(80.0, 104.0),
)
LEFT_BLOCK = Ventricles(
    qrs=Wave.of(
        (0.17, 0.080, 0.30, 0.22, 0.18),
        (0.36, 0.100, 0.75, 0.38, 0.75),
        (0.56, 0.110, 0.60, 0.15, 1.05),
        (0.77, 0.085, 0.62, 0.00, 0.42),
    ),
    t_vector=(-0.30, -0.10, -0.42),
    st_vector=(-0.07, -0.03, -0.13),
    axes=(-35.0, 45.0),
    qrs_ms=(130.0, 168.0),
)
RIGHT_BLOCK = Ventricles(
    qrs=Wave.of(
        (0.14, 0.055, -0.10, 0.02, -0.30),
        (0.30, 0.070, 0.95, 0.72, 0.05),
        (0.43, 0.060, 0.20, 0.10, 0.55),
        (0.70, 0.100, -0.45, -0.05, -0.62),
    ),
    t_vector=(0.28, 0.20, 0.13),
    st_vector=(0.0, 0.0, 0.03),
    # net QRS: the terminal forces to the right are in it
    axes=(65.0, 110.0),
    qrs_ms=(124.0, 152.0),
)
HYPERTROPHY = Ventricles(
    qrs=Wave.of(
        (0.20, 0.075, -0.10, 0.00, -0.28),
        (0.45, 0.105, 1.65, 0.85, 0.20),
        (0.65, 0.100, 0.40, 0.15, 1.05),
        (0.83, 0.065, -0.10, -0.10, 0.25),
    ),
    t_vector=(-0.14, 0.02, -0.24),
    st_vector=(-0.06, -0.02, -0.06),
    axes=(-25.0, 60.0),
    qrs_ms=(90.0, 112.0),
)
INFERIOR_SCAR = Ventricles(
    qrs=Wave.of(
        (0.24, 0.110, 0.03, -0.46, -0.22),
        (0.62, 0.095, 0.95, 0.50, 0.12),
        (0.78, 0.080, 0.20, 0.16, 0.50),
    ),
    t_vector=(0.26, -0.15, -0.12),
    st_vector=(0.0, 0.01, 0.0),
    axes=(-30.0, 10.0),
    qrs_ms=(96.0, 112.0),
)
# A premature beat's own axis: from the outflow tract downwards, or from the left ventricle to the right.
PREMATURE = (
    Wave.of((0.25, 0.120, 0.30, 0.55, 0.35), (0.52, 0.130, 0.55, 1.30, 1.00), (0.76, 0.100, 0.20, 0.35, 0.55)),
    Wave.of((0.25, 0.120, -0.15, -0.45, -0.45), (0.52, 0.130, -0.75, -1.10, -0.85), (0.76, 0.100, -0.45, -0.30, -0.3)),
    Wave.of((0.25, 0.120, 0.35, -0.40, 0.25), (0.52, 0.130, 1.15, -0.85, 0.90), (0.76, 0.100, 0.45, -0.20, 0.55)),
)
PREMATURE_QRS_MS = (142.0, 178.0)
# Subendocardial ischaemia: away from the left ventricle's wall, towards aVR.
ISCHAEMIC_ST = np.array([-0.17, -0.13, 0.02])


def ventricles(conditions: Sequence[str]) -> Ventricles:
    """Waves of the first condition that changes them."""
    changed = {
        "left_bundle_branch_block": LEFT_BLOCK,
        "right_bundle_branch_block": RIGHT_BLOCK,
        "left_ventricular_hypertrophy": HYPERTROPHY,
        "inferior_infarction": INFERIOR_SCAR,
    }
    return next((changed[name] for name in conditions if name in changed), NORMAL)


def t_wave(vector: np.ndarray) -> Wave:
    """An asymmetric T wave: rises slowly, falls fast."""
    return Wave.of(*((center, width, *(share * vector)) for center, width, share in _T_TIMES))


def check_conditions(conditions: str | Iterable[str]) -> tuple[str, ...]:
    """Names of one patient's conditions, a rhythm first and the others in the table's order.

    Raises:
        ValueError: an unknown or doubled name, two rhythms, or conditions whose signs hide each other.
    """
    names = [conditions] if isinstance(conditions, str) else list(conditions)
    unknown = [name for name in names if name not in CONDITIONS]
    if unknown:
        raise ValueError(f"unknown conditions {unknown}, wanted some of {', '.join(CONDITIONS)}")
    if len(set(names)) < len(names):
        raise ValueError(f"a condition is named twice in {names}")
    rhythms = [name for name in names if name in RHYTHMS]
    if len(rhythms) > 1:
        raise ValueError(f"{rhythms} are {len(rhythms)} rhythms, wanted one")
    for pair in _EXCLUSIVE:
        if set(pair) <= set(names):
            raise ValueError(f"{pair[0]} and {pair[1]} hide each other's signs: simulate one of them")
    return tuple(name for name in CONDITIONS if name in names)


def statement_codes(conditions: Sequence[str]) -> list[str]:
    """SCP-ECG codes of checked conditions; NORM when there is nothing but a sinus rhythm."""
    codes = [code for name in conditions for code in CONDITIONS[name].codes]
    return ["NORM", *codes] if not set(conditions) - set(SINUS) else codes
