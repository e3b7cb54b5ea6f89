"""Headers that were published with a gain that is known to be wrong."""

from collections.abc import Sequence

import numpy as np

from .wfdb_header import SignalLine

# Georgia's records as the PhysioNet/CinC Challenge 2020 published them say 4,880 counts a millivolt; the Challenge
# 2021 published the same samples with 1,000, which gives amplitudes of an ECG.
_CHALLENGE_2020_GAIN, _CHALLENGE_2021_GAIN = 4880.0, 1000.0
_CHALLENGE_OFFSET = 24


def corrected_gains(gain: np.ndarray, lines: Sequence[SignalLine]) -> tuple[np.ndarray, list[str]]:
    """The gains (counts a millivolt) that hold, and in words what was changed."""
    if not all(
        value == _CHALLENGE_2020_GAIN
        and line.file.endswith(".mat")
        and (line.format, line.offset) == (16, _CHALLENGE_OFFSET)
        for value, line in zip(gain, lines, strict=True)
    ):
        return gain, []
    told = (
        f"the gain is that of the Challenge 2020, {_CHALLENGE_2020_GAIN:g}/mV: the Challenge 2021 corrected it to"
        f" {_CHALLENGE_2021_GAIN:g}/mV for the same samples, which is taken"
    )
    return np.full_like(gain, _CHALLENGE_2021_GAIN), [told]
