"""DICOM waveforms: a real file against pydicom's own numbers, made ones, and damaged ones."""

import logging
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

import hf_ecg
from hf_ecg.signals.formats import find_record_files
from hf_ecg.signals.record import Annotation
from tests.signals.formats.dicom_making import channel, group, note, write

REAL = Path(__file__).parents[4] / "shared/data/devices/dicom/ge_simulated_500hz.dcm"
# SCP-ECG and MDC codes, a name with more words, and a label alone
SOURCES = [
    ("5.6.3-9-1", "Lead I (Einthoven)", "SCPECG"),
    ("2:2", "", "MDC"),
    ("MDC_ECG_LEAD_V1", "", "MDC"),
]
COUNTS = np.random.default_rng(0).integers(-400, 400, (3, 600))
STEP = 0.0025


def made(samples=COUNTS, sources=SOURCES, channels=None, **options):
    return group(samples, channels or [channel(source) for source in sources], **options)


def test_a_real_file_gives_pydicoms_numbers():
    if not REAL.exists():
        pytest.skip(f"{REAL} is not there")
    record = hf_ecg.read(REAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(REAL).waveform_array(0).T
    np.testing.assert_array_equal(record.to_millivolts(), theirs / 1000)
    assert record.leads == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert (record.sampling_rate, record.source_format, record.units[0]) == (500.0, "DICOM", "uV")
    assert record.lead_names[0] == "Lead I" and record.start_time == datetime(2009, 4, 28, 11, 39, 9)
    assert record.statements == ("Normal sinus rhythm", "Normal ECG")
    assert record.measurements == {
        **{"heart_rate": 80, "rr_ms": 750, "p_ms": 84, "pr_ms": 156, "qrs_ms": 86, "qt_ms": 398, "qtc_ms": 459},
        **{"p_axis": 53, "qrs_axis": 44, "t_axis": 60},
    }
    assert "MEDIAN BEAT (12 channels)" in record.remarks[0] and "SeriesInstanceUID" in record.remarks[1]
    assert record.comments == ["high-pass 0.16 Hz, low-pass 150 Hz"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("twelve.dcm", {}),
        ("general.bin", {"sop": "1.2.840.10008.5.1.4.1.1.9.1.2"}),
        ("ambulatory", {"sop": "1.2.840.10008.5.1.4.1.1.9.1.3", "syntax": ImplicitVRLittleEndian}),
        ("deflated.dcm", {"syntax": DeflatedExplicitVRLittleEndian}),
        ("bare.dcm", {"preamble": False}),
        ("bare_implicit.dcm", {"preamble": False, "syntax": ImplicitVRLittleEndian}),
    ],
)
def test_classes_and_ways_to_write_them(tmp_path, name, options):
    record = hf_ecg.read(write(tmp_path / name, [made()], **options))
    np.testing.assert_allclose(record.to_millivolts(), COUNTS * STEP, atol=1e-12)
    assert record.leads == ("I", "II", "V1") and record.lead_names == ("Lead I (Einthoven)", "II", "MDC_ECG_LEAD_V1")


def test_files_of_an_archive_are_found_without_an_ending(tmp_path):
    paths = [tmp_path / "a" / name for name in ("1.2.840.77", "IM000001", "ecg.dcm")]
    paths[0].parent.mkdir()
    for path in paths:
        write(path, [made()])
    (tmp_path / "RECORDS").write_text("a\n")
    (tmp_path / "notes.1").write_text("II is lead 2\n")
    assert find_record_files(tmp_path) == [str(path) for path in paths]


def test_big_endian(tmp_path):
    path = write(tmp_path / "big.dcm", [made(order=">")], syntax=ExplicitVRBigEndian)
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), COUNTS * STEP, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"sensitivity": "2.5", "correction": "0.5", "baseline": "100"}, lambda n: (n * 2.5 * 0.5 + 100) / 1000),
        ({"sensitivity": "0.004", "unit": "mV", "baseline": "-0.25"}, lambda n: n * 0.004 - 0.25),
        ({"sensitivity": "1e-6", "unit": "V", "correction": None, "baseline": None}, lambda n: n * 1e-3),
        ({"sensitivity": "-2.5"}, lambda n: n * -STEP),
    ],
)
def test_sensitivity_correction_baseline_and_unit(tmp_path, options, wanted):
    path = write(tmp_path / "a.dcm", [made(COUNTS[:1], channels=[channel(SOURCES[0], **options)])])
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), wanted(COUNTS[:1]), atol=1e-12)


