"""Steps on samples: missing ones, rate, filters, normalisation, length."""

from dataclasses import dataclass

import numpy as np

from ...checks import (
    check_bool,
    check_number,
    check_one_of,
    check_optional_length,
    check_positive,
    check_positive_integer,
)
from ...signals.baseline import EDGES as MEDIAN_EDGES
from ...signals.baseline import subtract_median
from ...signals.filters import apply_filter, validate_filter
from ...signals.missing import fill_missing
from ...signals.normalisation import normalise
from ...signals.resampling import EDGES, METHODS, check_rate, resample
from ...signals.window import check_size
from ..outputs import LEADS, Output
from .step_base import Step, WaveformBatch

# Millivolts = value * scale + offset: (offset, scale) of each lead.
AMPLITUDE = Output("amplitude", (LEADS, "offset_and_scale"), views=True)
# The record, counted from 0 in one call, that a row is a crop of.
RECORD_INDEX = Output("record_index", (), dtype="int64")


@dataclass(frozen=True)
class FillMissing(Step):
    """Replaces missing samples, and what stands where no lead has a signal; without this step a missing sample is an
    error."""

    accepts_missing = True
    method: str = "linear"
    neighbours: int = 6

    def validate(self):
        check_one_of("method", self.method, ("linear", "neighbour_mean", "zero"))
        check_positive_integer("neighbours", self.neighbours)

    def apply(self, batch):
        if batch.gaps.any():
            # a rail would ring in the filters that follow
            batch.signals = np.where(batch.gaps[:, None], np.nan, batch.signals)
        elif batch.complete:
            return
        signals = fill_missing(batch.signals, self.method, self.neighbours)
        # A crop may have left a lead without a single sample: nothing can fill it.
        empty = np.isnan(signals).all(-1)
        batch.signals = np.where(empty[..., None], 0.0, signals)
        batch.lead_mask = batch.lead_mask & ~empty


@dataclass(frozen=True)
class Resample(Step):
    """`signals.resampling.resample` to the model's rate, or to `target_rate` on the way there; `edges` say what lies
    beyond the record's ends."""

    may_follow_views = False
    method: str = "polyphase"
    target_rate: float | None = None
    edges: str = "odd"

    def validate(self):
        check_one_of("method", self.method, METHODS)
        check_one_of("edges", self.edges, EDGES[self.method])
        if self.target_rate is not None:
            check_rate("target_rate", self.target_rate)

    def apply(self, batch):
        target = batch.target_rate if self.target_rate is None else self.target_rate
        if target == batch.sampling_rate:
            return
        before = batch.signals.shape[-1]
        # leads that no record has are zero, and stay so
        there = batch.signals.any(axis=(0, 2))
        found = resample(batch.signals[:, there], batch.sampling_rate, target, self.method, self.edges)
        if there.all():
            batch.signals = found
        else:
            batch.signals = np.zeros((*batch.signals.shape[:2], found.shape[-1]))
            batch.signals[:, there] = found
        after = batch.signals.shape[-1]
        # A resampled sample next to padding mixes both; it counts as recorded when its place in time was.
        places = np.arange(after) * before // after
        batch.sample_mask, batch.gaps = batch.sample_mask[:, places], batch.gaps[:, places]
        batch.sampling_rate = target


@dataclass(frozen=True)
class Filter(Step):
    """`signals.filters.apply_filter` at the rate that the waveform has by then."""

    filter: dict

    def __post_init__(self):
        # written into the recipe, as the defaults of all parameters are
        if isinstance(self.filter, dict) and self.filter.get("zero_phase") is False and "edges" not in self.filter:
            object.__setattr__(self, "filter", {**self.filter, "edges": "level"})

    def validate(self):
        validate_filter(self.filter)

    def apply(self, batch):
        batch.signals = apply_filter(batch.signals, batch.sampling_rate, self.filter)


