import numpy as np
import pytest
import torch

from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.processing.inputs import read_inputs
from hf_ecg.signals.leads import STANDARD_LEADS

GIVEN = {"sampling_rate": 100, "leads": STANDARD_LEADS, "units": "mV"}


@pytest.fixture(scope="module")
def extractor():
    return ECGFeatureExtractor(sampling_rate=100, num_samples=1000)


def test_every_form_of_the_same_records_gives_the_same_batch(extractor, ecg, make_row):
    records = np.stack([ecg(seed=seed) for seed in range(3)])
    records = np.round(records * 1000) / 1000
    wanted = extractor(records, **GIVEN)["input_values"]
    assert wanted.shape == (3, 12, 1000) and wanted.dtype == np.float32
    assert np.abs(wanted - records).max() < 1e-6
    rows = [make_row(seed=seed) for seed in range(3)]
    forms = {
        "list of arrays": extractor(list(records), **GIVEN),
        "tensor": extractor(torch.tensor(records), **GIVEN),
        "nested lists": extractor(records.tolist(), **GIVEN),
        "rows": extractor(rows),
        "a slice of rows": extractor({key: [row[key] for row in rows] for key in rows[0]}),
        "rows of Python lists": extractor([{**row, "signal": row["signal"].tolist()} for row in rows]),
        "rows of tensors": extractor([{**row, "signal": torch.tensor(row["signal"])} for row in rows]),
        "microvolts": extractor(records * 1000, 100, STANDARD_LEADS, "uV"),
        "volts": extractor(records / 1000, 100, STANDARD_LEADS, "V"),
    }
    for form, batch in forms.items():
        np.testing.assert_allclose(batch["input_values"], wanted, atol=1e-6, err_msg=form)
    assert np.array_equal(extractor(records[1], **GIVEN)["input_values"], wanted[1:2])
    assert np.array_equal(extractor(records[1].tolist(), **GIVEN)["input_values"], wanted[1:2])


def test_wfdb_paths_with_and_without_ending(extractor, ptb_xl_records):
    path = ptb_xl_records[0]
    wanted = extractor(path)["input_values"]
    assert wanted.shape == (1, 12, 1000)
    assert np.array_equal(extractor(str(path) + ".hea")["input_values"], wanted)
    assert np.array_equal(extractor([path, f"{path}.dat"])["input_values"], np.concatenate([wanted, wanted]))
    wfdb = pytest.importorskip("wfdb")
    assert np.abs(wfdb.rdrecord(str(path)).p_signal.T - wanted[0]).max() < 1e-6


def test_missing_file_is_an_os_error(extractor, tmp_path):
    with pytest.raises(OSError):
        extractor(tmp_path / "nowhere.hea")


@pytest.mark.parametrize("absent", ["sampling_rate", "leads", "units"])
def test_arrays_need_rate_leads_and_units(extractor, ecg, absent):
    with pytest.raises(ValueError, match=absent):
        extractor(ecg(), **{key: value for key, value in GIVEN.items() if key != absent})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sampling_rate": 500}, "500.*100 Hz"),
        ({"leads": ["I", "II"]}, "simulated/0.*leads"),
        ({"leads": STANDARD_LEADS[::-1]}, "leads"),
        ({"units": "uV"}, "uV"),
        ({"units": "normalized"}, "normalized"),
    ],
)
def test_what_contradicts_a_row_is_refused(extractor, make_row, given, message):
    with pytest.raises(ValueError, match=message):
        extractor(make_row(), **given)


def test_what_agrees_with_a_row_is_accepted(extractor, make_row):
    row = make_row()
    again = extractor(row, sampling_rate=100.0, leads=[lead.lower() for lead in STANDARD_LEADS], units="mV")
    assert np.array_equal(again["input_values"], extractor(row)["input_values"])


@pytest.mark.parametrize("rate", [0, -100, float("nan"), float("inf"), "fast", True])
def test_impossible_rates(extractor, ecg, rate):
    with pytest.raises(ValueError, match="rate"):
        extractor(ecg(), rate, STANDARD_LEADS, "mV")


def test_a_rate_in_kilohertz_is_refused(extractor, ecg):
    with pytest.raises(ValueError, match="0.5 Hz.*kilohertz"):
        extractor(ecg(rate=500), 0.5, STANDARD_LEADS, "mV")


@pytest.mark.parametrize("units", ["mmHg", "counts", "adu"])
def test_unknown_units(extractor, ecg, units):
    with pytest.raises(ValueError, match="mV, uV, V, normalized"):
        extractor(ecg(), 100, STANDARD_LEADS, units)