@pytest.mark.parametrize("options", [{"sensitivity": None}, {"sensitivity": "0"}, {"unit": "mm[Hg]"}, {"unit": None}])
def test_channels_without_voltages_are_left_out(tmp_path, options):
    channels = [channel(SOURCES[0], **options), channel(SOURCES[1])]
    assert hf_ecg.read(write(tmp_path / "a.dcm", [made(COUNTS[:2], channels=channels)])).leads == ("II",)
    with pytest.raises(ValueError, match="a.dcm: none of its channels holds voltages"):
        hf_ecg.read(write(tmp_path / "a.dcm", [made(COUNTS[:1], channels=channels[:1])]))


@pytest.mark.parametrize(("kind", "shift"), [("US", 1000), ("SL", 70000), ("UL", 70000), ("SB", 0), ("UB", 50)])
def test_kinds_of_numbers_and_padding(tmp_path, kind, shift):
    counts = COUNTS % 50 + shift
    padding = int(counts[1, 7])
    path = write(tmp_path / "a.dcm", [made(counts, kind=kind, padding=padding)])
    wanted = np.where(counts == padding, np.nan, counts * STEP)
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), wanted, atol=1e-9)


def test_padding_of_16_bits_beside_the_lowest_count(tmp_path):
    counts = COUNTS.copy()
    counts[0, 5], counts[1, 7:20] = -32768, 32767
    path = write(tmp_path / "a.dcm", [made(counts, padding=32767)])
    wanted = np.where(counts == 32767, np.nan, counts * STEP)
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), wanted, atol=1e-9)
    record = hf_ecg.read(write(tmp_path / "a.dcm", [made(counts)]))
    assert np.isnan(record.to_millivolts()[0, 5]) and record.remarks == ("samples of -32768 are taken as missing: 1",)


def test_companded_samples(tmp_path):
    # ITU-T G.711: the ends and the middle of both laws
    codes = np.array([[0x00, 0x80, 0xFF, 0x7F], [0x2A, 0xAA, 0xD5, 0x55]])
    mu = hf_ecg.read(write(tmp_path / "mu.dcm", [made(codes[:1], SOURCES[:1], kind="MB")]))
    np.testing.assert_allclose(mu.to_millivolts()[0], np.array([-32124, 32124, 0, 0]) * STEP)
    a = hf_ecg.read(write(tmp_path / "a.dcm", [made(codes[1:], SOURCES[:1], kind="AB")]))
    np.testing.assert_allclose(a.to_millivolts()[0], np.array([-32256, 32256, 8, -8]) * STEP)


def test_the_first_rhythm_group_with_an_ecg_is_read(tmp_path):
    pressure = group(COUNTS[:1, :60], [channel(None, unit="mm[Hg]", label="ART")], label="ART", rate="60")
    median = made(COUNTS[:, :100], label="MEDIAN BEAT")
    path = write(tmp_path / "h.dcm", [pressure, median, made(rate="512.508")], sop="1.2.840.10008.5.1.4.1.1.9.2.1")
    record = hf_ecg.read(path)
    assert record.sampling_rate == 512.508 and record.num_samples == 600
    assert record.remarks == ("other groups of channels are left out: ART (1 channels), MEDIAN BEAT (3 channels)",)
    only = hf_ecg.read(write(tmp_path / "m.dcm", [median]))
    assert only.num_samples == 100 and "median beat is read" in only.remarks[0]


