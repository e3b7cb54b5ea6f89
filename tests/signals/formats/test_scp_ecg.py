"""SCP-ECG: every way to store a signal against the numbers that it was made of, texts, and damaged records."""

import struct
from datetime import datetime

import numpy as np
import pytest

import hf_ecg
from tests.signals.formats import scp_making as scp

CODES = (1, 2, 61, 3)
LEADS = ("I", "II", "III", "V1")
RNG = np.random.default_rng(0)
TIME = np.arange(1000)
# slow waves and spikes, so that small and large differences occur
COUNTS = np.rint(200 * np.sin(TIME / 40 + np.arange(4)[:, None]) + 900 * (TIME % 250 == 60)).astype(int)
COUNTS += RNG.integers(-6, 7, COUNTS.shape)
STEP = 0.0025


def bodies(order=0, coded=False, **changed):
    found = {
        1: scp.tags(t14=scp.machine()),
        3: scp.leads(CODES, 1000),
        6: scp.samples(COUNTS, order=order, coded=coded),
    }
    if coded:
        found[2] = struct.pack("<H", 19999)
    return found | changed.get("extra", {})


@pytest.fixture
def written(tmp_path):
    def write(content=None, name="rec.scp", **options):
        stored = content if isinstance(content, bytes) else scp.record(content or bodies(), **options)
        (tmp_path / name).write_bytes(stored)
        return tmp_path / name

    return write


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("coded", [False, True])
def test_differences_and_huffman_codes(written, order, coded):
    path = written(bodies(order, coded), name="record.bin")
    record = hf_ecg.read(path)
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * STEP, atol=1e-12)
    assert record.counts.dtype == np.int16 and (record.leads, record.lead_names) == (LEADS, LEADS)
    assert (record.sampling_rate, record.source_format, record.device) == (500.0, "SCP-ECG", "Maker M1")
    assert not record.remarks


@pytest.mark.parametrize("order", [0, 2])
def test_another_reader_says_the_same(written, order):
    ecgdatakit = pytest.importorskip("ecgdatakit")
    path = written(bodies(order, True))
    theirs = ecgdatakit.FileParser().parse(path).leads
    wanted = np.stack([lead.samples for lead in theirs])
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), wanted, atol=1e-9)


def test_tables_of_its_own_that_switch(written):
    # table 1: 0, +1, -1 in one to three bits, 1110 to table 2; table 2: eight bits behind a 1, 0 back to table 1
    first = [(1, 1, 1, 0, 0b0), (2, 2, 1, 1, 0b01), (3, 3, 1, -1, 0b011), (4, 4, 0, 2, 0b0111)]
    second = [(1, 9, 1, 0, 0b1), (1, 1, 0, 1, 0b0)]
    body = struct.pack("<H", 2)
    for table in (first, second):
        body += struct.pack("<H", len(table)) + b"".join(struct.pack("<BBBhI", *code) for code in table)
    numbers = np.array([0, 1, -1, 1, 0, 100, -100, 0, 1, 0, 0, -1])
    bits = "0101101001110101100100110011100001000110"
    stored = int(bits + "0" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big")
    rhythm = struct.pack("<HHBBH", 5000, 2000, 0, 0, len(stored)) + stored
    record = hf_ecg.read(written({2: body, 3: scp.leads([1], 12), 6: rhythm}))
    np.testing.assert_allclose(record.to_millivolts()[0], numbers * 0.005, atol=1e-12)


def test_a_reference_beat_is_added_again(written):
    beat = RNG.integers(-300, 300, (4, 100))
    # starts before the record, in the middle, of another type, and at its end
    rows = [(0, 1, 30, 60), (0, 300, 339, 380), (1, 500, 540, 560), (0, 950, 980, 1000)]
    residual = 2 * COUNTS
    for kind, first, fiducial, last in rows:
        if kind == 0:
            places = np.arange(first, last + 1)
            residual[:, places - 1] -= beat[:, places - fiducial + 40 - 1]
    extra = {
        **{2: struct.pack("<H", 19999), 3: scp.leads(CODES, 1000, flags=5), 4: scp.beats(200, 40, rows)},
        **{5: scp.samples(beat, avm=1250, order=1, coded=True)},
        **{6: scp.samples(residual, avm=1250, order=2, coded=True)},
    }
    record = hf_ecg.read(written(bodies(extra=extra)))
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * STEP, atol=1e-12)
    # another voltage a count in both sections
    extra[6] = scp.samples(residual, avm=1000, order=2, coded=True)
    record = hf_ecg.read(written(bodies(extra=extra)))
    taken = 2 * COUNTS - residual
    np.testing.assert_allclose(record.to_millivolts(), residual * 0.001 + taken * 0.00125, atol=1e-12)


