"""ECGs of any length on their way through a model: as one batch, or window after window where they are long.

A record that is longer than the model takes is read as windows (see `processing.record_windows`); the outputs of its
usable windows are averaged, each by how much signal it holds: embeddings as they are, the logits of classes before
they become probabilities.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath

import torch
from transformers.utils import logging

from .lead_costs import tell_lead_costs
from .pipeline_parts import origin_of
from .processing import ECGFeatureExtractor
from .processing.inputs import read_file
from .processing.on_purpose import on_purpose
from .processing.outputs import stack_outputs
from .processing.steps.sample_steps import RECORD_INDEX
from .saved_models import window_of
from .signals.record import Record
from .signals.streaming import RecordStream, open_long

logger = logging.get_logger(__name__)

AVERAGED = "their outputs are averaged"
# Windows of a long record that are in memory at a time.
BLOCK = 64
BLOCKS = "blocks"


def record_inputs(ecg, extractor: ECGFeatureExtractor, model, window=None, **options) -> dict:
    """Model inputs of one ECG: named tensors, or `WindowBlocks` under the name "blocks" of a record of many windows.

    Args:
        ecg: what the extractor takes for one ECG; a path is opened, and read by parts where it is long.
        extractor, model: the model says how long a window is where the extractor takes any length.
        window, options: see `ECGFeatureExtractor.__call__`.

    Raises:
        OSError, ValueError: see `ECGFeatureExtractor.__call__`.
    """
    plan = window_of(window, extractor, model, pooling=AVERAGED)
    source, revision = origin_of(model)

    def tell(inputs: dict) -> None:
        tell_lead_costs(source, extractor.leads, inputs["lead_mask"].tolist(), revision)

    if isinstance(ecg, (str, PathLike)):
        leads, rename = (options.pop(key, None) for key in ("leads", "rename"))
        found: Record | RecordStream | None = open_long(ecg, leads=leads, rename=rename)
        if found is None:
            rate, units = options.get("sampling_rate"), options.get("units")
            found, options["units"] = read_file(ecg, rate, leads, units, rename)
            found = replace(found, name=fspath(ecg))
        ecg = found
    if isinstance(ecg, (Record, RecordStream)):
        spans = plan.spans(ecg.num_samples, ecg.sampling_rate, ecg.name)
        if len(spans) > BLOCK:
            plan.tell(ecg.name, ecg.num_samples, ecg.sampling_rate, spans)
            return {BLOCKS: WindowBlocks(extractor, ecg, spans, options, tell)}
        if isinstance(ecg, RecordStream):
            # few windows of a long record: the first one, or very long ones
            ecg = ecg.part(0, ecg.num_samples if plan.window == "recipe" else spans[-1][1])
    inputs = dict(extractor(ecg, **options, window=plan, return_tensors="pt"))
    tell(inputs)
    return inputs


class WindowBlocks:
    """The windows of a long record as batches of model inputs, each made when it is asked for.

    Args:
        extractor: makes the inputs.
        record: a `Record` or a `RecordStream`.
        spans: first sample and end of each window.
        options: of the extractor's call.
        tell: is called with each batch, to say what is to be said of it.
    """

    def __init__(
        self,
        extractor: ECGFeatureExtractor,
        record,
        spans: Sequence[tuple[int, int]],
        options: Mapping,
        tell: Callable[[dict], None],
    ):
        self._extractor, self._record, self._spans = extractor, record, spans
        self._options, self._tell = dict(options), tell

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Batches, without the windows that cannot be used.

        Raises:
            ValueError: none can.
        """
        refused: dict[int, ValueError] = {}
        for first in range(0, len(self._spans), BLOCK):
            windows = [self._record.cut(*span) for span in self._spans[first : first + BLOCK]]
            inputs, _, wrong = usable_inputs(self._extractor, windows, **self._options)
            refused |= {first + place: error for place, error in wrong.items()}
            if inputs:
                self._tell(inputs)
                rows = len(next(iter(inputs.values())))
                yield inputs | {"record_index": torch.zeros(rows, dtype=torch.long)}
        if not refused:
            return
        place, error = next(iter(refused.items()))
        if len(refused) == len(self._spans):
            raise error
        logger.warning(
            "%s: %d of its %d windows cannot be used and count for nothing; the first, from %g s: %s",
            *(self._record.name, len(refused), len(self), self._spans[place][0] / self._record.sampling_rate, error),
        )


