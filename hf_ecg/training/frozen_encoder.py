"""An encoder that is not trained says the same of a record every time: ask it once, then train the head on that."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ..data.collators.usable_rows import REFUSED
from ..data.collators.waveforms import WaveformCollator
from ..data.mixing import MixedRows
from ..data.refused_rows import check_refused, find_refused, record_name
from ..models.shared.modeling_classification import LinearHeadMixin
from ..progress import progress_bar, write_line
from .build import RunParts
from .recipe import Recipe
from .recipe_sections import CACHED, FSDP2

ENCODER, INDEX = "encoder", "record_index"
_BATCH = 64


class EncodedRows:
    """The training rows when everything about them is known: a row is its number.

    Args:
        names: `record_id` of each row.
    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> list[dict]:
        return [{"record_index": index, "record_id": self.names[index]} for _, index in keys]


class EncodedCollator:
    """Batches of pooled outputs and what stands beside them, looked up.

    Args:
        features: float32 (rows, ...) on the CPU, what the head reads of the encoder's outputs.
        name: of the model's input that they stand for.
        beside: name -> (rows, ...): labels, covariates and whatever else the collator of the waveforms made that is
            not the encoder's.
        refused: number of a row -> why the feature extractor refuses it.
        instead: number of a refused row -> that of the row that is taken in its place.
        strict: raise at a refused row.
    """

    def __init__(
        self,
        features: torch.Tensor,
        name: str,
        beside: Mapping[str, torch.Tensor],
        refused: Mapping[int, str],
        instead: Mapping[int, int],
        strict: bool,
    ):
        self.features, self.name, self.beside = features, name, dict(beside)
        self.refused, self.instead, self.strict = dict(refused), dict(instead), strict

    def __call__(self, rows: Sequence[Mapping]) -> dict:
        """Makes a batch: the features as the model's main input, what stands beside them, and `REFUSED` as
        `UsableRowsCollator`.

        Raises:
            ValueError: a refused row where `strict`.
        """
        indices = [row[INDEX] for row in rows]
        reasons = {
            record_name(row): self.refused[i] for i, row in zip(indices, rows, strict=True) if i in self.refused
        }
        if reasons and self.strict:
            raise ValueError(next(iter(reasons.values())))
        taken = [self.instead.get(index, index) for index in indices]
        batch = {self.name: self.features[taken], **{name: values[taken] for name, values in self.beside.items()}}
        return batch | {REFUSED: reasons} if reasons else batch


class RememberedEncoder(nn.Module):
    """Stands for a frozen encoder: takes what the head reads as it is, and asks the encoder once about each record.

    The encoder is no submodule of it, so that it is neither trained nor saved from here.

    Args:
        encoder: in evaluation mode.
        reads: name of its output that the head reads.
        shape: of that output of one record.
    """

    def __init__(self, encoder: nn.Module, reads: str, shape: Sequence[int]):
        super().__init__()
        self.known: dict[bytes, torch.Tensor] = {}
        self.encode, self.reads, self.shape = encoder.__call__, reads, tuple(shape)
        # several processes share the buffers of a model that had some, and none are an error
        self.register_buffer("place", torch.zeros(1, device=next(encoder.parameters()).device), persistent=False)

    def forward(self, values: torch.Tensor, **inputs) -> BaseModelOutputWithPooling:
        """
        Args:
            values: the encoder's outputs (batch, *shape) and nothing beside them, or records.
            inputs: what the encoder takes beside records; a record has a mask at least.
        """
        alone = all(value is None for value in inputs.values())
        if not (alone and values.shape[1:] == self.shape):
            values = self._remembered(values, inputs)
        outputs = BaseModelOutputWithPooling()
        outputs[self.reads] = values
        return outputs

    def _remembered(self, values: torch.Tensor, inputs: dict) -> torch.Tensor:
        keys = _digests({"values": values, **inputs}, len(values))
        if any(key not in self.known for key in keys):
            with torch.no_grad():
                found = getattr(self.encode(values, **inputs), self.reads).float()
            self.known |= dict(zip(keys, found.cpu(), strict=True))
        return torch.stack([self.known[key] for key in keys]).to(values.device)


def can_be_encoded_once(recipe: Recipe, parts: RunParts) -> bool:
    """Whether every epoch would ask a frozen encoder about the same waveforms."""
    run, collator = recipe.run, parts.collator
    plain = run.sharding != FSDP2 and run.gradient != CACHED and not run.compile
    same = isinstance(collator, WaveformCollator) and not collator.views
    return plain and same and isinstance(parts.model, LinearHeadMixin) and ENCODER in recipe.freeze