def test_beats_that_are_said_to_be_taken_away_and_are_not(written):
    extra = {3: scp.leads(CODES, 1000, flags=5), 4: scp.beats(200, 40, [])}
    np.testing.assert_allclose(hf_ecg.read(written(bodies(extra=extra))).to_millivolts(), COUNTS * STEP, atol=1e-12)


def test_one_sample_in_four_between_the_beats(written):
    smooth = np.rint(800 * np.sin(TIME / 60 + np.arange(4)[:, None])).astype(int)
    smooth[:, 260:300] += RNG.integers(-500, 500, (4, 40))
    kept = [(251, 311), (702, 760)]
    rows = [(1, first, first + 20, last) for first, last in kept]
    extra = {
        **{2: struct.pack("<H", 19999), 4: scp.beats(200, 40, rows, kept)},
        **{5: scp.samples(np.zeros((4, 100)), coded=True)},
        **{6: scp.samples([scp.bimodal(row, kept) for row in smooth], interval=8000, coded=True, flag=1)},
    }
    record = hf_ecg.read(written(bodies(extra=extra)))
    assert record.sampling_rate == 500 and "one sample in 4 is stored" in record.remarks[0]
    for first, last in kept:
        np.testing.assert_allclose(record.to_millivolts()[:, first - 1 : last], smooth[:, first - 1 : last] * STEP)
    # lines between means of four samples 2 ms apart; at the ends the mean itself
    assert np.abs(record.to_millivolts() - smooth * STEP).max() < 800 * STEP * 2 / 60 + STEP


def test_leads_one_after_the_other(written):
    rows = [COUNTS[0, :500], COUNTS[1, 500:]]
    extra = {3: scp.leads((1, 2), (500, 1000), first=(1, 501), flags=0), 6: scp.samples(rows)}
    record = hf_ecg.read(written(bodies(extra=extra)))
    found = record.to_millivolts()
    np.testing.assert_allclose(found[0, :500], rows[0] * STEP, atol=1e-12)
    np.testing.assert_allclose(found[1, 500:], rows[1] * STEP, atol=1e-12)
    assert np.isnan(found[0, 500:]).all() and np.isnan(found[1, :500]).all() and "missing" in record.remarks[0]


