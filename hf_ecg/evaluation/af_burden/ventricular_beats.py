"""Beats that come from elsewhere: their shape is another one, and intervals around them tell nothing of the rhythm.

A ventricular beat comes early, and the next one is waited for; where there are many of them, intervals are as uneven
as in atrial fibrillation. Aberrant and paced beats among others count as such too. Where ventricular beats are the
commonest of a window, the others are left out.
"""

import numpy as np

from ...signals.delineation.beats import RATE, band_passed, find_beats
from ...signals.missing import fill_missing
from ...signals.resampling import resample
from .window_quality import JudgedWindow

# Marks of beats are moved to the same place of QRS when they are compared.
_SAME_BEAT_S = 0.12


def of_another_shape(window: JudgedWindow) -> np.ndarray:
    """bool (beats,): those whose QRS does not look like the commonest of the window (`delineation.find_beats`).

    A beat at an end of the window is not compared, and counts as one of the commonest shape.
    """
    values = window.record.to_millivolts()[list(window.used)]
    filled = fill_missing(values - np.nanmedian(values, axis=1, keepdims=True))
    signal = band_passed(resample(filled, window.record.sampling_rate, RATE, "polyphase"))
    marks = np.rint(window.beats * RATE).astype(np.int64)
    found = find_beats(signal, marks)
    others = found.marks[~found.usual]
    if not len(others):
        return np.zeros(len(marks), bool)
    return np.abs(marks[:, None] - others).min(axis=1) <= _SAME_BEAT_S * RATE
