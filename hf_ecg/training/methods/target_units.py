"""Middle and scale of numbers over the training rows, as a configuration holds them."""

from collections.abc import Sequence

import numpy as np
from transformers.utils import logging

logger = logging.get_logger(__name__)

# Of a normal distribution, the range between its quartiles in standard deviations.
_QUARTILES = 1.349


def target_units(
    values: np.ndarray, targets: Sequence[str], robust: bool = False, constant: bool = False
) -> dict[str, list[float]]:
    """Middle and scale of each target over the rows that know it, as a configuration holds them.

    Args:
        values: (rows, targets), NaN where not known.
        targets: their names.
        robust: median, and the range between the quartiles over 1.349; the standard deviation where the quartiles are
            equal. Else mean and standard deviation.
        constant: take targets that are never known, or the same in all rows; the log says how many.

    Raises:
        ValueError: a target that no row knows or that is the same in all, unless `constant`.
    """
    middles, scales, empty = [], [], []
    for target, column in zip(targets, values.T, strict=True):
        known = column[np.isfinite(column)]
        if len(known) == 0 or known.std() == 0:
            if not constant:
                raise ValueError(
                    f"the training rows have {len(set(known))} different values of {target}, wanted several"
                )
            empty.append(target)
            middles.append(float(known[0]) if len(known) else 0.0)
            scales.append(1.0)
            continue
        quartiles = np.quantile(known, (0.25, 0.5, 0.75)) if robust else np.zeros(3)
        wide = float(quartiles[2] - quartiles[0]) / _QUARTILES
        middles.append(float(quartiles[1] if robust else known.mean()))
        scales.append(wide if wide > 0 else float(known.std()))
    if empty:
        logger.warning("%d of %d targets say nothing in the training rows: %s", len(empty), len(targets), empty[:5])
    return {"target_mean": middles, "target_scale": scales}
