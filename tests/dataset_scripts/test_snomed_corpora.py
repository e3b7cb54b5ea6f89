"""The command lines of the corpora with SNOMED codes: what they write, what they tell, how they end."""

import importlib.util
import json
import runpy
import sys

import pytest

from tests.data.made_snomed import waves, write_record


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def load(repository, name):
    spec = importlib.util.spec_from_file_location(f"script_{name}", repository / "dataset_scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_command_of_its_own_ends_in_a_sentence(repository, tmp_path, monkeypatch, capsys):
    path = repository / "dataset_scripts" / "csn.py"
    options = ["--data_dir", str(tmp_path / "no"), "--output_dir", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", [str(path), *options])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    told = capsys.readouterr().err
    assert end.value.code == 1 and told.startswith("hf-ecg prepare csn: ") and told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_csn(repository, tmp_path, capsys):
    write_record(tmp_path / "raw", "JS00001", "426177001")
    write_record(tmp_path / "raw", "JS00002", "426177001", waves(6))
    command = ["--data_dir", str(tmp_path / "raw"), "--output_dir", str(tmp_path / "out"), "--num_proc", "1"]
    summary = load(repository, "csn").main(command)
    told = capsys.readouterr().out
    assert sum(summary["rows"].values()) == 1 and "1  skipped: shorter than the window" in told
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["config"] == "csn_500hz"
    summary = load(repository, "csn").main(
        [*command, "--overwrite", "--window_seconds", "0", "--sampling_rate", "250"]
    )
    assert sum(summary["rows"].values()) == 2 and summary["config"] == "csn_250hz"


def test_cpsc2018_with_the_real_files(repository, shared_data_dir, tmp_path):
    command = ["--data_dir", str(shared_data_dir / "cpsc2018"), "--output_dir", str(tmp_path / "out")]
    command += ["--merl_splits", str(shared_data_dir / "merl_splits"), "--labels", "merl", "--num_proc", "1"]
    summary = load(repository, "cpsc2018").main([*command, "--window_seconds", "10", "--max_windows", "1"])
    assert summary["rows"] == {"train": 77, "validation": 14, "test": 19} and summary["labels"] == "merl"
    card = (tmp_path / "out" / "README.md").read_text()
    assert "4,950/551/1,376" in card and "side by side" in card


def test_cinc2021_leaves_sources_out(repository, shared_data_dir, tmp_path, capsys):
    command = ["--data_dir", str(shared_data_dir / "cinc2021"), "--output_dir", str(tmp_path / "out")]
    summary = load(repository, "cinc2021").main([*command, "--exclude", "ptb_xl, ningbo", "--num_proc", "1"])
    assert sum(summary["rows"].values()) == 20 and "9  not asked for: source ptb_xl" in capsys.readouterr().out
    assert "georgia 20" in (tmp_path / "out" / "README.md").read_text()


def test_merl_splits_tells_the_faults(repository, shared_data_dir, capsys):
    command = ["--merl_splits", str(shared_data_dir / "merl_splits"), "--tasks", "ptb_xl_subdiagnostic,cpsc2018"]
    found = load(repository, "merl_splits").main(command)
    told = capsys.readouterr().out
    assert "AVB where test has ISC" in told and "nothing wrong found" in told
    assert found["ptb_xl_subdiagnostic"]["records_wrong_by_position"] == {"train": 1697}
    with pytest.raises(ValueError, match="icbeb"):
        load(repository, "merl_splits").main([*command[:2], "--tasks", "icbeb"])
