"""From records to a table of embeddings: read, cut, prepare, run the model, write; restartable, in flat memory."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers.utils import logging

from ..checks import check_one_of, check_positive_integer
from ..evaluation.loading import pick_device
from ..evaluation.options import CROPS, MEAN
from ..locks import output_lock
from ..progress import progress_bar
from ..trained_on import tell_trained_on
from ..version import __version__
from .encoder import Encoder
from .records import RecordList, find_records
from .table_parts import Parts, PartWriter, check_table, table_schema
from .windows import WINDOWS, Window

logger = logging.get_logger(__name__)

# Rows after which a part is closed: what a killed run loses at most, besides the rest of its last record.
ROWS_PER_PART = 1024


@dataclass(frozen=True)
class EmbeddingResult:
    """What `embed_records` did.

    Attributes:
        output: the parquet file.
        records: how many were named.
        windows: rows of the file.
        refused: how many records, or windows of records, are not in it.
        refused_path: table of these with the reasons; None when there are none.
    """

    output: Path
    records: int
    windows: int
    refused: int
    refused_path: Path | None


@dataclass(frozen=True)
class EmbeddingOptions:
    """Which records are embedded, and how.

    Args:
        revision: branch, tag or commit of a model on the Hub.
        projected: the unit-length embedding that an `ECGTextModel` compares with texts, instead of the encoder's
            `pooler_output`.
        lead: for a model of a single lead, the one it is to see.
        window: "all" cuts records in windows of the model's length (see `signals.window.window_spans` for the last
            one; a recipe of any length takes up to two minutes whole, unless it says less),
            "first" takes the first of them, "recipe" hands over the whole record, which the model's recipe crops as
            in training (one row a record, the mean over its crops). Shorter records are one window, and padded.
        crops: where the recipe makes several crops of a window, "mean", or "max": the largest of each number.
        stride: seconds between the starts of windows; default: their length.
        config, split, folds: of prepared corpora; see `load_corpus`.
        leads, rename: which channels of files are taken, under which names; see `hf_ecg.read`.
        measurements: with a column `measurements`, see `hf_ecg.measure`: what each window's own signal shows.
        batch_size: windows a forward pass.
        device: "cpu", "cuda" ...; default: the GPU when there is one, or where a loaded model is.
        on_error: "raise" stops at the first record that cannot be embedded (what is done is kept), "skip" leaves it
            out and lists it with the reason in `OUTPUT.refused.csv`.

    Raises:
        ValueError: impossible options.
    """

    revision: str | None = None
    projected: bool = False
    lead: str | None = None
    window: str = "all"
    crops: str = MEAN
    stride: float | None = None
    config: str | None = None
    split: str | None = None
    folds: Sequence[int] | None = None
    leads: Sequence[str] | None = None
    rename: Mapping[str | int, str] | None = None
    measurements: bool = False
    batch_size: int = 32
    device: str | None = None
    on_error: str = "raise"

    def __post_init__(self):
        check_one_of("window", self.window, WINDOWS)
        check_one_of("crops", self.crops, CROPS)
        check_one_of("on_error", self.on_error, ("raise", "skip"))
        check_positive_integer("batch_size", self.batch_size)
        if self.stride is not None and (self.window != "all" or not (math.isfinite(self.stride) and self.stride > 0)):
            raise ValueError(
                f"stride is {self.stride!r} with window {self.window!r}, wanted a positive number of seconds with"
                " 'all'"
            )


DEFAULT_OPTIONS = EmbeddingOptions()


def embed_records(
    records,
    model,
    output,
    options: EmbeddingOptions = DEFAULT_OPTIONS,
    *,
    feature_extractor=None,
    overwrite: bool = False,
    progress: bool = True,
) -> EmbeddingResult:
    """Embeds records with a frozen model and writes one parquet file, a row a window.

    The columns are `record_id`; `path` (header, or corpus); `window`, its number in the record, and `start_s`,
    `stop_s`, seconds from the record's beginning; `lead_mask`, which leads the model saw, in its order;
    `quality_passed`, and `quality`, flag of `hf_ecg.signals.quality` -> leads that have it (null: could not be looked
    for); `model` and `model_revision`, the digest of the weights; and `embedding`, float32 of
    fixed size. The schema's metadata holds, under `hf_ecg`, versions, options, the extractor's whole recipe and, as
    `trained_on`, a sentence where the model learned from simulated or few records.

    Memory does not grow with the number of records. A run that was stopped resumes when it is started again with the
    same arguments; the file appears when it is complete.

    Args:
        records: headers of WFDB records with or without `.hea`, folders that are searched for them, prepared corpora
            (folder or Hub id), or a mixture.
        model: folder or Hub id of an encoder or of a dual encoder, whose ECG tower is used; or a loaded model with
            its `feature_extractor`.
        output: file to write, ends with `.parquet`.
        options: which records and which windows of them, and how they are embedded.
        feature_extractor: of a loaded model; default: the saved model's own.
        overwrite: replace an earlier output.
        progress: show a progress bar.

    Raises:
        ValueError: parts of another job beside the output; a record that cannot be embedded, by name, or none that
            can; see also `Encoder` and `find_records`.
        OSError: an absent file, folder or model, a damaged record, an output that is there already or that another
            process writes.

    Example:
        >>> from hf_ecg.embed import embed_records
        >>> result = embed_records("record.hea", "out/demo/clep", "emb.parquet", progress=False)
        >>> result.records, result.windows, result.refused
        (1, 1, 0)
    """
    output = Path(output)
    with output_lock(output):
        check_table(output, overwrite)
        return _embed(records, model, output, options, feature_extractor, overwrite, progress)


def _embed(records, model, output: Path, options, feature_extractor, overwrite, progress) -> EmbeddingResult:
    channels = {"leads": options.leads, "rename": options.rename}
    found = find_records(records, options.config, options.split, options.folds, **channels)
    device = options.device
    if device is not None or not isinstance(model, torch.nn.Module):
        device = pick_device(device)
    encoder = Encoder(
        model, feature_extractor, options.revision, options.projected, options.lead, device, options.crops
    )
    job = _job(encoder, found, options)
    note = tell_trained_on(encoder.origin, options.revision)
    parts = Parts(output, job, table_schema(encoder.size, options.measurements), overwrite)
    _write_parts(parts, _Pipeline(found, encoder, options), len(found), progress)
    windows, refused = parts.windows, parts.write_refused()
    if windows == 0:
        reasons = parts.refused()
        parts.discard()
        raise ValueError(
            f"none of {len(found)} records could be embedded, see {parts.refused_path}; first:"
            f" {reasons[0]['path']}: {reasons[0]['reason']}"
        )
    parts.join({**job, "windows": windows, "refused": refused, "trained_on": note})
    if refused:
        logger.warning("%d of the records or windows were refused; the reasons are in %s", refused, parts.refused_path)
    return EmbeddingResult(output, len(found), windows, refused, parts.refused_path if refused else None)


def _job(encoder: Encoder, found: RecordList, options: EmbeddingOptions) -> dict:
    """Everything that decides what the rows are; the options that only say how fast are not of it."""
    return {
        "hf_ecg_version": __version__,
        "model": encoder.name,
        "model_revision": encoder.revision,
        "model_class": type(encoder.model).__name__,
        "embedding": "ecg_embeds" if options.projected else "pooler_output",
        "lead": options.lead,
        "leads": options.leads if options.leads is None else list(options.leads),
        "rename": options.rename if options.rename is None else [list(pair) for pair in options.rename.items()],
        "window": options.window,
        "window_seconds": encoder.window_seconds,
        "stride_seconds": options.stride,
        "feature_extractor": json.loads(encoder.feature_extractor.to_json_string()),
        **({} if options.crops == MEAN else {"crops": options.crops}),
        **({"measurements": True} if options.measurements else {}),
        "records": len(found),
        "records_fingerprint": found.fingerprint(),
    }


@dataclass
class _Batch:
    """Windows on their way; `end` closes the part: all records before it are done."""

    windows: list[Window]
    refused: list[dict]
    end: int | None
    # (windows, model inputs, lead masks, qualities), as many as there are shapes
    prepared: list[tuple] = field(default_factory=list)


@dataclass
class _Pipeline:
    records: RecordList
    encoder: Encoder
    options: EmbeddingOptions

    def batches(self, first: int) -> Iterator[_Batch]:
        """Prepared batches in the order of the records."""
        return map(self._prepare, self._read(first))

    def _read(self, first: int) -> Iterator[_Batch]:
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
                        yield _Batch(windows, refused, None)
                        windows, refused = [], []
            if rows >= ROWS_PER_PART or item + 1 == len(self.records):
                yield _Batch(windows, refused, item + 1)
                windows, refused, rows = [], [], 0

    def _windows(self, item, record_id, path, record) -> Iterator[Window]:
        rate = record.sampling_rate
        plan = self.encoder.plan(self.options.window, self.options.stride)
        for index, (start, end) in enumerate(plan.spans(record.num_samples, rate, record_id)):
            yield Window(item, record_id, path, index, start / rate, end / rate, record.cut(start, end))

    def _prepare(self, batch: _Batch) -> _Batch:
        groups: dict[tuple, list[Window]] = {}
        for window in batch.windows:
            # without a fixed length, records of several would be padded: their embeddings could depend on the others
            key = () if self.encoder.window_seconds else (window.record.values.shape, window.record.sampling_rate)
            groups.setdefault(key, []).append(window)
        for windows in groups.values():
            try:
                batch.prepared.append(self._prepared(windows))
            except (ValueError, OSError):
                # which one it is: the others of the batch go on
                for window in windows:
                    try:
                        batch.prepared.append(self._prepared([window]))
                    except (ValueError, OSError) as error:
                        batch.refused.append(self._refusal(window.item, window.record_id, window.path, window, error))
        return batch

    def _prepared(self, windows: list[Window]) -> tuple:
        inputs, masks = self.encoder.prepare([window.record for window in windows])
        return windows, inputs, masks, [window.quality() for window in windows]

    def rows(self, batch: _Batch) -> Iterator[tuple[list[dict], torch.Tensor]]:
        """Rows and embeddings of a prepared batch."""
        for windows, inputs, masks, qualities in batch.prepared:
            embeddings = self.encoder(inputs, len(windows))
            finite = torch.isfinite(embeddings).all(dim=1)
            rows = []
            for window, mask, quality, good in zip(windows, masks, qualities, finite.tolist(), strict=True):
                if good:
                    rows.append(self._row(window, mask, quality))
                else:
                    error = ValueError("the model gives NaN or infinite values")
                    batch.refused.append(self._refusal(window.item, window.record_id, window.path, window, error))
            yield rows, embeddings[finite]

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
            raise kind(
                f"{where}: {error} (on_error='skip', on the command line --on_error skip, leaves such records out;"
                " what was done before is kept for the next run)"
            ) from error
        return {
            "item": item,
            "record_id": record_id,
            "path": path,
            "window": None if window is None else window.index,
            "reason": str(error),
        }


def _write_parts(parts: Parts, pipeline: _Pipeline, number: int, progress: bool) -> None:
    if parts.done == number:
        return
    writer: PartWriter | None = None
    with progress_bar(total=number, initial=parts.done, desc="embedding", disable=not progress) as bar:
        try:
            for batch in pipeline.batches(parts.done):
                writer = writer or parts.open()
                for rows, embeddings in pipeline.rows(batch):
                    writer.write(rows, embeddings.numpy())
                writer.refused += batch.refused
                reached = bar.n
                if batch.windows:
                    reached = batch.windows[-1].item
                if batch.end is not None:
                    writer.close(batch.end)
                    writer, reached = None, batch.end
                bar.update(reached - bar.n)
        finally:
            if writer is not None:
                writer.abandon()
