"""A stream gives the samples of the whole record, window by window, and sees damage."""

import shutil
import struct

import numpy as np
import pytest
import wfdb

from hf_ecg.signals import read
from hf_ecg.signals.streaming import RecordStream
from tests.signals.formats.binary_samples import BINARY
from tests.signals.formats.edf_making import annotations, edf
from tests.signals.formats.mfer_making import frame, mfer, tag


def whole(path, seconds, **options):
    """The windows of a stream, put together again."""
    stream = RecordStream(path, **options)
    parts = list(stream.windows(seconds))
    assert [first for first, _ in parts] == list(range(0, stream.num_samples, round(seconds * stream.sampling_rate)))
    return stream, np.concatenate([part.to_millivolts() for _, part in parts], axis=1)


@pytest.mark.parametrize("name", ["100", "114"])
def test_windows_are_the_record(shared_data_dir, name):
    path = shared_data_dir / "mitdb" / name
    stream, values = whole(path, 59.0)
    record = read(path)
    assert stream.in_parts and (stream.leads, stream.num_samples) == (record.leads, record.num_samples)
    np.testing.assert_array_equal(values, record.to_millivolts())
    # a part that begins within a block of packed samples
    np.testing.assert_array_equal(stream.part(7, 31).to_millivolts(), record.cut(7, 31).to_millivolts())


def test_one_lead_and_a_name_for_it(shared_data_dir):
    stream, values = whole(shared_data_dir / "mitdb" / "100", 300, leads=["I"], rename={"MLII": "I"})
    assert stream.leads == ("I",)
    np.testing.assert_array_equal(values, read(shared_data_dir / "mitdb/100", leads=["MLII"]).to_millivolts())


@pytest.mark.parametrize("storage", ["16", "24", "80", "212"])
def test_missing_samples_and_every_packing(tmp_path, storage):
    limit = 100 if storage == "80" else 1000
    counts = np.random.default_rng(0).integers(-limit, limit, (601, 2))
    codes = {"16": -(2**15), "24": -(2**23), "80": -128, "212": -2048}
    counts[100:130, 1] = codes[storage]
    wfdb.wrsamp(
        *("made", 100, ["mV", "mV"], ["ECG1", "ECG2"]),
        d_signal=counts, fmt=[storage] * 2, adc_gain=[200.0, 50.0], baseline=[0, 7], write_dir=str(tmp_path),
    )  # fmt: skip
    stream, values = whole(tmp_path / "made", 1.7)
    wanted = read(tmp_path / "made").to_millivolts()
    assert stream.in_parts and np.isnan(values).sum() == 30
    np.testing.assert_array_equal(values, wanted)


def test_damage_is_told_behind_the_last_window(shared_data_dir, tmp_path):
    for ending in (".hea", ".dat"):
        shutil.copy(shared_data_dir / "mitdb" / f"100{ending}", tmp_path)
        (tmp_path / f"100{ending}").chmod(0o644)
    content = bytearray((tmp_path / "100.dat").read_bytes())
    content[5000] ^= 8
    (tmp_path / "100.dat").write_bytes(content)
    with pytest.raises(ValueError, match="the samples are damaged"):
        whole(tmp_path / "100", 60)
    (tmp_path / "100.dat").write_bytes(content[:-3])
    with pytest.raises(ValueError, match="truncated"):
        next(RecordStream(tmp_path / "100").windows(60))


@pytest.mark.parametrize("form", ["EDF", "BDF", "ISHNE", "MFER"])
def test_other_formats_are_read_by_parts_too(tmp_path, form):
    path = BINARY[form](tmp_path)
    record = read(path)
    for seconds in (0.7, 3.3):
        stream, values = whole(path, seconds)
        assert stream.in_parts and (stream.name, stream.leads) == (record.name, record.leads)
        assert (stream.num_samples, stream.comments) == (record.num_samples, record.comments)
        np.testing.assert_array_equal(values, record.to_millivolts())
    part = stream.part(3, 7)
    assert part.patient == {} and part.source_format == record.source_format and part.units == record.units
    stream, values = whole(path, 1.1, leads=["V5", "III"], rename={"V1": "V7"})
    np.testing.assert_array_equal(values, read(path, leads=["V5", "III"]).to_millivolts())
    with pytest.raises(ValueError, match=f"wanted those from 5 to {record.num_samples + 1}"):
        stream.part(5, record.num_samples + 1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=path.name):
        RecordStream(path)


def test_what_fills_an_edf_file_is_missing_in_its_parts_too(tmp_path):
    """Runs of the lowest count, which a part may begin or end in, and the filling of the end."""
    counts = np.random.default_rng(0).integers(-300, 300, (2, 1000))
    counts[0, 195:206], counts[1, 400], counts[0, 690:700], counts[:, 850:] = [-32768] * 4
    leads = [
        (lead, "uV", -32768, 32767, -32768, 32767, "", list(row.reshape(10, 100)))
        for lead, row in zip(("II", "V5"), counts, strict=True)
    ]
    (tmp_path / "filled.edf").write_bytes(edf(leads))
    record = read(tmp_path / "filled.edf")
    assert np.isnan(record.to_millivolts()).sum() == 11 + 10 + 2 * 150
    for seconds in (1, 2, 0.07, 2.5):
        stream, values = whole(tmp_path / "filled.edf", seconds)
        assert stream.in_parts
        np.testing.assert_allclose(values, record.to_millivolts(), rtol=1e-12)
    # a gap between data records: the whole is read, the gap with it
    times = [f"+{second + 3 * (second > 4)}\x14\x14\0".encode() for second in range(10)]
    (tmp_path / "gap.edf").write_bytes(edf([*leads, annotations(times)], reserved="EDF+D"))
    stream, values = whole(tmp_path / "gap.edf", 2)
    assert not stream.in_parts and stream.num_samples == 1300 and np.isnan(values[:, 500:800]).all()


@pytest.mark.parametrize("options", [{}, {"block": 1}, {"block": 600}, {"kind": 7}, {"kind": 1}])
def test_parts_of_an_mfer_file_of_several_frames(tmp_path, options):
    counts = np.abs(np.random.default_rng(0).integers(-300, 300, (2, 600)))
    waves = frame(counts[:, :300], 50) + tag(0x07, struct.pack("<I", 300)) + frame(counts[:, 300:], 50)
    options = options if options else {"waves": waves, "sequences": 6}
    (tmp_path / "a.mwf").write_bytes(mfer(counts, (2, 7), **options))
    stream, values = whole(tmp_path / "a.mwf", 0.131)
    assert stream.in_parts
    np.testing.assert_array_equal(values, read(tmp_path / "a.mwf").to_millivolts())


def test_other_files_are_read_whole(tmp_path, shared_data_dir):
    np.savez(
        tmp_path / "a.npz", signals=np.ones((1, 500), np.float32), sampling_rate=100, leads=np.array(["I"]), units="mV"
    )
    stream, values = whole(tmp_path / "a.npz", 2)
    assert not stream.in_parts and values.shape == (1, 500)


def test_mistakes(tmp_path, shared_data_dir):
    stream = RecordStream(shared_data_dir / "mitdb" / "100")
    for seconds in (0, -1, float("nan"), "10"):
        with pytest.raises(ValueError, match="has no sample"):
            stream.windows(seconds)
    with pytest.raises(ValueError, match="650000 samples, wanted those from 5 to 650001"):
        stream.part(5, 650_001)
    with pytest.raises(OSError, match="absent"):
        RecordStream(tmp_path / "absent")
