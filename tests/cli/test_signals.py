"""`hf-ecg info FILE` and `hf-ecg convert-signal FILE OUT`."""

import hashlib
import json

import numpy as np
import pytest

import hf_ecg
from hf_ecg.cli import call
from tests.signals.formats.samples import SAMPLES, WHO


def test_what_a_file_is(tmp_path, capsys):
    path = SAMPLES["GE MUSE XML"](tmp_path)
    facts = call("info", [str(path), "--json"])
    told = capsys.readouterr().out
    assert json.loads(told)["result"] == facts
    assert (facts["format"], facts["sampling_rate"], facts["seconds"]) == ("GE MUSE XML", 500.0, 10.0)
    assert facts["leads"][3] == "aVR" and facts["units"] == ["MICROVOLTS"] and facts["resolution_uv"] == [2.5, 5.0]
    assert facts["device"] == "GE MAC55" and facts["start_time"].startswith("2020-01-02 03:04:05")
    assert facts["measurements"]["qt_ms"] == 400 and facts["statements"][0] == "Normal sinus rhythm"
    assert "computed from I and II" in facts["assumed"][0] and "name" in facts["identifiers"]
    assert 0.5 < facts["quality"]["range_mv"]["V1"] < 5 and "unusable" not in facts["quality"] and "noise" in facts
    call("info", [str(path)])
    told += capsys.readouterr().out
    assert not [value for value in WHO.values() if value.lower() in told.lower()]


def test_what_is_wrong_with_a_file(tmp_path):
    signals = np.zeros((3, 1000))
    signals[1, :10], signals[2] = 0.001, np.nan
    np.savez(tmp_path / "a.npz", signals=signals, leads=["I", "ECG", "V2"], sampling_rate=100, units="mV")
    facts = call("info", [str(tmp_path / "a.npz"), "--rename", "ECG=V1"])
    quality = facts["quality"]
    assert quality["unusable"].startswith("electrodes off") and quality["flat"] == ["I"]
    assert quality["missing_share"] == {"V2": 1.0} and facts["channels"] == ["I", "ECG", "V2"]
    assert facts["assumed"] == ["the channel ECG is lead V1, as --rename says"]


def test_a_file_as_another_one(tmp_path, capsys):
    source = SAMPLES["HL7 aECG"](tmp_path)
    words = [str(source), str(tmp_path / "out.hea"), "--leads", "V2,I"]
    written = call("convert-signal", words)
    told = capsys.readouterr().out
    for path, digest in written.sha256.items():
        assert hashlib.sha256(open(path, "rb").read()).hexdigest() == digest and digest in told
    assert "made: " in told and "next: hf-ecg info" in told
    assert hf_ecg.read(tmp_path / "out.hea").leads == ("V2", "I")
    with pytest.raises(FileExistsError, match="--overwrite"):
        call("convert-signal", words)
    call("convert-signal", [*words, "--overwrite", "--json", "--keep_identifiers"])
    assert json.loads(capsys.readouterr().out)["result"]["largest_difference_mv"] == 0
    assert WHO["id"] in (tmp_path / "out.hea").read_text()


def test_a_file_that_leaves_something_open(tmp_path):
    signals = np.sin(np.arange(600) / 9).reshape(2, 1, 300)
    np.save(tmp_path / "a.npy", signals)
    words = ["--record", "1", "--units", "mV", "--sampling_rate", "100", "--leads", "II"]
    assert call("info", [str(tmp_path / "a.npy"), *words])["leads"] == ["II"]
    call("convert-signal", [str(tmp_path / "a.npy"), str(tmp_path / "a.hea"), *words])
    record = hf_ecg.read(tmp_path / "a.hea")
    np.testing.assert_allclose(record.to_millivolts(), signals[1], atol=1e-4)
    assert (record.leads, record.sampling_rate) == (("II",), 100)


def test_a_file_that_holds_no_samples(tmp_path):
    (tmp_path / "kardia.pdf").write_bytes(b"%PDF-1.7" + bytes(100))
    with pytest.raises(ValueError, match="kardia.pdf is a PDF: .*no samples"):
        call("info", [str(tmp_path / "kardia.pdf")])
