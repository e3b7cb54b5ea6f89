"""Detectors of noise: those of the package on real records, what is read back, and broken files."""

import json

import numpy as np
import pytest

from hf_ecg.signals import detect_noise, read
from hf_ecg.signals.quality import NoiseDetector, load_noise_detector, noise_detector_names
from hf_ecg.signals.quality.noise_features import FLAT, METHODS, MISSING
from hf_ecg.signals.quality.saved_classifiers import LinearClassifier

NAMES = noise_detector_names()


@pytest.fixture(scope="module")
def stress(shared_data_dir):
    """Lead MLII of 118e_6: five minutes as they are, then noise at -6 dB for two; millivolts at 360 Hz."""
    return read(shared_data_dir / "nstdb/118e_6").to_millivolts()[0, 240 * 360 : 360 * 360]


def small(method="hrv", **changes):
    count = len(METHODS[method])
    zeros = [0.0] * count
    weights = [*zeros[:-1], 5.0]
    settings = dict(means=zeros, scales=[1.0] * count, weights=weights, intercept=-2.0, limit=9.0)
    return NoiseDetector(method, "logistic_regression", LinearClassifier(**settings), **changes)


def test_there_is_one_for_each_method():
    assert NAMES == sorted(METHODS)
    for name in NAMES:
        detector = load_noise_detector(name)
        assert detector.method == name and "ODC-By" in detector.origin["corpora"][0]["licence_of_the_records"]
        assert "hf-ecg study noise" in detector.origin["command"]


@pytest.mark.parametrize("name", NAMES)
def test_the_stress_test_is_told_from_what_came_before(stress, name):
    report = detect_noise(stress, 360, name)
    assert report.window_probability.shape == (6,) and report.seconds[-1].tolist() == [100, 120]
    assert not report.window_noisy[:3].any() and report.window_noisy[3:].all()
    assert report.probability == pytest.approx(report.window_probability.mean())


@pytest.mark.parametrize("name", NAMES)
def test_the_challenge(shared_data_dir, name):
    """Three records that were called noisy, three that were not, one of them of atrial fibrillation."""
    folder = shared_data_dir / "cinc2017/training2017"
    found = {}
    for record in [*NOISY, *CLEAN]:
        wave = read(folder / record)
        found[record] = float(detect_noise(wave.to_millivolts(), wave.sampling_rate, name).probability[0])
    assert min(found[record] for record in NOISY) > 0.5 > max(found[record] for record in CLEAN)


NOISY, CLEAN = ["A00056", "A00125", "A00164"], ["A00001", "A00025", "A00247"]


def test_leads_are_judged_one_by_one_whatever_their_unit(stress):
    rows = np.stack([stress[:7200], stress[-7200:], np.zeros(7200), np.full(7200, np.nan)])
    report = detect_noise(rows, 360)
    assert report.noisy.tolist() == [False, True, True, True]
    assert report.rules[:, 0].tolist() == ["", "", FLAT, MISSING]
    again = detect_noise(1000 * rows[[1, 0]].reshape(1, 2, -1), 360)
    assert again.probability.shape == (1, 2) and again.window_probability.shape == (1, 2, 1)
    np.testing.assert_allclose(again.probability[0], report.probability[[1, 0]], atol=1e-4)


def test_the_threshold_is_the_callers_where_there_is_one(stress):
    first = stress[:7200]
    probability = float(detect_noise(first, 360).probability)
    assert detect_noise(first, 360, threshold=probability).noisy
    assert not detect_noise(first, 360, threshold=min(1.0, probability + 0.01)).noisy
    for threshold in (-0.1, 1.5, float("nan"), "0.5", True):
        with pytest.raises(ValueError, match="threshold"):
            detect_noise(first, 360, threshold=threshold)


def test_a_file_gives_the_same_to_the_last_bit(stress, tmp_path):
    for detector in (small(origin={"corpora": []}), *map(load_noise_detector, NAMES)):
        detector.save(tmp_path / "detector.json")
        again = load_noise_detector(str(tmp_path / "detector.json"))
        assert again == detector and again.to_json() == detector.to_json()
        whole, read_back = detector(stress, 360), again(stress, 360)
        np.testing.assert_array_equal(read_back.window_probability, whole.window_probability)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "joblib"}, "format is 'joblib'"),
        ({"version": 2}, "version is 2"),
        ({"method": "wavelets"}, "method"),
        ({"features": ["beats"]}, "features"),
        ({"window_seconds": 10.0}, "window_seconds"),
        ({"r_peaks": {"detector": "slopes", "version": 0, "sampling_rate": 250}}, "r_peaks"),
        ({"threshold": 2}, "threshold"),
        ({"threshold": "0.5"}, "threshold"),
        ({"origin": []}, "origin"),
        ({"origin": {"corpora": 5}}, "origin"),
        ({"origin": {"corpora": ["a corpus"]}}, "origin"),
        ({"classifier": {"form": "linear"}}, "lacks"),
        ({"comment": ""}, "unknown keys \\['comment'\\]"),
    ],
)
def test_broken_files_are_told_in_one_sentence(tmp_path, change, message):
    path = tmp_path / "detector.json"
    path.write_text(json.dumps(json.loads(small().to_json()) | change))
    with pytest.raises(ValueError, match=message) as refused:
        NoiseDetector.load(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1, "a": 2}', '{"format": "hf_ecg noise detector"}', "\x80"])
def test_what_is_not_a_detector_is_refused(tmp_path, content):
    path = tmp_path / "detector.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match="detector.json"):
        load_noise_detector(str(path))


def test_signals_without_samples_or_leads():
    with pytest.raises(ValueError, match=r"shape \(2, 0\), wanted \(rows, samples\)"):
        small()(np.zeros((2, 0)), 250)
    assert small()(np.zeros((0, 5000)), 250).window_probability.shape == (0, 1)


def test_names():
    with pytest.raises(ValueError, match="did you mean 'hrv'"):
        load_noise_detector("hvr")
    with pytest.raises(FileNotFoundError):
        load_noise_detector("absent.json")


def test_a_classifier_of_other_features_is_refused():
    with pytest.raises(ValueError, match="reads 20 features, hrv_and_waveform has 37"):
        NoiseDetector("hrv_and_waveform", "logistic_regression", small().classifier)