def usable_inputs(
    extractor: ECGFeatureExtractor, windows: Sequence[Record], **options
) -> tuple[dict[str, torch.Tensor], list[int], dict[int, ValueError]]:
    """Model inputs of windows, the places of those that can be used, and why the others cannot."""

    def prepare(some) -> dict[str, torch.Tensor]:
        with on_purpose(parts=True):
            return dict(extractor(some, **options, return_tensors="pt", window="recipe"))

    try:
        return prepare(list(windows)), list(range(len(windows))), {}
    except ValueError:
        refused: dict[int, ValueError] = {}
    for place, window in enumerate(windows):
        try:
            prepare([window])
        except ValueError as error:
            refused[place] = error
    kept = [place for place in range(len(windows)) if place not in refused]
    return prepare([windows[place] for place in kept]) if kept else {}, kept, refused


def collate(items: list[dict], outputs: Sequence) -> dict:
    """One batch of records' inputs; shorter ones are padded as their outputs say."""
    if any(BLOCKS in item for item in items):
        return {BLOCKS: _Several(items)}
    crops = torch.tensor([len(next(iter(item.values()))) for item in items])
    batch = stack_outputs(items, outputs, return_tensors="pt")
    # an index that counts through the batch, also where each record has one crop: the outputs are then one a record
    batch["record_index"] = torch.repeat_interleave(torch.arange(len(items)), crops)
    return batch


class _Several:
    """Records of which some come in blocks, one after the other."""

    def __init__(self, items: Sequence[dict]):
        self._items = items

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for number, item in enumerate(self._items):
            for batch in batches_of(item):
                rows = len(next(iter(batch.values())))
                yield batch | {"record_index": torch.full((rows,), number)}


def batches_of(inputs: dict) -> Iterator[dict[str, torch.Tensor]]:
    """The batches of what `record_inputs` or `collate` made; what stands beside blocks belongs to each window."""
    if BLOCKS not in inputs:
        yield inputs
        return
    beside = {key: value for key, value in inputs.items() if key != BLOCKS}
    for batch in inputs[BLOCKS]:
        rows = len(next(iter(batch.values())))
        yield batch | {key: value[:1].repeat(rows, *[1] * (value.ndim - 1)) for key, value in beside.items()}


def pooled_outputs(
    forward: Callable[[dict], torch.Tensor], inputs: dict, extractor: ECGFeatureExtractor, crops: str = "mean"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs of each record, pooled over its windows and crops, and the number of its windows.

    Args:
        forward: from the model's inputs to a tensor (rows, size).
        inputs: of `record_inputs` or `collate`.
        extractor: that made them; the crops that its recipe makes of each window are not windows of their own.
        crops: "mean", or "max" of each number.

    Returns:
        float32 (records, size), and int64 (records,).
    """
    from .evaluation.judging.features import average_crops, signal_held

    values, index, held = [], [], []
    for batch in batches_of(inputs):
        batch = dict(batch)
        record_index = batch.pop("record_index", None)
        found = forward(batch).float()
        values.append(found)
        index.append(torch.arange(len(found)) if record_index is None else record_index.cpu())
        held.append(signal_held(batch))
    rows, owners = torch.cat(values), torch.cat(index).to(values[0].device)
    number = int(owners.max()) + 1
    counts = torch.bincount(owners.cpu(), minlength=number)
    if RECORD_INDEX.name in extractor.model_input_names:
        counts = torch.ones_like(counts)
    known = [each.to(rows.device) for each in held if each is not None]
    weights = torch.cat(known) if len(known) == len(held) else None
    return average_crops(rows, owners, number, crops, weights), counts
