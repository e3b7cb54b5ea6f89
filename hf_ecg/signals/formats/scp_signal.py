"""The signal of an SCP-ECG record: leads, reference beat, rhythm and what was done to make it short.

Source: EN 1064:2005 (SCP-ECG) sections 5.6 to 5.9 and annex C. A signal may be stored as differences, as what is left
when a reference beat is taken away, and, outside of the QRS complexes, as one sample in place of some (bimodal).
ecgdatakit refuses the last kind, and records of which no beat is taken away though they say that beats are.
"""

import math
from typing import NamedTuple

import numpy as np

from .scp_huffman import Table, decode, read_tables
from .stored_fields import StoredFields

# A lead has at most 65,535 bytes; leads may be recorded one after the other, and four samples be stored as one.
_MOST_SAMPLES, _MOST_FACTOR = 2**24, 32


class Lead(NamedTuple):
    """Its code, and the places of its first and its last sample, from 1."""

    first: int
    last: int
    code: int


class Beat(NamedTuple):
    """One QRS complex: its type (0 is that of the reference beat), from where to where the reference beat was taken
    away, where its fiducial point is, and from where to where all samples are kept."""

    type: int
    first: int
    fiducial: int
    last: int
    kept_first: int
    kept_last: int


class Signal(NamedTuple):
    """(leads, samples) in counts of `nanovolts`, which of them are missing, hertz, and what is odd."""

    counts: np.ndarray
    nanovolts: int
    missing: np.ndarray
    rate: float
    remarks: list[str]


class _Stored(NamedTuple):
    nanovolts: int
    interval: int
    difference: int
    bimodal: bool
    parts: list[bytes]


def read_leads(section: StoredFields) -> tuple[list[Lead], bool]:
    """The leads of section 3, and whether a reference beat was taken away."""
    number, flags = section.numbers(0, "BB")
    leads = [Lead(*section.numbers(2 + 9 * i, "IIB")) for i in range(number)]
    for lead in leads:
        if not 1 <= lead.first <= lead.last:
            raise ValueError(f"a lead has the samples {lead.first} to {lead.last}, wanted 1 or more")
    if not leads:
        raise ValueError("it defines no leads")
    return leads, bool(flags & 1)


