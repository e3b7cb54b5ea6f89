"""Damaged files of every format of recordings, judged by what a record must be; see `SAMPLES` for the files."""

import binascii
import functools
import math
import struct
from pathlib import Path

import numpy as np

from hf_ecg.signals import Record, read
from tests.signals.formats.samples import SAMPLES

from .judging import judge
from .mutations import mutate_bytes, mutate_lines, pick

# Bytes that hold nothing but text, so that lines and fields can be damaged.
_TEXT = (".hea", ".csv", ".txt", ".xml", ".json")
_HEADER_BYTES = 2048
_NUMBERS = (0, 1, -1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_FLOATS = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e308, 1e-308)
_DIGITS = (b"0", b"-1", b"99999999", b"nan", b"inf", b"1e999", b"-0.0", b"        ", b"65535", b"4294967295")


class DeviceFile:
    """One format."""

    def __init__(self, data: Path, folder: Path, name: str):
        self.path = Path(SAMPLES[name](folder))
        self.content = self.path.read_bytes()

    def run(self, rng: np.random.Generator) -> tuple[str, str, str]:
        description, damaged = self.damage(rng)
        self.path.write_bytes(damaged)
        try:
            outcome = judge(lambda: read(self.path), what_is_wrong, [self.path.stem])
        finally:
            self.path.write_bytes(self.content)
        return (description, *outcome)

    def damage(self, rng: np.random.Generator) -> tuple[str, bytes]:
        if self.path.suffix in _TEXT and rng.random() < 0.6:
            encoding = "utf-16" if self.content[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
            delimiter = pick(rng, (" ", '"', "<", ",", "="))
            description, damaged = mutate_lines(self.content.decode(encoding), rng, delimiter)
            return description, damaged
        if rng.random() < 0.5:
            description, damaged = mutate_number(self.content, rng)
        else:
            description, damaged = mutate_bytes(self.content, rng)
        if rng.random() < 0.7:
            damaged = with_checksums(damaged)
        return description, damaged


def mutate_number(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """A number at the beginning that becomes an extreme one, in any size and order of bytes."""
    place = int(rng.integers(min(len(data), _HEADER_BYTES)))
    kind = pick(rng, ("B", "<H", "<H", ">H", "<I", "<I", ">I", "<d", "text"))
    if kind == "text":
        value = stored = pick(rng, _DIGITS)
    elif kind == "<d":
        value = pick(rng, _FLOATS)
        stored = struct.pack(kind, value)
    else:
        size = struct.calcsize(kind)
        value = pick(rng, _NUMBERS) & (256**size - 1)
        stored = struct.pack(kind, value)
    return f"{kind} at {place} = {value}", data[:place] + stored + data[place + len(stored) :]


def with_checksums(data: bytes) -> bytes:
    """What stands in the place of a format's checksums, computed anew: the damage is found by other means."""
    out = bytearray(data)
    if data[16:22] == b"SCPECG":
        for place in range(22, min(len(data) - 10, 22 + 10 * 12), 10):
            number, length, index = struct.unpack_from("<HII", data, place)
            if number and 2 <= length and 0 < index and index - 1 + length <= len(data):
                part = bytes(out[index + 1 : index - 1 + length])
                struct.pack_into("<H", out, index - 1, binascii.crc_hqx(part, 0xFFFF))
        struct.pack_into("<H", out, 0, binascii.crc_hqx(bytes(out[2:]), 0xFFFF))
    elif data[:5] == b"ISHNE" and len(data) > 14:
        end = 522 + max(0, struct.unpack_from("<i", data, 10)[0])
        struct.pack_into("<H", out, 8, binascii.crc_hqx(bytes(out[10:end]), 0xFFFF))
    return bytes(out)


def what_is_wrong(record) -> str | None:
    """Of what was read, None when it is a record that can be worked with."""
    if not isinstance(record, Record):
        return f"it is {type(record).__name__}"
    if not (math.isfinite(record.sampling_rate) and record.sampling_rate > 0):
        return f"its rate is {record.sampling_rate}"
    if not len(record.leads) or len(record.lead_names) != len(record.leads):
        return f"its leads are {record.leads}, {record.lead_names}"
    millivolts = record.to_millivolts()
    if millivolts.shape != record.values.shape or not millivolts.shape[1]:
        return f"its values have the shape {record.values.shape}, {millivolts.shape}"
    if np.isinf(millivolts).any():
        return "a value is infinite"
    if any(not math.isfinite(value) for value in record.measurements.values()):
        return f"its measurements are {record.measurements}"
    if any(not math.isfinite(note.seconds + note.duration) for note in record.annotations):
        return "an annotation stands at no time"
    return None


# Format -> its mutations
FORMATS = {name: functools.partial(DeviceFile, name=name) for name in SAMPLES}
