"""Which names a model's `forward` takes, so that a misspelt one is an error: `**kwargs` would take it and drop it."""

import inspect
from collections.abc import Iterable

from torch import nn

from ...checks import nearest

# what an extractor gives beside the inputs of a model, and what to do with it
_BESIDE = {
    "record_index": "a record gave several rows: take record_index = inputs.pop('record_index') and average the"
    " rows of each record, or give the extractor window='first'",
}
# what transformers' decorators around every `forward` take
OUTPUT_NAMES = frozenset({"output_attentions", "output_hidden_states", "return_dict"})


def forward_names(model: nn.Module | type[nn.Module]) -> frozenset[str]:
    """The parameters that `forward` of a model, or of a class of models, declares, and the flags of its outputs."""
    model_class = model if isinstance(model, type) else type(model)
    parameters = list(inspect.signature(model_class.forward).parameters.values())[1:]
    return OUTPUT_NAMES | {one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD}


def refuse_names(unknown: Iterable[str], known: Iterable[str], taker: str) -> None:
    """Raises ValueError when there is an unknown name; the nearest known one is named.

    Args:
        unknown: names that nothing takes.
        known: names that are taken.
        taker: who would take them, such as "ECGTextModel".
    """
    known = sorted(known)
    for name in unknown:
        if name in _BESIDE:
            raise ValueError(f"{taker} takes no {name!r}: {_BESIDE[name]}")
        raise ValueError(f"{taker} takes no {name!r}{nearest(name, known)}; it takes {', '.join(known)}")
