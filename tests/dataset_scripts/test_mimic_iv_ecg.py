import importlib.util
import signal

import click
import pytest

from hf_ecg.data import shards
from hf_ecg.data.corpus import load_corpus
from tests.data.made_mimic import MadeMimic, fill
from tests.processes import die, forked

CONFIG = "mimic_iv_ecg_500hz"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return fill(MadeMimic(tmp_path_factory.mktemp("mimic")), 40, per_patient=2)


def script(repository):
    spec = importlib.util.spec_from_file_location("script_mimic", repository / "dataset_scripts" / "mimic_iv_ecg.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments(made, out, *more):
    return ["--data_dir", str(made.folder), "--output_dir", str(out), "--num_proc", "1", *more]


def test_command_line(repository, made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = arguments(made, tmp_path / "out", "--mimic_iv_dir", str(made.mimic_iv), "--risk", "low")
    script(repository).main([*options, "--one_record_per_patient", "--limit", "15"])
    told = capsys.readouterr()
    assert "20  not asked for: not the random record of its patient" in told.out
    assert "5  not asked for: beyond the limit" in told.out and " rows/s" in told.out
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    rows = load_corpus(tmp_path / "out", CONFIG).remove_columns("signal")
    assert len(set(rows["patient_id"])) == len(rows) == 15
    assert {row["sbp_mmhg"] for row in rows} == {130} and None not in rows["risk"][:]
    assert set(rows["sex"]) == {"female"} and rows["risk_missing_rate"][:] == pytest.approx([0.4] * 15)


def test_processes_and_runs_give_the_same_files(repository, made, tmp_path, monkeypatch):
    for module in ("builder", "shards"):
        monkeypatch.setattr(f"hf_ecg.data.{module}.ROWS_PER_GROUP", 5)
    main = script(repository).main
    main(arguments(made, tmp_path / "one"))
    main(arguments(made, tmp_path / "two", "--num_proc", "2"))
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def die_in_the_third_shard(repository, made, out):
    finish = shards.ShardWriter._finish
    shards.ShardWriter._finish = lambda writer: die() if len(writer.parts) == 2 else finish(writer)
    script(repository).main(arguments(made, out))


def test_a_killed_run_goes_on_with_shards_and_tables_that_it_has(repository, made, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    for module in ("builder", "shards"):
        monkeypatch.setattr(f"hf_ecg.data.{module}.ROWS_PER_GROUP", 5)
        monkeypatch.setattr(f"hf_ecg.data.{module}.SHARD_BYTES", 1)
    assert forked(die_in_the_third_shard, repository, made, out) == -signal.SIGKILL
    assert not out.exists() and (tmp_path / ".out.index").is_file()
    capsys.readouterr()
    from hf_ecg.data.readers.mimic_iv_ecg import MimicReader

    read, original = [], MimicReader.__call__
    monkeypatch.setattr(MimicReader, "__call__", lambda self, item: read.append(item) or original(self, item))
    summary = script(repository).main(arguments(made, out))
    assert len(read) == 40 - 2 * 5 and sum(summary["rows"].values()) == 40
    assert "reading record_list.csv" not in capsys.readouterr().err
    anew = script(repository).main(arguments(made, tmp_path / "anew"))
    assert anew == summary and load_corpus(out)["record_id"][:] == load_corpus(tmp_path / "anew")["record_id"][:]
    assert sorted(path.name for path in tmp_path.iterdir() if "cache" not in path.name) == ["anew", "out"]


def test_nothing_of_mimic_iv_goes_to_the_hub_and_risk_needs_it(repository, made, tmp_path):
    main = script(repository).main
    with pytest.raises(click.UsageError, match="may not be shared"):
        main(arguments(made, tmp_path / "out", "--mimic_iv_dir", str(made.mimic_iv), "--push_to_hub", "me/mimic"))
    with pytest.raises(click.UsageError, match="needs --mimic_iv_dir"):
        main(arguments(made, tmp_path / "out", "--risk", "low"))
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_there_is_told_before_hours_of_reading(repository, made, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("one")
    with pytest.raises(FileExistsError):
        script(repository).main(arguments(made, tmp_path / "out"))
    assert not (tmp_path / ".out.index").exists()
