"""Features of windows: variability as neurokit2 has it, what waveforms do not depend on, windows and rules."""

import numpy as np
import pytest

from hf_ecg.signals import read, resample
from hf_ecg.signals.beat_detection import find_r_peaks
from hf_ecg.signals.quality import HRV_FEATURES, WAVEFORM_INDICES, hrv_features, waveform_indices
from hf_ecg.signals.quality.noise_features import (
    FEW_BEATS,
    FLAT,
    HRV,
    METHODS,
    MISSING,
    R_PEAKS,
    noise_features,
    window_bounds,
)

# R peaks of 20 s of atrial fibrillation with ectopic beats, record 203 of MIT-BIH from its fifth minute, at 360 Hz
PEAKS_203 = [
    206, 474, 749, 862, 1110, 1375, 1523, 1633, 1779, 1914, 2040, 2149, 2311, 2450, 2808, 2964, 3224, 3368, 3519, 3742,
    3872, 3993, 4137, 4410, 4748, 4939, 5258, 5445, 5683, 5822, 6100, 6351, 6603, 6763, 7033,
]  # fmt: skip
# what hrv_time and hrv_nonlinear of neurokit2 0.2.12 make of them; importing it takes longer than all tests here
NEUROKIT_203 = {
    "mean_rr": 557.7614379084968, "median_rr": 484.72222222222223, "min_rr": 302.77777777777777,
    "max_rr": 994.4444444444445, "sdnn": 201.63099856608272, "rmssd": 274.3449498626711, "sdsd": 278.5985611458541,
    "cvnn": 0.3615004280721916, "cvsd": 0.49186790483654524, "madnn": 236.80416666666667, "mcvnn": 0.4885358166189112,
    "iqrnn": 343.05555555555554, "pnn20": 0.8823529411764706, "pnn50": 0.7352941176470588, "sd1": 196.99893181504842,
    "sd2": 206.7136640280547, "sd1_sd2": 0.9530039184459146,
}  # fmt: skip


def feature(values, name, names=HRV_FEATURES):
    return values[..., names.index(name)]


@pytest.fixture(scope="module")
def real(shared_data_dir):
    """Twenty seconds of sinus rhythm, of atrial fibrillation with ectopy, and of strong noise: (3, samples) at 360 Hz.

    Records 100, 203 and 118e_6, whose noise begins with the fifth minute.
    """
    rate = 360
    parts = []
    for name, start in (("mitdb/100", 0), ("mitdb/203", 300), ("nstdb/118e_6", 310)):
        record = read(shared_data_dir / name)
        parts.append(record.to_millivolts()[0, start * rate : (start + 20) * rate])
    return np.stack(parts)


def test_variability_is_that_of_neurokit():
    found = dict(zip(HRV_FEATURES, hrv_features(PEAKS_203, 360).tolist(), strict=True))
    assert {name: found[name] for name in NEUROKIT_203} == pytest.approx(NEUROKIT_203, rel=1e-12)


def test_the_version_of_the_detector_of_beats_stands_for_these_peaks(real):
    """Fails when `find_r_peaks` finds others: raise SLOPES_VERSION and make the detectors of noise anew."""
    assert find_r_peaks(real[1:2, None], 360)[0].tolist() == PEAKS_203
    assert R_PEAKS == {"detector": "slopes", "version": 1, "sampling_rate": 250}


def test_shares_of_the_variability_by_hand():
    # 1000, 200, 1000, 2500 ms: 200 and 2500 are not of a heart, and each follows a jump
    found = hrv_features(np.cumsum([0, 100, 20, 100, 250]), 100, seconds=10)
    assert feature(found, "beats") == 10 and feature(found, "implausible_share") == 0.5
    assert feature(found, "jump_share") == 1 and feature(found, "pnn50") == 0.75


@pytest.mark.parametrize("peaks", [[], [5], [5, 100]])
def test_fewer_than_three_beats_have_no_variability(peaks):
    found = hrv_features(peaks, 100)
    assert found[0] == len(peaks) and np.isnan(found[1:]).all()