def read_signal(sections: dict[int, StoredFields], chosen: list[int], protocol: int) -> Signal:
    """The samples of some leads, by their places in section 3.

    Raises:
        ValueError: a section that lacks, or is cut; a number that cannot be.
    """
    leads, subtracted = read_leads(sections[3])
    tables = read_tables(sections.get(2))
    if 6 not in sections:
        raise ValueError("it holds no rhythm (section 6)" + ("; section 12 is not read" if 12 in sections else ""))
    rhythm = _stored(sections[6], len(leads))
    bimodal = rhythm.bimodal and protocol < 30
    length, fiducial, beats = _beats(sections.get(4)) if bimodal or subtracted else (0, 0, [])
    taken = subtracted and any(beat.type == 0 for beat in beats)
    reference = _stored(sections[5], len(leads)) if 5 in sections and (taken or bimodal) else None
    if taken and (reference is None or not length):
        raise ValueError("a reference beat was taken away, and it is not there (section 4 or 5)")
    factor, interval, remarks = _factor(rhythm, reference, bimodal)
    first, last = min(lead.first for lead in leads), max(lead.last for lead in leads)
    _check_size(leads, chosen, last - first + 1, rhythm, factor)
    common = math.gcd(rhythm.nanovolts, reference.nanovolts) if taken and reference else rhythm.nanovolts
    if not common:
        raise ValueError("the voltage of a count is 0")
    counts = np.zeros((len(chosen), last - first + 1), np.int64)
    missing = np.ones(counts.shape, bool)
    for row, place in enumerate(chosen):
        lead = leads[place]
        samples = _rhythm(rhythm, place, lead, tables, beats, factor) * (rhythm.nanovolts // common)
        if taken and reference is not None:
            size = max(1, round(length * 1000 / reference.interval))
            beat = _samples(reference, place, size, tables) * (reference.nanovolts // common)
            _add(samples, lead, beat, fiducial, beats)
        counts[row, lead.first - first : lead.last - first + 1] = samples
        missing[row, lead.first - first : lead.last - first + 1] = False
    if missing.any():
        remarks.append("the leads were not recorded at the same time: what lacks of each is missing")
    return Signal(counts, common, missing, 1e6 / interval, remarks)


def _stored(section: StoredFields, leads: int) -> _Stored:
    nanovolts, interval, difference, bimodal = section.numbers(0, "HHBB")
    if not interval:
        raise ValueError("the time between two samples is 0")
    if difference > 2:
        raise ValueError(f"the samples are stored in the way {difference}, wanted 0, 1 or 2")
    parts, place = [], 6 + 2 * leads
    for size in section.numbers(6, f"{leads}H"):
        parts.append(section.part(place, size))
        place += size
    return _Stored(nanovolts, interval, difference, bool(bimodal), parts)


def _beats(section: StoredFields | None) -> tuple[int, int, list[Beat]]:
    """Milliseconds and fiducial sample of the reference beat, and the beats; in the first version the samples that
    are kept are those where the reference beat was taken away."""
    if section is None:
        return 0, 0, []
    length, fiducial, number = section.numbers(0, "HHH")
    taken = [section.numbers(6 + 14 * i, "HIII") for i in range(number)]
    place = 6 + 14 * number
    both = len(section) >= place + 8 * number
    kept = [section.numbers(place + 8 * i, "II") if both else taken[i][1::2] for i in range(number)]
    return length, fiducial, [Beat(*one, *two) for one, two in zip(taken, kept, strict=True)]


def _factor(rhythm: _Stored, reference: _Stored | None, bimodal: bool) -> tuple[int, int, list[str]]:
    """How many samples one stands for between the beats, and the time between two samples in microseconds."""
    if reference is None or rhythm.interval == reference.interval:
        return 1, rhythm.interval, []
    factor, rest = divmod(rhythm.interval, reference.interval)
    if rest or factor < 1:
        raise ValueError(
            f"rhythm and reference beat have {rhythm.interval} and {reference.interval} microseconds between samples"
        )
    told = [f"between the QRS complexes one sample in {factor} is stored, and the others lie on lines between those"]
    return factor, reference.interval, told


def _check_size(leads: list[Lead], chosen: list[int], length: int, rhythm: _Stored, factor: int) -> None:
    """Before anything is made: a sample takes a bit at least."""
    if length * len(chosen) > _MOST_SAMPLES or factor > _MOST_FACTOR:
        raise ValueError(f"{len(chosen)} leads reach over {length} samples: no record of this format does")
    for place in chosen:
        wanted, size = leads[place].last - leads[place].first + 1, len(rhythm.parts[place])
        if wanted > 8 * size * factor:
            raise ValueError(f"a lead says {wanted} samples, and {size} bytes of it are there: truncated")


def _samples(stored: _Stored, place: int, number: int, tables: list[Table]) -> np.ndarray:
    """The first samples of a lead, differences undone in 16 bits as encoders compute them."""
    part = stored.parts[place]
    if tables:
        values = decode(part, number, tables)
    elif 2 * number > len(part):
        raise ValueError(f"a lead has {len(part)} bytes, and {number} samples take {2 * number}: truncated")
    else:
        values = np.frombuffer(part, "<i2", number).astype(np.int64)
    if stored.difference == 1:
        values = np.cumsum(values)
    elif stored.difference == 2 and number > 2:
        # the first two stand as they are
        steps = np.cumsum(np.concatenate([[values[1] - values[0]], values[2:]]))
        values = np.concatenate([values[:1], values[0] + np.cumsum(steps)])
    return values.astype(np.int16).astype(np.int64)


def _rhythm(
    stored: _Stored, place: int, lead: Lead, tables: list[Table], beats: list[Beat], factor: int
) -> np.ndarray:
    length = lead.last - lead.first + 1
    if factor == 1:
        return _samples(stored, place, length, tables)
    pieces = _pieces(lead, beats)
    number = sum(end - first if kept else sum(divmod(end - first, factor)) for first, end, kept in pieces)
    samples = _samples(stored, place, number, tables)
    found, at = np.empty(length, np.int64), 0
    for first, end, kept in pieces:
        blocks, rest = (0, end - first) if kept else divmod(end - first, factor)
        if blocks:
            # a stored sample stands in the middle of those that it is the mean of
            middles = factor * np.arange(blocks) + factor // 2
            line = np.interp(np.arange(blocks * factor), middles, samples[at : at + blocks])
            found[first : first + blocks * factor] = np.rint(line)
        at += blocks
        found[end - rest : end] = samples[at : at + rest]
        at += rest
    return found


def _pieces(lead: Lead, beats: list[Beat]) -> list[tuple[int, int, bool]]:
    """Parts of a lead, from 0: first sample, end, whether all samples are kept there."""
    pieces, at = [], 0
    length = lead.last - lead.first + 1
    for beat in sorted(beats, key=lambda beat: beat.kept_first):
        first, end = (min(max(value - lead.first, at), length) for value in (beat.kept_first, beat.kept_last + 1))
        if first > at:
            pieces.append((at, first, False))
        if end > first:
            pieces.append((first, end, True))
        at = max(at, end)
    if at < length:
        pieces.append((at, length, False))
    return pieces


def _add(samples: np.ndarray, lead: Lead, beat: np.ndarray, fiducial: int, beats: list[Beat]) -> None:
    """The reference beat, where it was taken away."""
    for one in beats:
        if one.type:
            continue
        # sample 1 of the reference beat falls on this one of the record
        start = one.fiducial - fiducial + 1
        first = max(one.first, lead.first, start)
        last = min(one.last, lead.last, start + len(beat) - 1)
        if first <= last:
            samples[first - lead.first : last - lead.first + 1] += beat[first - start : last - start + 1]
