"""EDF+ annotations: lists of a time, a duration and texts, in a signal of their own (TAL, EDF+ section 2.2.2)."""

import math
import re
from typing import NamedTuple

import numpy as np

from ..record import Annotation

_ONSET = re.compile(rb"([+-]\d{1,15}(?:\.\d{0,15})?)(?:\x15(\d{1,15}(?:\.\d{0,15})?)?)?\x14(.*)", re.DOTALL)


class Annotations(NamedTuple):
    """Of all data records: where each begins in seconds (NaN where nobody says), the notes, and how many are none."""

    onsets: np.ndarray
    notes: list[Annotation]
    damaged: int


def read_annotations(records: list[bytes], is_first: bool = True) -> Annotations:
    """The annotations in what one annotation signal holds of each data record.

    Args:
        records: its bytes, one a data record.
        is_first: whether it is the first annotation signal, which tells where each data record begins.
    """
    onsets, notes, damaged = np.full(len(records), math.nan), [], 0
    for place, stored in enumerate(records):
        for number, entry in enumerate(filter(None, stored.split(b"\0"))):
            found = _ONSET.fullmatch(entry)
            if found is None:
                damaged += 1
                continue
            seconds, texts = float(found[1]), found[3].split(b"\x14")
            if is_first and number == 0:
                onsets[place] = seconds
            for text in filter(None, texts):
                notes.append(Annotation(seconds, text.decode("utf-8", "replace"), float(found[2] or 0)))
    return Annotations(onsets, notes, damaged)