def test_what_is_said_and_who(tmp_path, caplog):
    notes = [
        note("Sinus bradycardia"),
        note(name=("5.13.5-9", "QRS Duration", "SCPECG"), value="0.09", unit="s"),
        note(name=("X1", "QT Interval", "99LOCAL"), value="401", unit="ms"),
        note(name=("5.13.5-7", "PR Interval", "SCPECG"), value="100", unit="ms", channels=(1, 2)),
        note("pause", ReferencedSamplePositions=[101, 201]),
        note("elsewhere", ReferencedSamplePositions=[5], channels=(2, 0)),
    ]
    who = {
        **{"PatientName": "Doe^Jane", "PatientID": "ID77", "PatientBirthDate": "19510802x", "PatientSex": "F"},
        **{"InstitutionName": "St Elsewhere", "DeviceSerialNumber": "SN123", "AccessionNumber": "ACC9"},
        **{"ReferringPhysicianName": "Who^Doctor", "Manufacturer": "Maker", "ManufacturerModelName": "M1"},
        **{"AcquisitionDateTime": "20200102030405.5+0130"},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(tmp_path / "a.dcm", [made()], notes=notes, **who)
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record, kept = hf_ecg.read(path), hf_ecg.read(path, keep_identifiers=True)
    assert record.statements == ("Sinus bradycardia",)
    assert record.measurements == {"qrs_ms": pytest.approx(90), "qt_ms": 401}
    assert record.annotations == (Annotation(0.2, "pause", 0.2),)
    assert record.device == "Maker M1" and not record.patient
    assert record.start_time == datetime(2020, 1, 2, 3, 4, 5, 500000, timezone(timedelta(hours=1.5)))
    assert kept.patient["name"] == "Doe^Jane" and kept.patient["birth_date"] == "19510802x"
    assert kept.patient["device_serial"] == "SN123" and kept.patient["physician"] == "Who^Doctor"
    for secret in ("Doe", "ID77", "19510802", "Elsewhere", "SN123", "ACC9", "Who"):
        assert secret not in f"{record!r}" and secret not in caplog.text


def test_what_is_not_a_waveform(tmp_path):
    with pytest.raises(ValueError, match="a PDF inside DICOM, a picture of an ECG"):
        hf_ecg.read(write(tmp_path / "pdf.dcm", [], sop="1.2.840.10008.5.1.4.1.1.104.1"))
    with pytest.raises(ValueError, match="holds no waveform, it is CT Image Storage"):
        hf_ecg.read(write(tmp_path / "ct.dcm", [], sop="1.2.840.10008.5.1.4.1.1.2"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"NumberOfWaveformSamples": 601}, "has 3600 bytes, wanted 3606"),
        ({"NumberOfWaveformChannels": 40000}, "wanted 48000000"),
        ({"NumberOfWaveformSamples": 0}, "3 channels of 0 samples"),
        ({"SamplingFrequency": "0"}, "sampling frequency of 0 Hz"),
        ({"SamplingFrequency": None}, "sampling frequency of nan Hz"),
        ({"WaveformBitsAllocated": 24}, "24 bits 'SS', which is not a kind"),
        ({"ChannelDefinitionSequence": []}, "3 channels, and defines 0"),
    ],
)
def test_sizes_that_lie(tmp_path, changed, message):
    item = made()
    for key, value in changed.items():
        setattr(item, key, value)
    with pytest.raises(ValueError, match=f"a.dcm: .*{message}"):
        hf_ecg.read(write(tmp_path / "a.dcm", [item]))


def test_elements_that_pydicom_cannot_read(tmp_path):
    # found by tests/benchmarks/fuzz.py: exceptions of pydicom's own, and an error of the system without a file
    whole = write(tmp_path / "whole.dcm", [made()], PatientName="Doe^Jane").read_bytes()
    place = whole.index(b"\x3a\x00\x05\x00US") + 6
    for first, number in ((137, b"\2\0\0\0"), (place, b"\1\0"), (place, b"\xff\0")):
        (tmp_path / "odd.dcm").write_bytes(whole[:first] + number + whole[first + len(number) :])
        with pytest.raises(ValueError, match="odd.dcm cannot be read as DICOM") as caught:
            hf_ecg.read(tmp_path / "odd.dcm")
        assert "Doe" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="absent.dcm"):
        hf_ecg.read(tmp_path / "absent.dcm")


def test_cut_anywhere_and_bombs(tmp_path):
    whole = write(tmp_path / "whole.dcm", [made()], PatientName="Doe^Jane").read_bytes()
    for end in (*range(133, len(whole) - 1, 211), len(whole) - 1):
        (tmp_path / "cut.dcm").write_bytes(whole[:end])
        with pytest.raises(ValueError, match="cut.dcm") as caught:
            hf_ecg.read(tmp_path / "cut.dcm")
        assert "Doe" not in str(caught.value)
