"""Beats cut out of waveforms at given R peaks, and their places in the sequence that a model reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import check_positive_integer
from ._arrays import as_numbers


@dataclass(frozen=True)
class BeatSequence:
    """Beats of several records as sequences: all beats of the first lead, then all of the second, and so on.

    Attributes:
        tokens: float32 `(records, places, token_samples)`, zero where there is no beat.
        leads: int64 `(records, places)`, the lead's number counted from 1; 0 where there is no beat, but with
            `beats_per_lead` that of the place.
        peaks: int64 `(records, places)`, the sample of the R peak; -1 where there is no beat.
        mask: bool `(records, places)`, true where there is a beat.
        left_out: int64 `(records,)`, beats of single leads for which there was no place.
    """

    tokens: np.ndarray
    leads: np.ndarray
    peaks: np.ndarray
    mask: np.ndarray
    left_out: np.ndarray


def cut_beats(
    signals,
    peaks: Sequence,
    *,
    token_samples: int = 96,
    lead_mask=None,
    max_tokens: int | None = None,
    beats_per_lead: int | None = None,
    lead_major_truncation: bool = False,
    shifted_peaks: bool = False,
) -> BeatSequence:
    """The stretch around each R peak, in each present lead.

    A beat begins midway to the beat before and ends midway to the next one, and never lies farther from its peak than
    half of a token; so do the first and the last beat of a record. The peak is at `token_samples // 2` of the token,
    and what the beat does not fill is zero.

    Args:
        signals: `(records, leads, samples)`.
        peaks: for each record the samples of its R peaks, ascending.
        token_samples: length of a token.
        lead_mask: bool `(records, leads)`, true where a lead is present; default: all.
        max_tokens: most places of a record. Present leads follow each other without gaps. Where there are more beats
            than places, the first of every lead are kept, as many in each.
        beats_per_lead: this many places in each lead, absent ones too, for the first beats.
        lead_major_truncation: of more beats than `max_tokens`, the first in the sequence are kept, so that the last
            leads are lost (HeartLang's released tokeniser).
        shifted_peaks: a beat that begins more than half a token before its peak, and fits, begins its token, and the
            peak lies farther right (HeartLang's released tokeniser); by default its beginning is cut off.

    Returns:
        Sequences as long as the longest needs; with `beats_per_lead`, `leads * beats_per_lead`.

    Raises:
        ValueError: peaks that do not ascend or lie outside of the record, other shapes, not exactly one of
            `max_tokens` and `beats_per_lead`, or fewer places than leads.

    Example:
        >>> from hf_ecg.signals.beat_cutting import cut_beats
        >>> beats = cut_beats(np.ones((1, 2, 500)), [[100, 180]], max_tokens=8)
        >>> beats.leads.tolist(), beats.peaks.tolist(), beats.tokens.sum(-1).tolist()
        ([[1, 1, 2, 2]], [[100, 180, 100, 180]], [[88.0, 88.0, 88.0, 88.0]])
    """
    signals = as_numbers(signals, axes=2)
    if signals.ndim != 3:
        raise ValueError(f"signals have shape {signals.shape}, wanted (records, leads, samples)")
    records, leads, samples = signals.shape
    check_positive_integer("token_samples", token_samples)
    _check_places(leads, max_tokens, beats_per_lead, lead_major_truncation)
    lead_mask = np.ones((records, leads), bool) if lead_mask is None else np.asarray(lead_mask, bool)
    if lead_mask.shape != (records, leads):
        raise ValueError(f"lead_mask has shape {lead_mask.shape}, wanted {(records, leads)}")
    record, peak = _flat(peaks, records, samples)
    counts = np.bincount(record, minlength=records)
    number = np.arange(len(record)) - (np.cumsum(counts) - counts)[record]
    start, stop, at = _windows(record, peak, samples, token_samples, shifted_peaks)
    kept, place = _places(record, number, counts, lead_mask, max_tokens, beats_per_lead, lead_major_truncation)
    beat, lead = np.nonzero(kept)
    row, column = record[beat], place[beat, lead]
    length = leads * beats_per_lead if beats_per_lead else int(column.max(initial=-1)) + 1
    tokens = _cut(signals, (row, column), (records, length), lead, beat, start, stop, at, token_samples)
    numbers, samples_of = np.zeros((records, length), np.int64), np.full((records, length), -1, np.int64)
    numbers[row, column], samples_of[row, column] = lead + 1, peak[beat]
    mask = samples_of >= 0
    if beats_per_lead:
        numbers[:] = np.arange(length) // beats_per_lead + 1
    return BeatSequence(tokens, numbers, samples_of, mask, counts * lead_mask.sum(axis=1) - mask.sum(axis=1))


def _check_places(leads: int, max_tokens: int | None, beats_per_lead: int | None, lead_major: bool) -> None:
    if (max_tokens is None) == (beats_per_lead is None):
        raise ValueError(f"max_tokens is {max_tokens} and beats_per_lead is {beats_per_lead}, wanted one of them")
    for name, value in (("max_tokens", max_tokens), ("beats_per_lead", beats_per_lead)):
        if value is not None:
            check_positive_integer(name, value)
    if max_tokens is not None and max_tokens < leads and not lead_major:
        raise ValueError(f"max_tokens is {max_tokens} for {leads} leads, wanted at least one a lead")


def _flat(peaks: Sequence, records: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Record and sample of every beat, one record after the other."""
    if len(peaks) != records:
        raise ValueError(f"there are peaks of {len(peaks)} records, wanted of {records}")
    lists = [np.asarray(one, np.int64).reshape(-1) for one in peaks]
    record = np.repeat(np.arange(records), [len(one) for one in lists])
    peak = np.concatenate([*lists, np.zeros(0, np.int64)])
    wrong = ((np.diff(peak) <= 0) & (np.diff(record) == 0)).any() or ((peak < 0) | (peak >= samples)).any()
    if wrong:
        raise ValueError(f"peaks must ascend and lie within the {samples} samples of the record")
    return record, peak


def _windows(record: np.ndarray, peak: np.ndarray, samples: int, length: int, shifted: bool):
    """Of each beat: its first sample, the one behind its last, and where in the token the first one goes."""
    half = length // 2
    same = np.diff(record, prepend=-1) == 0
    middle = (peak + np.concatenate([peak[:1], peak[:-1]])) // 2
    start = np.where(same, middle, peak - half)
    same_next = np.diff(record, append=-1) == 0
    stop = np.where(same_next, np.concatenate([middle[1:], peak[-1:]]), peak + half)
    start, stop = np.maximum(start, 0), np.minimum(stop, samples)
    long = stop - start > length
    start = np.where(long, np.maximum(peak - half, 0), start)
    if shifted:
        stop = np.where(long, np.minimum(start + length, samples), stop)
        return start, stop, np.maximum(half - (peak - start), 0)
    start = np.maximum(start, peak - half)
    return start, np.minimum(stop, peak - half + length), half - (peak - start)


def _cut(signals, where, places: tuple[int, int], lead, beat, start, stop, at, length: int) -> np.ndarray:
    """Tokens of all places, read in one go from the records laid end to end with zeros between them.

    A place without a beat reads the zeros in front of the first record.

    Args:
        signals: `(records, leads, samples)`.
        where: record and place of each token.
        places: records, and places of each.
        lead, beat: of each token.
        start, stop, at: of each beat, see `_windows`.
        length: of a token.
    """
    records, leads, samples = signals.shape
    stride = samples + length
    laid = np.zeros(length + records * leads * stride, np.float32)
    laid[length:].reshape(records, leads, stride)[..., :samples] = signals
    begins, of = np.zeros(places, np.int64), np.full(places, len(start))
    begins[where] = length + (where[0] * leads + lead) * stride + (start - at)[beat]
    of[where] = beat
    tokens = np.lib.stride_tricks.sliding_window_view(laid, length)[begins]
    # the token of a beat is the same stretch in every lead; none of it lies outside where there is no beat
    sample = np.arange(length)
    outside = (sample < at[:, None]) | (sample >= (at + stop - start)[:, None])
    np.copyto(tokens, 0, where=np.pad(outside, ((0, 1), (0, 0)))[of])
    return tokens


def _places(record, number, counts, lead_mask, max_tokens, beats_per_lead, lead_major):
    """bool and int (beats, leads): whether a beat is kept in a lead, and its place in the sequence."""
    present = lead_mask[record]
    if beats_per_lead:
        places = np.arange(lead_mask.shape[1]) * beats_per_lead + number[:, None]
        return present & (number < beats_per_lead)[:, None], places
    most = np.full(len(counts), max_tokens) if lead_major else max_tokens // np.maximum(lead_mask.sum(axis=1), 1)
    a_lead = np.minimum(counts, most) if not lead_major else counts
    places = (lead_mask.cumsum(axis=1) - 1)[record] * a_lead[record][:, None] + number[:, None]
    return present & (number < a_lead[record])[:, None] & (places < max_tokens), places
