"""Which part of a record a model sees: the windows that a caller chose, or what its recipe takes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from transformers.utils import logging

from ..checks import is_finite_number, nearest, shown
from ..signals.window import SMALLEST_REST, WINDOWS, check_size, window_spans
from .inputs import WaveformGroup
from .steps.sample_steps import Crop, MultiCrop, Pad, Resample
from .steps.step_base import Step

logger = logging.get_logger(__name__)

# A recipe that leaves out more than this share of a record is not applied to it unasked.
LARGEST_LOSS = 0.5
_told: set[tuple] = set()


def checked_window(window) -> str | float | None:
    """None, one of `WINDOWS`, or the seconds of a window.

    Raises:
        ValueError: anything else.
    """
    if window is None or (isinstance(window, str) and window in WINDOWS):
        return window
    if is_finite_number(window) and window > 0:
        return float(window)
    near = nearest(window, WINDOWS) if isinstance(window, str) else ""
    raise ValueError(f"window is {shown(window)}, wanted one of {', '.join(WINDOWS)}, or seconds{near}")


def gives_windows(window: str | float | None) -> bool:
    """Whether a record may become several rows by it."""
    return window == "all" or isinstance(window, float)


def in_windows(groups: Iterable[WaveformGroup], window: str | float, seconds: float | None) -> list[WaveformGroup]:
    """The groups with each record cut into windows, which have their record's position and lie side by side.

    Args:
        groups: see `read_inputs`.
        window: "all", "first", or the seconds of windows one after the other.
        seconds: length of a window, unless `window` says it.

    Raises:
        ValueError: nothing says how long a window is; windows that do not fit into memory.
    """
    length = window if isinstance(window, float) else seconds
    if length is None:
        raise ValueError(
            f"window is {window!r}, and the recipe takes records of any length: wanted the seconds of a window"
        )
    which = "first" if window == "first" else "all"
    cut = []
    for group in groups:
        records, leads, samples = group.signals.shape
        size = max(round(length * group.sampling_rate), 1)
        spans = list(window_spans(samples, size, which=which))
        if spans == [(0, samples)]:
            cut.append(group)
            continue
        check_size(len(spans) * size, records * leads, f"{len(spans)} windows of {size} samples")
        signals = np.stack([group.signals[..., start:end] for start, end in spans], axis=1)
        signals = signals.reshape(-1, leads, size)
        positions = [position for position in group.positions for _ in spans]
        names = [name for name in group.names for _ in spans]
        cut.append(replace(group, signals=signals, positions=positions, names=names))
    return cut


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
        if strict and seen < (1 - LARGEST_LOSS) * seconds:
            raise ValueError(
                f"{group.names[0]}{part} lasts {seconds:g} s, and the model's recipe would take {seen:g} s of it: say"
                ' window="all" for all windows of that length (record_index says whose they are), "first" for the'
                ' first, or "recipe" for what the recipe takes; `hf-ecg embed` makes a row of each window'
            )
        if seen < (1 - SMALLEST_REST) * seconds:
            _tell(
                ("cropped", seen),
                "%s lasts %g s, and the model sees %g s of it, as its recipe crops (said once)",
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
