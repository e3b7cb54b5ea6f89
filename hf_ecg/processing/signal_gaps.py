"""Stretches of a record in which no lead of the model has a signal: false in the sample mask, and said to be."""

import logging
from collections.abc import Mapping

from ..said_once import first_time
from ..signals.missing import without_signal
from .steps.step_base import WaveformBatch

logger = logging.getLogger(__name__)


def mark_gaps(batch: WaveformBatch, names: Mapping[int, str]) -> None:
    """Marks them in `gaps` and in the sample mask; a row that has nothing else is left to what judges rows.

    Args:
        batch: with the model's leads, before missing samples are filled.
        names: of the records, by their `origin`.
    """
    found = without_signal(batch.signals, batch.sampling_rate, batch.lead_mask) & batch.sample_mask
    found &= (batch.sample_mask & ~found).any(1, keepdims=True)
    rows = found.any(1).nonzero()[0]
    if not len(rows):
        return
    batch.gaps, batch.sample_mask = batch.gaps | found, batch.sample_mask & ~found
    row = int(rows[0])
    if first_time("gaps"):
        logger.warning(
            "%s: no lead that the model reads has a signal for %g of %g s (missing, or one value repeated): masked, so"
            " that they count for nothing (said once)",
            *(names[int(batch.origin[row])], found[row].sum() / batch.sampling_rate),
            found.shape[1] / batch.sampling_rate,
        )
