"""Which channels of a file are taken, and under which names of leads."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..checks import nearest
from ..said_once import first_time
from .leads import LIMB_LEADS, UNNAMED_LEADS, canonical_leads, known_lead
from .record import Record
from .units import known_voltage, split_unit

logger = logging.getLogger(__name__)
# C3 and C4 are electrodes of an EEG too, which a polysomnogram has beside lead II.
_IEC_CHEST = tuple(f"C{number}" for number in range(1, 7))
_EEG_CHEST = ("C3", "C4")
# Electrodes that nothing but an EEG has beside C1 to C6; P1 and P2 of a monitor are pressures.
_EEG_ELECTRODE = re.compile(
    r".*\bEEG\b.*|(?:FP[12Z]|F[3478Z]|T[3-8]|O[12Z]|[CP]Z|C[3-6]-[AM][12])(?:[-_ ].*)?", re.DOTALL
)
# D1, D2, D3 are limb leads; with D4 they are the contacts of an electrode in the brain, or channels that are counted.
_COUNTED = re.compile(r"D[\s_.-]?([0-9]+)")


class ChannelError(ValueError):
    """A file's channels are not those that are wanted."""


class Channels(NamedTuple):
    """What is taken of a file.

    Attributes:
        places: of the channels that are taken, from 0, in the order of `leads`.
        leads: their names as this package writes them.
        left_out: the source's names of the others.
    """

    places: tuple[int, ...]
    leads: tuple[str, ...]
    left_out: tuple[str, ...]


class _Channel(NamedTuple):
    place: int
    name: str
    lead: str | None
    unfit: str | None

    def told(self) -> str:
        return f"{self.name!r}" + ("" if self.unfit is None else f" ({self.unfit})")


def choose_channels(
    names: Sequence[str],
    units: Sequence[str] | None = None,
    *,
    leads: Sequence[str] | None = None,
    rename: Mapping[str | int, str] | None = None,
    unfit: Sequence[str | None] | None = None,
    where: str = "the record",
) -> Channels:
    """Which channels to take, under which names; the one rule of every file format and of every door.

    `rename` comes first. Then `leads` chooses by name, in its order. Without `leads` everything is taken that is an
    ECG lead by its name (see `known_lead`) and a voltage by its unit; the rest is left out beside it, with one warning
    for each set of such channels. C1 to C6 are chest leads beside a limb lead, but C3 and C4 alone are an EEG's, and
    so are all beside electrodes such as Fz or O1; D1 to D3 are limb leads, but not beside a D4.

    Args:
        names: of the channels, as the source writes them.
        units: of the channels, as the source writes them; None for voltages throughout.
        leads: those wanted, in the order wanted.
        rename: another name for a channel, by its name in the source or by its place from 0 (`{"ECG": "I"}`,
            `{0: "I"}`), for what the source does not say or says otherwise.
        unfit: why a channel's numbers are not voltages for another reason than its unit (such as "gain 0: not
            calibrated"); None for those that are.
        where: the file, for errors and the warning.

    Raises:
        ValueError: as `ChannelError`: no channel is a known lead and a voltage; `leads` wants one that is not there;
            two channels are taken for one lead; `rename` names a channel that is not there, or two, or gives an
            unknown name. Each names the channels that there are and what to write.

    Example:
        >>> from hf_ecg.signals.channels import choose_channels
        >>> choose_channels(["II", "v5", "RESP"], ["mV", "uV", "pm"])
        Channels(places=(0, 1), leads=('II', 'V5'), left_out=('RESP',))
        >>> choose_channels(["ECG"], leads=["I"], rename={"ECG": "I"})
        Channels(places=(0,), leads=('I',), left_out=())
    """
    names = _strings(names, "names")
    renamed = _checked_rename(rename, where)
    wanted = None if leads is None else _checked_leads(leads, where)
    reasons = _reasons(names, units, unfit)
    try:
        chosen = _choose(names, reasons, wanted, renamed)
    except ValueError as error:
        raise ChannelError(f"{where}: {error}") from error
    if wanted is None and chosen.left_out:
        rows = enumerate(zip(names, reasons, strict=True))
        _warn(tuple(_Channel(n, name, None, why).told() for n, (name, why) in rows if n not in chosen.places), where)
    return chosen


def _strings(values, name: str) -> tuple[str, ...]:
    if isinstance(values, str):
        raise ValueError(f"{name} is the string {values!r}, wanted one for each channel")
    try:
        return tuple(map(str, values))
    except TypeError as error:
        raise ValueError(f"{name} is {values!r}, wanted one for each channel") from error


