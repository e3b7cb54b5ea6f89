"""An encoder that is not trained says the same of a record every time: ask it once, then train the head on that."""

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ..data.collators.waveforms import WaveformCollator
from ..data.mixing import MixedRows
from ..data.refused_rows import check_refused, find_refused, record_name
from ..models.shared.modeling_classification import LinearHeadMixin
from ..progress import progress_bar, write_line
from .build import RunParts
from .recipe import Recipe
from .recipe_sections import CACHED, FSDP2

ENCODER = "encoder"
_BATCH = 64


class EncodedRows:
    """Pooled outputs of the training rows, which a collator hands out in the place of waveforms.

    Args:
        features: float32 (rows, hidden_size) on the CPU.
        refused: number of a row -> why the feature extractor refuses it.
    """

    # nothing is left to be done by views or steps
    finished = True

    def __init__(self, features: torch.Tensor, refused: Mapping[int, str]):
        self.features, self.refused = features, dict(refused)

    def batch(self, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        """`input_values` float32 (batch, hidden_size) of some rows.

        Raises:
            ValueError: one of them is refused.
        """
        for index in indices:
            if index in self.refused:
                raise ValueError(self.refused[index])
        return {"input_values": self.features[list(indices)]}


class RememberedEncoder(nn.Module):
    """Stands for a frozen encoder: takes pooled outputs as they are, and asks the encoder once about each waveform.

    The encoder is no submodule of it, so that it is neither trained nor saved from here.

    Args:
        encoder: in evaluation mode.
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.known: dict[bytes, torch.Tensor] = {}
        self.encode = encoder.__call__
        # several processes share the buffers of a model that had some, and none are an error
        self.register_buffer("place", torch.zeros(1, device=next(encoder.parameters()).device), persistent=False)

    def forward(self, input_values: torch.Tensor, **inputs) -> BaseModelOutputWithPooling:
        """
        Args:
            input_values: pooled outputs (batch, hidden_size), or waveforms (batch, leads, samples).
            inputs: what the encoder takes beside waveforms.
        """
        if input_values.ndim == 2:
            return BaseModelOutputWithPooling(pooler_output=input_values)
        keys = _digests({"input_values": input_values, **inputs}, len(input_values))
        if any(key not in self.known for key in keys):
            with torch.no_grad():
                found = self.encode(input_values, **inputs).pooler_output.float()
            self.known |= dict(zip(keys, found.cpu(), strict=True))
        pooled = torch.stack([self.known[key] for key in keys]).to(input_values.device)
        return BaseModelOutputWithPooling(pooler_output=pooled)


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
    collator = copy.copy(parts.collator)
    collator.prepared = _encoded(encoder, parts, shown)
    parts.collator, parts.rows = collator, MixedRows(parts.sources, collator.columns)
    model.encoder = RememberedEncoder(encoder)

    def put_back() -> None:
        model.encoder = encoder.train(training)

    return put_back


def _encoded(encoder: nn.Module, parts: RunParts, shown: bool) -> EncodedRows:
    total, device = len(parts.rows), next(encoder.parameters()).device
    refused: dict[int, str] = {}
    names: dict[str, str] = {}
    features: torch.Tensor | None = None
    with torch.no_grad(), progress_bar(total=total, desc="encoding", disable=not shown) as bar:
        for start in range(0, total, _BATCH):
            indices = list(range(start, min(start + _BATCH, total)))
            rows = parts.rows.__getitems__([(0, index) for index in indices])
            try:
                batch = parts.collator.waveforms(rows)
            except ValueError:
                found = find_refused(parts.collator.waveforms, rows)
                if not found:
                    raise
                refused |= {start + place: reason for place, reason in found.items()}
                names |= {record_name(rows[place]): reason for place, reason in found.items()}
                check_refused(names, start + len(rows))
                indices = [index for index in indices if index not in refused]
                if not indices:
                    continue
                batch = parts.collator.waveforms([row for place, row in enumerate(rows) if place not in found])
            inputs = {name: value.to(device) for name, value in batch.items()}
            pooled = encoder(**inputs).pooler_output.float().cpu()
            if features is None:
                features = torch.zeros(total, pooled.shape[1])
            features[indices] = pooled
            bar.update(len(rows))
    if features is None:
        raise ValueError(f"none of {total} training rows can be encoded; {next(iter(names.items()))}")
    return EncodedRows(features, refused)


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
