"""Batches that keep their size: a row that the extractor refuses is replaced by the next usable one of its corpus."""

from collections.abc import Callable, Mapping, Sequence

from ..mixing import MixedRows
from ..refused_rows import check_refused, find_refused, record_name
from ..rows import RowDataset
from .waveforms import WaveformCollator

# Key of a batch: record -> reason, of the rows that were replaced in it. Whoever uses the batch takes it out.
REFUSED = "refused_rows"
# A replacement is served as if so many epochs later, so that its views are others than those of its own turn.
_LATER = 1 << 48
# Refused rows for one batch, where that is more than half of it: as many as the windows of a few minutes, behind each
# other. With more it is the recipe that does not fit.
_MOST = 16


def replacing(collator: Callable, rows: RowDataset | MixedRows) -> Callable:
    """The collator, with refused rows replaced; one that makes no waveforms refuses none, and stays as it is."""
    return UsableRowsCollator(collator, rows) if isinstance(collator, WaveformCollator) else collator


class UsableRowsCollator:
    """Wraps a collator: rows that it refuses are replaced, and the batch says which.

    The replacement is the next record behind the refused one, in the corpus's order and from its end on to its
    beginning, that is not refused: a function of the record alone, not of the batch, the process or what was met
    before. So a resumed run and one on several processes see the same rows. Labels, texts and patients are the
    replacement's.

    Args:
        collator: of the batches.
        rows: that the batches are of.
    """

    def __init__(self, collator: WaveformCollator, rows: RowDataset | MixedRows):
        self.collator, self.rows = collator, rows
        # by the deterministic steps, so for good: record index -> reason
        self._refused: dict[int, str] = {}

    def __call__(self, rows: Sequence[Mapping]) -> dict:
        """Makes a batch; `REFUSED` is in it when rows were replaced.

        Raises:
            ValueError: what the collator refuses a whole batch for; or most of a batch is refused, and its
                replacements are.
        """
        reasons: dict[str, str] = {}
        indices = [row["record_index"] for row in rows]
        known = {place: self._refused[index] for place, index in enumerate(indices) if index in self._refused}
        rows = self._replaced(rows, known, reasons)
        while True:
            try:
                batch = self.collator(rows)
            except ValueError:
                found = self._found(rows)
                if not found:
                    raise
                rows = self._replaced(rows, found, reasons)
            else:
                return batch | {REFUSED: reasons} if reasons else batch

    def _found(self, rows: Sequence[Mapping]) -> dict[int, str]:
        found = find_refused(self.collator.before_views, rows)
        self._refused |= {rows[place]["record_index"]: reason for place, reason in found.items()}
        # what the views make of a record is another matter in every epoch
        return found or find_refused(self.collator.waveforms, rows)

    def _replaced(self, rows: Sequence[Mapping], found: Mapping[int, str], reasons: dict[str, str]) -> list[Mapping]:
        rows = list(rows)
        for place, reason in found.items():
            reasons[record_name(rows[place])] = reason
        if len(reasons) > max(_MOST, len(rows) // 2):
            check_refused(reasons, max(len(rows), len(reasons)))
        for place, reason in found.items():
            refused, index = rows[place]["record_index"], self.rows.next_record(rows[place]["record_index"])
            while index in self._refused and index != refused:
                reasons[record_name(self.rows[index])] = self._refused[index]
                index = self.rows.next_record(index)
            if index == refused:
                raise ValueError(f"every record of the corpus is refused; {record_name(rows[place])}: {reason}")
            rows[place] = self.rows[(rows[place]["epoch"] % _LATER + _LATER, index)]
        return rows
