import numpy as np
import pytest

from hf_ecg.signals import apply_filter, read, resample
from hf_ecg.signals.fingerprint import compare_fingerprints, fingerprint

MONITOR = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 3, "form": "sos", "zero_phase": True}


@pytest.fixture(scope="module")
def record(shared_data_dir):
    return read(shared_data_dir / "cinc2021" / "HR06000.hea")


def compare(record, signals, rate, leads=None):
    whole = fingerprint(record.to_millivolts(), record.sampling_rate, record.leads)
    return compare_fingerprints(whole, fingerprint(signals, rate, record.leads if leads is None else leads))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: (resample(x, 500, 100, "polyphase"), 100),
        lambda x: (resample(x, 500, 250, "fft"), 250),
        lambda x: (resample(x, 500, 400, "linear"), 400),
        lambda x: (apply_filter(x, 500, MONITOR), 500),
        lambda x: (np.round(x * 500) / 1000 + 0.3, 500),
        lambda x: ((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True), 500),
    ],
    ids=["100 Hz", "250 Hz", "400 Hz", "filtered", "halved and shifted", "z-score by lead"],
)
def test_what_preparations_do_leaves_the_recording_recognisable(record, change):
    found = compare(record, *change(record.to_millivolts()))
    assert found.correlation > 0.98 and found.lag_seconds == 0 and found.num_leads == 8


def test_a_part_is_found_where_it_was(record):
    found = compare(record, record.to_millivolts()[:, 1203:], 500)
    assert found.correlation > 0.98
    assert found.lag_seconds == pytest.approx(-2.406, abs=0.003)
    assert found.overlap_seconds == pytest.approx(10 - 2.406 - 0.8, abs=0.02)


def test_two_leads_of_it_are_compared_by_these(record):
    found = compare(record, record.to_millivolts()[:2], 500, record.leads[:2])
    assert found.correlation > 0.999 and found.num_leads == 2


def test_another_recording_and_the_inverted_one_are_not_alike(record, shared_data_dir):
    other = read(shared_data_dir / "cinc2021" / "HR06001.hea")
    assert compare(record, other.to_millivolts(), 500).correlation < 0.8
    assert compare(record, -record.to_millivolts(), 500).correlation < 0.8


def test_an_artefact_alone_makes_no_lead(record):
    signals = np.zeros((2, 5000))
    signals[0, 2000:2010] = 1.0
    signals[1] = record.to_millivolts()[1]
    assert fingerprint(signals, 500, ["V1", "II"]).usable.sum() == 1


def test_what_cannot_be_compared_is_refused_with_the_reason(record):
    signals = record.to_millivolts()
    with pytest.raises(ValueError, match="has 4 s, wanted at least 5"):
        fingerprint(signals[:, :2000], 500, record.leads)
    with pytest.raises(ValueError, match="I, II, V1, V2, V3, V4, V5, V6: flat"):
        fingerprint(np.ones_like(signals), 500, record.leads)
    gone = signals.copy()
    gone[:, ::10] = np.nan
    with pytest.raises(ValueError, match="more than 5% of the samples are missing"):
        fingerprint(gone, 500, record.leads)
    with pytest.raises(ValueError, match="absent"):
        fingerprint(signals[:1], 500, ["aVF"])
    few = signals.copy()
    few[:, 100:110] = np.nan
    assert fingerprint(few, 500, record.leads).usable.all()
