"""Stretches of a record in which no lead of the model has a signal: false in the sample mask, and said to be."""

import logging
from collections.abc import Mapping

from ..said_once import first_time
from ..signals.missing import without_signal
from .on_purpose import purpose
from .steps.step_base import WaveformBatch

logger = logging.getLogger(__name__)


def mark_gaps(batch: WaveformBatch, names: Mapping[int, str]) -> None:
    """Marks them in `gaps` and in the sample mask; of a record that has nothing else a warning tells.

    Args:
        batch: with the model's leads, before missing samples are filled.
        names: of the records, by their `origin`.

    Raises:
        ValueError: a window of a longer record, in which no lead has a signal at all.
    """
    found = without_signal(batch.signals, batch.sampling_rate, batch.lead_mask) & batch.sample_mask
    dead = ~(batch.sample_mask & ~found).any(1) & batch.sample_mask.any(1)
    # signals that were changed on purpose are answered for
    if dead.any() and not purpose().known_units:
        told = (
            f"{names[int(batch.origin[dead.argmax()])]}: no lead that the model reads has a signal: one value is"
            " repeated (electrodes off, a rail, or zeros)"
        )
        if purpose().parts:
            raise ValueError(told)
        if first_time("no signal"):
            logger.warning("%s, so what a model says of it means nothing (said once)", told)
    found &= ~dead[:, None]
    rows = found.any(1).nonzero()[0]
    if not len(rows):
        return
    batch.gaps, batch.sample_mask = batch.gaps | found, batch.sample_mask & ~found
    row = int(rows[0])
    if first_time("gaps"):
        logger.warning(
            "%s: no lead that the model reads has a signal for %g of %g s (missing, one value repeated, or zeros"
            " that fill up an array): masked, so that they count for nothing (said once)",
            *(names[int(batch.origin[row])], found[row].sum() / batch.sampling_rate),
            found.shape[1] / batch.sampling_rate,
        )
