"""What a caller says of a file that does not say it itself, and which of the records in one file is meant.

A reader whose format may leave something open says so by `ASKS`, and takes `told`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ...checks import nearest, shown
from .._arrays import check_number
from ..channels import ChannelError
from ..record import Record
from ..units import known_voltage

# In the place of `leads`: `rename` names the channels by their places, from 0.
BY_PLACE: tuple[str, ...] = ()
# Clocks write a rate with six digits or so.
_SAME_RATE = 1e-5
_SHOWN = 4


class Told(NamedTuple):
    """What a caller says of a file; None where nothing is said. See `hf_ecg.read`.

    Args:
        sampling_rate: hertz.
        units: of all channels.
        leads: names of all channels in their order, of a file without names; `BY_PLACE`.
        record: which one of several, by its place from 0 or its name.
    """

    sampling_rate: float | None = None
    units: str | None = None
    leads: Sequence[str] | None = None
    record: int | str | None = None


NOTHING = Told()


class LeavesOpen(ValueError):
    """A file does not say something, and nobody told."""


def check_told(told: Told) -> None:
    """Nothing, when it can be told of a file.

    Raises:
        ValueError: a rate that is no positive number, a unit that is not a voltage, a record that is neither a place
            nor a name.
    """
    if told.sampling_rate is not None:
        check_number("sampling_rate", told.sampling_rate, positive=True)
    if told.units is not None and known_voltage(str(told.units)) is None:
        raise ValueError(f"units is {shown(told.units)}, wanted a voltage, such as mV or uV")
    record = 0 if told.record is None else told.record
    if isinstance(record, bool) or not isinstance(record, (int, str)) or (isinstance(record, int) and record < 0):
        raise ValueError(f"record is {shown(record)}, wanted the place of a record in the file, from 0, or its name")


@contextmanager
def named_errors(path: str, *kinds: type[Exception]) -> Iterator[None]:
    """Puts the file's name before what is wrong with it; `kinds` of errors beside ValueError become one."""
    wrong: tuple[type[Exception], ...] = (ValueError, *kinds)
    try:
        yield
    except ChannelError:  # it names the file
        raise
    except LeavesOpen as error:
        raise LeavesOpen(f"{path}: {error}") from error
    except wrong as error:
        raise ValueError(f"{path}: {error}") from error


def check_agrees(record: Record, told: Told, path: str) -> None:
    """Nothing, when a file that says everything says what the caller says.

    Raises:
        ValueError: it says something else, or holds one record and another one is asked for.
    """
    with named_errors(path):
        rate_of(record.sampling_rate, told.sampling_rate)
        if told.units is not None:
            for unit in record.units:
                units_of(unit, str(told.units))
        if told.record not in (None, 0, record.name):
            raise ValueError(f"it holds one record, and record={shown(told.record)} was asked for")


def rate_of(said: float | None, told, why: str = "it does not say its sampling rate") -> float:
    """The rate that a file says, or else what the caller says.

    Raises:
        ValueError: nobody says it (`LeavesOpen`), or both do and differ.
    """
    if said is None and told is None:
        raise LeavesOpen(f"{why}: give sampling_rate=, in hertz, such as sampling_rate=500")
    if said is not None and told is not None and abs(said - told) > _SAME_RATE * said:
        raise ValueError(f"it says {said:g} Hz, and sampling_rate={told:g} was given")
    return float(told if said is None else said)


def units_of(said: str | None, told: str | None) -> str:
    """The unit that a file says, or else what the caller says.

    Raises:
        ValueError: nobody says it (`LeavesOpen`), or both do and differ.
    """
    if said is None and told is None:
        raise LeavesOpen("it does not say the unit of its numbers: give units=, such as units='mV'")
    if said is not None and told is not None and known_voltage(said) != known_voltage(told):
        raise ValueError(f"it says {said!r}, and units={told!r} was given")
    return str(told if said is None else said)


def names_of(said: Sequence[str] | None, number: int, leads) -> tuple[str, ...]:
    """The names of a file's channels, or else those that the caller gives, in their order.

    One channel that nobody names is an ECG whose lead is not known.

    Raises:
        ValueError: nobody names them (`LeavesOpen`), or another number of them.
    """
    if said is None:
        if leads == BY_PLACE:
            return tuple(map(str, range(number)))
        if leads is None and number == 1:
            return ("ECG",)
        if leads is None:
            raise LeavesOpen(
                f"it does not name its {number} channels: give leads=, the names of all of them in their order,"
                " or rename= for some by their places, from 0"
            )
        said = (leads,) if isinstance(leads, str) else tuple(map(str, leads))
        if len(said) != number:
            raise ValueError(
                f"it has {number} channels without names, and leads= gives {len(said)}: wanted one for each, in their"
                " order"
            )
    if len(said) != number:
        raise ValueError(f"it has {number} channels, and names of {len(said)}: {list(said)}")
    return tuple(said)


def place_of(record: int | str | None, number: int, names: Sequence[str] = (), what: str = "record") -> int:
    """The place of the record that is asked for among several in one file.

    Args:
        record: its place from 0, or its name; None where the caller does not say.
        number: of records.
        names: theirs, where they have some.
        what: how a name is called ("exam_id"), for messages.

    Raises:
        ValueError: there is none, there are several and nobody says which, or none is called so.
    """
    some = ", ".join(map(repr, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")
    called = f", or its {what} as text ({some})" if len(names) else ""
    if not number:
        raise ValueError("it holds no record")
    if record is None:
        if number == 1:
            return 0
        raise ValueError(f"it holds {number} records: choose one by record=, its place from 0 to {number - 1}{called}")
    if isinstance(record, str):
        found = [place for place, name in enumerate(names) if name == record]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{len(found)} of its records are called {record!r}: name one by its place, from 0")
        raise ValueError(f"it holds no record {record!r}{nearest(record, list(names))}: it has {number}{called}")
    if record >= number:
        raise ValueError(f"it holds {number} records, counted from 0, and record={record} was asked for")
    return record
