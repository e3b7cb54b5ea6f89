"""The definitions of an MFER file: tags with lengths and values, for all channels or for one.

Source: MFER Part 1 (ISO 22077-1) section 5: encoding, frame and sampling; Part 3-1 and 3-2 (leads).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ...input_files import InputFile
from .scp_leads import SCP_LEADS
from .stored_fields import decoded

(ORDER, CHARACTERS, BLOCK, CHANNELS, SEQUENCES, POINTER, WAVEFORM) = (0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08)
(LEAD, TYPE, INTERVAL, SENSITIVITY, OFFSET, COMPRESSION, NULL) = (0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x12)
(FILTER, NOTE, MACHINE, WAVE, CHANNEL, PREAMBLE, EVENT, GROUP) = (0x11, 0x16, 0x17, 0x1E, 0x3F, 0x40, 0x41, 0x67)
(END, NAME, ID, AGE, SEX, TIME) = (0x80, 0x81, 0x82, 0x83, 0x84, 0x85)
KNOWN = {
    *range(0x01, 0x10),
    *(FILTER, NULL, 0x15, NOTE, MACHINE, WAVE, CHANNEL, PREAMBLE, EVENT, 0x42, 0x43, 0x44, 0x45, 0x46, GROUP),
    *range(END, 0x89),
}
# What may differ from channel to channel.
_OF_CHANNEL = (BLOCK, SEQUENCES, WAVEFORM, LEAD, TYPE, INTERVAL, SENSITIVITY, OFFSET, NULL)
_MOST_CHANNELS, _MOST_DEFINITIONS, _MOST_DEPTH = 1024, 100_000, 4
_PAGE_BYTES = 2**12
_MORE_LEADS = {4166: "ECG1", 4167: "ECG2", 4168: "ECG3", 4169: "ECG4"}
_JAPANESE = {"jis x 0201": "shift_jis", "jis x 0208": "iso2022_jp", "rfc 1468": "iso2022_jp", "iso-2022": "iso2022_jp"}


class Definition(NamedTuple):
    """A tag, the channel that it is of (None for all), and where its value stands."""

    tag: int
    channel: int | None
    first: int
    end: int


class Value(NamedTuple):
    """The bytes of a definition, and the order that was in force: "big" or "little"."""

    stored: bytes
    order: str

    def number(self, signed: bool = False) -> int:
        return int.from_bytes(self.stored, self.order, signed=signed)  # type: ignore[arg-type]


@dataclass
class Frame:
    """Samples and what was in force where they stand; one entry a channel in `channels`."""

    first: int
    end: int
    order: str
    channels: list[dict[int, Value]]
    pointer: int | None


@dataclass
class Defined:
    """All of a file: frames, and by tag what is told once or several times."""

    frames: list[Frame] = field(default_factory=list)
    told: dict[int, list[Value]] = field(default_factory=dict)
    encoding: str = "utf-8"

    def text(self, tag: int) -> str:
        return next(iter(self.texts(tag)), "")

    def texts(self, tag: int) -> list[str]:
        found = (decoded(value.stored, self.encoding) for value in self.told.get(tag, []))
        return [text for text in found if text]


def definitions(stored: "bytes | StoredBytes", first: int, end: int) -> Iterator[Definition]:
    """Those between two places, one after the other.

    Raises:
        ValueError: one that reaches beyond the end, or has a length that is none.
    """
    place = first
    while place < end:
        tag = stored[place]
        place += 1
        if tag == END:
            return
        if tag == 0:
            continue
        channel = None
        if tag == CHANNEL:
            channel, place = _channel_number(stored, place, end)
        length, place = _length(stored, place, end)
        marked = length < 0
        after = _marked_end(stored, place, end, 0) if marked else place + length
        if after > end:
            raise ValueError(f"the definition {tag:#04x} has {length} bytes, and {end - place} are left: truncated")
        yield Definition(tag, channel, place, after)
        place = after + 2 * marked


def _marked_end(stored, place: int, end: int, depth: int) -> int:
    """Where the two zeros stand that end definitions whose length is not told."""
    while place + 1 < end and depth <= _MOST_DEPTH:
        tag = stored[place]
        if tag == 0 and stored[place + 1] == 0:
            return place
        place += 1
        if tag == 0:
            continue
        if tag == CHANNEL:
            _, place = _channel_number(stored, place, end)
        length, place = _length(stored, place, end)
        place = _marked_end(stored, place, end, depth + 1) + 2 if length < 0 else place + length
    raise ValueError("definitions whose length is not told do not end: truncated, or damaged")


def _channel_number(stored, place: int, end: int) -> tuple[int, int]:
    number = 0
    for at in range(place, min(place + 3, end)):
        number = number << 7 | stored[at] & 0x7F
        if not stored[at] & 0x80:
            return number, at + 1
    raise ValueError("the number of a channel is cut, or too large")


def _length(stored, place: int, end: int) -> tuple[int, int]:
    """-1 for one that is not told."""
    if place >= end:
        raise ValueError("a definition ends before its length: truncated")
    size = stored[place]
    if size < 0x80:
        return size, place + 1
    if size == 0x80:
        return -1, place + 1
    size &= 0x7F
    if size > 4 or place + 1 + size > end:
        raise ValueError(f"the length of a definition takes {size} bytes: truncated, or damaged")
    return int.from_bytes(stored[place + 1 : place + 1 + size], "big"), place + 1 + size


class StoredBytes:
    """The bytes of a file by their places, of which few are read: definitions stand between long frames of samples."""

    def __init__(self, file: InputFile):
        self._file, self._held, self._first = file, b"", 0

    def __len__(self) -> int:
        return self._file.size

    def __getitem__(self, place):
        if isinstance(place, slice):
            first, end, _ = place.indices(len(self))
            return self._file.read(first, max(end - first, 0))
        if not 0 <= place - self._first < len(self._held):
            self._held, self._first = self._file.read(place, _PAGE_BYTES), place
            if not self._held:
                raise ValueError("it ended while it was read: truncated")
        return self._held[place - self._first]


class Walk:
    """Goes through the definitions of a file, and keeps what is in force."""

    def __init__(self, stored: StoredBytes):
        self.stored = stored
        self.found = Defined()
        self._order, self._channels = "big", 1
        self._pointer: int | None = None
        self._all: dict[int, Value] = {}
        self._own: dict[int, dict[int, Value]] = {}
        self._number = 0

    def run(self) -> Defined:
        self._go(0, len(self.stored), None, 0)
        return self.found

    def _go(self, first: int, end: int, channel: int | None, depth: int) -> None:
        if depth > _MOST_DEPTH:
            raise ValueError(f"definitions stand in one another more than {_MOST_DEPTH} deep")
        for one in definitions(self.stored, first, end):
            self._number += 1
            if self._number > _MOST_DEFINITIONS:
                raise ValueError(f"it has more than {_MOST_DEFINITIONS} definitions")
            if one.tag in (CHANNEL, GROUP):
                self._go(one.first, one.end, channel if one.tag == GROUP else one.channel, depth + 1)
            elif one.tag == WAVE:
                self._add_frame(one)
            else:
                self._take(one.tag, Value(bytes(self.stored[one.first : one.end]), self._order), channel)

    def _take(self, tag: int, value: Value, channel: int | None) -> None:
        if tag in _OF_CHANNEL:
            target = self._all if channel is None else self._own.setdefault(channel, {})
            target[tag] = value
            if not value.stored:  # back to what is usual
                del target[tag]
        elif tag == ORDER:
            self._order = "little" if value.stored[:1] == b"\1" else "big"
        elif tag == CHANNELS:
            self._channels, self._own = value.number(), {}
            if not 1 <= self._channels <= _MOST_CHANNELS:
                raise ValueError(f"it says {self._channels} channels, wanted 1 to {_MOST_CHANNELS}")
        elif tag == POINTER:
            self._pointer = value.number()
        elif tag == COMPRESSION and value.stored[:2].strip(b"\0"):
            raise ValueError("its samples are compressed, which is not read")
        elif tag == CHARACTERS:
            name = value.stored.decode("latin-1").strip("\0 ").lower()
            self.found.encoding = next((code for key, code in _JAPANESE.items() if name.startswith(key)), "utf-8")
        else:
            self.found.told.setdefault(tag, []).append(value)

    def _add_frame(self, one: Definition) -> None:
        common = {tag: value for tag, value in self._all.items() if tag != LEAD or self._channels == 1}
        channels = [common | self._own.get(number, {}) for number in range(self._channels)]
        self.found.frames.append(Frame(one.first, one.end, self._order, channels, self._pointer))
        self._pointer = None


def lead_name(value: Value | None, place: int, encoding: str) -> str:
    """By the code, the words behind it, or the place."""
    if value is None:
        return f"channel {place + 1}"
    code = Value(value.stored[:2], value.order).number()
    text = decoded(value.stored[2:], encoding)
    return SCP_LEADS.get(code) or _MORE_LEADS.get(code) or text or f"lead {code}"
