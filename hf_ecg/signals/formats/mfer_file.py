"""MFER files, the format of Japanese electrocardiographs and Holters (ISO 22077); see `mfer_definitions`.

ecgdatakit reads them too, rounds the rate to whole hertz, makes eight bytes of each sample of two, and puts together
what is missing at a cut end.
"""

import math
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ...input_files import InputFile
from ..channels import Channels, choose_channels
from ..record import Annotation, Record
from . import mfer_definitions as mfer
from .mfer_definitions import Defined, Frame, StoredBytes, Value, Walk, definitions, lead_name
from .mfer_samples import MFERSamples, kind_of, type_of, typed
from .rates import one_rate
from .record_parts import RecordParts
from .remarks import tell
from .stored_counts import Values
from .stored_fields import StoredFields, day

FORMAT = "MFER"
ENDINGS = (".mwf", ".mfer", ".mfr")
_STATUS, _VOLT = 4, 0
# A beat that stands for all, not the record.
_DOMINANT_BEAT = 9
_USUAL_RATE = 1000.0
_MOST_BYTES = 2**32
# A mantissa of nine digits; 10 to the power of more is no sensitivity.
_MOST_EXPONENT = 30
# Definitions of a few bytes, by which a file without preamble is known.
_SIZES = {mfer.ORDER: 1, 0x02: 3, mfer.TYPE: 1, mfer.CHANNELS: 4, mfer.BLOCK: 4, mfer.SEQUENCES: 4}
_FEWEST = 4


class _Opened(NamedTuple):
    """What the definitions say, and of the channels those that are read."""

    found: Defined
    samples: MFERSamples
    names: list[str]
    chosen: Channels
    rate: float
    remarks: list[str]


def matches(path: str, head: bytes) -> bool:
    """By the preamble, or some definitions in a row."""
    if head[:1] == b"@" and head[2:8].strip().startswith((b"MFR", b"MFER")):
        return True
    if head[:1] != b"\1" or head[1:2] != b"\1":
        return False
    found = 0
    try:
        for one in definitions(head, 0, len(head)):
            if one.tag not in mfer.KNOWN or one.end - one.first > _SIZES.get(one.tag, len(head)):
                return False
            found += 1
    except ValueError:
        pass  # the samples go on beyond what was read
    return found >= _FEWEST