def test_who_when_and_what_it_says(written):
    about = scp.tags(
        **{"t0": b"Doe\0", "t1": b"Jane\0", "t2": b"ID77\0", "t4": struct.pack("<HB", 71, 1), "t8": b"\2"},
        **{"t5": struct.pack("<HBB", 1951, 8, 2), "t16": b"St Elsewhere\0", "t20": b"Dr Who\0", "t31": b"ACC9\0"},
        **{"t14": scp.machine(), "t25": struct.pack("<HBB", 2020, 1, 2), "t26": bytes([3, 4, 5])},
        **{"t27": struct.pack("<H", 5), "t28": struct.pack("<H", 150), "t29": b"\2", "t30": b"resting\0"},
    )
    measured = struct.pack("<BBHH", 1, 0, 800, 0) + struct.pack("<HHHHHhhh", 100, 200, 260, 350, 660, 45, 999, 30)
    measured += struct.pack("<H", 0) + struct.pack("<HHHB", 75, 0, 447, 1)
    line = b"Sinus rhythm\0"
    spoken = struct.pack("<BHBBBBBB", 0, 2020, 1, 2, 3, 4, 5, 2)
    spoken += b"".join(
        struct.pack("<BH", number, len(text)) + text for number, text in ((1, line), (2, b"seen by Dr Who\0"))
    )
    coded = struct.pack("<BHBBBBBB", 0, 2020, 1, 2, 3, 4, 5, 1) + struct.pack("<BH", 1, 5) + b"\1NSR\0"
    path = written(bodies(extra={1: about, 7: measured, 8: spoken, 11: coded}))
    record, kept = hf_ecg.read(path), hf_ecg.read(path, keep_identifiers=True)
    assert kept.patient == {
        **{"name": "Jane Doe", "id": "ID77", "age": "71Y", "sex": "female", "birth_date": "1951-08-02"},
        **{
            "institution": "St Elsewhere",
            "physician": "Dr Who",
            "accession": "ACC9",
            "device_serial": "SN123",
            "notes": "resting",
        },
    }
    assert record.start_time == datetime(2020, 1, 2, 3, 4, 5)
    assert record.measurements == {
        **{"rr_ms": 800, "p_ms": 100, "pr_ms": 160, "qrs_ms": 90, "qt_ms": 400, "heart_rate": 75, "qtc_ms": 447},
        **{"p_axis": 45, "t_axis": 30},
    }
    assert record.statements == ("Sinus rhythm", "seen by [removed]", "NSR")
    assert record.comments == ["high-pass 0.05 Hz, low-pass 150 Hz, notch 50 Hz"]
    assert not any(secret in repr(record) for secret in ("Doe", "ID77", "Elsewhere", "Who", "ACC9", "SN123"))


def test_checksums(written):
    wrong = b"\1\2"
    both = {"crc": wrong, "parts": {6: scp.section(6, scp.samples(COUNTS), crc=wrong)}}
    with pytest.raises(ValueError, match=r"the checksums of the record and of the sections \[6\] are others: damaged"):
        hf_ecg.read(written(**both))
    assert "checksums" in hf_ecg.read(written(crc=wrong)).remarks[0]
    assert not hf_ecg.read(written(crc=b"\0\0")).remarks
    assert hf_ecg.read(written(tail=b"more")).remarks == ("bytes behind the record are left out: 4",)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({3: scp.leads(CODES, 2**32 - 1)}, "reach over 4294967295 samples"),
        ({3: scp.leads(CODES, 40000)}, "says 40000 samples, and 2000 bytes of it are there: truncated"),
        ({3: scp.leads(CODES, 1001)}, "2000 bytes, and 1001 samples take 2002"),
        ({3: scp.leads(CODES, 0)}, "a lead has the samples 1 to 0"),
        ({3: b"\0\0"}, "it defines no leads"),
        ({3: b"\xff\0" + bytes(40)}, "section 3 ends after 42 bytes"),
        ({2: struct.pack("<HH", 1, 0)}, "after 0 of 1000 samples there is no Huffman code"),
        ({2: struct.pack("<HHBBBhI", 1, 1, 40, 40, 1, 0, 0)}, "a prefix of 40 bits"),
        ({2: struct.pack("<HHBBBhI", 1, 1, 1, 1, 0, 1, 0)}, "no Huffman code: damaged"),
        ({6: scp.samples(COUNTS, avm=0)}, "the voltage of a count is 0"),
        ({6: scp.samples(COUNTS, interval=0)}, "the time between two samples is 0"),
        ({6: struct.pack("<HHBB", 2500, 2000, 9, 0) + bytes(8)}, "stored in the way 9"),
        ({3: scp.leads(CODES, 1000, flags=5), 4: scp.beats(200, 40, [(0, 1, 2, 3)])}, "reference beat was taken away"),
    ],
)
def test_numbers_that_cannot_be(written, extra, message):
    with pytest.raises(ValueError, match=f"rec.scp: .*{message}"):
        hf_ecg.read(written(bodies(extra=extra)))


def test_no_rhythm_and_cut_anywhere(written, tmp_path):
    without = {number: body for number, body in bodies().items() if number != 6}
    with pytest.raises(ValueError, match="it holds no rhythm"):
        hf_ecg.read(written(without))
    whole = scp.record(bodies(2, True))
    for end in (32, 100, 141, 142, 158, *range(160, len(whole), 499), len(whole) - 1):
        with pytest.raises(ValueError, match="rec.scp"):
            hf_ecg.read(written(whole[:end]))
