"""MFER: kinds of numbers, orders of bytes, frames, texts, and damaged files."""

import struct
from datetime import datetime

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals.formats import open_parts
from hf_ecg.signals.record import Annotation
from tests.signals.formats.mfer_making import channel, decimal, frame, mfer, tag

CODES = (1, 2, 64, 3)
LEADS = ("I", "II", "aVF", "V1")
COUNTS = np.random.default_rng(0).integers(-300, 300, (4, 600))
STEP = 0.005


@pytest.fixture
def written(tmp_path):
    def write(counts=COUNTS, codes=CODES, name="rec.mwf", **options):
        (tmp_path / name).write_bytes(counts if isinstance(counts, bytes) else mfer(counts, codes, **options))
        return tmp_path / name

    return write


@pytest.mark.parametrize("options", [{}, {"preamble": False}, {"sequences": 0}, {"block": 1}, {"block": 600}])
def test_values_leads_and_rate(written, options):
    record = hf_ecg.read(written(name="some.bin", **options))
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * STEP, rtol=1e-12)
    assert record.counts.dtype == np.int16 and record.leads == record.lead_names == LEADS
    assert (record.sampling_rate, record.source_format, record.remarks) == (500.0, "MFER", ())


@pytest.mark.parametrize("kind", [1, 2, 3, 5, 7, 8])
def test_kinds_of_numbers_in_both_orders(written, kind):
    counts = np.abs(COUNTS) % 100
    record = hf_ecg.read(written(counts, kind=kind, order=">"))
    np.testing.assert_allclose(record.to_millivolts(), counts * STEP, rtol=1e-6)


@pytest.mark.parametrize(
    ("rate", "hertz"), [((1, -3, 2), 500.0), ((1, -6, 1953), 1e6 / 1953), ((0, -3, 512508), 512.508), (None, 1000.0)]
)
def test_rates_are_what_is_written(written, rate, hertz):
    record = hf_ecg.read(written(rate=rate))
    assert record.sampling_rate == pytest.approx(hertz, rel=1e-12) and bool(record.remarks) == (rate is None)


def test_a_channel_of_its_own(written):
    more = channel(1, tag(0x0C, decimal(0, -9, 1250)), tag(0x0D, struct.pack("<h", 100)))
    more += channel(3, tag(0x0C, decimal(1, 0, 1)))  # mmHg
    record = hf_ecg.read(written(more=more))
    assert record.leads == LEADS[:3]
    np.testing.assert_allclose(record.to_millivolts()[1], (COUNTS[1] + 100) * 0.00125, rtol=1e-12)
    np.testing.assert_allclose(record.to_millivolts()[2], COUNTS[2] * STEP, rtol=1e-12)


def test_definitions_whose_length_is_not_told(written):
    inner = tag(0x0C, decimal(0, -9, 1250))
    more = bytes([0x3F, 1, 0x80]) + inner + b"\0\0" + channel(2, tag(0x0C, decimal(0, -9, 2500)))
    found = hf_ecg.read(written(more=more)).to_millivolts()
    np.testing.assert_allclose(found[:3], COUNTS[:3] * np.array([[STEP], [0.00125], [0.0025]]), rtol=1e-12)
    with pytest.raises(ValueError, match="do not end"):
        hf_ecg.read(written(more=bytes([0x3F, 1, 0x80]) + inner))


def test_what_is_not_there(written):
    counts = COUNTS.copy()
    counts[1, 40:90], counts[0, 7] = -32768, 1000
    path = written(counts)
    assert np.isnan(hf_ecg.read(path).to_millivolts()).sum() == 50
    record = hf_ecg.read(written(counts, more=tag(0x12, struct.pack("<h", 1000))))
    assert np.isnan(record.to_millivolts()[0, 7]) and np.isnan(record.to_millivolts()).sum() == 1
    assert record.to_millivolts()[1, 40] == -32768 * STEP and "missing: 1" in record.remarks[0]


