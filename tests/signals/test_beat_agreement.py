"""Beats of a lead agree where there are beats, also when some are of another shape."""

import numpy as np
import pytest

from hf_ecg.signals import read
from hf_ecg.signals.beat_agreement import beat_agreement
from hf_ecg.signals.beat_detection import find_r_peaks


def test_clean_records_agree_and_noise_does_not(shared_data_dir):
    # 119 has ventricular beats in a third of all places, 203 is atrial fibrillation
    for name in ("100", "119", "203"):
        record = read(shared_data_dir / "mitdb" / name, leads=["MLII"]).cut(0, 10_800)
        values = record.to_millivolts()
        beats = find_r_peaks(values[None], 360)[0]
        assert beat_agreement(values, 360, beats)[0] > 0.9
    noise = np.random.default_rng(0).normal(size=(2, 10_800))
    beats = find_r_peaks(noise[None], 360)[0]
    assert (beat_agreement(noise, 360, np.arange(200, 10_000, 300)) < 0.6).all()
    assert len(beats) < 4 or (beat_agreement(noise, 360, beats) < 0.88).all()


def test_one_lead_of_two_is_noise_and_a_lead_upside_down_is_not():
    time = np.arange(6000) / 200
    beats = 200 * np.arange(1, 29)
    lead = sum(np.exp(-(((time - beat / 200) / 0.02) ** 2)) for beat in beats)
    found = beat_agreement([lead, -lead, np.random.default_rng(0).normal(size=6000), 0 * lead], 200, beats)
    assert found[0] == pytest.approx(found[1]) and found[0] > 0.99 and found[2] < 0.6 and found[3] == 0


def test_few_beats_and_mistakes():
    assert beat_agreement(np.ones((2, 1000)), 100, [5, 300, 500, 700]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="wanted"):
        beat_agreement(np.ones(1000), 100, [1])
    with pytest.raises(ValueError, match="51 Hz, beats are compared above 60 Hz"):
        beat_agreement(np.ones((2, 1000)), 51, [5, 300, 500, 700])
