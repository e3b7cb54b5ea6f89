import numpy as np
import pytest

from hf_ecg.data.harder_rows import with_leads, with_noise
from tests.evaluation import tiny


def millivolts(row) -> np.ndarray:
    counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
    return (counts - np.asarray(row["baseline"])[:, None]) / np.asarray(row["gain"])[:, None]


def test_rows_with_some_of_their_leads():
    rows = tiny.dataset(3).add_column("measurements", [[1.0]] * 3)
    fewer = with_leads(rows, ["II", "V6"])
    for before, after in zip(rows, fewer, strict=True):
        assert after["leads"] == ["II", "V6"] and "measurements" not in after
        assert np.array_equal(millivolts(after), millivolts(before)[[1, 11]])
        assert after["rhythm"] == before["rhythm"] and after["record_id"] == before["record_id"]
    with pytest.raises(ValueError, match="wanted distinct ones"):
        with_leads(rows, ["II", "II"])
    with pytest.raises(ValueError, match="record r0 has no lead III"):
        with_leads(fewer, ["III"])


def test_rows_with_noise_of_a_size():
    rows = tiny.dataset(3)
    noisy, again = with_noise(rows, 0.2, seed=1), with_noise(rows, 0.2, seed=1)
    other = with_noise(rows, 0.2, seed=2)
    for before, after in zip(rows, noisy, strict=True):
        noise = millivolts(after) - millivolts(before)
        assert np.sqrt((noise**2).mean(axis=1)) == pytest.approx(np.full(12, 0.2), rel=0.05)
    assert noisy["signal"][:] == again["signal"][:] != other["signal"][:]
    with pytest.raises(ValueError, match="rms is 0"):
        with_noise(rows, 0)


def test_missing_samples_stay_missing():
    rows = tiny.dataset(1).map(lambda row: row | {"signal": [-32768] * 50 + row["signal"][50:]})
    assert np.flatnonzero(np.asarray(with_noise(rows, 0.1)[0]["signal"]) == -32768).tolist() == list(range(50))
