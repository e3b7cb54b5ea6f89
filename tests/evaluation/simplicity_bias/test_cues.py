"""Recordings without a cue: what is kept, what is gone, by encoders that look at one cue alone."""

import numpy as np
import pytest

from hf_ecg.evaluation.simplicity_bias.cues import (
    BOTH_KEPT,
    CUES,
    FLAT_SECONDS,
    RECORDED,
    RHYTHM_KEPT,
    WAVEFORM_KEPT,
    CueCondition,
    beats_of,
    mean_beat,
    placed,
)
from hf_ecg.signals.beat_detection import find_r_peaks

RATE, SAMPLES, LEADS = 100, 1000, ["I", "II", "V1"]


def row(peaks, heights=(1.0, 1.5, -0.8), width=0.02, t_wave=0.2, name="r"):
    """Beats at these seconds, of that height, with a T wave; and wander, which is no beat's."""
    time = np.arange(SAMPLES) / RATE
    wave = sum(
        np.exp(-(((time - at) / width) ** 2)) + t_wave * np.exp(-(((time - at - 0.25) / 0.06) ** 2)) for at in peaks
    )
    wander = 0.1 * np.sin(2 * np.pi * 0.3 * time)
    signal = np.array(heights)[:, None] * wave + wander
    return {
        "record_id": name,
        "patient_id": name,
        "signal": np.round(signal * 1000).astype(np.int16).ravel(),
        "num_samples": SAMPLES,
        "sampling_rate": RATE,
        "leads": LEADS,
        "gain": [1000.0] * 3,
        "baseline": [0] * 3,
    }


IRREGULAR = [0.6, 1.5, 2.1, 3.4, 4.2, 5.7, 6.4, 7.6, 8.3, 9.3]
REGULAR = [0.5 + 0.95 * beat for beat in range(10)]


def made(cue, given, others=()):
    mean = mean_beat([given, *others]) if cue == RHYTHM_KEPT else None
    return CueCondition(cue, mean)(given).values


def peaks_of(values):
    (found,) = find_r_peaks(values[None], RATE)
    return found


def test_as_recorded_is_the_record():
    given = row(IRREGULAR)
    np.testing.assert_allclose(made(RECORDED, given), given["signal"].reshape(3, -1) / 1000, atol=1e-6)
    assert CueCondition(RECORDED).clean and not CueCondition(BOTH_KEPT).clean


def test_both_kept_are_the_same_beats_in_their_places_without_wander():
    given = row(IRREGULAR)
    values = made(BOTH_KEPT, given)
    assert np.abs(peaks_of(values) - np.array(IRREGULAR) * RATE).max() <= 1
    heights = values[:, np.round(np.array(IRREGULAR) * RATE).astype(int)]
    np.testing.assert_allclose(heights, np.array([[1.0], [1.5], [-0.8]]).repeat(10, axis=1), atol=0.1)
    assert np.abs(values[:, 480:520]).max() < 0.02  # a pause between beats


def test_rhythm_kept_has_the_times_and_the_waveform_of_all():
    tall, small = row(IRREGULAR, heights=(2.0, 2.0, 2.0), name="tall"), row(REGULAR, heights=(0.4, 0.4, 0.4))
    values = [made(RHYTHM_KEPT, one, [other]) for one, other in ((tall, small), (small, tall))]
    for found, times in zip(values, (IRREGULAR, REGULAR), strict=True):
        assert np.abs(peaks_of(found) - np.array(times) * RATE).max() <= 1
        inner = found[:, np.round(np.array(times[1:-1]) * RATE).astype(int)]
        np.testing.assert_allclose(inner, 1.2, atol=0.1)  # the mean of both, whoever's record it is


def test_waveform_kept_has_the_beat_and_a_flat_rhythm():
    fast = [0.4 + 0.6 * beat for beat in range(16)]
    for times in (IRREGULAR, fast):
        values = made(WAVEFORM_KEPT, row(times))
        distances = np.diff(peaks_of(values))
        assert np.abs(distances - FLAT_SECONDS * RATE).max() <= 1.5
        assert values[1].max() == pytest.approx(1.5, abs=0.1) and values[2].min() == pytest.approx(-0.8, abs=0.1)


def test_records_of_one_beat_become_the_same_without_their_rhythm():
    first, second = (made(WAVEFORM_KEPT, row(times)) for times in (IRREGULAR, REGULAR))
    beat = int(FLAT_SECONDS * RATE)
    best = max(np.corrcoef(first[0, 200 + shift : 700 + shift], second[0, 200:700])[0, 1] for shift in range(beat))
    assert best > 0.98
    before = [made(BOTH_KEPT, row(times))[0] for times in (IRREGULAR, REGULAR)]
    assert max(np.corrcoef(before[0][200 + s : 700 + s], before[1][200:700])[0, 1] for s in range(beat)) < 0.8


def test_absent_leads_stay_absent_and_records_without_beats_are_refused_in_every_condition():
    given = row(IRREGULAR)
    missing = given["signal"].reshape(3, -1).copy()
    missing[2] = -32768
    mean = mean_beat([given])
    for cue in CUES:
        values = CueCondition(cue, mean)(given | {"signal": missing.ravel()}).values
        assert np.isnan(values[2]).all() and np.isfinite(values[:2]).all(), cue
        with pytest.raises(ValueError, match="flat has 0 beats that are found, wanted 3 or more"):
            CueCondition(cue, mean)(given | {"signal": np.zeros(3 * SAMPLES, np.int16), "record_id": "flat"})
    with pytest.raises(ValueError, match="'rhythm kept' needs a mean beat"):
        CueCondition(RHYTHM_KEPT)
    with pytest.raises(ValueError, match="cue"):
        CueCondition("neither")


def test_a_later_beat_stands_from_its_beginning():
    values = placed(np.array([[0.0, 1.0, 2.0, 3.0]]), 1, np.array([1, 3, 9]), 10)
    assert values.tolist() == [[0.0, 1.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0]]


def test_a_beat_is_no_longer_than_the_distance_of_beats():
    fast = beats_of(row([0.4 + 0.5 * beat for beat in range(19)])["signal"].reshape(3, -1) / 1000, RATE)
    assert fast.median.shape[1] == 50 and fast.median[:, [0, -1]].max() == 0
