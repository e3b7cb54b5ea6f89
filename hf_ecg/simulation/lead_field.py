"""From the heart vector to twelve leads: the lead matrix, a patient's own geometry, and the way to counts."""

import numpy as np

from ..signals.leads import CHEST_LEADS, STANDARD_LEADS, derive_limb_leads, select_leads

# Dower's matrix from Frank's x (left), y (feet), z (back) to eight leads: Dower, Machado, Osborne, On deriving the
# electrocardiogram from vectorcardiographic leads, Clin Cardiol 3:87 (1980).
INDEPENDENT_LEADS = ("I", "II", *CHEST_LEADS)
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
# Length of aVF's lead vector in Einthoven's triangle, whose side is lead I.
_AVF_LENGTH = np.sqrt(3) / 2
# Counts per millivolt: a power of two, so that counts and millivolts in float32 are the same numbers exactly.
GAIN = 1024


def limb_pair(matrix: np.ndarray) -> np.ndarray:
    """Rows of lead I and of aVF scaled to Einthoven's triangle (2, 3): their angle is the frontal axis."""
    return np.stack([matrix[0], (matrix[1] - matrix[0] / 2) / _AVF_LENGTH])


def axis_of(areas: np.ndarray, matrix: np.ndarray) -> float:
    """Frontal axis in degrees (0 to the left, 90 to the feet) of a net vector (3,), from its areas in I and aVF."""
    left, down = limb_pair(matrix) @ areas
    return float(np.degrees(np.arctan2(down, left)))


def frontal_turn(area: np.ndarray, matrix: np.ndarray, degrees: float) -> float:
    """Angle (radians) to turn a net vector about the z axis so that its frontal axis becomes `degrees`.

    Raises:
        ValueError: the vector is too nearly front-to-back for such an axis.
    """
    left, down = limb_pair(matrix)
    target = np.radians(degrees)
    # the component across the wanted axis must vanish: a cos(turn) + b sin(turn) + c = 0
    across = np.sin(target) * left - np.cos(target) * down
    a = across[0] * area[0] + across[1] * area[1]
    b = across[1] * area[0] - across[0] * area[1]
    c = across[2] * area[2]
    size = np.hypot(a, b)
    if abs(c) >= size:
        raise ValueError(
            f"no turn of the net QRS vector {area.round(3).tolist()} gives an axis of {degrees:g} degrees"
        )
    middle, spread = np.arctan2(b, a), np.arccos(-c / size)
    along = np.cos(target) * left + np.sin(target) * down
    turns = [middle - spread, middle + spread]
    return float(max(turns, key=lambda turn: along @ (turn_about_z(turn) @ area)))


def turn_about_z(angle: float) -> np.ndarray:
    """Rotation (3, 3) of the frontal plane, from left towards the feet."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def turn_about_y(angle: float) -> np.ndarray:
    """Rotation (3, 3) of the horizontal plane, from left towards the back."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])


def digitise(independent: np.ndarray) -> np.ndarray:
    """Twelve leads in counts from the eight independent ones in mV, Einthoven's and Goldberger's relations exact.

    Leads I and II are rounded to even counts: then III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2 and
    aVF = II - I / 2 are whole counts, and nothing is rounded twice.

    Args:
        independent: (8, samples) in the order of `INDEPENDENT_LEADS`.

    Returns:
        int16 (12, samples) in the standard order, `GAIN` counts per millivolt.

    Raises:
        ValueError: a voltage beyond int16 (32 mV, which no heart has).
    """
    counts = np.rint(independent * GAIN)
    counts[:2] = 2 * np.rint(independent[:2] * (GAIN / 2))
    every, names = derive_limb_leads(counts, INDEPENDENT_LEADS)
    every, _ = select_leads(every, names, STANDARD_LEADS)
    if np.abs(every).max(initial=0.0) > 32767:
        raise ValueError(
            f"a voltage of {np.abs(every).max() / GAIN:.1f} mV does not fit int16 at {GAIN} counts per mV"
        )
    return np.rint(every).astype(np.int16)
