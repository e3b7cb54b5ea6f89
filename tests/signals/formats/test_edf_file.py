"""EDF, EDF+, BDF: real and made files, their gaps and fill, and damaged ones."""

import tracemalloc
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals.record import Annotation
from tests.signals.formats.edf_making import annotations, edf

SHARED = Path(__file__).parents[4] / "shared" / "data"
RNG = np.random.default_rng(0)
# Ten data records of a second, 100 samples each.
FIRST, SECOND = RNG.integers(-2000, 2000, (2, 10, 100))
TIMES = [f"+{place}\x14\x14\0".encode() for place in range(10)]


def lead(name, data, unit="uV", low=-5000, high=5000, digital=(-2048, 2047), filters="HP:0.05Hz LP:150Hz"):
    return (name, unit, low, high, *digital, filters, list(data))


@pytest.fixture
def written(tmp_path):
    def write(signals, name="rec.edf", **options):
        (tmp_path / name).write_bytes(edf(signals, **options))
        return tmp_path / name

    return write


def physical(counts, low=-5.0, high=5.0, digital=(-2048, 2047)):
    return (np.asarray(counts) - digital[0]) * (high - low) / (digital[1] - digital[0]) + low


def test_a_real_file_is_the_record_it_was_made_of_and_its_fill_is_missing():
    path = SHARED / "devices/edf/cinc2017_A00001.edf"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    record = hf_ecg.read(path, rename={"ECG": "I"})
    original = hf_ecg.read(SHARED / "cinc2017/training2017/A00001.hea", rename={"ECG": "I"})
    np.testing.assert_array_equal(record.to_millivolts()[:, :9000], original.to_millivolts())
    assert record.num_samples == 12000 and np.isnan(record.to_millivolts()[:, 9000:]).all()
    assert record.sampling_rate == 300 and record.remarks[0].endswith("are missing: 3000")
    # 1 January 1985 stands for no date
    assert record.start_time == time(0, 33, 34)


def test_values_names_units_and_who(written):
    path = written(
        [lead("ECG I", FIRST), lead("EKG DII", SECOND, "mV", -5, 5), lead("RESP", FIRST, "Ohm")],
        patient="ID77 F 02-AUG-1951 Jane_Doe",
        recording="Startdate 02-MAR-2102 ACC9 TECH_Bob Holter_X3 extra",
        reserved="EDF+C",
    )
    record = hf_ecg.read(path)
    np.testing.assert_allclose(record.to_millivolts()[0], physical(FIRST.ravel()), atol=1e-9)
    np.testing.assert_allclose(record.to_millivolts()[1], physical(SECOND.ravel()), atol=1e-9)
    assert (record.leads, record.lead_names, record.units) == (("I", "II"), ("ECG I", "EKG DII"), ("uV", "mV"))
    assert (record.sampling_rate, record.source_format, record.device) == (100.0, "EDF", "Holter X3")
    assert record.start_time == datetime(2102, 3, 2, 3, 4, 5)
    assert record.comments == ["Prefiltering: HP:0.05Hz LP:150Hz"]
    kept = hf_ecg.read(path, keep_identifiers=True)
    assert kept.patient == {
        **{"id": "ID77", "sex": "F", "birth_date": "02-AUG-1951", "name": "Jane Doe"},
        **{"accession": "ACC9", "operator": "TECH Bob"},
    }
    assert not record.patient and "Doe" not in f"{record!r}"


def test_other_packages_read_the_same_values(written):
    pyedflib = pytest.importorskip("pyedflib")
    path = written([lead("I", FIRST, low=-4999, high=5001), lead("V1", SECOND, "mV", -3, 7)])
    with pyedflib.EdfReader(str(path)) as reader:
        theirs = np.stack([reader.readSignal(0) / 1000, reader.readSignal(1)])
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), theirs, atol=1e-9)


def test_bdf_has_24_bits(written):
    counts = FIRST * 4000
    record = hf_ecg.read(
        written(
            [
                lead("II", counts, low=-262144, high=262143, digital=(-8388608, 8388607)),
                annotations(TIMES, bdf=True),
                lead("Status", SECOND, "Boolean", digital=(-8388608, 8388607)),
            ],
            "rec.bin",
            bdf=True,
            reserved="BDF+C",
        )
    )
    wanted = physical(counts.ravel(), -262.144, 262.143, (-8388608, 8388607))
    np.testing.assert_allclose(record.to_millivolts()[0], wanted, atol=1e-9)
    assert record.source_format == "BDF" and record.leads == ("II",)


def test_annotations_and_the_start_within_a_second(written):
    texts = [f"+{place + 0.25}\x14\x14\0".encode() for place in range(10)]
    texts[2] += b"+2.75\x150.5\x14Sinus arrest\x14pause\x14\0"
    record = hf_ecg.read(written([lead("I", FIRST), annotations(texts)], reserved="EDF+C"))
    assert record.annotations == (Annotation(2.5, "Sinus arrest", 0.5), Annotation(2.5, "pause", 0.5))
    assert record.start_time == datetime(2020, 2, 1, 3, 4, 5, 250000)


