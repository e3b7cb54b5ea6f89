"""EDF+ annotations: lists of a time, a duration and texts, in a signal of their own (TAL, EDF+ section 2.2.2)."""

import math
import re
from typing import NamedTuple

import numpy as np

from ..record import Annotation
from .edf_header import Header

# A record with gaps is stored with them: of far more gaps than signal the times are wrong, or memory would be.
_MOST_GAPS, _SMALL_SAMPLES = 20, 2**24
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


def record_places(header: Header, onsets: np.ndarray, per_record: int, rate: float, remarks: list[str]) -> np.ndarray:
    """The first sample of each data record."""
    even = np.arange(len(onsets)) * per_record
    known = np.isfinite(onsets)
    if not known.all():
        if header.is_discontinuous:
            raise ValueError(f"it is discontinuous, and {(~known).sum()} data records do not say when they begin")
        return even
    places = np.rint((onsets - onsets[0]) * rate)
    if (np.abs(places - even) <= 1).all():
        return even
    steps = np.diff(places)
    if (steps < per_record - 1).any():
        place = int(np.argmax(steps < per_record - 1)) + 1
        raise ValueError(f"data record {place + 1} begins {onsets[place]:g} s, before the one in front of it ends")
    length = places[-1] + per_record
    if length > _SMALL_SAMPLES and length > _MOST_GAPS * len(onsets) * per_record:
        raise ValueError(
            f"its {len(onsets)} data records of {header.duration:g} s are spread over {length / rate:g} s: far more"
            " gaps than signal"
        )
    places = _apart(places.astype(np.int64), per_record)
    number = int((np.diff(places) > per_record).sum())
    called = "" if header.is_discontinuous else ", though it is called continuous"
    remarks.append(f"samples between its pieces are missing{called}: {number} gaps")
    return places


def _apart(places: np.ndarray, per_record: int) -> np.ndarray:
    """Times are rounded: a data record may seem to begin a sample before the one in front of it ends."""
    steps = np.diff(places)
    steps[np.abs(steps - per_record) <= 1] = per_record
    return np.concatenate([[0], np.cumsum(steps)])
