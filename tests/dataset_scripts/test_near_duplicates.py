import csv
import importlib.util
import json

import numpy as np
import pytest
import wfdb

from hf_ecg.signals import read, resample


@pytest.fixture(scope="module")
def script(repository):
    path = repository / "dataset_scripts" / "near_duplicates.py"
    spec = importlib.util.spec_from_file_location("script_near_duplicates", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(folder, name, signals, rate, leads):
    folder.mkdir(exist_ok=True)
    given = {"units": ["mV"] * len(leads), "sig_name": list(leads), "fmt": ["16"] * len(leads)}
    scaling = {"adc_gain": [1000.0] * len(leads), "baseline": [0] * len(leads)}
    wfdb.wrsamp(name, fs=rate, p_signal=signals.T, write_dir=str(folder), **given, **scaling)


@pytest.fixture
def corpora(tmp_path, shared_data_dir):
    for number in (0, 1, 2):
        record = read(shared_data_dir / "cinc2021" / f"HR0600{number}.hea")
        signals = record.to_millivolts()
        write(tmp_path / "a", f"HR0600{number}", signals, 500, record.leads)
        if number:
            low = resample(signals, 500, 100, "polyphase") / 2
            write(tmp_path / "b", f"0600{number}_lr", low, 100, record.leads)
    write(tmp_path / "b", "flat", np.ones((12, 1000)), 100, record.leads)
    write(tmp_path / "b", "short", signals[:, :1000], 500, record.leads)
    return tmp_path


def test_two_folders_of_records(script, corpora, capsys):
    output = corpora / "out" / "pairs.csv"
    report = script.main([str(corpora / "a"), str(corpora / "b"), "--output", str(output)])
    pairs = [(row["first"], row["second"]) for row in csv.DictReader(output.open())]
    assert sorted(pairs) == [("HR06001", "06001_lr"), ("HR06002", "06002_lr")]
    assert json.loads(output.with_suffix(".json").read_text()) == report
    assert [entry["record"] for entry in report["not_comparable"]] == ["flat", "short"]
    assert "2 pairs of 3 x 4 records" in capsys.readouterr().out


def test_one_folder_with_itself(script, corpora):
    report = script.main([str(corpora / "b"), "--within", "--output", str(corpora / "pairs.csv")])
    assert report["pairs"] == [] and report["records"] == [4, 4]
    with pytest.raises(ValueError, match="two corpora, or one and --within"):
        script.main([str(corpora / "b"), "--output", str(corpora / "pairs.csv")])


@pytest.mark.parametrize("option, value, message", [("--leads", "I,XX", "XX"), ("--threshold", "nan", "is nan")])
def test_a_mistake_is_told_before_any_record_is_read(script, corpora, monkeypatch, option, value, message):
    monkeypatch.setattr(
        "hf_ecg.studies.shared_recordings.find_records", lambda *arguments: pytest.fail("records were read")
    )
    with pytest.raises(ValueError, match=message):
        script.main([str(corpora / "b"), "--within", "--output", str(corpora / "pairs.csv"), option, value])