def test_gaps_of_a_discontinuous_file_are_missing(written):
    times = [0, 1, 2, 5, 6, 7, 8, 9, 10.5, 11.5]
    texts = [f"+{second}\x14\x14\0".encode() for second in times]
    record = hf_ecg.read(written([lead("I", FIRST), annotations(texts)], reserved="EDF+D"))
    wanted = np.full(1250, np.nan)
    for second, part in zip(times, FIRST, strict=True):
        wanted[int(second * 100) :][:100] = physical(part)
    np.testing.assert_allclose(record.to_millivolts()[0], wanted, atol=1e-9)
    assert record.remarks == ("samples between its pieces are missing: 2 gaps",)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([b"+0\x14\x14\0", b"+9000000\x14\x14\0"], "far more gaps than signal"),
        ([b"+5\x14\x14\0", b"+2\x14\x14\0"], "data record 2 begins 2 s, before the one in front of it ends"),
        ([b"+0\x14\x14\0", b"oops"], "discontinuous, and 1 data records do not say when they begin"),
    ],
)
def test_times_that_cannot_be(written, texts, message):
    with pytest.raises(ValueError, match=f"rec.edf: .*{message}"):
        hf_ecg.read(written([lead("I", FIRST[:2]), annotations(texts)], reserved="EDF+D"))


def test_an_inverted_amplifier_and_the_lowest_count_as_a_value(written):
    counts = FIRST.copy()
    counts[3, 7] = -32768  # a moment, so a value
    path = written([lead("I", counts, low=5000, high=-5000, digital=(-32768, 32767))])
    wanted = physical(counts.ravel(), 5.0, -5.0, (-32768, 32767))
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts()[0], wanted, atol=1e-9)
    turned = hf_ecg.read(written([lead("I", FIRST, low=5000, high=-5000)]))
    np.testing.assert_allclose(turned.to_millivolts()[0], physical(FIRST.ravel(), 5.0, -5.0), atol=1e-9)
    assert turned.counts.dtype == np.int16 and (turned.gain > 0).all()


def test_another_fill_at_the_end_of_all_leads(written):
    first, second = FIRST.copy(), SECOND.copy()
    first[9, 40:], second[9, 30:] = -2048, -2048
    record = hf_ecg.read(written([lead("I", first), lead("II", second)]))
    assert np.isnan(record.to_millivolts()[:, 940:]).all() and not np.isnan(record.to_millivolts()[:, :940]).any()


def test_leads_of_several_rates(written):
    path = written([lead("I", FIRST), lead("II", SECOND[:, :50])])
    with pytest.raises(ValueError, match="different rates, II at 50 Hz and I at 100 Hz: choose leads of one rate"):
        hf_ecg.read(path)
    record = hf_ecg.read(path, leads=["II"])
    np.testing.assert_allclose(record.to_millivolts()[0], physical(SECOND[:, :50].ravel()), atol=1e-9)
    assert record.sampling_rate == 50


def test_how_many_records_there_are(written):
    record = hf_ecg.read(written([lead("I", FIRST)], said=-1, end=b"abc"))
    assert record.num_samples == 1000 and len(record.remarks) == 2
    assert hf_ecg.read(written([lead("I", FIRST)], said=7)).num_samples == 700
    with pytest.raises(ValueError, match="says 11 data records of 200 bytes, and 10 are there: truncated"):
        hf_ecg.read(written([lead("I", FIRST)], said=11))


def test_a_file_of_annotations_alone(written):
    with pytest.raises(ValueError, match="rec.edf: it holds annotations and no signal"):
        hf_ecg.read(written([annotations(TIMES)], reserved="EDF+C", duration="0"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"duration": "0"}, "sampling rate of inf Hz"),
        ({"duration": "-1"}, "lasts -1 s"),
        ({"duration": "nan"}, "some words, wanted a number"),
        ({"said": "many"}, "number of data records is some words"),
        ({"header_bytes": 12345}, "says that it has 12345 bytes"),
    ],
)
def test_headers_that_cannot_be(written, changed, message):
    with pytest.raises(ValueError, match=message):
        hf_ecg.read(written([lead("I", FIRST)], **changed))


@pytest.mark.parametrize("scale", [{"low": 5, "high": 5}, {"low": "nan"}, {"digital": (5, 5)}, {"high": "1e999"}])
def test_a_lead_without_a_scale(written, scale):
    with pytest.raises(ValueError, match="its ranges give no scale"):
        hf_ecg.read(written([lead("I", FIRST, **scale)]))
    assert hf_ecg.read(written([lead("I", FIRST, **scale), lead("II", SECOND)])).leads == ("II",)


def test_a_long_one_takes_little_more_memory_than_its_file(written):
    parts = [np.full(2**19, -700, "<i2").tobytes()] * 4
    path = written([lead(name, parts) for name in ("I", "II")])
    tracemalloc.start()
    record = hf_ecg.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record.num_samples == 2**21 and peak < 2 * path.stat().st_size + 2**23


def test_cut_anywhere(tmp_path):
    whole = edf([lead("I", FIRST), annotations(TIMES)], reserved="EDF+C")
    path = tmp_path / "cut.edf"
    for end in (8, 88, 168, 176, 184, 192, 236, 244, 252, 255, 256, 272, 500, 768, 900, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="cut.edf"):
            hf_ecg.read(path)
