"""Numbers and texts at their places in bytes; whoever asks beyond the end is told so."""

import re
import struct
from datetime import date

_SERIAL = re.compile(r"[\s,;:(_-]*\b(?:S/?N|serial(?:\s*(?:number|no))?)\b[\s.:=#]*([\w-]+)\)?", re.IGNORECASE)


class StoredFields:
    """Bytes of a file, with numbers in one order.

    Args:
        stored: the bytes.
        what: they are ("the header"), for the error.
        order: "<" for the lowest byte first, ">" for the highest.
    """

    def __init__(self, stored: bytes, what: str, order: str = "<"):
        self.stored, self.what, self.order = stored, what, order

    def __len__(self) -> int:
        return len(self.stored)

    def numbers(self, place: int, kinds: str) -> tuple:
        """Some numbers at a place; `kinds` are those of `struct`, such as "hhB".

        Raises:
            ValueError: it ends before.
        """
        layout = self.order + kinds
        if place < 0 or place + struct.calcsize(layout) > len(self.stored):
            raise ValueError(f"{self.what} ends after {len(self.stored)} bytes, wanted more at {place}: truncated")
        return struct.unpack_from(layout, self.stored, place)

    def number(self, place: int, kind: str) -> int:
        return self.numbers(place, kind)[0]

    def part(self, place: int, size: int) -> bytes:
        """Bytes at a place.

        Raises:
            ValueError: it ends before.
        """
        if min(place, size) < 0 or place + size > len(self.stored):
            raise ValueError(
                f"{self.what} ends after {len(self.stored)} bytes, wanted {size} bytes at {place}: truncated"
            )
        return self.stored[place : place + size]

    def text(self, place: int, size: int) -> str:
        """Of a text of fixed length what stands before its end."""
        return decoded(self.part(place, size))


def decoded(stored: bytes, encoding: str = "utf-8") -> str:
    """A text to its first null character; in Latin 1, which takes any byte, where it is not in the encoding."""
    wide = encoding.startswith("utf-16")
    end = next((i for i in range(0, len(stored) - 1, 2) if stored[i : i + 2] == b"\0\0"), None) if wide else None
    stored = stored[:end] if wide else stored.partition(b"\0")[0]
    try:
        text = stored.decode(encoding)
    except UnicodeDecodeError:
        text = stored.decode("latin-1")
    return "".join(sign for sign in text if sign.isprintable() or sign in "\t\n\r").strip()


def day(year: int, month: int, day_of_month: int) -> date | None:
    """None where there is no such day."""
    try:
        return date(year, month, day_of_month)
    except ValueError:
        return None


def without_serial(text: str) -> tuple[str, str]:
    """Of the words for a device its maker and model, and its serial number.

    Example:
        >>> from hf_ecg.signals.formats.stored_fields import without_serial
        >>> without_serial("Holter X3 SN: 12345")
        ('Holter X3', '12345')
    """
    found = _SERIAL.search(text)
    if found is None:
        return text.strip(), ""
    return (text[: found.start()] + text[found.end() :]).strip(), found[1]
