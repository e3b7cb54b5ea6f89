"""What a recipe may ask of records: voltages, and a length."""

import numpy as np
import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.processing.describe import describe_input

RATE = 100
LEADS = ["I", "II", "V1"]


def ecg(seconds=10.0, leads=3):
    random = np.random.default_rng(0)
    samples = int(seconds * RATE)
    beats = np.exp(-(((np.arange(samples) % 80) - 40) ** 2) / 8)
    return beats * np.array([[1.0], [1.5], [-0.8]])[:leads] + random.normal(0, 0.02, (leads, samples))


def extractor(*steps):
    return ECGFeatureExtractor(sampling_rate=RATE, leads=LEADS, num_samples=None, steps=[*steps])


VOLTAGES = extractor({"name": "select_leads"}, {"name": "require_millivolts"}, {"name": "fill_missing"})


def call(made, signals, units="mV", **options):
    return made(signals, sampling_rate=RATE, leads=LEADS[: len(signals)], units=units, **options)


def zscore(signals, axis):
    return (signals - signals.mean(axis, keepdims=True)) / signals.std(axis, keepdims=True)


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        (zscore(ecg(), 1), "every lead has a mean of 0 and a standard deviation of 1"),
        (zscore(ecg(leads=1), 1), "every lead has a mean of 0"),
        (zscore(ecg(), None), "the record has a mean of 0"),
        ((ecg() - ecg().min(1, keepdims=True)) / np.ptp(ecg(), axis=1, keepdims=True), "every lead reaches from 0 to"),
        ((ecg() - ecg().min()) / np.ptp(ecg()), "the record reaches from 0 to 1"),
        (np.pad(zscore(ecg(), 1), ((0, 0), (0, 500))), "every lead has a mean of 0"),  # padded afterwards
    ],
)
def test_normalised_values_are_refused_whatever_unit_was_said(signals, told):
    with pytest.raises(ValueError, match=f"record 0.*{told}.*not voltages"):
        call(VOLTAGES, signals)
    with pytest.raises(ValueError, match="normalized ones, and this model reads voltages"):
        call(VOLTAGES, signals, units="normalized")


def test_leads_that_were_derived_hide_no_normalisation():
    made = ECGFeatureExtractor(sampling_rate=RATE, num_samples=None, steps=[{"name": "require_millivolts"}])
    with pytest.raises(ValueError, match="every lead has a mean of 0"):
        call(made, zscore(ecg(leads=2), 1))
    assert call(made, ecg(leads=2))["lead_mask"][0].sum() == 6


def test_a_part_of_a_normalised_record_is_told_by_four_leads_or_more():
    random = np.random.default_rng(1)
    signals = np.concatenate([ecg(), ecg() * [[0.3], [0.5], [0.4]]]) + random.normal(0, 0.1, (6, 1000)).cumsum(1) / 99
    made = ECGFeatureExtractor(sampling_rate=RATE, num_samples=None, steps=[{"name": "require_millivolts"}])
    given = {"sampling_rate": RATE, "leads": ["I", "II", "V1", "V2", "V3", "V4"], "units": "mV"}
    with pytest.raises(ValueError, match="every lead has a mean of 0"):
        made(zscore(signals, 1)[:, 130:700], **given)
    assert made(signals[:, 130:700], **given)["lead_mask"][0].sum() == 10


def test_voltages_pass_as_they_are():
    for signals in (ecg(), ecg(leads=1), np.where(np.arange(1000) < 100, np.nan, ecg()), 0.5 * ecg()):
        made = call(VOLTAGES, signals)["input_values"][0][: len(signals)]
        recorded = ~np.isnan(signals)
        np.testing.assert_allclose(made[recorded], signals[recorded].astype(np.float32))
    # a few leads may come near to it by chance
    assert call(VOLTAGES, 1.003 * zscore(ecg(), None))["lead_mask"].any()
    flat = ecg()
    flat[2] = 0
    assert call(VOLTAGES, flat)["lead_mask"][0].all()


def test_records_of_another_length_are_refused():
    made = extractor({"name": "require_length", "minimum": 5, "maximum": 60.0})
    assert call(made, ecg(5))["input_values"].shape[-1] == 500
    assert describe_input(made)["length"] == "5 to 60 s"
    with pytest.raises(ValueError, match=r"record 0: .*the record lasts 4.9 s, wanted 5 to 60 s"):
        call(made, ecg(4.9))
    with pytest.raises(ValueError, match=r"lasts 61 s, wanted 5 to 60 s; cut it into windows"):
        call(made, ecg(61), window="recipe")
    with pytest.raises(ValueError, match=r"lasts 61 s, .* any length up to 60 s: wanted the seconds of a window"):
        call(made, ecg(61))
    with pytest.raises(ValueError, match="wanted at least 5 s"):
        call(extractor({"name": "require_length", "minimum": 5}), ecg(2))
    with pytest.raises(ValueError, match="wanted at most 5 s; cut"):
        call(extractor({"name": "require_length", "maximum": 5}), ecg(7), window="recipe")


@pytest.mark.parametrize(
    ("step", "told"),
    [({}, "neither minimum nor maximum"), ({"minimum": 3, "maximum": 2}, "above"), ({"minimum": -1}, "minimum")],
)
def test_impossible_lengths_are_refused(step, told):
    with pytest.raises(ValueError, match=told):
        extractor({"name": "require_length", **step})
