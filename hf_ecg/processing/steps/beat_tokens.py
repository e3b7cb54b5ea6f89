"""The step that cuts beats out of the waveform, for models that read an ECG as a sequence of them."""

from dataclasses import dataclass

import numpy as np
from transformers.utils import logging

from ...checks import check_bool, check_one_of, check_positive, check_positive_integer
from ...said_once import first_time
from ...signals.beat_cutting import BeatSequence, cut_beats
from ...signals.beat_detection import DETECTORS, find_r_peaks, xqrs_peaks
from ...signals.leads import canonical_leads
from ..outputs import LEADS, WAVEFORM, Output
from .step_base import Step, WaveformBatch

logger = logging.get_logger(__name__)
SEARCHED = ("together", "first", "in_turn")
# What moves less, in millivolts, is flat: a filter leaves rounding errors of a constant, and they have peaks too.
_FLAT = 1e-6
# a day of beats in twelve leads is half of it
_MOST_PLACES = 2_000_000
# a place without a beat has none
BEATS = (
    Output("beat_tokens", ("beats", "beat_samples")),
    Output("beat_mask", ("beats",), dtype="bool"),
    Output("lead_ids", ("beats",), dtype="int64"),
    Output("time_ids", ("beats",), dtype="int64"),
    Output("peak_samples", ("beats",), dtype="int64", padding=-1),
)


