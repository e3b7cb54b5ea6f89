"""Times of samples: which column of a table holds them, and the rate that they give."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from .table_cells import Column
from .table_text import is_stamp

_SECONDS = {
    1.0: "s|sec|secs|second|seconds|sekunde|sekunden|segundo|segundos|seconde|secondes|secondi|hh:mm:ss.mmm|hh:mm:ss",
    1e-3: "ms|msec|msecs|millis|millisecond|milliseconds|millisekunden|milisegundos|millisecondes",
    1e-6: "us|\u00b5s|\u03bcs|usec|microsecond|microseconds|mikrosekunden",
    1e-9: "ns|nsec|nanosecond|nanoseconds|nanos",
    60.0: "min|minute|minutes",
}
_FACTOR = {word: factor for factor, words in _SECONDS.items() for word in words.split("|")}
_NAME = re.compile(
    r"(?:.*[\s_])?(?:time(?:[\s_-]?stamp)?s?|timestamps?|t|elapsed(?:[\s_]time)?|date|datetime|clock|epoch|unix(?:time)?"
    r"|zeit(?:stempel)?|uhrzeit|datum|tiempo|hora|fecha|marca de tiempo|temps|heure|horodatage|tempo|ora|tid"
    r"|s|sec|secs|seconds?|sekunden|segundos|ms|msec|milliseconds?|us|ns|nanoseconds?)"
    r"(?:[\s_](?:utc|local|s|sec|ms|us|ns|seconds?|milliseconds?|microseconds?|nanoseconds?))?",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"(.*?)\s*[\[({]([^\[\](){}]*)[\])}]\s*")
_ODD_DATE = re.compile(r"\s*\d{1,2}[/-]\d{1,2}[/-]\d{4}[T ]\s*")
_INDEX = re.compile(
    r"|#|no\.?|nr\.?|idx|index|row|line|unnamed: 0|(?:sample|frame)s?(?:[\s_]?(?:#|no\.?|number|index|id))?",
    re.IGNORECASE,
)
# Steps may differ by half of one, or by what the times are rounded to; the rate must be known to a thousandth.
_MOST_STEP, _WORST_RATE = 0.5, 1e-3
Start = datetime | time | None


class Times(NamedTuple):
    """Times of samples.

    Attributes:
        seconds: from the first one.
        resolution: to what they are rounded, in seconds.
        start: date or time of the day of the first one, where they say it.
        remark: what was taken for granted.
    """

    seconds: np.ndarray
    resolution: float
    start: Start = None
    remark: str | None = None


# Less than a thousandfold, which is what lies between two units of time.
_LOWEST_RATE, _HIGHEST_RATE = 25.0, 5000.0


def is_time(name: str) -> bool:
    """Whether a column of this name holds times ("time [s]", "Zeitstempel", "sensor timestamp [ns]")."""
    bare, unit = split(name)
    return _NAME.fullmatch(bare) is not None or (unit is not None and unit in _FACTOR)


def is_index(name: str) -> bool:
    """Whether a column of this name counts the samples."""
    return _INDEX.fullmatch(name.strip().strip("'\"")) is not None


def split(name: str) -> tuple[str, str | None]:
    """A column's name, and what stands in brackets behind it."""
    found = _BRACKETS.fullmatch(name)
    if found is None:
        return name.strip(), None
    return found[1].strip(), found[2].strip().casefold()


def seconds_of(name: str, unit: str | None, column: Column) -> Times:
    """The times that a column holds.

    Args:
        name: of the column.
        unit: from a line of units, where there is one.
        column: numbers, or texts of dates and clocks.

    Raises:
        ValueError: a cell that is no time, or numbers whose unit nobody says.
    """
    if not len(column.values):
        raise ValueError(f"its column of times, {name!r}, is empty")
    if isinstance(column.values, list):
        return _of_stamps(name, column.values)
    bare, bracketed = split(name)
    last = re.split(r"[\s_]", bare)[-1].casefold()
    factor = _FACTOR.get((unit or bracketed or "").strip("[]()'\" ").casefold(), _FACTOR.get(last))
    first = float(column.values[0])
    if not np.isfinite(column.values).all():
        raise ValueError(f"its column of times, {name!r}, holds something that is not finite")
    # whole numbers first: nanoseconds since 1970 have more digits than a float
    numbers = (column.values - column.values[0]).astype(np.float64)
    resolution, start, remark = 10.0**-column.digits, None, None
    if factor is None:
        factor = _by_size(name, first, numbers)
        remark = f"its times, in {name!r}, do not say their unit: taken as units of {factor:g} s"
    if first * factor > 3e8:  # seconds since 1970 or another age of clocks
        start = _date(first * factor) if abs(first * factor - 1.6e9) < 6e8 else None
    return Times(numbers * factor, resolution * factor, start, remark)


