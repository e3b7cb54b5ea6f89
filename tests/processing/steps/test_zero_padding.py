"""Zeros that fill up an array are missing; a flat line is a measurement."""

import numpy as np
import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.signals import read, recorded_stretch, zero_padding_to_missing
from hf_ecg.signals.leads import STANDARD_LEADS

RATE, SAMPLES, RECORDED = 400, 4096, 2934
STEP = {"name": "zero_padding_to_missing"}
GIVEN = {"sampling_rate": RATE, "leads": STANDARD_LEADS, "units": "mV"}


def exam(first: int = (SAMPLES - RECORDED) // 2, recorded: int = RECORDED) -> np.ndarray:
    """An exam of CODE-15 as its HDF5 files hold it: 7 s or 10 s in the middle of 4,096 samples."""
    time = np.arange(recorded) / RATE
    signals = np.zeros((12, SAMPLES))
    signals[:, first : first + recorded] = 0.3 + np.linspace(0.5, 1.5, 12)[:, None] * np.sin(7 * time)
    return signals


def test_the_padding_of_an_array_is_missing():
    signals = exam()
    assert recorded_stretch(signals, RATE) == (581, 3515)
    marked = zero_padding_to_missing(np.stack([signals, exam(0, SAMPLES)]), RATE)
    assert np.isnan(marked[0]).all(axis=0).sum() == SAMPLES - RECORDED and not np.isnan(marked[1]).any()
    np.testing.assert_array_equal(marked[0, :, 581:3515], signals[:, 581:3515])
    assert signals[0, 0] == 0 and recorded_stretch(np.zeros((12, 400)), RATE) == (0, 0)
    with pytest.raises(ValueError, match="leads, samples"):
        zero_padding_to_missing(signals[0], RATE)


@pytest.mark.parametrize("kind", ["one electrode", "all but one", "short", "inside", "level", "count"])
def test_a_flat_line_is_a_measurement(kind):
    signals = exam(0, SAMPLES)
    if kind == "one electrode":
        signals[3] = 0
    elif kind == "all but one":
        signals[1:, -400:] = 0
    elif kind == "short":
        signals[:, -39:] = 0
    elif kind == "inside":
        signals[:, 1000:2000] = 0
    elif kind == "level":  # how PTB-XL's records at 500 Hz end
        signals[:, -60:] = signals[:, -61:-60]
    else:
        signals[:, -60:] = 0.001
    assert recorded_stretch(signals, RATE) == (0, SAMPLES)


def test_the_step_masks_it_for_each_record():
    extractor = ECGFeatureExtractor(sampling_rate=RATE, num_samples=SAMPLES, steps=[STEP, {"name": "fill_missing"}])
    assert [step["name"] for step in extractor.steps][:3] == ["derive_limb_leads", STEP["name"], "select_leads"]
    inputs = extractor([exam(), exam(0, SAMPLES), exam(0)], **GIVEN)
    assert inputs["sample_mask"].sum(axis=1).tolist() == [RECORDED, SAMPLES, RECORDED]
    values, mask = inputs["input_values"], inputs["sample_mask"]
    np.testing.assert_allclose(values[0][:, mask[0]], exam()[:, 581:3515], atol=1e-6)
    # at the level of the record, not a step to zero
    assert np.ptp(values[0], axis=1).max() <= np.ptp(exam()[:, 581:3515], axis=1).max() + 1e-6
    with pytest.raises(ValueError, match="record 1: step zero_padding_to_missing: all of its samples are zero"):
        extractor([exam(), np.zeros((12, SAMPLES))], **GIVEN)


def test_it_stands_where_all_leads_are():
    with pytest.raises(ValueError, match="before select_leads"):
        ECGFeatureExtractor(steps=[{"name": "select_leads"}, STEP])
    with pytest.raises(ValueError, match="minimum_seconds"):
        ECGFeatureExtractor(steps=[STEP | {"minimum_seconds": 0}])


def test_no_real_exam_is_marked(shared_data_dir):
    headers = sorted((shared_data_dir / "code15-chagas" / "records").glob("*.hea"))[::4]
    records = [read(header) for header in headers if "all_data_is_zero" not in header.stem]
    assert len(records) > 30
    for record in records:
        assert recorded_stretch(record.to_millivolts(), record.sampling_rate) == (0, record.num_samples)
