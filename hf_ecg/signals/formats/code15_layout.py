"""The layout of CODE-15%'s HDF5 files: `tracings` (exams, samples, 12) and `exam_id` (exams,).

Source: Ribeiro et al., Zenodo 4916206. Its files say neither rate nor unit; PhysioNet's own preparation takes the
numbers as millivolts.
"""

import numpy as np

from ..leads import STANDARD_LEADS

RATE = 400.0


def is_layout(tracings: tuple[int, ...] | None, exams: tuple[int, ...] | None) -> bool:
    """Whether data sets of these shapes are tracings and one exam_id each."""
    return tracings is not None and len(tracings) == 3 and tracings[2] == len(STANDARD_LEADS) and exams == tracings[:1]


def without_padding(tracing: np.ndarray) -> np.ndarray:
    """(12, recorded samples) of (samples, 12): shorter exams have zeros on both sides. Of zeros alone none is left."""
    recorded = np.flatnonzero((tracing != 0).any(axis=1))
    return tracing[recorded[0] : recorded[-1] + 1].T if len(recorded) else tracing[:0].T
