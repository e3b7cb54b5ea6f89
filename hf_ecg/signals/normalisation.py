"""Normalisation per lead or per record. It takes the voltage away: see `return_amplitude` of the extractor's step."""

from typing import Any

import numpy as np

from ._arrays import as_double, check_number

METHODS = ("zscore", "minmax", "rank", "divide")
# Of the largest value: a lead that varies by less is constant. Stored samples have 1e-7 at the best.
_ROUNDING = 1e-12


def normalise(
    signals: np.ndarray,
    method: str,
    over: str = "lead",
    lead_mask: np.ndarray | None = None,
    epsilon: float = 1e-8,
    divisor: float | None = None,
    minimum: float = 0.0,
    maximum: float = 1.0,
    ddof: int = 0,
) -> np.ndarray:
    """Rescale signals.

    "zscore": (x - mean) / (std + epsilon), with the population's std, or that of n - `ddof` samples. "minmax": from
    the smallest and largest value to `minimum` and `maximum`, the range enlarged by epsilon. "rank": each sample by
    its place among its lead's, -1 the smallest and 1 the largest; equal samples share the mean of their places.
    "divide": x / divisor. A constant lead becomes zero by the first and the third and `minimum` by the second, never
    NaN.

    Args:
        signals: (..., leads, samples).
        method: "zscore", "minmax", "rank" or "divide".
        over: "lead": each lead by its own statistics; "record": all present leads by common ones.
        lead_mask: bool (..., leads); false leads take no part in the statistics and pass as they are.
        epsilon: keeps the divisor from zero.
        divisor: of "divide".
        minimum, maximum: of "minmax".
        ddof: of "zscore", 0 or 1.

    Raises:
        ValueError: unknown method or range, no divisor, a negative epsilon, an empty range, ranks over a record,
            another ddof, NaN in a present lead, nothing present.
    """
    if method not in METHODS:
        raise ValueError(f"normalisation method is {method!r}, wanted one of {', '.join(METHODS)}")
    if over not in ("lead", "record"):
        raise ValueError(f"over is {over!r}, wanted lead or record")
    if method == "rank" and over != "lead":
        raise ValueError("normalisation rank is over each lead, not over a record")
    if ddof not in (0, 1):
        raise ValueError(f"ddof is {ddof!r}, wanted 0 or 1")
    check_number("epsilon", epsilon, positive=True, or_zero=True)
    check_number("minimum", minimum)
    check_number("maximum", maximum)
    signals, dtype = as_double(signals)
    if signals.ndim < 2:
        raise ValueError(f"signals have shape {signals.shape}, wanted (..., leads, samples)")
    present = np.ones(signals.shape[:-1], bool) if lead_mask is None else np.asarray(lead_mask, dtype=bool)
    present = np.broadcast_to(present, signals.shape[:-1])[..., None]
    if not np.isfinite(signals).all(where=present):
        raise ValueError(f"normalisation {method}: a present lead has NaN or infinite samples; fill them first")
    if method == "divide":
        check_number("divisor", divisor, positive=True)
        return _where_present(present, signals / divisor, signals).astype(dtype, copy=False)
    if method == "rank":
        from scipy.stats import rankdata  # half a second, for one method

        last = signals.shape[-1] - 1
        ranks = (2 * rankdata(np.where(present, signals, 0.0), axis=-1) - 2 - last) / max(last, 1)
        return _where_present(present, ranks, signals).astype(dtype, copy=False)
    axes = -1 if over == "lead" else (-2, -1)
    counted = present if over == "record" else np.ones_like(present)
    if over == "record" and not present.any(axis=-2).all():
        raise ValueError("normalisation over a record needs at least one present lead")
    options: dict[str, Any] = {"axis": axes, "keepdims": True, "where": np.broadcast_to(counted, signals.shape)}
    if counted.all():
        del options["where"]
    if method == "zscore":
        scale = signals.std(ddof=min(ddof, signals.shape[-1] - 1), **options) + epsilon
        if epsilon == 0:
            # rounding, of the mean or of a resampling, gives a constant lead a std of some 1e-17, which must not
            # become a unit
            high, low = signals.max(**options, initial=-np.inf), signals.min(**options, initial=np.inf)
            constant = high - low <= _ROUNDING * np.maximum(np.abs(high), np.abs(low))
            scale = np.where(constant, 0.0, scale)
        scaled = (signals - signals.mean(**options)) / _not_zero(scale)
        if not scale.all():
            scaled = np.where(scale == 0, 0.0, scaled)
    else:
        if not minimum < maximum:
            raise ValueError(f"minimum {minimum} is not below maximum {maximum}")
        low = signals.min(**options, initial=np.inf)
        high = signals.max(**options, initial=-np.inf)
        scaled = (signals - low) / _not_zero(high - low + epsilon) * (maximum - minimum) + minimum
    return _where_present(present, scaled, signals).astype(dtype, copy=False)


def _not_zero(scale: np.ndarray) -> np.ndarray:
    """A constant lead has no scale of its own; by 1 its zeros stay zeros."""
    return np.where(scale == 0, 1.0, scale)


def _where_present(present: np.ndarray, scaled: np.ndarray, signals: np.ndarray) -> np.ndarray:
    return scaled if present.all() else np.where(present, scaled, signals)