def test_frames_that_go_on_and_dominant_beats(written):
    beat = tag(0x08, struct.pack("<H", 9)) + frame(COUNTS[:, :300], 50) + tag(0x08)
    waves = beat + frame(COUNTS[:, :300], 50) + tag(0x07, struct.pack("<I", 300)) + frame(COUNTS[:, 300:], 50)
    record = hf_ecg.read(written(waves=waves, sequences=6))
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * STEP, rtol=1e-12)
    assert record.remarks == ("waveforms of another kind are left out: 1",)


def test_frames_of_other_lengths_go_on(written):
    shorter = tag(0x06, struct.pack("<I", 1)) + frame(COUNTS[:, 450:500], 50)
    blocks = tag(0x04, struct.pack("<I", 25)) + tag(0x06, struct.pack("<I", 4)) + frame(COUNTS[:, 500:], 25)
    path = written(waves=frame(COUNTS[:, :450], 50) + shorter + blocks, sequences=9)
    record = hf_ecg.read(path)
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * STEP, rtol=1e-12)
    assert record.remarks == ()
    part = open_parts(path).part(430, 530)
    np.testing.assert_array_equal(part.to_millivolts(), record.to_millivolts()[:, 430:530])


def test_who_when_and_what(written):
    more = b"".join(
        [
            tag(0x81, b"Doe^^Jane"),
            tag(0x82, b"ID77"),
            tag(0x83, bytes([68]) + struct.pack("<HHBB", 3, 1951, 8, 2)),
            tag(0x84, b"\2"),
            tag(0x85, struct.pack("<HBBBBBHH", 2020, 1, 2, 3, 4, 5, 250, 0)),
            tag(0x17, b"Maker^M1^1.0^SN123"),
            tag(0x16, b"resting"),
            tag(0x11, b"HPF=0.05"),
            tag(0x41, struct.pack("<HII", 5, 250, 100) + b"pause"),
        ]
    )
    path = written(more=more)
    record, kept = hf_ecg.read(path), hf_ecg.read(path, keep_identifiers=True)
    assert kept.patient == {
        **{"name": "Doe^^Jane", "id": "ID77", "sex": "female", "age": "68", "birth_date": "1951-08-02"},
        **{"device_serial": "SN123", "notes": "resting"},
    }
    assert (record.device, record.start_time) == ("Maker M1", datetime(2020, 1, 2, 3, 4, 5, 250000))
    assert record.comments == ["Filter: HPF=0.05"]
    assert record.annotations == (Annotation(0.5, "pause", 0.2),)
    assert not any(secret in repr(record) for secret in ("Doe", "ID77", "SN123", "1951"))


def test_another_reader_says_the_same(written):
    ecgdatakit = pytest.importorskip("ecgdatakit")
    path = written()
    theirs = np.stack([lead.samples for lead in ecgdatakit.FileParser().parse(path).leads])
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), theirs, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 0}, "says 0 channels"),
        ({"channels": 65535}, "says 65535 channels"),
        ({"sequences": 13}, "13 sequences takes 5200 bytes, and 4800 are there: truncated"),
        ({"sequences": 2**32 - 1}, "truncated"),
        ({"kind": 9}, "kind 9 are compressed"),
        ({"kind": 77}, "kind 77 are of no known kind"),
        ({"rate": (0, 0, 0)}, "sampling rate of nan Hz"),
        ({"rate": (0, 127, 5)}, "the power 127 of ten"),
        ({"sensitivity": None}, "its sensitivity is not a voltage"),
        ({"sensitivity": (0, 0, 0)}, "its sensitivity is not a voltage"),
        ({"more": tag(0x0E, b"\1\0")}, "its samples are compressed"),
        ({"more": tag(0x67, tag(0x67, tag(0x67, tag(0x67, tag(0x67, tag(0x67))))))}, "4 deep"),
        ({"waves": b""}, "it holds no waveform"),
    ],
)
def test_definitions_that_cannot_be(written, options, message):
    with pytest.raises(ValueError, match=f"rec.mwf.*{message}"):
        hf_ecg.read(written(**options))


def test_cut_anywhere(written):
    whole = mfer(COUNTS, CODES)
    for end in (35, 37, 40, 60, 75, 90, *range(100, len(whole) - 2, 333), len(whole) - 3):
        with pytest.raises(ValueError, match="rec.mwf"):
            hf_ecg.read(written(whole[:end]))
