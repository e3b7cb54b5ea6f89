"""ISHNE Holters made field by field: values, what is missing, beats beside them, lying headers, memory."""

import binascii
import struct
import tracemalloc
from datetime import datetime

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals.record import Annotation
from tests.signals.formats.ishne_making import COUNTS, ishne


@pytest.fixture
def written(tmp_path):
    def write(*arguments, name="day.ecg", **options):
        (tmp_path / name).write_bytes(ishne(*arguments, **options))
        return tmp_path / name

    return write


def test_values_leads_device_and_who(written):
    path = written(name="holter.bin")
    record = hf_ecg.read(path)
    assert (record.leads, record.lead_names) == (("V1", "V5", "ECG3"), ("V1", "V5", "ECG3"))
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * np.array([[0.0025], [0.005], [0.0025]]), rtol=1e-12)
    assert record.counts.dtype == np.int16 and not record.remarks
    assert (record.sampling_rate, record.source_format, record.device) == (200.0, "ISHNE", "Holter X3")
    assert record.start_time == datetime(2002, 3, 2, 23, 59, 58) and not record.comments
    kept = hf_ecg.read(path, keep_identifiers=True).patient
    assert (kept["name"], kept["id"], kept["birth_date"]) == ("Jane Doe", "ID77", "1951-08-02")
    assert kept["device_serial"] == "998877" and kept["notes"] == "slept well" and not record.patient
    assert not any(secret in repr(record) for secret in ("Doe", "ID77", "998877", "Elsewhere"))


def test_where_a_lead_was_off(written):
    counts = COUNTS.copy()
    counts[1, 100:300] = -32768
    record = hf_ecg.read(written(counts))
    assert np.isnan(record.to_millivolts()[1, 100:300]).all() and np.isnan(record.to_millivolts()).sum() == 200
    assert record.remarks == ("samples of -32768, where a lead was off, are missing: 200",)
    assert hf_ecg.read(written(codes=(11, -9, 1))).leads == ("V1", "ECG3")
    assert hf_ecg.read(written(steps=(2500, -9, 0))).leads == ("V1",)


def test_beats_beside_it(written, tmp_path):
    path = written()
    beats = [(b"N", 0), (b"N", 160), (b"!", 40), (b"V", 100), (b"N", 60000)]
    items = b"".join(struct.pack("<cBH", label, 0, step) for label, step in beats)
    head = ishne(COUNTS[:, :0], text=b"")
    (tmp_path / "day.ann").write_bytes(b"ANN  1.0" + head[8:] + struct.pack("<I", 50) + items)
    record = hf_ecg.read(path)
    assert record.annotations == (Annotation(0.25, "N"), Annotation(1.05, "N"), Annotation(1.75, "V"))
    with pytest.raises(ValueError, match="day.ann: it holds beats and no signal"):
        hf_ecg.read(tmp_path / "day.ann")


def test_checksums_and_numbers_of_samples(written):
    swapped = binascii.crc_hqx(ishne()[10 : 522 + 11], 0xFFFF)
    assert not hf_ecg.read(written(crc=(swapped & 255) << 8 | swapped >> 8)).remarks
    assert not hf_ecg.read(written(crc=0)).remarks and not hf_ecg.read(written(samples=6000)).remarks
    assert "checksum" in hf_ecg.read(written(crc=swapped ^ 5)).remarks[0]
    record = hf_ecg.read(written(samples=17280000))
    assert record.num_samples == 2000 and record.remarks[0].endswith("17280000, 2000 of each lead")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"leads": 0}, "says 0 leads"),
        ({"leads": 4000}, "says 4000 leads"),
        ({"rate": -9}, "says -9 samples a second"),
        ({"text_size": -1}, "its text has -1 bytes"),
        ({"text_size": 2**31 - 1}, "its text has 2147483647 bytes"),
        ({"steps": [0] * 3}, "its resolution gives no scale"),
    ],
)
def test_headers_that_cannot_be(written, changed, message):
    with pytest.raises(ValueError, match=f"day.ecg: .*{message}"):
        hf_ecg.read(written(**changed))


def test_cut_anywhere(tmp_path):
    whole = ishne()
    for end in (8, 10, 14, 26, 156, 272, 434, 521, 530, 536):
        (tmp_path / "cut.ecg").write_bytes(whole[:end])
        with pytest.raises(ValueError, match="cut.ecg"):
            hf_ecg.read(tmp_path / "cut.ecg")
    (tmp_path / "cut.ecg").write_bytes(whole[:-5])
    record = hf_ecg.read(tmp_path / "cut.ecg")
    assert record.num_samples == 1999 and len(record.remarks) == 2


def test_a_long_one_takes_little_more_memory_than_its_file(written):
    counts = np.zeros((3, 2**20), "<i2")
    path = written(counts)
    tracemalloc.start()
    record = hf_ecg.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record.num_samples == 2**20 and peak < 2 * counts.nbytes + 2**23
