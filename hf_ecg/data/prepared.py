"""What the deterministic steps make of training rows, kept in files: made once, read in every later epoch and run."""

import contextlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from datasets import Dataset
from transformers.utils import logging

from ..files import ArrayStore
from ..processing.outputs import Output, stack_outputs
from ..progress import progress_bar
from ..version import __version__
from .mixing import MixedRows
from .refused_rows import check_refused, find_refused, record_name
from .rows import SIGNAL_COLUMNS, rows_fingerprint
from .unused_caches import remove_unused

logger = logging.get_logger(__name__)

# Records of one file; a batch opens as many files as its records lie in.
PART = 1024
_CHUNK = 64
# Records of a part that the steps refuse, by their places, and why.
# Of the files: those of another form are made again.
_FORM = 2
_PLACES, _REASONS = "refused.places", "refused.reasons"


class PreparedInputs:
    """Named inputs of records as they are before random views, read from files of `prepared_inputs`.

    Args:
        store: with a key for every part of `PART` records.
        outputs: the inputs, as the feature extractor declares them.
        num_records: of all parts together.
    """

    def __init__(self, store: ArrayStore, outputs: Sequence[Output], num_records: int):
        self.store, self.outputs, self.num_records = store, list(outputs), num_records
        self._parts: dict[int, dict[str, np.ndarray]] = {}

    def batch(self, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        """The inputs of some records, stacked as the feature extractor stacks them.

        Args:
            indices: `record_index` of each, from 0.

        Raises:
            ValueError: a record that the steps refused when it was prepared.
        """
        for index in indices:
            part = self._part(index // PART)
            at = np.flatnonzero(part[_PLACES] == index % PART)
            if len(at):
                raise ValueError(str(part[_REASONS][at[0]]))
        found = {output.name: [self._record(output, index) for index in indices] for output in self.outputs}
        return stack_outputs([found], self.outputs, return_tensors="pt")

    def _record(self, output: Output, index: int) -> np.ndarray:
        part, place = self._part(index // PART), index % PART
        shapes, ends = part[f"{output.name}.shapes"], part[f"{output.name}.ends"]
        start = ends[place - 1] if place else 0
        return part[f"{output.name}.values"][start : ends[place]].reshape(shapes[place])

    def _part(self, number: int) -> dict[str, np.ndarray]:
        if number not in self._parts:
            found = self.store.get(_key(number))
            if found is None:
                raise OSError(f"{self.store.folder} lost {_key(number)} while a run read it: start the run again")
            self._parts[number] = found
        return self._parts[number]


def prepared_inputs(folder, collator, sources: Sequence[Dataset]) -> PreparedInputs:
    """Prepared inputs of training rows: those that are kept for the same rows and steps, the rest made now.

    Records that the steps refuse are remembered with the reason, and given out as this error.

    Args:
        folder: of all caches.
        collator: makes inputs of rows by `before_views`.
        sources: the training rows, a data set for each corpus.

    Raises:
        ValueError: more than 1 % of the rows are refused, see `refused_rows.check_refused`.
    """
    extractor = collator.feature_extractor
    reasons: dict[str, str] = {}
    store = ArrayStore(
        folder,
        what={
            "version": __version__,
            "steps": extractor.steps_digest(before_views=True),
            "lead": collator.lead,
            "form": _FORM,
            "rows": [rows_fingerprint(source) for source in sources],
        },
    )
    outputs, rows = extractor.outputs_before_views, MixedRows(sources, SIGNAL_COLUMNS)
    spans = [range(start, min(start + PART, len(rows))) for start in range(0, len(rows), PART)]
    absent, known = [], 0
    for number, span in enumerate(spans):
        part = store.get(_key(number))
        if part is None:
            absent.append(number)
            continue
        known += len(span)
        # a run that is started again must not forget what it was stopped for
        for place, reason in zip(part[_PLACES].tolist(), part[_REASONS].tolist(), strict=True):
            reasons[record_name(rows.__getitems__([(0, span[place])])[0])] = reason
    if absent:
        remove_unused(folder)
        logger.info("preparing %d of %d records for %s", min(len(absent) * PART, len(rows)), len(rows), store.folder)
    total = sum(len(spans[number]) for number in absent)
    with progress_bar(total=total, desc="preparing inputs", disable=not absent) as bar:
        for number in absent:
            store.put(_key(number), _part_arrays(collator, rows, spans[number], outputs, reasons, known))
            known += len(spans[number])
            bar.update(len(spans[number]))
    with contextlib.suppress(OSError):  # somebody else's, or of no rows
        os.utime(store.folder)  # the time of its last use
    return PreparedInputs(store, outputs, len(rows))


def _part_arrays(
    collator, rows: MixedRows, indices: range, outputs: Sequence[Output], reasons: dict[str, str], known: int
) -> dict[str, np.ndarray]:
    """The arrays of a file; `reasons` get the records that are refused, which have no values in it.

    `known` rows were looked at before these.
    """
    nothing = {output.name: np.zeros([0] * len(output.axes), output.dtype) for output in outputs}
    records: dict[str, list[np.ndarray]] = {output.name: [] for output in outputs}
    refused: dict[int, str] = {}
    for start in range(indices.start, indices.stop, _CHUNK):
        chunk = rows.__getitems__([(0, index) for index in range(start, min(start + _CHUNK, indices.stop))])
        made: list[Mapping] = [nothing] * len(chunk)
        for places in _alike(chunk):
            # records of one length have no padding between them
            try:
                batch = collator.before_views([chunk[place] for place in places])
            except ValueError:
                found = find_refused(collator.before_views, [chunk[place] for place in places])
                if not found:
                    raise
                refused |= {start - indices.start + places[at]: reason for at, reason in found.items()}
                reasons |= {record_name(chunk[places[at]]): reason for at, reason in found.items()}
                check_refused(reasons, known + start - indices.start + len(chunk))
                places = [place for at, place in enumerate(places) if at not in found]
                if not places:
                    continue
                batch = collator.before_views([chunk[place] for place in places])
            for row, place in enumerate(places):
                made[place] = {name: batch[name][row].numpy() for name in records}
        for record in made:
            for name, values in records.items():
                values.append(record[name])
    arrays = {_PLACES: np.array(list(refused), dtype=np.int64), _REASONS: np.array(list(refused.values()), dtype=str)}
    for name, values in records.items():
        arrays[f"{name}.values"] = np.concatenate([value.ravel() for value in values])
        arrays[f"{name}.ends"] = np.cumsum([value.size for value in values])
        arrays[f"{name}.shapes"] = np.array([value.shape for value in values], dtype=np.int64)
    return arrays


def _alike(chunk: Sequence[Mapping]) -> list[list[int]]:
    groups: dict[tuple, list[int]] = {}
    for place, row in enumerate(chunk):
        groups.setdefault((row["num_samples"], row["sampling_rate"]), []).append(place)
    return list(groups.values())


def _key(number: int) -> str:
    return f"part-{number:05d}"
