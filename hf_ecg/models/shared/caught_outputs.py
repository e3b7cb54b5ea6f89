"""What the encoder inside a model gave, beside what the model makes of it: one pass for both."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

import torch
from torch import nn

from .roles import ecg_encoder


@contextmanager
def caught_embeddings(model: nn.Module) -> Iterator[list[torch.Tensor]]:
    """The encoder's `pooler_output` (batch, hidden_size) of every call within, of this thread alone."""
    caught: list[torch.Tensor] = []
    thread = get_ident()

    def keep(module, given, outputs) -> None:
        # threads may share a model
        if get_ident() == thread:
            caught.append(outputs.pooler_output)

    handle = ecg_encoder(model).register_forward_hook(keep)
    try:
        yield caught
    finally:
        handle.remove()