def _checked_rename(rename, where: str) -> tuple[tuple[str | int, str], ...]:
    if rename is None:
        return ()
    if not isinstance(rename, Mapping):
        raise ValueError(f'{where}: rename is {rename!r}, wanted names of leads by channel, such as {{"ECG": "I"}}')
    pairs = []
    for key, name in rename.items():
        if not isinstance(key, (str, int)) or isinstance(key, bool) or not isinstance(name, str):
            raise ValueError(f'{where}: rename has {key!r}: {name!r}, wanted names, such as {{"ECG": "I"}}')
        try:
            pairs.append((key, canonical_leads([name])[0]))
        except ValueError as error:
            raise ValueError(f"{where}: rename gives {key!r} a name of no ECG lead: {error}") from error
    return tuple(pairs)


def _checked_leads(leads, where: str) -> tuple[str, ...]:
    if isinstance(leads, (Mapping, set, frozenset)) or not isinstance(leads, Iterable):
        raise ValueError(f"{where}: leads is {leads!r}, wanted a list of names of leads")
    try:
        names = (leads,) if isinstance(leads, str) else tuple(leads)
    except TypeError as error:  # an array without axes says that it can be gone through, and cannot
        raise ValueError(f"{where}: leads is {leads!r}, wanted a list of names of leads") from error
    if not names:
        raise ValueError(f"{where}: leads is empty, wanted the names of one lead or more")
    try:
        return canonical_leads(names)
    except ValueError as error:
        raise ValueError(
            f"{where}: leads chooses by the names of ECG leads, after rename has named the channels: {error}"
        ) from error


def _reasons(names: tuple[str, ...], units, unfit) -> tuple[str | None, ...]:
    """Why a channel holds no voltages, or None."""
    if units is None:
        found: list[str | None] = [None] * len(names)
    else:
        given = _strings(units, "units")
        found = [None if known_voltage(unit) else f"its unit {unit!r} is not a voltage" for unit in given]
        for place, (name, unit) in enumerate(zip(names, given, strict=False)):
            told = split_unit(name)[1]
            if told is not None and found[place] is None and known_voltage(told) != known_voltage(unit):
                found[place] = f"its name says {told!r}, and its unit is {unit!r}"
    if unfit is not None:
        found = [reason or other for reason, other in zip(unfit, found, strict=True)]
    if len(found) != len(names):
        raise ValueError(f"there are {len(names)} channels, and units of {len(found)}")
    return tuple(found)


# the records of a corpus have the same channels, one after the other
@lru_cache(maxsize=256)
def _choose(names, reasons, wanted, renamed) -> Channels:
    channels = _named(names, reasons, renamed)
    fit = [channel for channel in channels if channel.lead is not None and channel.unfit is None]
    if wanted is None:
        taken = fit
        if not taken:
            raise ValueError(_no_lead(channels))
    else:
        taken = [channel for lead in wanted for channel in _of_lead(lead, fit, channels)]
    places = {channel.place for channel in taken}
    for number, channel in enumerate(taken):
        for other in taken[:number]:
            if other.lead == channel.lead:
                raise ValueError(_twice(other, channel))
    left_out = tuple(channel.name for channel in channels if channel.place not in places)
    leads = tuple(channel.lead for channel in taken if channel.lead is not None)
    return Channels(tuple(channel.place for channel in taken), leads, left_out)


def _named(names, reasons, renamed) -> list[_Channel]:
    leads: list[str | None] = [known_lead(name) for name in names]
    if not _chest_by_iec(names, leads):
        leads = [None if name.strip().upper() in _IEC_CHEST else lead for name, lead in zip(names, leads, strict=True)]
    counted = [_COUNTED.fullmatch(name.strip().upper()) for name in names]
    if any(number is not None and int(number[1]) > 3 for number in counted):
        leads = [lead if number is None else None for number, lead in zip(counted, leads, strict=True)]
    given: dict[int, str | int] = {}
    for key, lead in renamed:
        place = _place_of(key, names)
        if place in given:
            raise ValueError(f"rename names one channel twice, as {given[place]!r} and {key!r}")
        given[place], leads[place] = key, lead
    rows = zip(range(len(names)), names, leads, reasons, strict=True)
    return [_Channel(*row) for row in rows]


def _chest_by_iec(names, leads) -> bool:
    found = {name.strip().upper() for name in names} & set(_IEC_CHEST)
    if any(_EEG_ELECTRODE.fullmatch(name.strip().upper()) for name in names):
        return False
    return bool(found - set(_EEG_CHEST)) and not set(LIMB_LEADS).isdisjoint(leads)


