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
    usable = UsableSplits(splits, strict)
    while True:
        try:
            result = judge(dict(usable.splits))
        except RowsRefused as error:
            usable.drop(error)
        else:
            return result, usable.refused


class UsableSplits:
    """Rows by split, without those that have turned out to be refused; see `skip_refused`.

    Attributes:
        splits: split -> rows that are left.
        refused: record -> reason, of the others.
    """

    def __init__(self, splits: Mapping[str, Dataset], strict: bool = False):
        self.splits, self.refused, self.strict = dict(splits), {}, strict
        self._met = sum(map(len, splits.values()))

    def drop(self, error: RowsRefused) -> None:
        """Leaves out the rows that the error names, or raises it when that may not be."""
        new = {record: reason for record, reason in error.reasons.items() if record not in self.refused}
        if self.strict or not new:
            raise error
        self.refused |= new
        check_refused(self.refused, self._met)
        self.splits = {split: without_records(rows, self.refused) for split, rows in self.splits.items()}
        logger.warning("%d rows are left out of all figures: %s", len(self.refused), describe_refused(self.refused))


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


def nan_where_refused(embed: Callable[[Dataset], np.ndarray], rows: Dataset, strict: bool = False) -> np.ndarray:
    """float32 (rows, size) that `embed` makes of rows, NaN for those that are refused; see `skip_refused`."""
    found, refused = skip_refused(lambda kept: embed(kept["rows"]), {"rows": rows}, strict)
    if not refused:
        return found
    names = rows.select_columns(["record_id"]).with_format(None)["record_id"][:]
    whole = np.full((len(rows), found.shape[1]), np.nan, dtype=found.dtype)
    whole[[name not in refused for name in names]] = found
    return whole


def without_records(rows: Dataset, records: Mapping[str, str]) -> Dataset:
    """The rows but for those of these names."""
    names = rows.select_columns(["record_id"]).with_format(None)["record_id"][:]
    return rows.select(np.flatnonzero([name not in records for name in names]))


def note_refused(report: dict, refused: Mapping[str, str]) -> dict:
    """The report with the rows that were left out, in a note and by name; as it is where there are none."""
    if not refused:
        return report
    note = f"rows that the extractor refuses are in no figure: {len(refused)} ({describe_refused(refused)})"
    listed = [{"record": record, "reason": reason} for record, reason in refused.items()]
    return report | {"notes": [*report.get("notes", ()), note], "refused": listed}
