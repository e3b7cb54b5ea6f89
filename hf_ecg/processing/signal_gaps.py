"""Stretches of a record in which no lead of the model has a signal: false in the sample mask, and said to be."""

import logging
from collections.abc import Mapping

from ..said_once import first_time
from ..signals.missing import without_signal
from .on_purpose import purpose
from .steps.step_base import WaveformBatch

logger = logging.getLogger(__name__)


def check_what_is_left(batch: WaveformBatch, names: Mapping[int, str]) -> None:
    """A warning of a record of which the steps have left no sample with a signal, such as a crop within a gap.

    Args:
        batch: after its steps, several rows a record where they are crops or windows, of which one is enough.
        names: see `mark_gaps`.

    Raises:
        ValueError: such a record that is read in windows.
    """
    left = set(batch.origin[batch.sample_mask.any(1)].tolist())
    lost = [origin for origin in batch.origin.tolist() if origin not in left]
    if lost:
        _tell_no_signal(names[lost[0]], "the recipe takes a part of it in which no lead has a signal")


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
    if dead.any():
        _tell_no_signal(
            names[int(batch.origin[dead.argmax()])],
            "no lead that the model reads has a signal: one value is repeated (electrodes off, a rail, or zeros)",
        )
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


def _tell_no_signal(name: str, what: str) -> None:
    # signals that were changed on purpose are answered for
    if purpose().known_units:
        return
    if purpose().parts:
        raise ValueError(f"{name}: {what}")
    if first_time("no signal"):
        logger.warning("%s: %s, so what a model says of it means nothing (said once)", name, what)
