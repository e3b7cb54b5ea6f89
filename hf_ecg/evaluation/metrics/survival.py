"""How well a risk orders the times of events, where some records were lost from sight before theirs."""

import numpy as np

SURVIVAL_METRICS = {"c_index": True}
# pairs that are compared at a time
_PAIRS = 1 << 22


def concordance_index(time, event, risk, weights=None) -> np.ndarray:
    """Harrell's concordance: of the pairs whose order is known, the share in which the earlier event has more risk.

    The order of two records is known when the one with the shorter time had its event: the other had none until then.
    At equal times, an event comes before a record that was last seen then, and two events have no order. Equal risks
    count a half. A random risk has 0.5. How many are lost from sight, and when, changes it: compare figures on the
    same rows only.

    Args:
        time: (rows,), of the event, or when a record was last seen.
        event: (rows,), 1 for an event and 0 for a record that was lost from sight.
        risk: (rows,), more of it for an earlier event.
        weights: (replicates, rows), how often each row counts; None counts each once.

    Returns:
        float64 (replicates,); NaN where the order of no pair is known.

    Raises:
        ValueError: other shapes, numbers that are not finite, an event that is neither 0 nor 1.

    Source:
        Harrell et al., Multivariable prognostic models, Statistics in Medicine 15, 1996, section 5.5.

    Example:
        >>> from hf_ecg.evaluation.metrics.survival import concordance_index
        >>> concordance_index(time=[100, 200, 300], event=[1, 0, 1], risk=[0.9, 0.2, 0.4]).tolist()
        [1.0]
    """
    time, event, risk = (np.asarray(values, dtype=np.float64) for values in (time, event, risk))
    if time.ndim != 1 or not time.shape == event.shape == risk.shape:
        raise ValueError(f"time, event and risk have shapes {time.shape}, {event.shape}, {risk.shape}, wanted (rows,)")
    if not (np.isfinite(time).all() and np.isfinite(risk).all()) or not np.isin(event, (0, 1)).all():
        raise ValueError("time or risk is not finite, or an event neither 0 nor 1; leave rows that are not known out")
    weights = np.ones((1, len(time))) if weights is None else np.asarray(weights, dtype=np.float64)
    events, at_once = np.flatnonzero(event), max(1, _PAIRS // max(1, len(time)))
    concordant, known = np.zeros(len(weights)), np.zeros(len(weights))
    for start in range(0, len(events), at_once):
        rows = events[start : start + at_once]
        later = (time > time[rows, None]) | ((time == time[rows, None]) & (event == 0))
        ordered = np.where(risk < risk[rows, None], 1.0, np.where(risk == risk[rows, None], 0.5, 0.0)) * later
        known += ((weights[:, rows] @ later) * weights).sum(axis=1)
        concordant += ((weights[:, rows] @ ordered) * weights).sum(axis=1)
    return np.divide(concordant, known, out=np.full(len(weights), np.nan), where=known > 0)


def survival_figures(time, event, risk, weights=None) -> dict[str, np.ndarray]:
    """Figures of `SURVIVAL_METRICS`, as `bootstrap_figures` takes them; see `concordance_index`."""
    return {"c_index": concordance_index(time, event, risk, weights)}


def risk_of_logits(logits: np.ndarray) -> np.ndarray:
    """What a survival model's logits (rows, intervals) say of a record's risk: the hazard summed over all intervals.

    It orders records as the probability of an event until the last break does, and stays apart where that is 1 to all
    digits.
    """
    return np.logaddexp(0, -np.asarray(logits, dtype=np.float64)).sum(axis=-1)