def _place_of(key: str | int, names) -> int:
    if isinstance(key, int):
        if not 0 <= key < len(names):
            raise ValueError(f"rename names the channel at place {key}, and there are {len(names)}, counted from 0")
        return key
    places = [place for place, name in enumerate(names) if name == key]
    if not places:
        meant = key.strip().upper()
        places = [place for place, name in enumerate(names) if name.strip().upper() == meant]
    if not places and known_lead(key) is not None:
        places = [place for place, name in enumerate(names) if known_lead(name) == known_lead(key)]
    if not places:
        raise ValueError(f"rename names {key!r}, which is not a channel{nearest(key, names)}; there are {list(names)}")
    if len(places) > 1:
        by_place = ", ".join(f'{place}: "..."' for place in places)
        raise ValueError(
            f"rename names {key!r}, as {len(places)} channels are called: name them by their places, counted from 0,"
            f" rename={{{by_place}}}"
        )
    return places[0]


def _of_lead(lead: str, fit: list[_Channel], channels: list[_Channel]) -> list[_Channel]:
    found = [channel for channel in fit if channel.lead == lead]
    if found:
        return found
    for channel in channels:
        if channel.lead == lead:
            raise ValueError(f"leads wants {lead}, and {channel.told()}")
    there = [channel.lead for channel in fit if channel.lead is not None]
    raise ValueError(
        f"leads wants {lead}, which is not among its channels {_told(channels)}{nearest(lead, there)}: leads= chooses"
        f" by name, and where one of them is {lead}, say which: {_example(channels, lead)}"
    )


def _no_lead(channels: list[_Channel]) -> str:
    told = _told(channels)
    voltages = [channel for channel in channels if channel.unfit is None]
    if not voltages:
        return f"none of its channels holds voltages: {told}. Hand an ECG over as an array with its units"
    return (
        f"none of its channels has the name of an ECG lead: {told}. Say which lead a channel is, such as"
        f" {_example(voltages, 'I')}"
    )


def _twice(first: _Channel, second: _Channel) -> str:
    if first.name == second.name:
        other = f'{second.place}: "ECG2"'
        told = f"two channels, at the places {first.place} and {second.place}, are called {first.name!r}"
    else:
        other = f'"{second.name}": "ECG2"'
        told = f"the channels {first.name!r} and {second.name!r} are both lead {first.lead}"
    return f"{told}: give one another name, such as rename={{{other}}}"


def _told(channels: list[_Channel]) -> str:
    return ", ".join(channel.told() for channel in channels)


def _example(channels: list[_Channel], lead: str) -> str:
    names = [channel.name for channel in channels]
    # what is an ECG, though nobody says which lead, is the likeliest
    fit = [channel for channel in channels if channel.unfit is None] or channels
    best = next((channel for channel in fit if channel.lead in UNNAMED_LEADS), fit[0])
    key = f'"{best.name}"' if names.count(best.name) == 1 else str(best.place)
    # a command's option names a place by its bare number too
    return f'rename={{{key}: "{lead}"}} (of a command: --rename "{key.strip(chr(34))}={lead}")'


def take_channels(
    record: Record,
    leads: Sequence[str] | None = None,
    rename: Mapping[str | int, str] | None = None,
    where: str | None = None,
) -> Record:
    """A record with the leads chosen and renamed as `choose_channels` says; itself when nothing is asked.

    Raises:
        ValueError: see `choose_channels`; `where` stands in it, default the record's name.
    """
    if leads is None and rename is None:
        return record
    chosen = choose_channels(record.leads, leads=leads, rename=rename, where=where or record.name)
    places = list(chosen.places)
    return replace(
        record,
        values=record.values[places],
        gain=None if record.gain is None else np.asarray(record.gain)[places],
        baseline=None if record.baseline is None else np.asarray(record.baseline)[places],
        leads=chosen.leads,
        lead_names=tuple(record.lead_names[place] for place in places),
        units=tuple(record.units[place] for place in places) if record.units else (),
    )


def how_to_rename(there: Sequence[str], wanted: Sequence[str]) -> str:
    """For an error that says that none of the leads `there` is one of those `wanted`: how to say which one is; ""
    where each of them is a lead of a definite name."""
    unnamed = [lead for lead in there if lead in UNNAMED_LEADS]
    if not unnamed:
        return ""
    return f'; where one of them is lead {wanted[0]}, say so by rename={{"{unnamed[0]}": "{wanted[0]}"}}'


def _warn(left_out: tuple[str, ...], where: str) -> None:
    """Once for each set of channels: a folder of records has the same ones in all."""
    if not first_time("channels left out", *left_out):
        return
    logger.warning(
        "%s: the channels %s are left out: they are not known ECG leads, or not voltages; leads= chooses, rename="
        " names a channel (said once for these)",
        where,
        ", ".join(left_out),
    )
