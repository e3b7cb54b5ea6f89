"""From records to a table of embeddings: read, cut, prepare, run the model, write; restartable, in flat memory."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers.utils import logging

from ..evaluation.loading import pick_device
from ..evaluation.options import MEAN
from ..locks import output_lock
from ..progress import progress_bar
from ..trained_on import tell_trained_on
from ..version import __version__
from .embedding_batches import EmbeddingBatches
from .embedding_options import EmbeddingOptions
from .encoder import Encoder
from .records import RecordList, find_records
from .table_parts import Parts, PartWriter, check_table, table_schema

logger = logging.get_logger(__name__)


@dataclass(frozen=True)
class EmbeddingResult:
    """What `embed_records` did.

    Attributes:
        output: the parquet file.
        records: how many were named.
        windows: rows of the file that are of a window.
        refused: how many records, or windows of records, are not in it.
        refused_path: table of these with the reasons; None when there are none.
        pooled: rows of the file that are of a whole record.
    """

    output: Path
    records: int
    windows: int
    refused: int
    refused_path: Path | None
    pooled: int = 0


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
    for); `model` and `model_revision`, the digest of the weights; and `embedding`, float32 of fixed size. A row of
    `options.pooled` has no `window` and is of all of its record's windows: leads and flags that any of them has, no
    measurements. The schema's metadata holds, under `hf_ecg`, versions, options, the extractor's whole recipe and, as
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
    _write_parts(parts, EmbeddingBatches(found, encoder, options), len(found), progress)
    pooled, refused = parts.pooled, parts.write_refused()
    windows = parts.rows - pooled
    if windows == 0:
        reasons = parts.refused()
        parts.discard()
        raise ValueError(
            f"none of {len(found)} records could be embedded, see {parts.refused_path}; first:"
            f" {reasons[0]['path']}: {reasons[0]['reason']}"
        )
    counts = {"windows": windows, **({"pooled_rows": pooled} if options.pooled else {}), "refused": refused}
    parts.join({**job, **counts, "trained_on": note})
    if refused:
        logger.warning("%d of the records or windows were refused; the reasons are in %s", refused, parts.refused_path)
    return EmbeddingResult(output, len(found), windows, refused, parts.refused_path if refused else None, pooled)


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
        **({"pooled": True} if options.pooled else {}),
        **({"measurements": True} if options.measurements else {}),
        "records": len(found),
        "records_fingerprint": found.fingerprint(),
    }


def _write_parts(parts: Parts, pipeline: EmbeddingBatches, number: int, progress: bool) -> None:
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
