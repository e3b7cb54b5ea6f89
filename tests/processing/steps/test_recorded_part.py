"""What is padding is in no statistic, and is zero."""

import numpy as np
import pytest

from hf_ecg import ECGFeatureExtractor


def run(signals, **parameters):
    steps = [{"name": "select_leads"}, {"name": "standardise_recorded", **parameters}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=["II"], num_samples=None, steps=steps)
    return extractor(signals, sampling_rate=100, leads=["II"], units="mV", return_tensors="np")


@pytest.fixture
def beat():
    values = np.random.default_rng(0).normal(size=(1, 100)) + 3
    padded = np.full((1, 160), np.nan)
    padded[:, 20:120] = values
    return values, padded


def test_a_padded_record_is_standardised_as_it_is_alone(beat):
    values, padded = beat
    found, mask = (run(padded)[key] for key in ("input_values", "sample_mask"))
    np.testing.assert_allclose(found[0, :, 20:120], (values - values.mean()) / values.std(), atol=1e-5)
    assert mask.sum() == 100 and mask[0, 20:120].all() and (found[0, 0][~mask[0]] == 0).all()
    assert run(padded, masked=False)["sample_mask"].all()
    np.testing.assert_allclose(
        run(padded, method="mean")["input_values"][0, :, 20:120], values - 3 - (values - 3).mean(), atol=1e-5
    )


def test_what_cannot_be_standardised_is_told(beat):
    _, padded = beat
    padded[0, 60] = np.nan
    with pytest.raises(ValueError, match="missing between recorded ones: a step fill_missing"):
        run(padded)
    with pytest.raises(ValueError, match="method is 'median'"):
        run(padded, method="median")
    with pytest.raises(ValueError, match="masked is 1, wanted true or false"):
        run(padded, masked=1)
