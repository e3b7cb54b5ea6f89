"""Windows of records on their way through the model, and which of them cannot be used."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from ..evaluation.judging.features import signal_held
from ..processing.on_purpose import on_purpose
from .embedding_options import EmbeddingOptions
from .encoder import Encoder
from .pooled_rows import PooledRows
from .records import RecordList
from .windows import Window, qualities_of

# Rows after which a part is closed: what a killed run loses at most, besides the rest of its last record.
ROWS_PER_PART = 1024


@dataclass
class EmbeddingBatch:
    """Windows on their way; `end` closes the part: all records before it are done."""

    windows: list[Window]
    refused: list[dict]
    end: int | None
    # (windows, model inputs, lead masks, qualities), as many as there are shapes
    prepared: list[tuple] = field(default_factory=list)


@dataclass
class EmbeddingBatches:
    """The windows of records, in batches that the model takes; `rows` embeds one.

    Args:
        records, encoder, options: see `embed_records`.
    """

    records: RecordList
    encoder: Encoder
    options: EmbeddingOptions
    # items with a usable window; item -> the first of its windows that is not, and why
    _usable: set[int] = field(default_factory=set)
    _pending: dict[int, tuple[Window, ValueError]] = field(default_factory=dict)
    _pooled: PooledRows = field(init=False)

    def __post_init__(self):
        self._pooled = PooledRows(self.options.crops, self.encoder.projected)

    def batches(self, first: int) -> Iterator[EmbeddingBatch]:
        """Prepared batches in the order of the records."""
        return map(self._prepare, self._read(first))

    def _read(self, first: int) -> Iterator[EmbeddingBatch]:
        windows, refused, rows = [], [], 0
        for item in range(first, len(self.records)):
            record_id, path = self.records.origin(item)
            try:
                record = self.records.read(item)
            except (ValueError, OSError) as error:
                refused.append(self._refusal(item, record_id, path, None, error))
                rows += 1
            else:
                for window in self._windows(item, record_id, path, record):
                    windows.append(window)
                    rows += 1
                    if len(windows) == self.options.batch_size:
                        yield EmbeddingBatch(windows, refused, None)
                        windows, refused = [], []
            if rows >= ROWS_PER_PART or item + 1 == len(self.records):
                yield EmbeddingBatch(windows, refused, item + 1)
                windows, refused, rows = [], [], 0

    def _windows(self, item, record_id, path, record) -> Iterator[Window]:
        rate = record.sampling_rate
        plan = self.encoder.plan(self.options.window, self.options.stride)
        for index, (start, end) in enumerate(plan.spans(record.num_samples, rate, record_id)):
            yield Window(item, record_id, path, index, start / rate, end / rate, record.cut(start, end))

    def _prepare(self, batch: EmbeddingBatch) -> EmbeddingBatch:
        groups: dict[tuple, list[Window]] = {}
        for window in batch.windows:
            # without a fixed length, records of several would be padded: their embeddings could depend on the others
            key = () if self.encoder.window_seconds else (window.record.values.shape, window.record.sampling_rate)
            groups.setdefault(key, []).append(window)
        for windows in groups.values():
            try:
                self._add(batch, windows)
            except (ValueError, OSError):
                # which one it is: the others of the batch go on
                for window in windows:
                    try:
                        self._add(batch, [window])
                    except OSError as error:
                        batch.refused.append(self._refusal(window.item, window.record_id, window.path, window, error))
                    except ValueError as error:
                        self._pending.setdefault(window.item, (window, error))
                        batch.refused.append(_refused(window.item, window.record_id, window.path, window, error))
        self._check_finished(batch)
        return batch

    def _add(self, batch: EmbeddingBatch, windows: list[Window]) -> None:
        with on_purpose(parts=True):
            batch.prepared.append(self._prepared(windows))
        self._usable.update(window.item for window in windows)

    def _check_finished(self, batch: EmbeddingBatch) -> None:
        """Stops at a record that is read to its end and has no usable window."""
        last = batch.windows[-1].item if batch.windows and batch.end is None else None
        for item in [item for item in self._pending if item != last]:
            window, error = self._pending.pop(item)
            if item not in self._usable:
                self._refusal(item, window.record_id, window.path, window, error)
        self._usable &= {last}

    def _prepared(self, windows: list[Window]) -> tuple:
        inputs, masks = self.encoder.prepare([window.record for window in windows])
        return windows, inputs, masks, qualities_of(windows)

    def rows(self, batch: EmbeddingBatch) -> Iterator[tuple[list[dict], torch.Tensor]]:
        """Rows and embeddings of a prepared batch, and of the records that end in it."""
        for windows, inputs, masks, qualities in batch.prepared:
            embeddings = self.encoder(inputs, len(windows))
            finite = torch.isfinite(embeddings).all(dim=1)
            rows = []
            held = _held_by_windows(inputs, len(windows))
            described = zip(windows, masks, qualities, finite.tolist(), strict=True)
            for place, (window, mask, quality, good) in enumerate(described):
                if good:
                    rows.append(self._row(window, mask, quality))
                    if self.options.pooled:
                        self._pooled.add(window.item, rows[-1], embeddings[place], held[place])
                else:
                    error = ValueError("the model gives NaN or infinite values")
                    batch.refused.append(self._refusal(window.item, window.record_id, window.path, window, error))
            yield rows, embeddings[finite]
        if self.options.pooled:
            yield self._pooled.finished(batch.windows[-1].item if batch.windows and batch.end is None else None)

    def _row(self, window: Window, mask: list[bool], quality: dict) -> dict:
        return {
            "record_id": window.record_id,
            "path": window.path,
            "window": window.index,
            "start_s": window.start,
            "stop_s": window.stop,
            "lead_mask": mask,
            "quality_passed": not any(quality.values()),
            "quality": quality,
            **({"measurements": window.measurements()} if self.options.measurements else {}),
            "model": self.encoder.name,
            "model_revision": self.encoder.revision,
        }

    def _refusal(self, item: int, record_id: str, path: str, window: Window | None, error: Exception) -> dict:
        if self.options.on_error == "raise":
            where = path if record_id in path else f"{path}: {record_id}"
            if window is not None:
                where += f", {window.start:g} to {window.stop:g} s"
            kind = OSError if isinstance(error, OSError) else ValueError
            told = str(error) if str(error).startswith(where) else f"{where}: {error}"
            raise kind(
                f"{told} (on_error='skip', on the command line --on_error skip, leaves such records out;"
                " what was done before is kept for the next run)"
            ) from error
        return _refused(item, record_id, path, window, error)


def _refused(item: int, record_id: str, path: str, window: Window | None, error: Exception) -> dict:
    return {
        "item": item,
        "record_id": record_id,
        "path": path,
        "window": None if window is None else window.index,
        "reason": str(error),
    }


def _held_by_windows(inputs: dict[str, torch.Tensor], number: int) -> list[float]:
    """Samples of signal in the crops of each window; 1 of each where the model is not told of padding and gaps."""
    held = signal_held(inputs)
    if held is None:
        return [1.0] * number
    return torch.zeros(number, dtype=held.dtype).index_add_(0, inputs["record_index"], held).tolist()
