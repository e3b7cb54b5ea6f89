"""From the samples that a model sees to those of the record."""

import numpy as np


def in_record_time(
    values: np.ndarray, start: float, sampling_rate: float, record_rate: float, num_samples: int
) -> tuple[np.ndarray, float]:
    """Spreads what belongs to samples of a row over the record's samples, so that sums stay what they are.

    Each sample stands for the time from half a period before it to half a period behind it.

    Args:
        values: (leads, samples) of one row.
        start: seconds from the record's beginning to the row's first sample.
        sampling_rate: hertz of the row.
        record_rate, num_samples: of the record.

    Returns:
        float64 (leads, num_samples), and the sum of what lies beside the record, on padding.

    Example:
        >>> from hf_ecg.explanation.record_time import in_record_time
        >>> found, outside = in_record_time(np.array([[1.0, 2.0]]), 0.0, 100, 200, 4)
        >>> found.round(3).tolist(), round(outside, 3)
        ([[0.75, 0.75, 1.0, 0.5]], 0.0)
    """
    values = np.asarray(values, dtype=np.float64)
    edges = start + (np.arange(values.shape[1] + 1) - 0.5) / sampling_rate
    wanted = (np.arange(num_samples + 1) - 0.5) / record_rate
    # what half a period reaches over the record's ends belongs to its first and last sample
    reach = 0.5 / sampling_rate
    wanted[0], wanted[-1] = wanted[0] - reach, wanted[-1] + reach
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    found = np.diff(np.stack([np.interp(wanted, edges, lead) for lead in sums]), axis=1)
    return found, float(values.sum() - found.sum())
