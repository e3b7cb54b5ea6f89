"""Files of hand-held devices and watches, and what people take for one."""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals.formats import find_record_files
from tests.signals.formats.sample_parts import RATE, STEP, WHO, counts
from tests.signals.formats.table_samples import LIMB, atc, block, kardia

MILLIVOLTS = counts(LIMB) * STEP / 1000


def test_six_leads_of_kardia(tmp_path):
    record = hf_ecg.read(atc(tmp_path).rename(tmp_path / "file"))
    np.testing.assert_allclose(record.to_millivolts(), MILLIVOLTS, atol=1e-12)
    assert (record.leads, record.sampling_rate, record.gain.tolist()) == (LIMB, RATE, [1000 / STEP] * 6)
    assert record.device == "AliveCor Kardia 6L, iPhone8,1, AliveECG 5" and record.comments == ["baseline filter"]
    assert record.start_time == datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert [note.seconds for note in record.annotations] == [0.5, 1.5] and not record.patient
    kept = hf_ecg.read(tmp_path / "file", keep_identifiers=True).patient
    assert kept == {"device_serial": WHO["serial"], "accession": WHO["accession"]}
    assert hf_ecg.read(atc(tmp_path, ["I"]), leads=["I"]).leads == ("I",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-3], "is it cut"),
        (lambda content: content[: len(content) // 2], "claims 10000 bytes, and .* are there: is it cut"),
        (lambda content: content[:9], "wanted b'ALIVE"),
        (lambda content: content[:2000] + b"x" + content[2001:], "block 'ecg ' has the sum .*: it is damaged"),
        (lambda content: content[:12] + content[content.index(b"ecg ") :], "holds no block 'fmt '"),
        (lambda content: content[: content.index(b"ecg ")], "holds no block 'ecg '"),
        (lambda content: content.replace(b"ecg2", b"ecg7"), "block 'ecg7' has the sum"),
        (lambda content: content + block(b"ecg6", b"\0\0"), None),
        (lambda content: content[: content.index(b"ecg2")] + block(b"ecg2", b"\0\0"), "different numbers of samples"),
        (lambda content: content[:12] + block(b"fmt ", bytes(8)) + content[12:], "0 Hz and 0 nV"),
    ],
)
def test_damaged_kardia(tmp_path, change, message):
    path = atc(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    if message is None:
        assert "stands there twice" in hf_ecg.read(path).remarks[0]
        return
    with pytest.raises(ValueError, match=f"made.atc: .*{message}"):
        hf_ecg.read(path)


def test_json_of_kardia(tmp_path):
    record = hf_ecg.read(kardia(tmp_path).rename(tmp_path / "file"))
    np.testing.assert_allclose(record.to_millivolts(), MILLIVOLTS, atol=1e-12)
    assert (record.leads, record.sampling_rate, record.statements) == (LIMB, RATE, ("normal",))
    assert record.measurements == {"heart_rate": 60.0} and not record.patient


FITBIT = {
    "startTime": "2022-09-28T17:12:30.222",
    "averageHeartRate": 70,
    "resultClassification": "Normal Sinus Rhythm",
    "waveformSamples": [130, 176, -252] * 20,
    "samplingFrequencyHz": "250",
    "scalingFactor": 10922,
    "numberOfWaveformSamples": 60,
    "leadNumber": 1,
    "deviceName": "Sense",
}


def test_json_of_fitbit_and_withings(tmp_path):
    path = tmp_path / "made.json"
    path.write_text(json.dumps({"ecgReadings": [FITBIT, FITBIT | {"waveformSamples": [1] * 60}]}))
    with pytest.raises(ValueError, match="made.json: it holds 2 records: choose one by record="):
        hf_ecg.read(path)
    record = hf_ecg.read(path, record=0)
    np.testing.assert_allclose(record.to_millivolts(), [np.array(FITBIT["waveformSamples"]) / 10922])
    assert (record.leads, record.sampling_rate, record.device) == (("I",), 250.0, "Fitbit Sense")
    assert record.statements == ("Normal Sinus Rhythm",) and record.start_time.year == 2022
    path.write_text(json.dumps({"status": 0, "body": {"signal": [100, -50] * 40, "sampling_frequency": 300}}))
    record = hf_ecg.read(path)
    np.testing.assert_allclose(record.to_millivolts(), [[0.1, -0.05] * 40])
    assert (record.leads, record.sampling_rate, record.units) == (("I",), 300.0, ("uV",))
    path.write_text(json.dumps({"fs": 250, "units": "mV", "I": [0.1, None] * 20, "II": [0.2, 0.3] * 20}))
    record = hf_ecg.read(path)
    np.testing.assert_array_equal(record.to_millivolts(), [[0.1, np.nan] * 20, [0.2, 0.3] * 20])
    path.write_text(json.dumps({"ecg": [0.1, 0.2] * 20}))
    with pytest.raises(ValueError, match="made.json: it does not say the unit"):
        hf_ecg.read(path)
    assert hf_ecg.read(path, units="mV", sampling_rate=250).leads == ("ECG",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"waveformSamples": [1, 2', "not a whole JSON file"),
        ("[" * 100_000, "not a whole JSON file"),
        ("[]", "holds no object"),
        ('{"a": 1}', "holds no list of numbers that may be an ECG, and 1 other entries"),
        (json.dumps(FITBIT | {"numberOfWaveformSamples": 7500}), "says 7500 samples, and holds 60: is it cut"),
        (json.dumps(FITBIT | {"scalingFactor": 0}), "scalingFactor is 0, wanted one positive number"),
        (json.dumps(FITBIT | {"waveformSamples": ["a"]}), "wanted a list of numbers"),
        ('{"signal": [[1, 2], [3]], "fs": 500, "units": "mV"}', "different numbers of samples"),
    ],
)
def test_json_that_is_wrong(tmp_path, content, message):
    (tmp_path / "made.json").write_text(content)
    with pytest.raises(ValueError, match=f"made.json: .*{message}"):
        hf_ecg.read(tmp_path / "made.json")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"%PDF-1.7\n", "ecg.x is a PDF: a picture.*no samples.*Kardia the .atc"),
        (b"\xff\xd8\xff\xe0", "JPEG picture"),
        (b"PK\x03\x04" + bytes(40), "zip archive: unpack it first"),
        (b"\x80\x04\x95", "pickle of Python, which is not read"),
        (b"\x1f\x8b\x08", "gzip: unpack it first"),
    ],
)
def test_what_holds_no_samples(tmp_path, head, message):
    (tmp_path / "ecg.x").write_bytes(head + bytes(100))
    with pytest.raises(ValueError, match=message):
        hf_ecg.read(tmp_path / "ecg.x")


def test_other_json_in_a_folder(tmp_path):
    (tmp_path / "config.json").write_text('{"data": [1, 2, 3]}')
    (tmp_path / "ecg.json").write_text(json.dumps(FITBIT))
    assert find_record_files(tmp_path) == [str(tmp_path / "ecg.json")]