@dataclass(frozen=True)
class BeatTokens(Step):
    """Beats in place of the waveform: `signals.beat_cutting.cut_beats` at the R peaks that a detector finds.

    The peaks are the same in all leads. A record without a beat gives tokens that are all masked. Outputs, all of
    one place for each beat of each lead, lead by lead:

    - `beat_tokens` float32 `(beats, token_samples)`, the R peak in the middle;
    - `beat_mask` bool, true where there is a beat;
    - `lead_ids` int64, the lead's number in the recipe counted from 1;
    - `time_ids` int64, in which stretch of `time_seconds` the peak lies, counted from 1; 0 without a beat;
    - `peak_samples` int64, the sample of the R peak in the waveform that was cut; -1 without a beat.

    `lead_mask` stays beside them.

    Args:
        token_samples: length of a token; 96 at 100 Hz in HeartLang and CLEAR-HUG.
        max_tokens: most places of a record, of the present leads without gaps. A record with more beats keeps the
            first of every lead, as many in each, which is said once. Give this (HeartLang: 256) or `beats_per_lead`.
        beats_per_lead: places of each lead, absent ones too (CLEAR-HUG: 15).
        detector: "slopes", ours (`signals.beat_detection.find_r_peaks`), or "xqrs" of wfdb, which both were made with.
        searched: where: "together" in all leads, with a vote each; in the "first" present lead only (HeartLang); or
            "in_turn" in one lead after the other until one has a beat (CLEAR-HUG). "xqrs" cannot search together.
        first_lead: with which lead "in_turn" begins (CLEAR-HUG: II); default: with the first.
        without_beats: what a record without a beat gives: "mask", or beats "equally_spaced", as many as
            `beats_per_lead` (CLEAR-HUG).
        time_seconds: see `time_ids`.
        full_length: every record gets `max_tokens` places. Default: as many as the longest of the batch needs.
        compat_lead_major_truncation: keep the first `max_tokens` of all beats, so that above 128 beats a minute
            the last leads are lost (HeartLang's released code).
        compat_shifted_peaks: a beat that begins more than half a token before its peak begins its token, and the peak
            lies farther right (HeartLang's released code).
    """

    token_samples: int = 96
    max_tokens: int | None = None
    beats_per_lead: int | None = None
    detector: str = "slopes"
    searched: str = "together"
    first_lead: str | None = None
    without_beats: str = "mask"
    time_seconds: float = 1.0
    full_length: bool = False
    compat_lead_major_truncation: bool = False
    compat_shifted_peaks: bool = False

    @property
    def outputs(self):
        return BEATS

    @property
    def drops(self):
        return tuple(output.name for output in WAVEFORM if output.axes != (LEADS,))

    def validate(self):
        check_positive_integer("token_samples", self.token_samples)
        if (self.max_tokens is None) == (self.beats_per_lead is None):
            raise ValueError(
                f"max_tokens is {self.max_tokens} and beats_per_lead is {self.beats_per_lead}, wanted one of them"
            )
        places = self.max_tokens or self.beats_per_lead
        check_positive_integer("max_tokens or beats_per_lead", places)
        if places and places > _MOST_PLACES:
            raise ValueError(f"max_tokens or beats_per_lead is {places}, wanted at most {_MOST_PLACES}")
        check_one_of("detector", self.detector, DETECTORS)
        check_one_of("searched", self.searched, SEARCHED)
        if self.detector == "xqrs" and self.searched == "together":
            raise ValueError('xqrs searches one lead, wanted searched "first" or "in_turn"')
        if self.first_lead is not None:
            if self.searched != "in_turn":
                raise ValueError(f'first_lead is {self.first_lead!r}, which is for searched "in_turn"')
            canonical_leads([self.first_lead])
        check_one_of("without_beats", self.without_beats, ("mask", "equally_spaced"))
        if self.without_beats == "equally_spaced" and self.beats_per_lead is None:
            raise ValueError("equally spaced beats are as many as beats_per_lead, which is not given")
        check_positive("time_seconds", self.time_seconds)
        for name in ("full_length", "compat_lead_major_truncation", "compat_shifted_peaks"):
            check_bool(name, getattr(self, name))
        if self.max_tokens is None and (self.full_length or self.compat_lead_major_truncation):
            raise ValueError("full_length and compat_lead_major_truncation are about max_tokens, which is not given")

    def apply(self, batch):
        peaks = self._peaks(batch)
        if self.without_beats == "equally_spaced":
            peaks = [
                found if len(found) else _equally_spaced(mask, int(self.beats_per_lead or 0))
                for found, mask in zip(peaks, batch.sample_mask, strict=True)
            ]
        beats = cut_beats(
            batch.signals,
            peaks,
            token_samples=self.token_samples,
            lead_mask=batch.lead_mask,
            max_tokens=self.max_tokens,
            beats_per_lead=self.beats_per_lead,
            lead_major_truncation=self.compat_lead_major_truncation,
            shifted_peaks=self.compat_shifted_peaks,
        )
        self._tell_left_out(beats)
        times = beats.peaks // max(1, round(self.time_seconds * batch.sampling_rate)) + 1
        made = (beats.tokens, beats.mask, beats.leads, np.where(beats.mask, times, 0), beats.peaks)
        for output, values in zip(BEATS, made, strict=True):
            batch.tensors[output.name] = self._filled_up(values, output.padding)

    def _peaks(self, batch: WaveformBatch) -> list[np.ndarray]:
        moving = np.ptp(batch.signals, axis=-1) > _FLAT
        if self.searched == "together":
            return find_r_peaks(batch.signals, batch.sampling_rate, batch.lead_mask & moving, batch.sample_mask)
        peaks = [np.zeros(0, np.int64)] * len(batch.signals)
        left = np.arange(len(peaks))
        for turn, lead in enumerate(self._order(batch)):
            left = np.array([row for row in left if not len(peaks[row])], np.int64)
            chosen = lead[left]
            # those whose leads have all been searched
            left, chosen = left[chosen >= 0], chosen[chosen >= 0]
            if not len(left) or (turn and self.searched == "first"):
                break
            searched, chosen = left[moving[left, chosen]], chosen[moving[left, chosen]]
            signals, recorded = batch.signals[searched, chosen], batch.sample_mask[searched]
            for row, found in zip(
                searched, self._peaks_of_one_lead(signals, recorded, batch.sampling_rate), strict=True
            ):
                peaks[row] = found
        return peaks

    def _order(self, batch: WaveformBatch) -> np.ndarray:
        """int (leads, records): which lead is searched in which turn; -1 when no present one is left."""
        order = list(range(len(batch.leads)))
        if self.first_lead is not None:
            (first,) = canonical_leads([self.first_lead])
            if first in batch.leads:
                order.sort(key=lambda place: batch.leads[place] != first)
        present = batch.lead_mask[:, order]
        turns = np.argsort(~present, axis=1, kind="stable")
        return np.where(np.take_along_axis(present, turns, 1), np.array(order)[turns], -1).T

    def _peaks_of_one_lead(self, signals: np.ndarray, recorded: np.ndarray, rate: float) -> list[np.ndarray]:
        """Of `(records, samples)`."""
        if self.detector == "slopes":
            return find_r_peaks(signals[:, None], rate, sample_mask=recorded)
        found = []
        for signal, mask in zip(signals, recorded, strict=True):
            places = np.flatnonzero(mask)
            stretch = slice(places[0], places[-1] + 1) if len(places) else slice(0)
            found.append(xqrs_peaks(signal[stretch], rate) + (stretch.start or 0))
        return found

    def _filled_up(self, values: np.ndarray, padding: float) -> np.ndarray:
        if not self.full_length or self.max_tokens is None:
            return values
        widths = [(0, 0), (0, self.max_tokens - values.shape[1]), *[(0, 0)] * (values.ndim - 2)]
        return np.pad(values, widths, constant_values=padding)

    def _tell_left_out(self, beats: BeatSequence) -> None:
        if not beats.left_out.any():
            return
        places = f"max_tokens {self.max_tokens}" if self.max_tokens else f"beats_per_lead {self.beats_per_lead}"
        kept = "the last leads are lost" if self.compat_lead_major_truncation else "each lead keeps its first ones"
        if first_time("beat_tokens", places, kept):
            logger.warning("a record has more beats than there are places (%s): %s (said once)", places, kept)


def _equally_spaced(recorded: np.ndarray, count: int) -> np.ndarray:
    """The middles of stretches of equal length, so that no beat lies on an edge; none of fewer samples than that."""
    places = np.flatnonzero(recorded)
    if len(places) < count:
        return np.zeros(0, np.int64)
    middles = (np.arange(count) + 0.5) * (places[-1] + 1 - places[0]) / count
    return places[0] + middles.astype(np.int64)