@dataclass(frozen=True)
class SubtractMedian(Step):
    """`signals.baseline.subtract_median` at the rate that the waveform has by then."""

    seconds: float
    edges: str = "even"

    def validate(self):
        check_positive("seconds", self.seconds)
        check_one_of("edges", self.edges, tuple(MEDIAN_EDGES))

    def apply(self, batch):
        batch.signals = subtract_median(batch.signals, batch.sampling_rate, self.seconds, self.edges)


@dataclass(frozen=True)
class Normalise(Step):
    """`signals.normalisation.normalise` over present leads; `return_amplitude` keeps what it takes away."""

    method: str
    over: str = "lead"
    epsilon: float | None = None
    divisor: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    ddof: int | None = None
    return_amplitude: bool = False

    def __post_init__(self):
        # Written into the recipe, so that a saved one stays what it was should the function's defaults change.
        defaults = {"zscore": {"epsilon": 1e-8}, "minmax": {"epsilon": 1e-8, "minimum": 0.0, "maximum": 1.0}}
        for name, value in defaults.get(str(self.method), {}).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    @property
    def outputs(self):
        return (AMPLITUDE,) if self.return_amplitude else ()

    def validate(self):
        check_one_of("method", self.method, ("zscore", "minmax", "rank", "divide"))
        check_one_of("over", self.over, ("lead",) if self.method == "rank" else ("lead", "record"))
        for name, methods in (
            ("divisor", ("divide",)),
            ("minimum", ("minmax",)),
            ("maximum", ("minmax",)),
            ("epsilon", ("zscore", "minmax")),
            ("ddof", ("zscore",)),
        ):
            if getattr(self, name) is not None and self.method not in methods:
                raise ValueError(f"{name} is given, but method {self.method} does not use it")
        if self.method == "divide" and self.divisor is None:
            raise ValueError("method divide wants a divisor")
        if self.divisor is not None:
            check_positive("divisor", self.divisor)
        if self.ddof is not None and (isinstance(self.ddof, bool) or self.ddof not in (0, 1)):
            raise ValueError(f"ddof is {self.ddof!r}, wanted 0 or 1")
        if self.epsilon is not None:
            check_positive("epsilon", self.epsilon, or_zero=True)
        check_bool("return_amplitude", self.return_amplitude)
        if self.return_amplitude and self.method == "rank":
            raise ValueError("return_amplitude is true, but ranks are not millivolts times a scale")
        for name in ("minimum", "maximum"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        if self.method == "minmax" and not self.minimum < self.maximum:
            raise ValueError(f"minimum {self.minimum} is not below maximum {self.maximum}")

    def apply(self, batch):
        if self.method == "divide":
            # The same numbers as by `normalise`, faster: no statistics, so nothing to check or mask.
            normalised = batch.signals / self.divisor
        else:
            names = ("epsilon", "minimum", "maximum", "ddof")
            given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
            normalised = normalise(batch.signals, self.method, self.over, lead_mask=batch.lead_mask, **given)
            for row in np.flatnonzero(batch.gaps.any(1)):
                seen, present = ~batch.gaps[row], batch.lead_mask[row]
                if seen.any():
                    own = normalise(batch.signals[row][:, seen], self.method, self.over, lead_mask=present, **given)
                    normalised[row] = 0.0
                    normalised[row][:, seen] = own
        if self.return_amplitude:
            batch.tensors["amplitude"] = _offset_and_scale(batch.signals, normalised, batch.gaps)
        batch.signals = normalised


@dataclass(frozen=True)
class Divide(Step):
    """Divides by a constant; short for normalise with the method divide."""

    divisor: float

    def validate(self):
        check_positive("divisor", self.divisor)

    def apply(self, batch):
        # In place: touching fresh memory takes several times longer than the division.
        batch.signals /= self.divisor


@dataclass(frozen=True)
class Crop(Step):
    """Keeps at most `num_samples`; shorter records pass unchanged."""

    accepts_missing = True
    num_samples: int | None = None
    position: str = "start"

    def validate(self):
        check_one_of("position", self.position, ("start", "center", "end"))
        check_optional_length(self.num_samples)

    def apply(self, batch):
        length, wanted = batch.signals.shape[-1], _length(self, batch)
        if length <= wanted:
            return
        first = {"start": 0, "center": (length - wanted) // 2, "end": length - wanted}[self.position]
        batch.take_crops([first], wanted)


@dataclass(frozen=True)
class MultiCrop(Step):
    """`count` crops of a record at equal distances, as extra rows; a record that is not longer gives one.

    Source: ST-MEM's evaluation takes 3 crops of 2250 samples, starts 0, 125, 250.
    """

    accepts_missing = True
    may_follow_views = False
    count: int
    num_samples: int | None = None

    @property
    def outputs(self):
        return (RECORD_INDEX,)

    def validate(self):
        check_positive_integer("count", self.count)
        check_optional_length(self.num_samples)

    def apply(self, batch):
        length, wanted = batch.signals.shape[-1], _length(self, batch)
        if length > wanted:
            if self.count > length - wanted:
                starts = list(range(length - wanted + 1))
            else:
                starts = sorted({int(start) for start in np.linspace(0, length - wanted, self.count)})
            check_size(len(starts) * wanted, len(batch.leads), f"{len(starts)} crops of {wanted} samples")
            batch.take_crops(starts, wanted)
        batch.tensors["record_index"] = batch.origin


@dataclass(frozen=True)
class Segments(Step):
    """Consecutive stretches of `num_samples` that do not overlap, as extra rows; a rest at the end is left out, and a
    record that is not longer gives one.

    Source: ECG-FM cuts records into segments of 5 s.
    """

    accepts_missing = True
    may_follow_views = False
    num_samples: int | None = None

    @property
    def outputs(self):
        return (RECORD_INDEX,)

    def validate(self):
        check_optional_length(self.num_samples)

    def apply(self, batch):
        length, wanted = batch.signals.shape[-1], _length(self, batch)
        if length > wanted:
            batch.take_crops(range(0, length - wanted + 1, wanted), wanted)
        batch.tensors["record_index"] = batch.origin


# Steps that make several rows of a record.
ROW_MAKERS = (MultiCrop, Segments)


@dataclass(frozen=True)
class Pad(Step):
    """Lengthens to `num_samples`; what it adds is false in the sample mask. Longer records pass unchanged.

    With `masked` false what it adds counts as recorded: of originals whose models always saw the padding.
    """

    accepts_missing = True
    num_samples: int | None = None
    position: str = "end"
    value: float = 0.0
    masked: bool = True

    def validate(self):
        check_one_of("position", self.position, ("start", "end", "both"))
        check_optional_length(self.num_samples)
        check_number("value", self.value)
        check_bool("masked", self.masked)

    def apply(self, batch):
        length, wanted = batch.signals.shape[-1], _length(self, batch)
        if length >= wanted:
            return
        before = {"end": 0, "start": wanted - length, "both": (wanted - length) // 2}[self.position]
        batch.pad_samples(before, wanted - length - before, self.value, self.masked)


def _offset_and_scale(before: np.ndarray, after: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """`before = after * scale + offset`, read off each lead's extremes, so that it holds for any affine method."""
    low, high = (
        find(np.where(gaps[:, None], none, before) if gaps.any() else before, -1, keepdims=True)
        for find, none in ((np.argmin, np.inf), (np.argmax, -np.inf))
    )
    x0, x1 = (np.take_along_axis(before, i, -1)[..., 0] for i in (low, high))
    y0, y1 = (np.take_along_axis(after, i, -1)[..., 0] for i in (low, high))
    flat = y1 == y0
    scale = np.where(flat, 1.0, (x1 - x0) / np.where(flat, 1.0, y1 - y0))
    return np.stack([x0 - y0 * scale, scale], axis=-1)


def _length(step: Crop | MultiCrop | Segments | Pad, batch: WaveformBatch) -> int:
    length = batch.num_samples if step.num_samples is None else step.num_samples
    if length is None:
        raise ValueError("num_samples is given neither in the step nor for the recipe")
    return length
