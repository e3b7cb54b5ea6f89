"""The measured verifier over a corpus: what the rules say of the features asked of each ECG."""

from itertools import pairwise

import datasets
import numpy as np

from ...clinical.feature_rules.answers import KEPT, REJECTED
from ...clinical.feature_rules.measured import feature_margin
from ...data.measured_rows import measured_values
from ...files import ArrayStore
from .pairs import FeaturePairs


def measured_answers(
    dataset: datasets.Dataset,
    pairs: FeaturePairs,
    num_proc: int = 1,
    cache: ArrayStore | None = None,
    progress: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """What the measurements of each ECG say of the features asked of it.

    Args:
        dataset: rows of a corpus; all are measured, see `measured_values`.
        pairs: what is asked.
        num_proc: processes that measure.
        cache: of an earlier run with the same rows, see `measured_rows.measurement_store`.
        progress: show a progress bar.

    Returns:
        int8 (pairs,): `UNDECIDED`, `REJECTED` or `KEPT`; and float32 (pairs,): scores, NaN where there is none.
    """
    return answers_of(measured_values(dataset, num_proc, cache, progress), pairs)


def answers_of(values: np.ndarray, pairs: FeaturePairs) -> tuple[np.ndarray, np.ndarray]:
    """`measured_answers` of what was measured already: float64 (rows, `MEASUREMENT_NAMES`)."""
    from ...signals.delineation import measurements_of

    state, score = np.zeros(len(pairs), dtype=np.int8), np.full(len(pairs), np.nan, dtype=np.float32)
    for row, (start, stop) in enumerate(pairwise(pairs.bounds.tolist())):
        if start == stop:
            continue
        measurements = measurements_of(values[row])
        for place in range(start, stop):
            margin, keep = feature_margin(measurements, pairs.names[pairs.features[place]])
            if not np.isnan(margin):
                state[place], score[place] = KEPT if keep else REJECTED, margin
    return state, score
