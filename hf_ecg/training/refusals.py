"""Training rows that the extractor refuses: replaced in their batches, counted over all processes, and listed."""

import json
from collections.abc import Callable
from pathlib import Path

from transformers.utils import logging

from ..data.collators.usable_rows import REFUSED, replacing
from ..data.refused_rows import check_refused, describe_refused
from ..files import atomic_file
from .build import RunParts
from .processes import Agreement
from .recipe import Recipe

logger = logging.get_logger(__name__)

# In the run's folder: a line for each refused row, `record` and `reason`.
REFUSED_NAME = "refused.jsonl"


def batch_collator(recipe: Recipe, parts: RunParts) -> Callable:
    """The collator of a run's batches, which replaces refused rows unless the recipe is strict."""
    return parts.collator if recipe.run.strict else replacing(parts.collator, parts.rows)


class RefusedRows:
    """The rows that were replaced so far in a run.

    Args:
        folder: of the run.
        known: record -> reason, of the steps before a resumed run goes on.
        agreement: between the processes.
        is_main: whether this process writes the list.
    """

    def __init__(self, folder: Path, known: dict[str, str], agreement: Agreement, is_main: bool):
        self.path, self.known = folder / REFUSED_NAME, dict(known)
        self.agreement, self.is_main = agreement, is_main
        self._new: dict[str, str] = {}

    def take(self, batch: dict) -> dict:
        """The batch as a model takes it; what was replaced in it is remembered."""
        refused = batch.pop(REFUSED, {})
        self._new |= {record: reason for record, reason in refused.items() if record not in self.known}
        return batch

    def look(self, met: int) -> None:
        """Shares what is new with the other processes, and writes the list; every process has to call it.

        Args:
            met: rows that the run has met so far, over all processes.

        Raises:
            ValueError: more than 1 % of them are refused, see `check_refused`.
        """
        if not self.agreement.any(bool(self._new)):
            return
        first = not self.known
        for new in self.agreement.gather(self._new):
            self.known |= {record: reason for record, reason in sorted(new.items()) if record not in self.known}
        self._new = {}
        if self.is_main:
            with atomic_file(self.path) as file:
                for record, reason in self.known.items():
                    file.write(json.dumps({"record": record, "reason": reason}, ensure_ascii=False) + "\n")
            if first:
                logger.warning(
                    "rows that the extractor refuses are replaced by the next ones of their corpus and listed in %s;"
                    " run.strict stops at them instead. %s",
                    *(self.path, describe_refused(self.known)),
                )
        check_refused(self.known, met, f" (all of them: {self.path})")

    def tell(self) -> None:
        """Says at the end of a run how many rows were replaced."""
        if self.known and self.is_main:
            logger.warning("%d training rows were refused and replaced: %s", len(self.known), self.path)
