"""Holter recordings in the ISHNE format, with the beats of the .ann file beside them.

Source: Badilini 1998, Ann Noninvasive Electrocardiol 3:263-266, and the page of the THEW project on annotations. The
16-bit counts are read block by block into those that are handed out: ecgdatakit needs eight times the file's size, and
hands out -32768, which stands for a lead that is off, as signal.
"""

import binascii
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time
from typing import NamedTuple

import numpy as np

from ...input_files import InputFile
from ..channels import Channels, choose_channels
from ..record import Annotation, Record
from ..units import MISSING_COUNT
from .confinement import check_inside
from .record_parts import RecordParts
from .remarks import tell
from .stored_counts import stored_values
from .stored_fields import StoredFields, day, decoded, without_serial

FORMAT = "ISHNE"
ENDINGS = (".ecg", ".hol")
# Some other recorders' files end so too.
ENDING_IS_SHARED = True
_MARK, _BEATS_MARK = b"ISHNE", b"ANN  1.0"
_FIXED_BYTES, _MOST_LEADS, _BLOCK_BYTES, _MOST_TEXT = 522, 12, 2**22, 2**20
_LEADS = {
    **{2: "X", 3: "Y", 4: "Z", 5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF"},
    **{10 + number: f"V{number}" for number in range(1, 7)},
    **{17: "ES", 18: "AS", 19: "AI"},
}
# What stands where there is no such lead, and for an annotation that only carries time on.
_ABSENT, _NO_BEAT = -9, "!"


class _Layout(NamedTuple):
    """What the header says of the samples; `names` and `steps` (nanovolts a count) are of all leads."""

    header: StoredFields
    remarks: list[str]
    rate: int
    names: list[str]
    steps: tuple[int, ...]
    chosen: Channels
    samples: int


def matches(path: str, head: bytes) -> bool:
    """By the first eight bytes, of a recording or of its beats."""
    return head.startswith((_MARK, _BEATS_MARK))


def parts(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> RecordParts:
    """What `read` reads, part by part."""
    layout = _opened(path, root, choose)
    tell(path, layout.remarks)

    def cut(first: int, end: int) -> Record:
        return _record(path, layout, _counts(path, layout, first, end), [])

    return RecordParts(cut, layout.samples)


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a recording; samples of -32768, where a lead was off, are missing.

    Raises:
        ValueError: a damaged header, no samples, a file of beats alone, no channel that can be taken.
    """
    layout = _opened(path, root, choose)
    remarks = layout.remarks
    counts = _counts(path, layout, 0, layout.samples)
    record = _record(path, layout, counts, remarks)
    tell(path, remarks)
    return replace(
        record, annotations=_beats(path, root, layout.rate, layout.samples, remarks), remarks=tuple(remarks)
    )


def _opened(path: str, root, choose: Callable[..., Channels]) -> _Layout:
    with InputFile(path) as file:
        try:
            header, remarks = _header(file)
            number, rate = header.number(156, "h"), header.number(272, "h")
            if not 1 <= number <= _MOST_LEADS:
                raise ValueError(f"the header says {number} leads, wanted 1 to {_MOST_LEADS}")
            if rate < 1:
                raise ValueError(f"the header says {rate} samples a second, wanted 1 or more")
            samples = _number_of_samples(header, file.size, number, remarks)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        codes, steps = (header.numbers(place, f"{number}h") for place in (158, 206))
        names = [_LEADS.get(code, f"ECG{place}") for place, code in enumerate(codes, 1)]
        chosen = choose(
            names, ["nV"] * number, unfit=[_unfit(*one) for one in zip(codes, steps, strict=True)], where=path
        )
    return _Layout(header, remarks, rate, names, steps, chosen, samples)


def _record(path: str, layout: _Layout, counts: np.ndarray, remarks: list[str]) -> Record:
    header, places = layout.header, layout.chosen.places
    values = stored_values(counts, np.array([layout.steps[place] * 1e-6 for place in places]), np.zeros(len(counts)))
    lost = int((counts == MISSING_COUNT).any(0).sum())
    if lost:
        remarks.append(f"samples of -32768, where a lead was off, are missing: {lost}")
    device, serial = without_serial(header.text(232, 40))
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        values=values.values,
        gain=values.gain,
        baseline=values.baseline,
        leads=layout.chosen.leads,
        sampling_rate=float(layout.rate),
        lead_names=tuple(layout.names[place] for place in places),
        units=("nV",) * len(counts),
        source_format=FORMAT,
        device=device if device.lower() not in ("", "analog", "digital") else None,
        start_time=_start(header),
        remarks=tuple(remarks),
        # free text of whoever wore or fitted it
        patient=_patient(header) | {"device_serial": serial, "notes": decoded(header.stored[_FIXED_BYTES:])},
    )


def _header(file: InputFile) -> tuple[StoredFields, list[str]]:
    """The fixed and the variable part of it."""
    header = StoredFields(file.read(0, _FIXED_BYTES), "the header")
    size = header.number(10, "i")
    if header.stored.startswith(_BEATS_MARK):
        raise ValueError("it holds beats and no signal: the recording is the file of that name that ends in .ecg")
    if not 0 <= size <= min(_MOST_TEXT, file.size - _FIXED_BYTES):
        raise ValueError(f"the header says that its text has {size} bytes, in a file of {file.size}")
    remarks = []
    header = StoredFields(file.read(0, _FIXED_BYTES + size), "the header")
    header.part(0, _FIXED_BYTES + size)
    if not header.stored.startswith(b"ISHNE1.0"):
        remarks.append("the file calls itself another version than ISHNE1.0, and is read as that one")
    if header.number(22, "i") != len(header):
        remarks.append("the header tells another place of the signal than behind its text, where it is read")
    said, found = header.number(8, "H"), binascii.crc_hqx(header.stored[10:], 0xFFFF)
    # 0 where none was computed; the standard leaves open which byte comes first
    if said not in (0, found, found >> 8 | (found & 0xFF) << 8):
        remarks.append("the checksum of the header is another one: some field of it may be damaged")
    return header, remarks


def _number_of_samples(header: StoredFields, size: int, number: int, remarks: list[str]) -> int:
    """Of each lead, by the size of the file: headers tell those of one lead, of all leads, or a fixed number."""
    samples, rest = divmod(size - len(header), 2 * number)
    said = header.number(14, "i")
    if rest:
        remarks.append(f"bytes behind the last whole set of samples are left out: {rest}")
    if not samples:
        raise ValueError("there is no whole set of samples in it: truncated")
    if said not in (samples, samples * number):
        remarks.append(f"the header says another number of samples than there are: {said}, {samples} of each lead")
    return samples


def _unfit(code: int, step: int) -> str | None:
    if code == _ABSENT:
        return "its code says that it is not there"
    return None if step > 0 else "its resolution gives no scale"


def _counts(path: str, layout: _Layout, first: int, end: int) -> np.ndarray:
    """Those of the chosen leads from a first sample to before an end."""
    number, places = len(layout.names), list(layout.chosen.places)
    counts = np.empty((len(places), end - first), np.int16)
    at_once = _BLOCK_BYTES // (2 * number)
    with InputFile(path) as file:
        for start in range(first, end, at_once):
            stop = min(start + at_once, end)
            stored = file.read(len(layout.header) + 2 * number * start, 2 * number * (stop - start))
            if len(stored) < 2 * number * (stop - start):
                raise ValueError(f"{path} ended while it was read: truncated")
            counts[:, start - first : stop - first] = np.frombuffer(stored, "<i2").reshape(-1, number).T[places]
    return counts


def _start(header: StoredFields) -> datetime | time | None:
    of_month, month, year = header.numbers(138, "3h")
    try:
        clock = time(*header.numbers(150, "3h"))
    except ValueError:
        return None
    found = day(year, month, of_month)
    return clock if found is None else datetime.combine(found, clock)


def _patient(header: StoredFields) -> dict[str, str]:
    first, last = header.text(28, 40), header.text(68, 40)
    of_month, month, year = header.numbers(132, "3h")
    born = day(year, month, of_month)
    sex, race, _ = header.numbers(128, "3h")
    return {
        "name": " ".join(filter(None, (first, last))),
        "id": header.text(108, 20),
        "sex": {1: "male", 2: "female"}.get(sex, ""),
        "race": {1: "Caucasian", 2: "Black", 3: "Oriental"}.get(race, ""),
        "birth_date": born.isoformat() if born else "",
        "proprietary": header.text(274, 80),
    }


def _beats(path: str, root, rate: int, samples: int, remarks: list[str]) -> tuple[Annotation, ...]:
    """Those of the file beside it: the place of the first sample, then a label and the samples since the last one."""
    beside = f"{os.path.splitext(path)[0]}.ann"
    if not os.path.isfile(beside):
        return ()
    if root is not None:
        check_inside(beside, root)
    with InputFile(beside) as file:
        head = StoredFields(file.read(0, 14), "the header of the beats")
        if not head.stored.startswith(_BEATS_MARK) or len(head) < 14:
            return ()
        place = _FIXED_BYTES + head.number(10, "i")
        if not _FIXED_BYTES <= place <= file.size - 4 or file.size > 8 * samples + place:
            remarks.append("the beats in the file beside it are damaged, and left out")
            return ()
        stored = file.read(place, file.size - place)
    first = int.from_bytes(stored[:4], "little")
    steps = np.frombuffer(
        stored[4 : len(stored) // 4 * 4], np.dtype([("label", "S1"), ("_", "u1"), ("samples", "<u2")])
    )
    places = first + np.cumsum(steps["samples"].astype(np.int64))
    found = zip(places.tolist(), steps["label"].tolist(), strict=True)
    beats = [(place, label.decode("latin-1")) for place, label in found if place < samples]
    return tuple(
        Annotation(place / rate, label)
        for place, label in beats
        if label.isprintable() and label not in ("", _NO_BEAT)
    )
