"""The beat tokenisers of HeartLang and CLEAR-HUG as golden cases."""

import numpy as np

from ..golden_cases import GoldenCase
from ..golden_cases.made_tensors import made_input
from ..signals import STANDARD_LEADS
from ..signals.beat_cutting import cut_beats
from .feature_extraction_ecg import ECGFeatureExtractor

HEARTLANG_STEP = {
    "name": "beat_tokens",
    "max_tokens": 256,
    "detector": "xqrs",
    "searched": "first",
    "full_length": True,
    "compat_lead_major_truncation": True,
    "compat_shifted_peaks": True,
}
USED_LEADS = ["I", "II", "V2"]


def heartlang(case: GoldenCase) -> dict:
    """At the peaks that xqrs finds, in twelve leads and in three; and at given peaks."""
    leads = list(STANDARD_LEADS)
    signals = [case.stored(f"in.ecg{number}") for number in range(5)]

    def read(signal, *steps):
        return ECGFeatureExtractor(100, leads, 1000, [*steps, HEARTLANG_STEP])(signal, 100, leads, "normalized")

    found = {}
    for number, signal in enumerate(signals):
        beats = read(signal)
        first = (beats.lead_ids[0] == 1) & beats.beat_mask[0]
        found[f"qrs{number}"] = beats.peak_samples[0, first]
        found |= _named(beats.beat_tokens[0], beats.lead_ids[0], beats.time_ids[0], "data{}", number)
    three = read(signals[0], {"name": "select_leads"}, {"name": "keep_leads", "leads": USED_LEADS})
    found |= _named(three.beat_tokens[0], three.lead_ids[0], three.time_ids[0], "lead3.data")
    for number in range(6):
        index = int(case.stored(f"synth{number}.in.signal_index", whole_numbers=True))
        peaks = case.stored(f"synth{number}.in.qrs", whole_numbers=True).astype(int)
        found |= _at_peaks(signals[index], peaks, f"synth{number}.data")
    return found


def _at_peaks(signal: np.ndarray, peaks: np.ndarray, name: str) -> dict:
    beats = cut_beats(signal[None], [peaks], max_tokens=256, lead_major_truncation=True, shifted_peaks=True)
    times = np.where(beats.mask, beats.peaks // 100 + 1, 0)
    missing = 256 - beats.mask.shape[1]
    tokens, leads, times = (
        np.pad(values[0], [(0, missing), *[(0, 0)] * (values.ndim - 2)])
        for values in (beats.tokens, beats.leads, times)
    )
    return _named(tokens, leads, times, name)


def _named(tokens, leads, times, name: str, *number) -> dict:
    named = {"data": tokens, "chan": leads, "time": times}
    return {name.replace("data", kind).format(*number): values for kind, values in named.items()}


def clear(case: GoldenCase) -> dict:
    """At given peaks: the first fifteen beats of each lead."""
    found: dict[str, np.ndarray] = {}
    shape = case.spec["input"]["ecg{k}"]["shape"]
    for number, peaks in enumerate(case.spec["config"]["peaks"]):
        beats = cut_beats(made_input(f"ecg{number}", shape, case.seed)[None], [peaks], beats_per_lead=15)
        found |= {
            f"tokens{number}_slice": beats.tokens.reshape(12, 15, 96),
            f"in_chans{number}": beats.leads[0],
            f"in_times{number}": np.where(beats.mask[0], beats.peaks[0] // 100 + 1, 0),
            f"pad{number}": (~beats.mask[0]).astype(int),
        }
    return found


GOLDEN = {"heartlang-tokenizer": heartlang, "clear-qrs-tokens": clear}
NOT_COMPARED: dict[str, dict[str, str]] = {}
