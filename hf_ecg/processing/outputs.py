"""Named inputs of models: what the steps of a recipe declare to make, and the one way to stack it into a batch.

Every part of this package that makes one batch of several (feature extractor, collators, pipelines, embedding) calls
`stack_outputs`, which knows no name: a model that reads beats gets them by a step of its own and by nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Axes of the record itself, which steps that choose leads or cut samples carry along. All other names are the step's.
LEADS, SAMPLES = "leads", "samples"
_DTYPES = ("float32", "int64", "bool")


@dataclass(frozen=True)
class Output:
    """A named tensor of a batch, `(batch, *axes)`.

    Args:
        name: its key in the batch, and the parameter of the model's `forward` that takes it.
        axes: names of its axes behind the batch. "leads" and "samples" are those of the record; an axis that a step
            brings has a name of its own ("beats", "beat_samples"), the same in each of its outputs.
        dtype: "float32", "int64" or "bool". A bool output is a mask, true where something is real.
        padding: what fills up an axis that is shorter in one record than in another.
        views: random views may act after it was made, and it stays true. False for what describes the waveform as it
            was, such as beats cut from it: a collator then refuses views.

    Raises:
        ValueError: an impossible name, axis or type, or a mask that is padded by true.
    """

    name: str
    axes: tuple[str, ...]
    dtype: str = "float32"
    padding: float = 0
    views: bool = False

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"an output is named {self.name!r}, wanted the name of a parameter")
        if not isinstance(self.axes, tuple) or len(set(self.axes)) != len(self.axes) or "batch" in self.axes:
            raise ValueError(f"output {self.name}: axes is {self.axes!r}, wanted a tuple of names without the batch")
        if self.dtype not in _DTYPES:
            raise ValueError(f"output {self.name}: dtype is {self.dtype!r}, wanted one of {', '.join(_DTYPES)}")
        if self.dtype == "bool" and self.padding:
            raise ValueError(f"output {self.name} is a mask, true where something is real: its padding is false")

    def axis(self, name: str) -> int | None:
        """Place of an axis counted from the end, in a batch and in a record alike; None when it is not there."""
        return self.axes.index(name) - len(self.axes) if name in self.axes else None


WAVEFORM = (
    Output("input_values", (LEADS, SAMPLES), views=True),
    Output("lead_mask", (LEADS,), dtype="bool", views=True),
    Output("sample_mask", (SAMPLES,), dtype="bool", views=True),
)


def stack_outputs(
    parts: Sequence[Mapping],
    outputs: Iterable[Output],
    rows: Sequence[np.ndarray] | None = None,
    return_tensors: str = "np",
) -> dict:
    """One batch of several: rows one after the other, shorter axes filled up with each output's padding.

    An axis is as long as its longest entry, in all outputs that have it. One of a step's own that is empty everywhere
    (no record has a beat) gets one padded place, so that no model meets an empty axis.

    Args:
        parts: name -> an array or CPU tensor `(rows, *axes)`, or where rows differ a list of arrays `(*axes)`.
        outputs: what the parts hold; other keys are left out.
        rows: for each part the places of its rows in the batch; default: in order.
        return_tensors: "np" or "pt".

    Raises:
        ValueError: no parts, an output that a part lacks, another number of axes than declared, another number of
            rows or leads than beside it.
    """
    if not parts:
        raise ValueError("there is nothing to stack, wanted at least one part")
    outputs = tuple(outputs)
    arrays = [{output.name: _values(part, output) for output in outputs} for part in parts]
    counts = [_row_count(part) for part in arrays]
    if rows is None:
        ends = np.cumsum(counts)
        rows = [np.arange(end - count, end) for end, count in zip(ends, counts, strict=True)]
    lengths = _axis_lengths(arrays, outputs)
    # A slice where possible: assigning through an index array copies several times slower.
    places = [_as_slice(np.asarray(part)) for part in rows]
    stacked = {
        output.name: _filled(output, arrays, places, (sum(counts), *(lengths[axis] for axis in output.axes)))
        for output in outputs
    }
    if return_tensors == "np":
        return stacked
    if return_tensors != "pt":
        raise ValueError(f"return_tensors is {return_tensors!r}, wanted np or pt")
    import torch

    return {name: torch.from_numpy(values) for name, values in stacked.items()}


def zero_absent_leads(batch: Mapping[str, np.ndarray], outputs: Iterable[Output], lead_mask: np.ndarray) -> None:
    """Sets numbers of absent leads to zero, in place, in every output that has an axis of leads.

    Args:
        batch: name -> array `(batch, *axes)`.
        outputs: which of them are looked at.
        lead_mask: bool `(batch, leads)`, true where present.
    """
    if lead_mask.all():
        return
    for output in outputs:
        axis = output.axis(LEADS)
        if axis is not None and output.dtype != "bool":
            np.moveaxis(batch[output.name], axis, 1)[~lead_mask] = 0


def _values(part: Mapping, output: Output):
    if output.name not in part:
        raise ValueError(f"a part lacks {output.name!r}; it has {sorted(part)}")
    values = part[output.name]
    values = [np.asarray(value) for value in values] if isinstance(values, list) else np.asarray(values)
    for shape in _shapes(values):
        if len(shape) != len(output.axes):
            raise ValueError(f"{output.name} of a record has shape {shape}, wanted ({', '.join(output.axes)})")
    return values


def _shapes(values) -> list[tuple[int, ...]]:
    return [value.shape for value in values] if isinstance(values, list) else [values.shape[1:]]


def _row_count(part: Mapping) -> int:
    counts = {name: len(values) for name, values in part.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"the outputs of a part differ in their number of rows: {counts}")
    return next(iter(counts.values()))


def _axis_lengths(parts: Sequence[Mapping], outputs: Sequence[Output]) -> dict[str, int]:
    lengths: dict[str, set[int]] = {}
    for part in parts:
        for output in outputs:
            for shape in _shapes(part[output.name]):
                for axis, length in zip(output.axes, shape, strict=True):
                    lengths.setdefault(axis, set()).add(length)
    if len(lengths.get(LEADS, ())) > 1:
        raise ValueError(f"the parts have {sorted(lengths[LEADS])} leads: they come from different recipes")
    return {axis: max(1, *found) for axis, found in lengths.items()}


def _filled(output: Output, parts: Sequence[Mapping], places: Sequence, shape: tuple[int, ...]) -> np.ndarray:
    filled = np.full(shape, output.padding, output.dtype) if output.padding else np.zeros(shape, output.dtype)
    for part, rows in zip(parts, places, strict=True):
        values = part[output.name]
        if isinstance(values, list):
            numbers = range(rows.start, rows.stop) if isinstance(rows, slice) else rows
            for row, value in zip(numbers, values, strict=True):
                filled[(row, *map(slice, value.shape))] = value
        else:
            filled[(rows, *map(slice, values.shape[1:]))] = values
    return filled


def _as_slice(rows: np.ndarray):
    whole = len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows)))
    return slice(int(rows[0]), int(rows[0]) + len(rows)) if whole else rows
