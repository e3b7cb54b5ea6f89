"""NumPy archives as records: what they must and may hold."""

from datetime import datetime

import numpy as np
import pytest

from hf_ecg.signals import read

SIGNALS = np.sin(np.arange(200) / 9).reshape(2, 100)
WHOLE = {"signals": SIGNALS, "leads": ["I", "AVR"], "sampling_rate": 250, "units": "mV"}


def written(tmp_path, without=(), **changes):
    content = {key: value for key, value in (WHOLE | changes).items() if key not in without}
    np.savez_compressed(tmp_path / "ecg.npz", **content)
    return tmp_path / "ecg.npz"


def test_millivolts_in_the_units_of_each_lead(tmp_path):
    scale = np.array([[1000.0], [0.001]])
    record = read(written(tmp_path, signals=SIGNALS * scale, units=["uV", "V"]))
    np.testing.assert_allclose(record.to_millivolts(), SIGNALS, rtol=1e-12)
    assert record.leads == ("I", "aVR") and record.lead_names == ("I", "AVR") and record.units == ("uV", "V")
    assert record.name == "ecg" and record.sampling_rate == 250.0 and record.gain is None
    single = read(written(tmp_path, signals=SIGNALS.astype(np.float32)))
    assert single.values.dtype == np.float32 and single.to_millivolts().dtype == np.float64


def test_counts(tmp_path):
    counts = np.round(SIGNALS * 500).astype(np.int16)
    counts[1, 4] = -32768
    record = read(written(tmp_path, ["units"], signals=counts, gain=500, baseline=[0, 10]))
    assert record.counts.dtype == np.int16 and record.gain.tolist() == [500.0, 500.0]
    millivolts = record.to_millivolts()
    assert np.isnan(millivolts).sum() == 1
    np.testing.assert_allclose(millivolts[0], counts[0] / 500)
    np.testing.assert_allclose(millivolts[1, :4], (counts[1, :4] - 10) / 500)


def test_what_may_stand_beside(tmp_path):
    path = written(tmp_path, device="Holter 3", start_time="2024-02-03T04:05:06", comments=["a", "b"], labels=[1, 2])
    record = read(path)
    assert record.device == "Holter 3" and record.start_time == datetime(2024, 2, 3, 4, 5, 6)
    assert record.comments == ["a", "b"]


@pytest.mark.parametrize(
    ("without", "changes", "message"),
    [
        (["leads"], {}, "lacks 'leads'"),
        (["sampling_rate"], {"samplingrate": 250}, "lacks 'sampling_rate' .did you mean 'samplingrate'"),
        (["units"], {}, "lacks 'units'"),
        (["units"], {"gain": 5}, "lacks 'baseline'"),
        ([], {"gain": 5, "baseline": 0}, "units beside gain"),
        (["units"], {"gain": 5, "baseline": 0}, "millivolts with gain"),
        ([], {"units": "adu"}, "unit 'adu' is not a voltage"),
        ([], {"units": "normalized"}, "unit 'normalized' is not a voltage"),
        ([], {"leads": ["I"]}, "1 leads"),
        ([], {"leads": ["I", "I"]}, "both lead I|are called 'I'"),
        ([], {"leads": ["P", "Q"]}, "none of its channels has the name of an ECG lead: 'P', 'Q'"),
        ([], {"signals": SIGNALS[0]}, "wanted numbers"),
        ([], {"signals": np.array([["a"], ["b"]])}, "wanted numbers"),
        ([], {"signals": SIGNALS.astype(object)}, "allow_pickle"),
        ([], {"sampling_rate": 0}, "sampling_rate is 0"),
        ([], {"sampling_rate": [100, 200]}, "wanted one positive number"),
        ([], {"start_time": "yesterday"}, "yesterday"),
    ],
)
def test_what_is_refused_names_the_file(tmp_path, without, changes, message):
    with pytest.raises(ValueError, match=f"ecg.npz.*{message}"):
        read(written(tmp_path, without, **changes))


def test_a_damaged_archive(tmp_path):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="ecg.npz"):
        read(path)