def test_three_beats_have_no_spread_of_differences():
    found = hrv_features([0, 100, 200], 100)
    assert np.isfinite(found).all() and feature(found, "sdsd") == feature(found, "sd1_sd2") == 0


@pytest.mark.parametrize(("peaks", "rate"), [([3, 2, 5], 100), ([1, 1, 2], 100), ([[1, 2, 3]], 100), ([1, 2, 3], 0)])
def test_wrong_peaks(peaks, rate):
    with pytest.raises(ValueError, match="peaks|sampling_rate"):
        hrv_features(peaks, rate)


def test_waveforms_do_not_know_gain_offset_or_rate(real):
    peaks = find_r_peaks(real[:, None], 360)
    found = waveform_indices(real, peaks, 360)
    np.testing.assert_allclose(waveform_indices(7 * real - 3, peaks, 360), found, atol=1e-5)
    other = resample(real, 360, 240, "polyphase")
    again = waveform_indices(other, [row * 2 // 3 for row in peaks], 240)
    for name in ("baseline_share", "qrs_share", "spectral_entropy"):
        np.testing.assert_allclose(
            feature(again, name, WAVEFORM_INDICES), feature(found, name, WAVEFORM_INDICES), atol=0.01
        )


def test_noise_is_less_like_itself_than_beats(real):
    clean, _, noisy = waveform_indices(real, find_r_peaks(real[:, None], 360), 360)
    assert feature(clean, "template_correlation", WAVEFORM_INDICES) > 0.95
    assert feature(noisy, "template_correlation", WAVEFORM_INDICES) < 0.8
    assert feature(noisy, "beat_snr", WAVEFORM_INDICES) < feature(clean, "beat_snr", WAVEFORM_INDICES) - 0.5


def test_windows_stand_side_by_side():
    assert window_bounds(6000, 100) == [(0, 2000), (2000, 4000), (4000, 6000)]
    assert window_bounds(5000, 100)[-1] == (3000, 5000) and len(window_bounds(4999, 100)) == 2


def test_a_window_and_a_lead_are_looked_at_alone(real):
    rows = np.concatenate([real, real[[1, 2, 0]]], axis=1)
    whole = noise_features(rows, 360)
    assert whole.values.shape == (3, 2, len(METHODS["hrv_and_waveform"])) and not whole.rules.any()
    np.testing.assert_allclose(whole.seconds, [[0, 20], [20, 40]])
    alone = noise_features(rows[1:2], 360)
    np.testing.assert_allclose(alone.values[0], whole.values[1])
    # but for the resampling's reach over the border
    hrv = slice(0, len(HRV_FEATURES))
    np.testing.assert_allclose(whole.values[0, 1, hrv], whole.values[1, 0, hrv], rtol=0.02, atol=5)
    np.testing.assert_allclose(noise_features(rows, 360, HRV).values, whole.values[..., hrv])


def test_what_holds_no_beats_is_noisy_by_rule(real):
    rows = np.stack([real[0]] * 5)
    rows[0, 1000:5000], rows[1, 2000:7000], rows[3], rows[4, 1000:1200] = np.nan, 0.3, 0, np.nan
    rows[2] = np.linspace(0, 1, rows.shape[1])
    found = noise_features(rows, 360)
    assert found.rules[:, 0].tolist() == [MISSING, FLAT, FEW_BEATS, FLAT, ""]
    assert np.isnan(found.values[:4]).all() and np.isfinite(found.values[4]).all()


@pytest.mark.parametrize(
    ("signals", "rate", "method", "message"),
    [
        (np.zeros(9), 100, HRV, "shape"),
        (np.zeros((1, 0)), 100, HRV, "shape"),
        (np.zeros((1, 900)), 90, HRV, "100 Hz and more"),
        (np.zeros((1, 900)), 100, "hvr", "method"),
    ],
)
def test_wrong_input(signals, rate, method, message):
    with pytest.raises(ValueError, match=message):
        noise_features(signals, rate, method)