@pytest.mark.parametrize("leads", [["I", "ii", "I"], ["I", "II", "V17"], ["I", "II"]])
def test_leads_duplicated_unknown_or_too_few(extractor, ecg, leads):
    with pytest.raises(ValueError):
        extractor(ecg(3), 100, leads, "mV")


@pytest.mark.parametrize("leads", [set(STANDARD_LEADS), dict.fromkeys(STANDARD_LEADS), 12])
def test_leads_without_an_order_are_refused(extractor, ecg, leads):
    with pytest.raises(ValueError, match="wanted a list of names in the order"):
        extractor(ecg(), 100, leads, "mV")


def test_masked_samples_are_missing(extractor, ecg):
    signals = ecg()
    masked = np.ma.masked_array(signals, np.arange(signals.size).reshape(signals.shape) % 7 == 0)
    with_gaps = np.where(masked.mask, np.nan, signals)
    assert np.array_equal(extractor(masked, **GIVEN)["input_values"], extractor(with_gaps, **GIVEN)["input_values"])


def test_wrong_rate_without_a_resample_step(ecg):
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=[])
    with pytest.raises(ValueError, match="500 Hz.*100 Hz"):
        extractor(ecg(rate=500), 500, STANDARD_LEADS, "mV")


def test_counts_passed_as_millivolts(extractor, ecg, make_row):
    with pytest.raises(ValueError, match="record 1"):
        extractor([ecg(), ecg() * 1000], **GIVEN)
    with pytest.raises(ValueError):
        extractor(make_row()["signal"].reshape(12, -1), **GIVEN)
    with pytest.raises(ValueError, match="simulated/0"):
        extractor(make_row(gain=[1.0] * 12))


def test_normalized_values_are_not_checked_and_give_no_limb_leads(extractor, ecg):
    signals = ecg(2) * 1000
    batch = extractor(signals, 100, ["I", "II"], "normalized")
    assert batch["lead_mask"].tolist() == [[True, True] + [False] * 10]
    assert np.abs(batch["input_values"][0, :2] - signals).max() < 1e-3
    assert extractor(ecg(2), 100, ["I", "II"], "mV")["lead_mask"].tolist() == [[True] * 6 + [False] * 6]


def test_infinite_values_name_record_and_lead(extractor, ecg):
    bad = ecg()
    bad[7, 3] = -np.inf
    for units in ("mV", "normalized"):
        with pytest.raises(ValueError, match="record 1.*V2.*infinite"):
            extractor([ecg(), bad], 100, STANDARD_LEADS, units)


def test_a_record_without_any_sample(extractor, make_row):
    with pytest.raises(ValueError, match="simulated/0.*single sample"):
        extractor([make_row(seed=1), make_row(signal=np.full(12000, -32768, np.int16))])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gain": None}, "gain"),
        ({"num_samples": 999}, "12000"),
        ({"signal": np.zeros(12000)}, "int16"),
        ({"signal": np.full(12000, 40000)}, "int16"),
        ({"gain": [1000.0] * 11}, "gain"),
        ({"gain": [1000.0] * 11 + [0.0]}, "simulated/0"),
        ({"sampling_rate": 0}, "simulated/0"),
        ({"leads": list(STANDARD_LEADS[:11])}, "11 leads"),
    ],
)
def test_rows_that_contradict_themselves(extractor, make_row, changes, message):
    with pytest.raises(ValueError, match=message):
        extractor({**make_row(), **changes})


@pytest.mark.parametrize("shape", [(1000,), (1000, 12), (2, 1000, 12), (1, 1, 12, 1000), (0, 12, 1000), (12, 0)])
def test_wrong_shapes(extractor, shape):
    with pytest.raises(ValueError, match="shape"):
        extractor(np.zeros(shape), **GIVEN)


@pytest.mark.parametrize("signals", [[], None, "x" * 3, [["a", "b"]], np.zeros((12, 1000), complex), {"signal": [1]}])
def test_what_is_no_ecg(extractor, signals):
    with pytest.raises((ValueError, OSError)):
        extractor(signals, **GIVEN)


def test_equal_rows_are_read_as_one_stack(make_row):
    rows = [make_row(seed=0), make_row(500, seed=1), make_row(seed=2), make_row(leads=["V1", "I"], seed=3)]
    groups = read_inputs(rows)
    assert [group.positions for group in groups] == [[0, 2], [1], [3]]
    assert groups[2].leads == ("I", "V1")
