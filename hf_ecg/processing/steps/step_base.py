"""What every step of a recipe shares: the batch it works on, its parameters and its outputs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from ..outputs import LEADS, SAMPLES, Output

if TYPE_CHECKING:
    from .derivation import Derivation


@dataclass
class WaveformBatch:
    """What the steps hand on: float64 `(records, leads, samples)`, theirs to overwrite, and what is known about it.

    Attributes:
        lead_mask: bool `(records, leads)`, true where a lead is present.
        sample_mask: bool `(records, samples)`, true where something was recorded; the rest is padding, or in `gaps`.
        complete: no sample is missing, so that nobody needs to look for any.
        physical: the values are millivolts, so that limb leads may be derived.
        wanted: the leads that the recipe accepts, in the model's order.
        lead: the one lead that the caller picked, or None.
        target_rate, num_samples: what the recipe aims at, for the steps that do not say otherwise.
        origin: int `(records,)`, the place of each record in what the caller handed in.
        tensors: by name what steps have added beside the waveform: an array `(records, *axes)`, or a list of one array
            a record where their lengths differ.
        outputs: the declaration of each of them.
        derivation: what derived leads were made of; None when there are none.
        starts: float `(records,)`, seconds from a record's beginning to the first sample of the row; below zero where
            padding stands before it. Default: zero.
        gaps: bool `(records, samples)`, true where no lead has a signal; no step takes statistics of what fills them.
    """

    signals: np.ndarray
    lead_mask: np.ndarray
    sample_mask: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    complete: bool
    physical: bool
    wanted: tuple[str, ...]
    lead: str | None
    target_rate: float
    num_samples: int | None
    origin: np.ndarray
    tensors: dict[str, np.ndarray | list[np.ndarray]] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    derivation: "Derivation | None" = None
    starts: np.ndarray = field(default=cast(np.ndarray, None))
    gaps: np.ndarray = field(default=cast(np.ndarray, None))

    def __post_init__(self):
        if self.starts is None:
            self.starts = np.zeros(len(self.signals))
        if self.gaps is None:
            self.gaps = np.zeros(self.sample_mask.shape, bool)

    def take_crops(self, starts: Sequence[int], length: int) -> None:
        """From each record a stretch of `length` samples at each of `starts`, side by side, with all that belongs to
        it: what has an axis of samples is cut, everything else repeated."""

        def cropped(values, axis: int | None):
            if isinstance(values, list):
                return [value if axis is None else _cut(value, axis, s, length) for value in values for s in starts]
            if axis is None:
                return values if len(starts) == 1 else values.repeat(len(starts), axis=0)
            crops = [_cut(values, axis, start, length) for start in starts]
            return crops[0] if len(crops) == 1 else np.stack(crops, axis=1).reshape(-1, *crops[0].shape[1:])

        self.signals, self.sample_mask = cropped(self.signals, -1), cropped(self.sample_mask, -1)
        self.gaps = cropped(self.gaps, -1)
        self.lead_mask, self.origin = cropped(self.lead_mask, None), cropped(self.origin, None)
        self.starts = (self.starts[:, None] + np.asarray(starts) / self.sampling_rate).reshape(-1)
        if self.derivation is not None:
            self.derivation.parents = cropped(self.derivation.parents, None)
        for name, values in self.tensors.items():
            self.tensors[name] = cropped(values, self.outputs[name].axis(SAMPLES))

    def pad_samples(self, before: int, after: int, value: float, masked: bool = True) -> None:
        """Adds samples to everything that has an axis of them; they count as padding, or not `masked` as recorded."""
        widths = [(0, 0), (0, 0), (before, after)]
        self.signals = np.pad(self.signals, widths, constant_values=value)
        self.sample_mask = np.pad(self.sample_mask, widths[1:], constant_values=not masked)
        self.gaps = np.pad(self.gaps, widths[1:])
        self.starts = self.starts - before / self.sampling_rate

        def padded(output: Output, values: np.ndarray, axis: int) -> np.ndarray:
            own = [(0, 0)] * values.ndim
            own[axis] = (before, after)
            return np.pad(values, own, constant_values=output.padding)

        self.carry(SAMPLES, padded)

    def choose_leads(self, wanted: tuple[str, ...]) -> None:
        """These leads in this order, of what steps have added; one that is not there gets the output's padding."""
        places = [self.leads.index(lead) if lead in self.leads else -1 for lead in wanted]
        absent = np.array(places) < 0

        def chosen(output: Output, values: np.ndarray, axis: int) -> np.ndarray:
            taken = np.moveaxis(values, axis, 0)[places]
            taken[absent] = output.padding
            return np.moveaxis(taken, 0, axis)

        self.carry(LEADS, chosen)

    def carry(self, axis: str, change: Callable[[Output, np.ndarray, int], np.ndarray]) -> None:
        """`change(output, values, place of the axis)` for every added tensor that has an axis of this name."""
        for name, values in self.tensors.items():
            place = self.outputs[name].axis(axis)
            if place is None:
                continue
            if isinstance(values, list):
                self.tensors[name] = [change(self.outputs[name], value, place) for value in values]
            else:
                self.tensors[name] = change(self.outputs[name], values, place)

    def stretches(self) -> Iterator[tuple[np.ndarray, slice]]:
        """Rows whose recorded samples lie in the same stretch, and that stretch."""
        length = self.sample_mask.shape[1]
        recorded = self.sample_mask.any(1)
        first = np.where(recorded, self.sample_mask.argmax(1), 0)
        stop = np.where(recorded, length - self.sample_mask[:, ::-1].argmax(1), 0)
        edges = np.stack([first, stop], axis=1)
        for start, end in np.unique(edges, axis=0).tolist():
            yield np.flatnonzero((edges == (start, end)).all(1)), slice(start, end)


@dataclass(frozen=True)
class Step:
    """A step's fields are its parameters; a field whose default is None follows the recipe's own value."""

    # Steps that compare or move samples without computing with them may meet missing ones.
    accepts_missing = False
    # Steps that choose what the model is given say nothing about the leads that they leave out.
    chooses_leads = False
    # Steps that judge each lead by the others get those beside that derived leads were made of.
    judges_leads_together = False
    # Behind the step `views` a step sees tensors whose leads, rate and number of records are settled.
    may_follow_views = True

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What the step adds: `apply` puts each of them into `batch.tensors` under its name."""
        return ()

    @property
    def drops(self) -> tuple[str, ...]:
        """Names of outputs of earlier steps that the model does not take any more, such as the waveform."""
        return ()

    def validate(self) -> None:
        """Raises ValueError for a value that no record could be processed with."""

    def apply(self, batch: WaveformBatch) -> None:
        raise NotImplementedError


def _cut(values: np.ndarray, axis: int, first: int, length: int) -> np.ndarray:
    place: tuple = (..., slice(first, first + length), *[slice(None)] * (-axis - 1))
    return values[place]


class RecordError(ValueError):
    """An error of one record of a batch; the extractor, which knows the names, puts the record's before it."""

    def __init__(self, record: int, message: str):
        super().__init__(message)
        self.record = record
