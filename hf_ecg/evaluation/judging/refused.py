"""Figures without the rows that an extractor refuses: the same rows are left out for every system that is compared."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from datasets import Dataset
from torch import nn
from transformers.utils import logging

from ...data.refused_rows import RowsRefused, check_refused, describe_refused

logger = logging.get_logger(__name__)

Judged = TypeVar("Judged")


def skip_refused(
    judge: Callable[[dict[str, Dataset]], Judged], splits: Mapping[str, Dataset], strict: bool = False
) -> tuple[Judged, dict[str, str]]:
    """What `judge` makes of rows; where it meets some that an extractor refuses, it is asked again without them.

    Nothing is looked at beforehand: rows that all are usable are gone through once.

    Args:
        judge: from rows by split to its result, the same for the same rows.
        splits: split -> rows.
        strict: raise at refused rows.

    Returns:
        The result, and record -> reason of the rows that were left out.

    Raises:
        ValueError: what `judge` raises; refused rows when `strict`, or more than 1 % of all.
    """
    refused: dict[str, str] = {}
    kept = dict(splits)
    while True:
        try:
            result = judge(dict(kept))
        except RowsRefused as error:
            new = {record: reason for record, reason in error.reasons.items() if record not in refused}
            if strict or not new:
                raise
            refused |= new
            check_refused(refused, sum(map(len, splits.values())))
            kept = {split: without_records(rows, refused) for split, rows in kept.items()}
        else:
            if refused:
                logger.warning("%d rows are left out of all figures: %s", len(refused), describe_refused(refused))
            return result, refused


def skipping_validator(
    build: Callable[[Dataset], Callable[[nn.Module], dict[str, float]]], rows: Dataset, strict: bool = False
) -> Callable[[nn.Module], dict[str, float]]:
    """A validator that is built anew without the rows that turn out to be refused; see `skip_refused`."""
    now = {"rows": rows, "validate": build(rows)}

    def validate(model: nn.Module) -> dict[str, float]:
        def judge(kept: dict[str, Dataset]) -> dict[str, float]:
            if len(kept["rows"]) < len(now["rows"]):
                now.update(rows=kept["rows"], validate=build(kept["rows"]))
            return now["validate"](model)

        return skip_refused(judge, {"rows": now["rows"]}, strict)[0]

    return validate


def without_records(rows: Dataset, records: Mapping[str, str]) -> Dataset:
    """The rows but for those of these names."""
    names = rows.select_columns(["record_id"]).with_format(None)["record_id"][:]
    return rows.select(np.flatnonzero([name not in records for name in names]))


def refused_entries(refused: Mapping[str, str]) -> dict:
    """What a report says of rows that were left out; nothing where there are none."""
    if not refused:
        return {}
    return {"refused": [{"record": record, "reason": reason} for record, reason in refused.items()]}