def _by_size(name: str, first: float, numbers: np.ndarray) -> float:
    """The unit of times that do not say it: of four units, one alone makes seconds since 1970, or an ECG's rate."""
    units = (1.0, 1e-3, 1e-6, 1e-9)
    for factor in units:
        if 1e9 <= first * factor <= 4e9:
            return factor
    length = numbers[-1]
    for factor in units:
        # steps of one may count the samples
        if length > 0 and length != len(numbers) - 1:
            if _LOWEST_RATE <= (len(numbers) - 1) / (length * factor) <= _HIGHEST_RATE:
                return factor
    raise ValueError(
        f"its column of times, {name!r}, does not say its unit, such as {name + ' [ms]'!r}: give sampling_rate="
    )


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _of_stamps(name: str, cells: list[str]) -> Times:
    # 03/04/2020 is of March here and of April there, and the rate does not ask
    remark = None
    if _ODD_DATE.match(cells[0]):
        remark = f"date: its times, in {name!r}, do not say which of day and month is which: the date is left out"
        cells = [_ODD_DATE.sub("", cell) for cell in cells]
    try:
        found = [_stamp(cell) for cell in cells]
    except ValueError as error:
        raise ValueError(f"its column of times, {name!r}, holds something that is no time: {error}") from error
    digits = max(len(re.split(r"[.,]", re.split(r"Z|[-+]\d\d:?\d\d$", cell)[0])[-1]) for cell in cells[:200])
    fractions = any(re.search(r":\d+[.,]\d", cell) for cell in cells[:200])
    resolution = 10.0**-digits if fractions else 1.0
    clocks = [one for one in found if isinstance(one, timedelta)]
    dates = [one for one in found if isinstance(one, datetime)]
    zones = {one.tzinfo is None for one in dates}
    if (clocks and dates) or len(zones) > 1:
        raise ValueError(
            f"its column of times, {name!r}, holds dates and clock times, or dates with and without a zone"
        )
    start: Start = dates[0] if dates else None
    if dates:
        seconds = np.array([(one - dates[0]).total_seconds() for one in dates])
    else:
        seconds = np.array([one.total_seconds() for one in clocks])
        # past midnight
        seconds = seconds + 86400.0 * np.cumsum(np.concatenate([[False], np.diff(seconds) < -43200]))
        whole = int(seconds[0] * 1e6) % 86_400_000_000
        # a clock that begins at zero is a stopwatch
        start = (datetime.min + timedelta(microseconds=whole)).time() if seconds[0] > 3600 else None
    return Times(seconds - seconds[0], resolution, start, remark)


def _stamp(cell: str) -> datetime | timedelta:
    text = cell.strip("[] ").replace(",", ".")
    text = re.sub(r"\s*UTC$", "Z", text)
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(\.\d+)?", text)
    if clock is not None:
        parts = [int(part) for part in clock.groups()[:3] if part is not None]
        # minutes and seconds, where there are but two
        hours, minutes, seconds = parts if len(parts) == 3 else (0, *parts)
        return timedelta(hours=hours, minutes=minutes, seconds=seconds + float(clock[4] or 0))
    fraction = re.search(r"(?<=:\d\d)\.(\d{7,})", text)  # nanoseconds: the last three digits are lost
    if fraction is not None:
        text = text.replace(fraction[0], fraction[0][:7])
    try:
        return datetime.fromisoformat(re.sub(r"\s+(?=[-+]\d{2}:?\d{2}$)", "", text))
    except ValueError:
        for form in ("%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S"):
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        raise ValueError(
            f"{cell!r} is no date that is read: wanted ISO 8601, such as 2020-03-28T07:27:13.250"
        ) from None


def rate_of_times(name: str, times: Times) -> float:
    """The rate of samples at these times.

    Args:
        name: of their column, for messages.
        times: of the samples.

    Raises:
        ValueError: fewer than two; they do not grow, or by unequal steps, or are too coarse to tell the rate.
    """
    seconds, resolution = times.seconds, times.resolution
    if len(seconds) < 2:
        raise ValueError(f"its column of times, {name!r}, has {len(seconds)} of them: give sampling_rate=")
    steps = np.diff(seconds)
    length = float(seconds[-1])
    if length <= 0:
        raise ValueError(f"its times, in {name!r}, do not grow: the first and the last one differ by {length:g} s")
    usual = float(np.median(steps))
    mean = length / len(steps)
    # where times are rounded to more than a step, many steps are zero
    step = mean if resolution >= usual else usual
    allowed = max(_MOST_STEP * step, 1.01 * resolution)
    worst = int(np.abs(steps - step).argmax())
    if abs(steps[worst] - step) > allowed:
        raise ValueError(
            f"its times, in {name!r}, do not follow each other in equal steps: from row {worst + 1} to {worst + 2} of"
            f" the table it is {steps[worst]:.6g} s, and usually {step:.6g} s. A gap or another rate is not filled up"
            " here: cut the table, or resample it"
        )
    doubt = resolution / length
    # equal steps to the last digit are no accident of rounding
    if doubt > _WORST_RATE and np.ptp(steps) > 1e-6 * usual:
        raise ValueError(
            f"its times, in {name!r}, are rounded to {resolution:g} s, which is too coarse for {length:g} s to tell"
            " the rate: give sampling_rate="
        )
    return _plainest(1.0 / mean, max(doubt, 1e-9))


def _plainest(rate: float, doubt: float) -> float:
    """The number with the fewest digits that the rounding of the times allows."""
    for digits in range(9):
        near = round(rate, digits)
        if near and abs(near - rate) <= doubt * rate:
            return near
    return rate


def stamped(text: str) -> datetime | time | None:
    """A date with a time of the day, or one of them, as text; None for other text."""
    if not is_stamp(text):
        return None
    try:
        found = _stamp(text)
    except ValueError:
        return None
    if isinstance(found, timedelta):
        return (datetime.min + found).time() if found < timedelta(days=1) else None
    return found
