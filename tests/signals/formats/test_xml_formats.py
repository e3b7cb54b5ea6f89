"""XML of ECG machines: made files by arithmetic, real ones against another reader, damaged ones."""

import base64
import re
import shutil
import zlib
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

import hf_ecg
from hf_ecg.data.readers.folder.own_records import OwnReader, OwnRecord, RecordSource
from hf_ecg.data.readers.windows import WindowRule
from hf_ecg.signals import Annotation
from hf_ecg.signals.formats.philips_xli import unpack_xli

from .samples import EIGHT, RATE, SAMPLES, STEP, WHO, counts

XML = [name for name in SAMPLES if name == "HL7 aECG" or name.endswith("XML")]
MEASURED = {"heart_rate": 60, "pr_ms": 160, "qrs_ms": 96}
LEADS = hf_ecg.signals.leads.STANDARD_LEADS


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xml")
    return {name: SAMPLES[name](folder) for name in XML}


def changed(files, name, tmp_path, *pairs):
    """The sample with words replaced."""
    content = files[name].read_bytes()
    encoding = "utf-16" if content[:2] == b"\xff\xfe" else "latin-1"
    text = content.decode(encoding)
    for old, new in pairs:
        text, number = re.subn(old, new, text, flags=re.DOTALL)
        assert number, old
    path = tmp_path / "changed.xml"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", XML)
def test_values_names_and_what_the_machine_says(files, name, tmp_path):
    record = hf_ecg.read(files[name])
    assert record.source_format == name and record.leads == LEADS and record.sampling_rate == RATE
    assert record.values.dtype == np.int16 and record.start_time == datetime(2020, 1, 2, 3, 4, 5)
    np.testing.assert_allclose(record.to_millivolts(), counts() * STEP / 1000, atol=1e-12)
    assert MEASURED.items() <= record.measurements.items()
    assert "t_axis" not in record.measurements and record.measurements.get("p_axis") in (None, 51)
    assert "inus rhythm" in record.statements[0] and record.device and record.units
    assert hf_ecg.read(files[name], leads=["V6", "aVF"]).leads == ("V6", "aVF")
    # the content decides, not how the file is called
    for ending in ("txt", "bin", "dcm", "edf", "csv"):
        shutil.copy(files[name], tmp_path / f"other.{ending}")
        assert hf_ecg.read(tmp_path / f"other.{ending}").source_format == name


@pytest.mark.parametrize("name", XML)
def test_who_was_recorded(files, name):
    assert hf_ecg.read(files[name]).patient == {}
    patient = hf_ecg.read(files[name], keep_identifiers=True).patient
    assert patient["name"].lower() == "zaphodia quirkleby" and patient["id"].startswith(WHO["id"])
    assert patient["birth_date"] in (WHO["birth"], WHO["birth_dashed"], WHO["birth_us"])
    assert patient["device_serial"] == WHO["serial"] and WHO["institution"] in patient["institution"]


