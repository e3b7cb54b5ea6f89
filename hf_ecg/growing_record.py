"""A model's answers to a signal that still grows: window after window, as soon as each is complete.

    import hf_ecg

    for window in hf_ecg.stream("ecg-text-small", chunks, sampling_rate=250, leads=["II", "V5"]):
        window.start, window.stop, window.answer

A window is prepared and asked as the pipelines do it with a whole record and `window="all"`: the answers are the same,
to the last bit, however the signal was cut into chunks. Filters that look ahead see the whole window and nothing
behind it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .checks import check_positive, is_finite_number, shown
from .pipelines import ECGPipeline, pipeline
from .processing.input_values import array_of_numbers
from .processing.on_purpose import on_purpose
from .saved_models import window_of
from .signals.leads import canonical_leads
from .signals.record import Record
from .signals.resampling import check_rate
from .signals.units import known_units, to_millivolts
from .signals.window import window_spans

# A longer gap is a start in another unit, or counted from another day.
LONGEST_GAP_S = 7 * 86_400.0


@dataclass(frozen=True)
class WindowAnswer:
    """What a model says of one window.

    Attributes:
        index: of the window, from 0.
        start, stop: seconds from the first sample.
        answer: what the pipeline gives for these samples alone, such as the embedding, or labels with their scores;
            None where the window cannot be used.
        reason: why it cannot be used; "" otherwise.
    """

    index: int
    start: float
    stop: float
    answer: list | torch.Tensor | None
    reason: str = ""


class ECGStream:
    """A signal that grows by chunks of any size, and a model that is asked about each complete window.

    Memory is that of two windows, whatever was pushed before.

    Args:
        model: a pipeline of this package, or the name, folder or Hub id of a model, as `hf_ecg.pipeline` takes it.
        sampling_rate: hertz of the chunks.
        leads: names of their leads, in their order.
        units: mV, uV, nV or V in any spelling, or normalized.
        task: of the pipeline; default: the one that the model was made for.
        seconds: of a window; default: what the model was made for.
        stride: seconds between the starts of windows; default: their length.
        options: of the pipeline's call, such as `lead`, `candidate_labels`, `top_k` and `crops`.

    Raises:
        ValueError: an impossible argument, or a model that the task cannot use.
        OSError: the model is not there.

    Example:
        >>> import hf_ecg
        >>> from hf_ecg.growing_record import ECGStream
        >>> record = hf_ecg.read("record.hea")
        >>> signals = record.to_millivolts()  # ten seconds
        >>> stream = ECGStream("ecg-single-lead-small", record.sampling_rate, record.leads, lead="I", seconds=5)
        >>> [len(stream.push(signals[:, first:first + 1000])) for first in range(0, 5000, 1000)]
        [0, 0, 1, 0, 1]
        >>> stream.finish(), len(stream.pooled)
        ([], 256)
    """

    def __init__(
        self,
        model,
        sampling_rate: float,
        leads: Sequence[str],
        units: str = "mV",
        *,
        task: str | None = None,
        seconds: float | None = None,
        stride: float | None = None,
        **options,
    ):
        self._pipeline = model if isinstance(model, ECGPipeline) else pipeline(task, model)
        if isinstance(model, ECGPipeline) and task not in (None, model.task):
            raise ValueError(f"task is {task!r}, and the pipeline that was given is one for {model.task!r}")
        check_positive("sampling_rate", sampling_rate)
        check_rate("sampling_rate", sampling_rate)
        for name, value in (("seconds", seconds), ("stride", stride)):
            if value is not None:
                check_positive(name, value)
        self.sampling_rate, self.units = float(sampling_rate), known_units(units)
        self.leads = canonical_leads([leads] if isinstance(leads, str) else list(leads))
        for name in ("window", "sampling_rate", "leads", "units"):
            if name in options:
                raise ValueError(f"{name} is an option of a pipeline's call and not of a stream")
        self._of_input, self._of_model, self._of_answer = self._pipeline._sanitize_parameters(**options)
        own, _ = window_of("all", self._pipeline.feature_extractor, self._pipeline.model).lengths(self.sampling_rate)
        self.seconds = own if seconds is None else float(seconds)
        if self.seconds is None:
            raise ValueError("nothing says how long the model's windows are: wanted seconds")
        self._size = max(round(self.seconds * self.sampling_rate), 1)
        self._stride = self._size if stride is None else max(round(stride * self.sampling_rate), 1)
        # the samples from `_first` on; a place for each of two windows, so that samples are moved once a window
        self._held = np.empty((len(self.leads), 2 * self._size))
        self._first, self.num_samples, self._asked, self._finished = 0, 0, 0, False
        self._total: torch.Tensor | None = None
        self._highest: torch.Tensor | None = None
        self._weight = self._used = 0

    def push(self, chunk, start: float | None = None) -> list[WindowAnswer]:
        """Adds samples; gives the answers of the windows that they complete.

        Args:
            chunk: (leads, samples), or (samples,) of one lead, of any length, NaN where missing; or a `Record` of the
                same leads and rate.
            start: seconds from the first sample of all; default: where the last chunk ended. What is between the two
                is missing.

        Raises:
            ValueError: another shape, leads or rate; a start before the end of the last chunk, or more than a week
                behind it; a stream that is finished.
        """
        if self._finished:
            raise ValueError("the stream is finished: wanted a new one for what comes")
        values = self._millivolts(chunk)
        answers: list[WindowAnswer] = []
        for part in self._parts(values, self._gap(start)):
            self._add(part)
            while self._next + self._size <= self.num_samples:
                answers.append(self._answer(self._next, self._next + self._size))
        return answers

    def finish(self) -> list[WindowAnswer]:
        """The answers of what is left: the last window is moved back to end with the signal, and a signal that is
        shorter than a window is asked about as it is. No chunk is taken after that."""
        finished, self._finished = self._finished, True
        if finished or not self.num_samples:
            return []
        spans = list(window_spans(self.num_samples, self._size, self._stride))
        return [self._answer(*span) for span in spans[self._asked :]]

    @property
    def pooled(self):
        """What the pipeline gives of all usable windows until now; None before there is one."""
        if self._total is None or self._highest is None:
            return None
        highest = self._of_model.get("crops") == "max"
        values = self._highest if highest else (self._total / self._weight).float()
        outputs = {"values": values[None], "windows": torch.tensor([self._used])}
        return self._pipeline.postprocess(outputs, **self._of_answer)

    @property
    def _next(self) -> int:
        """First sample of the window that is asked about next."""
        return self._asked * self._stride

    def _millivolts(self, chunk) -> np.ndarray:
        if isinstance(chunk, Record):
            if chunk.leads != tuple(self.leads) or chunk.sampling_rate != self.sampling_rate:
                raise ValueError(
                    f"the chunk {chunk.name} has {list(chunk.leads)} at {chunk.sampling_rate:g} Hz, wanted"
                    f" {list(self.leads)} at {self.sampling_rate:g} Hz"
                )
            return chunk.to_millivolts()
        values = array_of_numbers(chunk, "the chunk")
        if values.ndim == 1 and len(self.leads) == 1:
            values = values[None]
        if values.ndim != 2 or len(values) != len(self.leads):
            raise ValueError(f"the chunk has shape {values.shape}, wanted ({len(self.leads)}, samples)")
        return to_millivolts(values.astype(np.float64, copy=False), self.units)

    def _gap(self, start: float | None) -> int:
        """Missing samples before the next chunk."""
        if start is None:
            return 0
        if not is_finite_number(start):
            raise ValueError(f"start is {shown(start)}, wanted seconds from the first sample")
        gap = round(start * self.sampling_rate) - self.num_samples
        end = self.num_samples / self.sampling_rate
        if gap < 0:
            raise ValueError(f"the chunk starts at {start:g} s, but the signal reaches to {end:g} s already")
        if gap > LONGEST_GAP_S * self.sampling_rate:
            raise ValueError(
                f"the chunk starts at {start:g} s, and the signal ends at {end:g} s: wanted seconds from its first"
                f" sample, and at most {LONGEST_GAP_S / 86_400:g} days without one"
            )
        return gap

    def _parts(self, values: np.ndarray, gap: int) -> Iterator[np.ndarray]:
        """The gap and the samples in pieces of a window at most."""
        while gap > 0:
            number = min(gap, self._size)
            yield np.full((len(self.leads), number), np.nan)
            gap -= number
        for first in range(0, values.shape[1], self._size):
            yield values[:, first : first + self._size]

    def _add(self, part: np.ndarray) -> None:
        held, number = self.num_samples - self._first, part.shape[1]
        if held + number > self._held.shape[1]:
            # the last window may end with the signal: so many samples are kept, or those from the next start on
            kept = min(self._next, self.num_samples - self._size) - self._first
            kept = max(kept, 0)
            self._held[:, : held - kept] = self._held[:, kept:held].copy()
            self._first, held = self._first + kept, held - kept
        self._held[:, held : held + number] = part
        self.num_samples += number

    def _answer(self, first: int, end: int) -> WindowAnswer:
        """One window at a time: sums over a batch would be rounded by what else is in it."""
        index, (start, stop) = self._asked, (place / self.sampling_rate for place in (first, end))
        self._asked += 1
        values = self._held[:, first - self._first : end - self._first].copy()
        record = Record(f"window from {start:g} s", values, None, None, tuple(self.leads), self.sampling_rate)
        try:
            with on_purpose(parts=True):
                inputs = self._prepared(record)
        except ValueError as error:
            return WindowAnswer(index, start, stop, None, str(error))
        from .evaluation.judging.features import signal_held

        held = signal_held(inputs)
        weight = len(next(iter(inputs.values()))) if held is None else int(held.sum())
        outputs = self._pipeline.forward(inputs, **self._of_model)
        self._pool(outputs["values"][0].cpu(), weight)
        return WindowAnswer(index, start, stop, self._pipeline.postprocess(outputs, **self._of_answer))

    def _prepared(self, record: Record) -> dict:
        if self.units != "normalized":
            return self._pipeline.preprocess(record, **self._of_input, window="recipe")
        array = {"array": record.values, "sampling_rate": self.sampling_rate, "leads": list(self.leads)}
        return self._pipeline.preprocess({**array, "units": self.units}, **self._of_input, window="recipe")

    def _pool(self, values: torch.Tensor, weight: int) -> None:
        total = values.double() * weight
        self._total = total if self._total is None else self._total + total
        self._highest = values if self._highest is None else torch.maximum(self._highest, values)
        self._weight += weight
        self._used += 1


def stream(model, chunks: Iterable, sampling_rate: float, leads: Sequence[str], units: str = "mV", **options):
    """The answers of a model to the windows of a growing signal, each as soon as it is complete.

    Args:
        model: see `ECGStream`.
        chunks: arrays (leads, samples) of any length, `Record`s, or pairs of the seconds where a chunk starts and the
            chunk, which may leave gaps; see `ECGStream.push`.
        sampling_rate, leads, units, options: see `ECGStream`.

    Returns:
        An iterator of `WindowAnswer`. After the last chunk it gives what `ECGStream.finish` gives.

    Raises:
        ValueError: see `ECGStream` and, of a chunk, `ECGStream.push`.
        OSError: the model is not there.

    Example:
        >>> import hf_ecg
        >>> record = hf_ecg.read("record.hea")  # ten seconds
        >>> chunks = (record.cut(first, first + 700) for first in range(0, record.num_samples, 700))
        >>> windows = hf_ecg.stream("ecg-single-lead-small", chunks, 500, record.leads, lead="I", seconds=5)
        >>> [(window.start, window.stop, len(window.answer)) for window in windows]
        [(0.0, 5.0, 256), (5.0, 10.0, 256)]
    """
    growing = ECGStream(model, sampling_rate, leads, units, **options)

    def answers() -> Iterator[WindowAnswer]:
        for chunk in chunks:
            start, part = chunk if isinstance(chunk, tuple) else (None, chunk)
            yield from growing.push(part, start)
        yield from growing.finish()

    return answers()