def parts(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> RecordParts | None:
    """What `read` reads, part by part; None where samples that follow each other stand far apart."""
    opened = _opened(path, root, choose)
    if not opened.samples.has_parts:
        return None
    tell(path, opened.remarks)

    def cut(first: int, end: int) -> Record:
        remarks: list[str] = []
        with InputFile(path) as file:
            try:
                values = opened.samples.values(file, first, end, remarks)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
        return _record(path, opened, values, remarks)

    return RecordParts(cut, opened.samples.number)


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read the first waveform that is not a dominant beat, with the frames that go on with it.

    Raises:
        ValueError: definitions that are cut or cannot be, fewer samples than they say, compressed ones, chosen
            channels of different rates, no channel that can be taken.
    """
    opened = _opened(path, root, choose)
    remarks = opened.remarks
    try:
        with InputFile(path) as file:
            values = opened.samples.values(file, 0, opened.samples.number, remarks)
        notes = _events(opened.found, opened.rate)
        start = _start(opened.found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    tell(path, remarks)
    return replace(_record(path, opened, values, remarks), start_time=start, annotations=notes)


def _opened(path: str, root, choose: Callable[..., Channels]) -> _Opened:
    remarks: list[str] = []
    with InputFile(path) as file:
        if file.size > _MOST_BYTES:
            raise ValueError(f"{path} has {file.size} bytes, wanted at most {_MOST_BYTES}")
        try:
            found = Walk(StoredBytes(file)).run()
            frames = _frames(found, remarks)
            channels = frames[0].channels
            scales = [_scale(channel) for channel in channels]
            names = [
                lead_name(channel.get(mfer.LEAD), place, found.encoding) for place, channel in enumerate(channels)
            ]
            rates = [_rate(channel, remarks) for channel in channels]
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    unfit = [_unfit(*one) for one in zip(channels, scales, strict=True)]
    chosen = choose(names, unfit=unfit, where=path)
    rate = one_rate([names[place] for place in chosen.places], [rates[place] for place in chosen.places], path)
    try:
        samples = MFERSamples(frames, chosen.places, [scales[place] for place in chosen.places], remarks)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return _Opened(found, samples, names, chosen, rate, remarks)


def _record(path: str, opened: _Opened, values: Values, remarks: list[str]) -> Record:
    found, chosen = opened.found, opened.chosen
    machine = [part.strip() for part in found.text(mfer.MACHINE).split("^")] + [""] * 4
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        values=values.values,
        gain=values.gain,
        baseline=values.baseline,
        leads=chosen.leads,
        sampling_rate=opened.rate,
        comments=[f"Filter: {text}" for text in found.texts(mfer.FILTER)],
        lead_names=tuple(opened.names[place] for place in chosen.places),
        units=("V",) * len(chosen.places),
        source_format=FORMAT,
        device=" ".join(filter(None, machine[:2])) or None,
        remarks=tuple(remarks),
        patient=_patient(found) | {"device_serial": machine[3]},
    )


def _frames(found: Defined, remarks: list[str]) -> list[Frame]:
    """Those of the record, which are told alike but for how long they are."""
    rhythm = [frame for frame in found.frames if not _is_dominant_beat(frame)]
    if not rhythm:
        only = " but dominant beats" if found.frames else ""
        raise ValueError(f"it holds no waveform{only}")
    same = [frame for frame in rhythm if _told(frame) == _told(rhythm[0])]
    if len(same) < len(found.frames):
        remarks.append(f"waveforms of another kind are left out: {len(found.frames) - len(same)}")
    return same


def _told(frame: Frame):
    lengths = (mfer.BLOCK, mfer.SEQUENCES)
    return frame.order, [{tag: one for tag, one in found.items() if tag not in lengths} for found in frame.channels]


def _is_dominant_beat(frame: Frame) -> bool:
    kind = frame.channels[0].get(mfer.WAVEFORM)
    return kind is not None and Value(kind.stored[:2], kind.order).number() == _DOMINANT_BEAT


def _decimal(value: Value | None) -> tuple[int, float] | None:
    """The unit and the number of an interval or a sensitivity: unit, power of ten, whole number."""
    if value is None:
        return None
    if not 3 <= len(value.stored) <= 10:
        raise ValueError(f"an interval or a sensitivity has {len(value.stored)} bytes, wanted 3 to 10")
    exponent = int.from_bytes(value.stored[1:2], "big", signed=True)
    if abs(exponent) > _MOST_EXPONENT:
        raise ValueError(f"an interval or a sensitivity has the power {exponent} of ten")
    number = Value(value.stored[2:], value.order).number(signed=True)
    # divided, decimal fractions stay what they are
    return value.stored[0], number * 10.0**exponent if exponent >= 0 else number / 10.0**-exponent


def _rate(channel: dict[int, Value], remarks: list[str]) -> float:
    told = _decimal(channel.get(mfer.INTERVAL))
    if told is None:
        remark = f"no interval is told: the format's usual {_USUAL_RATE:g} Hz are taken"
        if remark not in remarks:
            remarks.append(remark)
        return _USUAL_RATE
    unit, number = told
    if unit not in (0, 1) or not number > 0:
        return math.nan
    return number if unit == 0 else 1 / number


def _scale(channel: dict[int, Value]) -> tuple[float, float]:
    """Millivolts a count, NaN where nobody says, and the count of zero."""
    told = _decimal(channel.get(mfer.SENSITIVITY))
    offset = typed(channel.get(mfer.OFFSET), type_of(channel))
    if told is None or told[0] != _VOLT or not told[1]:
        return math.nan, 0.0
    return told[1] * 1e3, -offset if offset is not None and math.isfinite(offset) else 0.0


def _unfit(channel: dict[int, Value], scale: tuple[float, float]) -> str | None:
    if kind_of(channel) == _STATUS:
        return "a status"
    return None if math.isfinite(scale[0]) else "its sensitivity is not a voltage"


def _events(found: Defined, rate: float) -> tuple[Annotation, ...]:
    """Code, first sample, number of samples, words; those without words have codes that the standard lists."""
    notes = []
    for value in found.told.get(mfer.EVENT, []):
        fields = StoredFields(value.stored, "an event", ">" if value.order == "big" else "<")
        if len(fields) < 6:
            continue
        code, first = fields.numbers(0, "HI")
        length = fields.number(6, "I") if len(fields) >= 10 else 0
        text = Defined(told={0: [Value(value.stored[10:], value.order)]}, encoding=found.encoding).text(0)
        notes.append(Annotation(first / rate, text or f"event {code}", length / rate))
    return tuple(sorted(notes, key=lambda note: note.seconds))


def _start(found: Defined) -> datetime | None:
    for value in found.told.get(mfer.TIME, []):
        fields = StoredFields(value.stored, "the time", ">" if value.order == "big" else "<")
        if len(fields) < 7:
            continue
        year, month, of_month, hour, minute, second = fields.numbers(0, "HBBBBB")
        thousandths = fields.number(7, "H") if len(fields) >= 9 else 0
        try:
            return datetime(year, month, of_month, hour, minute, second, min(thousandths, 999) * 1000)
        except ValueError:
            continue
    return None


def _patient(found: Defined) -> dict[str, str]:
    patient = {"name": found.text(mfer.NAME), "id": found.text(mfer.ID), "notes": "\n".join(found.texts(mfer.NOTE))}
    for value in found.told.get(mfer.SEX, []):
        patient["sex"] = {b"\1": "male", b"\2": "female"}.get(value.stored, "")
    for value in found.told.get(mfer.AGE, []):
        fields = StoredFields(value.stored, "the age", ">" if value.order == "big" else "<")
        if len(fields) >= 1 and fields.number(0, "B"):
            patient["age"] = str(fields.number(0, "B"))
        born = day(*fields.numbers(3, "HBB")) if len(fields) >= 7 else None
        if born is not None:
            patient["birth_date"] = born.isoformat()
    return patient