@pytest.mark.parametrize("name", XML)
def test_cut_files(files, name, tmp_path):
    content = files[name].read_bytes()
    for end in (40, len(content) // 3, len(content) - 30):
        (tmp_path / "cut.xml").write_bytes(content[:end])
        with pytest.raises(ValueError, match="cut.xml"):
            hf_ecg.read(tmp_path / "cut.xml")


REFUSED = {
    "HL7 aECG": [
        ("RHYTHM", "REPRESENTATIVE_BEAT", "no series of a rhythm"),
        ('value="0.002" unit="s"', 'value="0" unit="s"', "time increment"),
        ('value="0.002" unit="s"', 'value="0.002" unit="h"', "time increment"),
        ("TIME_ABSOLUTE", "SPACE", "no sequence of the time"),
        ('<scale value="5"', '<scale value="x"', "no scale"),
        ("<digits>[^<]*<", "<digits>1 two 3<", "words that are not numbers"),
        ("<digits>[^<]*<", "<digits>1 nan 3<", "not finite"),
        ("<digits>[^<]*<", "<digits> <", "no lead with samples"),
        ("(LEAD_V6.*?<digits>)", r"\g<1>" + "1 " * 250_000, "lengths are too different"),
        ('unit="uV"', 'unit="mmHg"', "not a voltage"),
    ],
    "GE MUSE XML": [
        ("Rhythm<", "Other<", "Median alone"),
        ("<SampleBase>500</SampleBase>\n", "<SampleBase>0</SampleBase>", "no sampling rate"),
        ("<LeadByteCountTotal>10000", "<LeadByteCountTotal>9998", "LeadByteCountTotal"),
        ("<LeadSampleCountTotal>5000", "<LeadSampleCountTotal>4999", "LeadSampleCountTotal"),
        ("<LeadSampleSize>2", "<LeadSampleSize>3", "samples of 1, 2 or 4"),
        ("MICROVOLTS", "APPLES", "positive voltage"),
        ("PerBit>5<", "PerBit>0<", "positive voltage"),
        ("<WaveFormData>", "<WaveFormData>!", "not Base64"),
        (r"(V6.*?<LeadDataCRC32>)\d+", r"\g<1>17", "checksums of V6 are wrong"),
    ],
    "Philips Sierra XML": [
        ("parsedwaveforms", "waves", "no element parsedwaveforms"),
        ('samplespersecond="500"|<samplingrate>500</samplingrate>', "", "no sampling rate"),
        ('durationperchannel="10000"', 'durationperchannel="10002"', "5000 samples of a lead, and says 5001"),
        ('resolution="5"|<resolution>5</resolution>', "", "no resolution"),
        ('leadlabels="[^"]*"', "", "names no leads"),
        ("Uncompressed", "ZIP", "packed as 'zip'"),
        ("Uncompressed", "XLI", "the packed lead 1 says|stands for nothing|damaged"),
        ('numberofleads="12"', 'numberofleads="7"', "not as many for each of 7"),
    ],
    "Mortara XML": [
        ("<CHANNEL ", "<OTHER ", "no CHANNEL"),
        ('SAMPLE_FREQ="500"', 'SAMPLE_FREQ="-1"', "no sampling rate"),
        ('(NAME="V6"[^>]*SAMPLE_FREQ=)"500"', r'\1"250"', "rates"),
        ('UNITS_PER_MV="200"', "", "no counts a millivolt"),
        ('BITS="16"', 'BITS="12"', "is coded as"),
        ('DURATION="5000"', 'DURATION="4000"', "says 4000"),
        ('DATA="', 'DATA="!', "not Base64"),
    ],
}


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [(name, *case) for name, cases in REFUSED.items() for case in cases],
    ids=lambda value: str(value)[:20],
)
def test_what_is_refused(files, name, old, new, told, tmp_path):
    path = changed(files, name, tmp_path, (old, new))
    with pytest.raises(ValueError, match=told) as caught:
        hf_ecg.read(path)
    assert "changed.xml" in str(caught.value) and not any(word in str(caught.value) for word in WHO.values())


