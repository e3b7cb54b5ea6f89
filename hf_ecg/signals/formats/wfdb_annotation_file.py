"""Annotation files of WFDB (`.atr`, `.qrs` and others): what they hold, entry by entry.

Source: WFDB manual, annot(5). An entry is a word of 16 bits, its code above and the samples since the entry before
below; what belongs to it follows. The entries equal those of the wfdb package, which takes files that are cut off.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...input_files import read_input
from .confinement import check_inside

# of annot(5), by their codes; 0 is a filler, no entry
SYMBOLS = {
    **dict(zip(range(1, 14), "NLRaVFJASEj/Q", strict=True)),
    14: "~",
    16: "|",
    **dict(zip(range(18, 42), 'sT*D"=pB^t+u?![]en@xf()r', strict=True)),
}
# codes that are no entries
_FILLER, _SKIP, _NUM, _SUB, _CHN, _AUX = 0, 59, 60, 61, 62, 63
_NOTE = 22
_RATE = re.compile(r"## time resolution: ([\d.]+)", re.ASCII)
_DEFINITION = "## "
# a day of 200 beats a minute with a note at each stays far below
_MOST_BYTES = 2**27


class StoredAnnotations(NamedTuple):
    """Entries of an annotation file, in the order of their samples.

    Attributes:
        samples: int64 `(entries,)`.
        symbols: one character each, `(entries,)`.
        notes: text each, "" where there is none.
        sampling_rate: hertz, that the file itself tells; None where it does not.
    """

    samples: np.ndarray
    symbols: np.ndarray
    notes: list[str]
    sampling_rate: float | None


def read_annotation_file(path: str, root=None) -> StoredAnnotations:
    """All entries of a file.

    Args:
        path: with its ending.
        root: folder that the file may not leave, symbolic links followed.

    Raises:
        ValueError: a file that is not an annotation file of WFDB, is cut off, or goes on behind its end; a code that
            annot(5) does not name; a path that leaves `root`.
        OSError: it is not there.
    """
    if root is not None:
        check_inside(path, root)
    content = read_input(path, _MOST_BYTES)
    if len(content) % 2:
        raise ValueError(
            f"{path} has {len(content)} bytes and does not end as an annotation file of WFDB: truncated, or not its"
            " file"
        )
    words = np.frombuffer(content, "<u2")
    samples, codes, notes = [], [], []
    rate = None
    for sample, code, note in _entries(words, content, path):
        if code == _NOTE and sample == 0 and note.startswith(_DEFINITION):
            told = _RATE.match(note)
            rate = float(told[1]) if told else rate
            continue
        samples.append(sample)
        codes.append(code)
        notes.append(note)
    place = np.array(samples, np.int64)
    # a negative skip may put an entry before others
    order = np.argsort(place, kind="stable")
    symbols = np.array([SYMBOLS[code] for code in codes], dtype="<U1")
    return StoredAnnotations(place[order], symbols[order], [notes[one] for one in order], rate)


def _entries(words: np.ndarray, content: bytes, path: str) -> Iterator[tuple[int, int, str]]:
    """Sample, code and note of each entry, to the end that the file marks."""
    listed = words.tolist()
    number, place, sample = len(listed), 0, 0
    waiting: tuple[int, int] | None = None
    note = ""
    while place < number:
        word = listed[place]
        code, value = word >> 10, word & 1023
        place += 1
        if word == 0:
            if waiting is not None:
                yield *waiting, note
            if any(listed[place:]):
                raise ValueError(
                    f"{path} goes on behind its end at byte {2 * place} of {2 * number}: damaged, or not an"
                    " annotation file of WFDB"
                )
            return
        if code == _SKIP:
            if place + 2 > number:
                break
            skipped = (listed[place] << 16) | listed[place + 1]
            sample += skipped - (skipped >> 31 << 32)
            place += 2
        elif code == _AUX:
            text = content[2 * place : 2 * place + value]
            place += (value + 1) // 2
            if place > number:
                break
            note = text.decode("utf-8", errors="replace").rstrip("\0")
        elif code not in (_NUM, _SUB, _CHN):
            if waiting is not None:
                yield *waiting, note
            sample += value
            waiting, note = None, ""
            if code == _FILLER:
                continue
            if code not in SYMBOLS:
                raise ValueError(
                    f"{path} has an entry of code {code} at byte {2 * place - 2}, which annot(5) does not name:"
                    " damaged, or not an annotation file of WFDB"
                )
            waiting = (sample, code)
    raise ValueError(
        f"{path} has {2 * number} bytes and does not end as an annotation file of WFDB: truncated, or not its file"
    )
