"""Files whose channels are not the model's leads by name: what is taken, left out with a word, or asked for."""

import re

import numpy as np
import pytest

import hf_ecg
from hf_ecg import ECGFeatureExtractor
from hf_ecg.signals.leads import STANDARD_LEADS
from tests.made_channels import beats, write_channels

TWELVE = ECGFeatureExtractor(sampling_rate=100, num_samples=1000)
ONE = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=[{"name": "pick_lead"}])


def present(inputs) -> list[str]:
    return [lead for lead, there in zip(STANDARD_LEADS, np.asarray(inputs["lead_mask"])[0], strict=True) if there]


def lead(inputs, name: str) -> np.ndarray:
    return np.asarray(inputs["input_values"])[0, STANDARD_LEADS.index(name)]


def test_the_fifteen_leads_of_ptb(tmp_path, caplog):
    path = write_channels(tmp_path, [*(name.lower() for name in STANDARD_LEADS), "vx", "vy", "vz"])
    assert hf_ecg.read(path).leads == (*STANDARD_LEADS, "X", "Y", "Z")
    inputs = TWELVE(path)
    assert present(inputs) == list(STANDARD_LEADS)
    np.testing.assert_allclose(np.asarray(inputs["input_values"])[0], beats(15)[:12] / 1000, atol=1e-6)
    np.testing.assert_array_equal(TWELVE(path, leads=["V6"])["input_values"][0, 11], lead(inputs, "V6"))


def test_other_signals_beside_the_ecg_are_left_out_and_named(tmp_path, caplog):
    names = ["RESP", "II", "PLETH", "V5", "ABP"]
    gains = ["20(0)/pm", "1000(0)/mV", "100(0)/NU", "1(0)/uV", "8(0)/mmHg"]
    counts = beats(5)
    path = write_channels(tmp_path, names, gains, counts=counts)
    inputs = TWELVE(path)
    assert present(inputs) == ["II", "V5"]
    np.testing.assert_allclose(lead(inputs, "II"), counts[1] / 1000, atol=1e-6)
    np.testing.assert_allclose(lead(inputs, "V5"), counts[3] / 1000, atol=1e-6)
    (said,) = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert re.search("'RESP' .*'pm'.*'PLETH' .*'NU'.*'ABP' .*'mmHg'", said) and "rename=" in said
    # asked for, there is nothing to say
    caplog.clear()
    np.testing.assert_array_equal(lead(TWELVE([path], leads=["II"]), "II"), lead(inputs, "II"))
    assert not [record for record in caplog.records if "left out" in record.getMessage()]


@pytest.mark.parametrize("unit", ["mV", "MV", "millivolt", "uV", "\u00b5V", "\u03bcV", "microvolts", "V", "nV"])
def test_units_of_headers(tmp_path, unit):
    factor = {"m": 1, "u": 1e-3, "n": 1e-6, "v": 1e3}[hf_ecg.signals.units.known_voltage(unit)[0].lower()]
    path = write_channels(tmp_path, ["II"], [f"{1000 * factor:.12g}(0)/{unit}"])
    np.testing.assert_allclose(lead(TWELVE(path), "II"), beats(1)[0] / 1000, atol=1e-6)


@pytest.mark.parametrize("names", [["ECG"], ["ECG1", "ECG2"], ["MLII"], ["CM5", "MCL1"], ["V"]])
@pytest.mark.parametrize("extractor", [TWELVE, ONE])
def test_what_lead_a_channel_is_has_to_be_said(tmp_path, caplog, extractor, names):
    path = write_channels(tmp_path, names)
    assert hf_ecg.read(path).leads == tuple(names)
    for asked in ({}, {"leads": ["I"]}):
        with pytest.raises(ValueError, match=rf'rename=\{{"{names[0]}": "I"\}}'):
            extractor(path, **asked)
    taken = extractor(path, rename={names[0]: "I"})
    np.testing.assert_allclose(np.asarray(taken["input_values"])[0, 0], beats(1)[0] / 1000, atol=1e-6)
    chosen = extractor(path, rename={names[0]: "I"}, leads=["I"])
    np.testing.assert_array_equal(chosen["input_values"], taken["input_values"])


def test_a_holter_gives_the_leads_that_it_has_and_says_which_are_not_seen(tmp_path, caplog):
    path = write_channels(tmp_path, ["MLIII", "V5"])
    assert present(TWELVE(path)) == ["V5"] and present(TWELVE(path, rename={"MLIII": "III"})) == ["III", "V5"]
    said, absent = [record.getMessage() for record in caplog.records][:2]
    assert "has no I, II, III, aVR" in absent and "V5" not in absent
    assert "does not see its leads MLIII" in said and "rename=" in said
    # a model that was made for it sees it
    own = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, leads=["MLIII", "V5"])
    assert np.asarray(own(path)["lead_mask"]).tolist() == [[True, True]]


def test_records_and_rows_are_renamed_too(tmp_path):
    record = hf_ecg.read(write_channels(tmp_path, ["ECG1", "ECG2", "SpO2"], ["1000/mV", "1000/mV", "1/%"]))
    wanted = TWELVE(record, rename={"ECG2": "V1"})
    assert present(wanted) == ["V1"] and present(TWELVE(record, rename={"ECG2": "V1", 0: "II"})) == ["II", "V1"]
    row = {
        "signal": record.counts.reshape(-1),
        "num_samples": record.num_samples,
        "sampling_rate": 100,
        "leads": list(record.leads),
        "gain": record.gain,
        "baseline": record.baseline,
    }
    np.testing.assert_array_equal(TWELVE(row, rename={"ECG2": "V1"})["input_values"], wanted["input_values"])
    with pytest.raises(ValueError, match="'ECG3', which is not a channel"):
        TWELVE(row, rename={"ECG3": "V1"})


def test_the_leads_of_arrays_are_named_not_renamed():
    signals = beats(2) * 1.0
    given = {"sampling_rate": 100, "units": "\u00b5V"}
    assert present(TWELVE(signals, leads=["Lead DII", "MDC_ECG_LEAD_V5"], **given)) == ["II", "V5"]
    with pytest.raises(ValueError, match="unknown lead 'RESP'"):
        TWELVE(signals, leads=["II", "RESP"], **given)
    with pytest.raises(ValueError, match="is an array, whose leads are named by leads="):
        TWELVE(signals, leads=["II", "V5"], rename={"II": "I"}, **given)