def test_muse_leads_of_which_some_are_computed(files, tmp_path):
    record = hf_ecg.read(files["GE MUSE XML"])
    assert record.remarks == ("III, aVR, aVL, aVF are not stored: they were computed from I and II",)
    assert record.gain.tolist() == [200, 200, 200, 400, 400, 400] + [200] * 6
    one, two, three, *augmented = record.to_millivolts()[:6]
    np.testing.assert_allclose([three, *augmented], [two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    assert record.statements == (
        *("Normal sinus rhythm", "Inferior infarct, age undetermined", "Confirmed by [removed]"),
        "original: Sinus bradycardia, [removed]",
    )
    off = hf_ecg.read(changed(files, "GE MUSE XML", tmp_path, ("(>V1<.*?<LeadOff>)FALSE", r"\1TRUE")))
    assert "the machine says that the electrode of V1 was off" in off.remarks
    sums = hf_ecg.read(changed(files, "GE MUSE XML", tmp_path, (r"<LeadDataCRC32>\d+", "<LeadDataCRC32>17")))
    assert any("sums of another kind" in line for line in sums.remarks)
    # of other gains, the computed leads are millivolts, and so are all then
    other = changed(files, "GE MUSE XML", tmp_path, ("PerBit>5<(.*?>II<)", r"PerBit>2.5<\1"))
    mixed = hf_ecg.read(other)
    assert mixed.gain is None
    np.testing.assert_allclose(mixed.to_millivolts()[2], counts(["II"])[0] * 0.005 - counts(["I"])[0] * 0.0025)


@pytest.mark.parametrize(("size", "kind"), [(1, "i1"), (4, "<i4")])
def test_muse_samples_of_other_sizes(files, tmp_path, size, kind):
    row = np.array([0, 1, -2, 100, -100])
    packed = row.astype(kind).tobytes()
    path = changed(
        *(files, "GE MUSE XML", tmp_path),
        ("<WaveFormData>[^<]*", f"<WaveFormData>{base64.b64encode(packed).decode()}"),
        (r"<LeadSampleSize>2", f"<LeadSampleSize>{size}"),
        (r"<LeadDataCRC32>\d+", f"<LeadDataCRC32>{zlib.crc32(packed)}"),
        (r"<LeadByteCountTotal>\d+", f"<LeadByteCountTotal>{len(packed)}"),
        (r"<LeadSampleCountTotal>\d+", "<LeadSampleCountTotal>5"),
    )
    record = hf_ecg.read(path)
    assert record.counts[0].tolist() == row.tolist() and record.counts[2].tolist() == [0] * 5


def test_aecg_scales_origins_rates_and_places(files, tmp_path):
    record = hf_ecg.read(files["HL7 aECG"])
    assert record.lead_names[3] == "MDC_ECG_LEAD_AVR" and record.device == "Mortara ELI 230"
    assert record.annotations == (Annotation(0.5, "MDC_ECG_BEAT_NORMAL", pytest.approx(0.1)),)
    plain = record.to_millivolts()
    moved = hf_ecg.read(
        changed(files, "HL7 aECG", tmp_path, ('<origin value="0" unit="uV"', '<origin value="1" unit="mV"'))
    )
    np.testing.assert_allclose(moved.to_millivolts(), plain + 1)
    upside = hf_ecg.read(changed(files, "HL7 aECG", tmp_path, ('<scale value="5"', '<scale value="-5"')))
    np.testing.assert_allclose(upside.to_millivolts(), -plain)
    slow = changed(
        *(files, "HL7 aECG", tmp_path),
        ('increment value="0.002" unit="s"', 'increment value="1.951171875" unit="ms"'),
        ("20200102030405.000", "20200102030405.250-0530"),
    )
    slow = hf_ecg.read(slow)
    assert slow.sampling_rate == pytest.approx(512.512513)
    assert slow.start_time == datetime(2020, 1, 2, 3, 4, 5, 250000, timezone(-timedelta(hours=5, minutes=30)))
    # a lead of another unit is left out, a shorter one filled
    odd = changed(
        *(files, "HL7 aECG", tmp_path),
        ("(LEAD_V6.*?<digits>)[^<]*", r"\g<1>1 2 3"),
        ("(LEAD_V5.*?<digits>)[^<]*", r"\g<1>"),
    )
    odd = hf_ecg.read(odd)
    assert len(odd.leads) == 11 and np.isnan(odd.to_millivolts()[-1][3:]).all()
    assert len(odd.remarks) == 2 and "V5" in odd.remarks[0] and "different lengths" in odd.remarks[1]


def test_plain_numbers(files, tmp_path):
    rows = counts()
    plain = " ".join(map(str, rows.reshape(-1)))
    path = changed(
        files, "Philips Sierra XML", tmp_path, ('"Base64"', '"Plain"'), (r"(5\"\n?>)[\w+/=\s]*<", rf"\g<1>{plain}<")
    )
    np.testing.assert_array_equal(hf_ecg.read(path).counts, rows)
    rows = ",".join(map(str, counts(["I"])[0]))
    path = changed(files, "Mortara XML", tmp_path, ('(NAME="I"[^>]*DATA=")[^"]*', rf"\g<1>{rows}"))
    np.testing.assert_array_equal(hf_ecg.read(path).counts, counts())


BEATS = {"sierra_1_03": 7, "sierra_1_04": 7, "sierra_1_04_01": 11}


@pytest.fixture(params=["1_03", "1_04", "1_04_01"])
def sierra_file(request, shared_data_dir):
    path = shared_data_dir / "devices" / "philips-sierra" / f"sierra_{request.param}.xml"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def test_real_sierra_files(sierra_file):
    record = hf_ecg.read(sierra_file)
    assert record.values.shape == (12, 5500) and record.sampling_rate == 500 and record.leads == LEADS
    assert "Philips" in record.device and record.statements and record.measurements["qrs_ms"] in (135, 102)
    # measured leads, to half a count of each: what halves are cut to matters here
    one, two, three, right, left, foot = record.counts[:6].astype(int)
    for doubled, sums in ((2 * right, -one - two), (2 * left, one - three), (2 * foot, two + three)):
        assert np.abs(doubled - sums)[sums % 2 == 1].max() <= 3
        assert np.mean(doubled - sums == 1) + np.mean(doubled - sums == -1) > 0.25
    # the pulse at the end is what its annotation says: one millivolt
    pulse = record.annotations[0]
    assert pulse.text == "calibration pulse" and pulse.duration >= 0.4 and "calibration" in record.remarks[0]
    tail = record.to_millivolts()[:, round(pulse.seconds * 500) :]
    assert set(np.unique(tail)) == {0.0, 1.0} and (tail == 1).sum(axis=1).tolist() == [100] * 12


def test_the_pulse_of_sierra_files_is_missing_to_measurements_models_and_rows(sierra_file):
    record = hf_ecg.read(sierra_file)
    start = round(record.annotations[0].seconds * 500)
    gone = np.concatenate([record.to_millivolts()[:, :start], np.full((12, 5500 - start), np.nan)], axis=1)
    found = hf_ecg.measure(sierra_file)
    assert found.rhythm.word == "regular" and len(found.beats) == BEATS[sierra_file.stem]
    np.testing.assert_array_equal(found.beats.r, hf_ecg.measure(gone, 500, LEADS, "mV").beats.r)
    extractor = hf_ecg.ECGFeatureExtractor(sampling_rate=500, num_samples=5000)
    inputs = extractor([sierra_file, record.cut(4000, 5500)], window="all")["input_values"]
    made = extractor([gone, gone[:, 4000:]], 500, LEADS, "mV", window="all")["input_values"]
    np.testing.assert_array_equal(inputs, made)
    one = OwnRecord("a", sierra_file.name, "a", 1, {})
    (row,) = OwnReader(RecordSource(sierra_file.parent), WindowRule(500))(one)
    counts = np.reshape(row["signal"], (12, 5500))
    assert (counts[:, start:] == -32768).all() and (counts[:, :start] == record.counts[:, :start]).all()


def test_real_sierra_files_equal_another_reader(sierra_file):
    other = pytest.importorskip("ecgdatakit.parsing.parsers.sierra_xml").SierraXMLParser().parse(sierra_file)
    ours = hf_ecg.read(sierra_file)
    theirs = np.stack([lead.samples for lead in other.leads])
    same = [place for place, lead in enumerate(ours.leads) if not lead.startswith("aV")]
    np.testing.assert_array_equal(ours.counts[same], theirs[same])
    # it halves odd negative sums downwards: one count, in the leads that are stored as differences from halves
    assert np.abs(ours.counts - theirs).max() == 1
    assert ours.measurements["qt_ms"] == other.measurements.qt_interval
    assert ours.statements[0].startswith(other.interpretation.statements[0][0])


@pytest.mark.parametrize("name", XML)
def test_made_files_equal_another_reader(files, name):
    parsing = pytest.importorskip("ecgdatakit")
    other = parsing.FileParser().parse(files[name])
    ours = hf_ecg.read(files[name], leads=[lead.label for lead in other.leads])
    assert {lead.units for lead in other.leads} == {"mV"}
    np.testing.assert_allclose(ours.to_millivolts(), [lead.samples for lead in other.leads], atol=1e-12)
    assert len(other.leads) == (8 if "MUSE" in name else 12) and EIGHT[-1] in ours.leads


def test_packed_leads_that_are_damaged():
    def chunk(*codes, length=None):
        bits = "".join(f"{code:010b}" for code in codes)
        body = int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")
        return (length or len(body)).to_bytes(4, "little") + b"\0\0\0\0" + body

    # high bytes 0, 0, then low bytes: 5, 7; and a code for a sequence that is just being made
    assert unpack_xli(chunk(0, 0, 5, 7, 1023))[0].tolist() == [5, 7]
    # 0, 0 0 (256), 5, 9, 5: high bytes 0 0 0, low bytes 5 9 5; the third sample is 2 * 9 - 5 - 0
    assert unpack_xli(chunk(0, 256, 5, 9, 5, 1023))[0].tolist() == [5, 9, 13]
    for damaged in (chunk(256), chunk(0, 300), chunk(0), chunk(0, 0, 5, 7, length=99), b"\1\0\0", chunk(1023)):
        with pytest.raises(ValueError, match="packed lead"):
            unpack_xli(damaged)
    with pytest.raises(ValueError, match="more than"):
        # each code for the sequence that it makes: they grow by one
        unpack_xli(chunk(0, *range(256, 1023), *[1022] * 30000))