def encode_once(recipe: Recipe, parts: RunParts, shown: bool = True) -> Callable[[], None]:
    """Where every epoch would show a frozen encoder the same waveforms, encodes the training rows, and lets the run's
    batches and validations use that.

    Args:
        recipe: of the run.
        parts: of the run, its model on the device; `rows`, `collator` and the model's `encoder` may be replaced.
        shown: say so, and show a progress bar.

    Returns:
        Puts the encoder back, if it was replaced.

    Raises:
        ValueError: more than 1 % of the rows are refused, see `refused_rows.check_refused`.
    """
    if not can_be_encoded_once(recipe, parts):
        return lambda: None
    if shown:
        write_line("the encoder is frozen and there are no random views: it sees every record once")
    model, encoder = parts.model, parts.model.encoder
    training = encoder.training
    encoder.eval()
    collator, parts.rows = _encoded(model, parts, recipe.run.strict, shown)
    parts.collator = collator
    model.encoder = RememberedEncoder(encoder, model.reads, collator.features.shape[1:])

    def put_back() -> None:
        model.encoder = encoder.train(training)

    return put_back


def _encoded(model: Any, parts: RunParts, strict: bool, shown: bool) -> tuple[EncodedCollator, EncodedRows]:
    encoder = model.encoder
    total, device = len(parts.rows), next(encoder.parameters()).device
    refused: dict[int, str] = {}
    names: list[str] = []
    made: list[tuple[list[int], torch.Tensor, dict[str, torch.Tensor]]] = []
    with torch.no_grad(), progress_bar(total=total, desc="encoding", disable=not shown) as bar:
        for start in range(0, total, _BATCH):
            rows = parts.rows.__getitems__([(0, index) for index in range(start, min(start + _BATCH, total))])
            names += map(record_name, rows)
            usable, batch, found = _usable(parts.collator, rows)
            refused |= {start + place: reason for place, reason in found.items()}
            check_refused({names[index]: reason for index, reason in refused.items()}, len(names))
            if usable:
                beside = {name: batch.pop(name) for name in list(batch) if not encoder.takes(name)}
                outputs = encoder(**{name: value.to(device) for name, value in batch.items()})
                read = getattr(outputs, model.reads)
                made.append(([row["record_index"] for row in usable], read.float().cpu(), beside))
            bar.update(len(rows))
    if not made:
        raise ValueError(f"every training row is refused: {next(iter(refused.values()))}")
    (_, read, beside) = made[0]
    features = read.new_zeros(total, *read.shape[1:])
    others = {name: values.new_zeros(total, *values.shape[1:]) for name, values in beside.items()}
    for indices, read, beside in made:
        features[indices] = read
        for name, values in beside.items():
            others[name][indices] = values
    instead = {index: _next_usable(parts.rows, index, refused) for index in refused}
    return EncodedCollator(features, model.main_input_name, others, refused, instead, strict), EncodedRows(names)


def _usable(collator: WaveformCollator, rows: list[dict]) -> tuple[list[dict], dict, dict[int, str]]:
    """The rows that are not refused, their batch; and places of the others, with the reasons."""
    try:
        return rows, dict(collator(rows)), {}
    except ValueError:
        found = find_refused(collator.waveforms, rows)
        if not found:
            raise
    kept = [row for place, row in enumerate(rows) if place not in found]
    return kept, dict(collator(kept)) if kept else {}, found


def _next_usable(rows: MixedRows, index: int, refused: Mapping[int, str]) -> int:
    """As `UsableRowsCollator` chooses: the next one of the corpus that is not refused."""
    found = rows.next_record(index)
    while found in refused and found != index:
        found = rows.next_record(found)
    if found == index:
        raise ValueError(f"every record of the corpus is refused: {refused[index]}")
    return found


def _digests(inputs: Mapping[str, object], number: int) -> list[bytes]:
    """Of each record's inputs, a key."""
    tensors = [value.detach().cpu() for value in inputs.values() if isinstance(value, torch.Tensor)]
    keys = []
    for place in range(number):
        digest = hashlib.blake2b(digest_size=16)
        for tensor in tensors:
            digest.update(str(tensor.shape[1:]).encode())
            digest.update(tensor[place].contiguous().numpy().tobytes())
        keys.append(digest.digest())
    return keys
