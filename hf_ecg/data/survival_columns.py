"""A time and an event of each record, in two columns of a corpus."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from transformers.utils import logging

from .corpus import target_matrix

logger = logging.get_logger(__name__)


def rows_with_survival(dataset: Dataset, columns: Sequence[str]) -> Dataset:
    """Rows that know both; the log says how many do not.

    Raises:
        ValueError: no column of that name, or one that holds no numbers.
    """
    known = np.isfinite(target_matrix(dataset, columns)).all(axis=1)
    if not known.all():
        logger.warning(
            "%d of %d rows do not know %s and are left out", (~known).sum(), len(known), " and ".join(columns)
        )
    return dataset.select(np.flatnonzero(known))


def check_survival(time: np.ndarray, event: np.ndarray, columns: Sequence[str], where: str) -> None:
    """Raises ValueError for no rows, negative times, events that are neither 0 nor 1, or none at all.

    Args:
        time, event: (rows,), both known.
        columns: their names.
        where: what a message calls the rows.
    """
    if len(time) == 0:
        raise ValueError(f"none of {where} knows both {columns[0]} and {columns[1]}")
    if (time < 0).any():
        raise ValueError(f"{columns[0]} goes down to {time.min():g} in {where}, wanted numbers from 0")
    if not np.isin(event, (0, 1)).all():
        found = np.unique(event)[:5].tolist()
        raise ValueError(f"{columns[1]} holds {found} in {where}, wanted 1 (the event) and 0 (last seen without one)")
    if not event.any():
        raise ValueError(f"{columns[1]} is 0 throughout {where}: no event, so there is nothing to judge or learn")
