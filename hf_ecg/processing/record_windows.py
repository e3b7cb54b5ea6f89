"""Which part of a record a model sees: whole, windows side by side, or what its recipe takes. One rule for all rooms.

Records that are longer than a model's input are read as windows, and said to be. The last window is moved back to end
with the record (see `signals.window.window_spans`); a record that is shorter than a window is padded under the mask.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from transformers.utils import logging

from ..checks import is_finite_number, nearest, shown
from ..signals.window import SMALLEST_REST, WINDOWS, check_size, window_spans
from .inputs import Recording, WaveformGroup
from .on_purpose import on_purpose, purpose
from .steps.requirements import RequireLength
from .steps.sample_steps import Crop, MultiCrop, Pad, Resample, Segments
from .steps.step_base import Step
from .steps.step_table import build_step

logger = logging.get_logger(__name__)

# A recipe that leaves out more than this share of a window is not applied to it unasked.
LARGEST_LOSS = 0.5
# Seconds that a recipe without a length takes at once, where it does not say how many.
LONGEST_WHOLE_S = 120.0
A_ROW_EACH = "a row each, and record_index says whose"
_told: set[tuple] = set()


def checked_window(window) -> "str | float | WindowPlan | None":
    """None, one of `WINDOWS`, the seconds of a window, or a plan.

    Raises:
        ValueError: anything else.
    """
    if window is None or isinstance(window, WindowPlan) or (isinstance(window, str) and window in WINDOWS):
        return window
    if is_finite_number(window) and window > 0:
        return float(window)
    near = nearest(window, WINDOWS) if isinstance(window, str) else ""
    raise ValueError(f"window is {shown(window)}, wanted one of {', '.join(WINDOWS)}, or seconds{near}")


@dataclass(frozen=True)
class WindowPlan:
    """How records of any length become windows for a recipe.

    Args:
        steps, rate, num_samples: of the recipe.
        window: None: windows of what is longer than the model takes at once; else what the caller chose: "all",
            "first", "recipe", or the seconds of a window.
        seconds: what the model was made for, where the recipe takes any length and does not say it.
        stride: seconds between the starts of windows; None is their length.
        pooling: what becomes of the windows' outputs, for the message.
        leaves_out: share of a record that a recipe's crop may leave out before the record is read as windows.
    """

    steps: tuple[Step, ...]
    rate: float
    num_samples: int | None
    window: str | float | None = None
    seconds: float | None = None
    stride: float | None = None
    pooling: str = A_ROW_EACH
    leaves_out: float = SMALLEST_REST

    @property
    def cuts(self) -> bool:
        """Whether the caller asked for windows, however long a record is."""
        return self.window == "all" or isinstance(self.window, float)

    def lengths(self, rate: float) -> tuple[float | None, float]:
        """Seconds of a window, and of the longest record of that rate that is taken whole unless a caller chooses."""
        if self.num_samples is None:
            limits = [step.maximum for step in self.steps if isinstance(step, RequireLength) and step.maximum]
            return self.seconds, min(limits, default=LONGEST_WHOLE_S)
        own = self.num_samples / self.rate
        if any(isinstance(step, Segments) for step in self.steps):
            return own, math.inf
        seen, _ = _seconds_of(self.steps, rate, self.rate, self.num_samples)
        # what a crop leaves out of a record that is a little longer is not worth another row
        return min(seen, own), own if math.isinf(seen) else seen / (1 - self.leaves_out)

    def spans(self, num_samples: int, rate: float, name: str) -> list[tuple[int, int]]:
        """First sample and end of each window of a record of that many samples; `name` stands in the errors.

        Raises:
            ValueError: nothing says how long a window is.
        """
        seconds, longest = self.lengths(rate)
        # a sample more or less is nobody's fault
        if self.window == "recipe" or (self.window is None and num_samples <= longest * rate + 1):
            return [(0, num_samples)]
        length = self.window if isinstance(self.window, float) else seconds
        if length is None:
            found = f"window is {self.window!r}" if self.window else f"{name} lasts {num_samples / rate:g} s"
            most = "" if self.window else f" up to {longest:g} s"
            raise ValueError(
                f"{found}, and the recipe takes records of any length{most}: wanted the seconds of a window, such as"
                " window=10"
            )
        which = "first" if self.window == "first" else "all"
        stride = None if self.stride is None else max(round(self.stride * rate), 1)
        return list(window_spans(num_samples, max(round(length * rate), 1), stride, which))

    def tell(self, name: str, num_samples: int, rate: float, spans: Sequence[tuple[int, int]]) -> None:
        """Says once, for each length of a window and each pooling, that records are read as windows."""
        if len(spans) < 2:
            return
        length = (spans[0][1] - spans[0][0]) / rate
        _tell(
            ("windows", f"{length:g}", self.pooling),
            "%s lasts %g s and is read as %d windows of %g s: %s (said once)",
            *(name, num_samples / rate, len(spans), length, self.pooling),
        )


def in_windows(recordings: Iterable[Recording], plan: WindowPlan) -> tuple[list[Recording], list[int]]:
    """Windows of the recordings, side by side, and the position of the record that each is of.

    Raises:
        ValueError: see `WindowPlan.spans`; windows that do not fit into memory.
    """
    windows, positions = [], []
    # records of a batch are mostly of one length
    known: dict[tuple, list[tuple[int, int]]] = {}
    for position, recording in enumerate(recordings):
        leads, samples = recording.values.shape
        key = (samples, recording.sampling_rate)
        spans = known[key] if key in known else plan.spans(*key, recording.name)
        known[key] = spans
        size = spans[0][1] - spans[0][0]
        check_size(len(spans) * size, leads, f"{len(spans)} windows of {size} samples")
        plan.tell(recording.name, samples, recording.sampling_rate, spans)
        windows += [recording if span == (0, samples) else recording.cut(*span) for span in spans]
        positions += [position] * len(spans)
    return windows, positions


def window_plan(extractor, window=None, **options) -> WindowPlan:
    """How an extractor's recipe reads records of any length.

    Args:
        extractor: with `steps`, `sampling_rate` and `num_samples`.
        window: see `checked_window`; a plan is given back as it is.
        options: `seconds`, `stride`, `pooling` and `leaves_out` of the plan.
    """
    window = checked_window(window)
    if isinstance(window, WindowPlan):
        return window
    steps = tuple(build_step(step) for step in extractor.steps)
    return WindowPlan(steps, extractor.sampling_rate, extractor.num_samples, window, **options)


def prepared_windows(recordings: Sequence[Recording], plan: WindowPlan, prepare: Callable) -> dict:
    """What `prepare` makes of the windows of the recordings.

    Args:
        prepare: called with windows, their records' positions, and whether a record may have several rows.

    Raises:
        ValueError: see `in_windows` and `usable_windows`.
    """
    windows, positions = in_windows(recordings, plan)
    several = len(windows) > len(recordings)
    prepare = partial(prepare, indexed=several or plan.cuts)
    try:
        with on_purpose(parts=several or purpose().parts):
            return prepare(windows, positions)
    except ValueError:
        kept, owners = usable_windows(windows, positions, prepare) if several else ([], [])
        if not kept:
            raise
    return prepare(kept, owners)


def usable_windows(
    windows: Sequence[Recording], positions: list[int], prepare: Callable[[list[Recording], list[int]], object]
) -> tuple[list[Recording], list[int]]:
    """Those windows that `prepare` takes alone, where a record has several; with a warning that counts the others.

    Raises:
        ValueError: all windows of a record are refused, and not those of every record.
    """
    kept, refused = [], {}
    for place, (window, position) in enumerate(zip(windows, positions, strict=True)):
        try:
            # a record that is read whole is not a part of one, whatever stands beside it
            with on_purpose(parts=positions.count(position) > 1 or purpose().parts):
                prepare([window], [position])
        except ValueError as error:
            refused[place] = error
        else:
            kept.append(place)
    used = {positions[place] for place in kept}
    if not used:
        return [], []
    for place, refusal in refused.items():
        if positions[place] not in used:
            raise refusal
    for position in dict.fromkeys(positions[place] for place in refused):
        places = [place for place in refused if positions[place] == position]
        logger.warning(
            "%s: %d of its %d windows cannot be used and count for nothing; the first: %s",
            *(windows[places[0]].name, len(places), list(positions).count(position), refused[places[0]]),
        )
    return [windows[place] for place in kept], [positions[place] for place in kept]


def tell_what_is_left_out(
    groups: Iterable[WaveformGroup], steps: Sequence[Step], rate: float, num_samples: int | None, strict: bool
) -> None:
    """Warns of records that the recipe crops or pads by more than a tenth, once for each length of a window.

    Args:
        groups: see `read_inputs`.
        steps: of the recipe.
        rate, num_samples: of the recipe.
        strict: refuse records of which more than `LARGEST_LOSS` would be left out.

    Raises:
        ValueError: such a record, with what a caller may choose.
    """
    for group in groups:
        seconds = group.signals.shape[-1] / group.sampling_rate
        part = ", cut into windows," if len(set(group.positions)) < len(group.positions) else ""
        seen, filled = _seconds_of(steps, group.sampling_rate, rate, num_samples)
        segments = _seconds_in_segments(steps, seconds, rate, num_samples)
        # each length of a record has another rest
        told, seen = "segments" if segments < seen else seen, min(seen, segments)
        if strict and seen < (1 - LARGEST_LOSS) * seconds:
            raise ValueError(
                f"{group.names[0]}{part} lasts {seconds:g} s, and the model's recipe would take {seen:g} s of it: say"
                ' window="all" for all windows of that length, "first" for the first, or "recipe" for what the recipe'
                " takes"
            )
        if seen < (1 - SMALLEST_REST) * seconds:
            _tell(
                ("cropped", told),
                "%s lasts %g s, and the model sees %g s of it, as its recipe cuts (said once)",
                *(group.names[0], seconds, seen),
            )
        elif filled > (1 + SMALLEST_REST) * min(seconds, seen):
            _tell(
                ("padded", filled),
                "%s lasts %g s and is padded to the %g s of the model's window; sample_mask says what is padding"
                " (said once)",
                *(group.names[0], seconds, filled),
            )


def _tell(key: tuple, message: str, *values) -> None:
    if key not in _told:
        _told.add(key)
        logger.warning(message, *values)


def _seconds_of(steps: Sequence[Step], given: float, rate: float, num_samples: int | None) -> tuple[float, float]:
    """Seconds of a record that the recipe lets through, and seconds that it fills up to."""
    seen, filled, current = math.inf, 0.0, given
    for step in steps:
        if isinstance(step, Resample):
            current = rate if step.target_rate is None else step.target_rate
        elif isinstance(step, (Crop, MultiCrop, Pad)):
            wanted = num_samples if step.num_samples is None else step.num_samples
            if wanted is None:
                continue
            if isinstance(step, Pad):
                filled = max(filled, wanted / current)
            else:
                seen = min(seen, wanted / current * (step.count if isinstance(step, MultiCrop) else 1))
    return seen, filled


def _seconds_in_segments(steps: Sequence[Step], seconds: float, rate: float, num_samples: int | None) -> float:
    """Seconds of a record of so many that lie in whole segments, where the recipe cuts it into some."""
    for step in steps:
        if isinstance(step, Segments):
            wanted = num_samples if step.num_samples is None else step.num_samples
            length = seconds if wanted is None else wanted / rate
            # a sample more or less is nobody's fault
            return max(length, length * math.floor((seconds + 1 / rate) / length))
    return math.inf
