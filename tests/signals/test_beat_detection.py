"""R peaks are found where they are, in batches as alone, and one bad lead does not move them."""

import numpy as np
import pytest
import wfdb

from hf_ecg.signals.beat_agreement import beat_agreement, pairs_agreement
from hf_ecg.signals.beat_detection import find_r_peaks, xqrs_peaks
from tests.signals.made_beats import every, waveform


@pytest.mark.parametrize("rate", [100, 250, 500])
@pytest.mark.parametrize("seconds", [0.3, 0.4, 0.8, 2.0])
def test_regular_rhythms_from_30_to_200_a_minute(rate, seconds):
    peaks = every(seconds, rate, 10 * rate)
    (found,) = find_r_peaks(waveform(peaks, samples=10 * rate, rate=rate)[None], rate)
    assert len(found) == len(peaks) and np.abs(found - peaks).max() <= 0.02 * rate


def test_one_noisy_lead_is_outvoted():
    peaks = every(0.7)
    signals = waveform(peaks)
    signals[0] = np.random.default_rng(1).normal(size=1000) * 5
    (found,) = find_r_peaks(signals[None], 100)
    assert len(found) == len(peaks) and np.abs(found - peaks).max() <= 2


def test_an_absent_lead_has_no_vote_and_padding_no_beat():
    signals = waveform(every(0.7))
    other = waveform(every(0.45), seed=2)
    both = np.concatenate([signals, 9 * other])
    mask = np.repeat([[True, False]], 12, axis=1)
    np.testing.assert_array_equal(find_r_peaks(both[None], 100, mask)[0], find_r_peaks(signals[None], 100)[0])
    padded = np.pad(signals + 3, ((0, 0), (200, 300)))  # an edge of three millivolts
    recorded = np.pad(np.ones(1000, bool), (200, 300))
    (found,) = find_r_peaks(padded[None], 100, sample_mask=recorded[None])
    np.testing.assert_allclose(found, every(0.7) + 200, atol=2)


def test_batches_give_what_each_record_gives():
    signals = np.stack([waveform(every(0.3 + number / 20), seed=number) for number in range(40)])
    signals[7] = 0
    signals[4] = np.nan
    together = find_r_peaks(signals, 100)
    for record, found in zip(signals, together, strict=True):
        np.testing.assert_array_equal(find_r_peaks(record[None], 100)[0], found)


@pytest.mark.parametrize("samples", [0, 3, 100, 1000])
def test_nothing_beats_in_a_flat_record(samples):
    assert [len(found) for found in find_r_peaks(np.full((2, 3, samples), 0.5), 100)] == [0, 0]
    assert len(xqrs_peaks(np.zeros(max(samples, 1)), 100)) == 0


def test_the_peaks_of_xqrs_are_wfdbs():
    peaks = every(0.8)
    found = xqrs_peaks(waveform(peaks)[11], 100)
    # it marks the upstroke
    assert len(found) >= len(peaks) - 1 and np.abs(found[:, None] - peaks).min(1).max() <= 8


def test_two_shapes_that_take_turns_agree_and_noise_does_not():
    beats, time = np.arange(100, 5900, 200), np.arange(-30, 31)
    lead, noise = np.zeros(6000), np.random.default_rng(0).normal(size=6000)
    for number, beat in enumerate(beats):
        lead[beat - 30 : beat + 31] += np.exp(-((time / 6) ** 2)) if number % 2 else -np.exp(-(((time + 9) / 14) ** 2))
    signals = np.stack([lead + noise / 50, noise])
    alike, noisy = pairs_agreement(signals, 250, beats)
    assert alike > 0.9 and noisy < 0.7
    # one of the two shapes is the usual one for the median, or a mixture of both
    assert beat_agreement(signals, 250, beats[1:])[0] < alike
    assert pairs_agreement(lead[None], 250, beats[:3]).tolist() == [0]


def test_errors_say_what_was_wanted():
    with pytest.raises(ValueError, match=r"shape \(12, 1000\), wanted \(records, leads, samples\)"):
        find_r_peaks(np.zeros((12, 1000)), 100)
    with pytest.raises(ValueError, match="20 Hz, beats are found at 50 Hz and more"):
        find_r_peaks(np.zeros((1, 12, 1000)), 20)
    with pytest.raises(ValueError, match=r"lead_mask has shape \(12,\), wanted \(1, 12\)"):
        find_r_peaks(np.zeros((1, 12, 1000)), 100, np.ones(12))


def test_real_beats_are_those_that_were_annotated(shared_data_dir):
    found = wanted = both = 0
    for name in ("100", "119", "203", "231"):
        signals = wfdb.rdrecord(str(shared_data_dir / "mitdb" / name), sampto=3600 * 6).p_signal.T
        notes = wfdb.rdann(str(shared_data_dir / "mitdb" / name), "atr", sampto=3600 * 6)
        peaks = notes.sample[np.isin(notes.symbol, list("NLRBAaJSVrFejnE/fQ"))]
        (ours,) = find_r_peaks(signals[None], 360)
        near = np.abs(ours[:, None] - peaks) < 0.15 * 360
        found, wanted, both = found + len(ours), wanted + len(peaks), both + near.any(0).sum()
    assert both >= 0.97 * wanted and both >= 0.95 * found
