import json
import os
import shutil
import signal
import subprocess
import sys

import datasets
import pytest
import yaml

from hf_ecg.data import builder, shards
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.ptb_xl import PtbXlReader, ptb_xl_corpus
from hf_ecg.locks import OutputLock
from hf_ecg.owned_folders import MARKER
from tests.processes import die, forked


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def prepare(small, out, **options):
    return prepare_corpus(ptb_xl_corpus(small.folder), out, progress=False, **options)


def hidden(out):
    """What a killed run leaves beside its lock, which the kernel has given back."""
    return [path for path in out.parent.iterdir() if path.name.startswith(".") and path.suffix != ".lock"]


def test_plain_load_dataset_reads_it_without_the_package(small, out, tmp_path):
    prepare(small, out)
    code = f"""
import sys, datasets
rows = datasets.load_dataset({str(out)!r}, "ptb_xl_100hz", cache_dir={str(tmp_path / "plain")!r})
assert {{name: len(split) for name, split in rows.items()}} == dict(train=4, validation=4, test=4), rows
assert rows["test"].features["rhythm"].feature.names[0] == "AFIB"
assert "hf_ecg" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_card_and_summary(small, out):
    small.change(0, filename_lr="")
    summary = prepare(small, out)
    assert json.loads((out / "summary.json").read_text()) == summary
    assert summary["text_source"] == "statements" and summary["hold_out"] == []
    assert summary["skipped"] == {"no 100 Hz file": 1}
    _, front, text = (out / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    front = yaml.safe_load(front)
    assert front["license"] == "cc-by-4.0" and front["configs"][0]["config_name"] == "ptb_xl_100hz"
    assert "no 100 Hz file" in text and "CC BY 4.0" in text
    shards = sorted(path.name for path in (out / "ptb_xl_100hz").iterdir())
    assert shards == [f"{split}-00000-of-00001.parquet" for split in ("test", "train", "validation")]


def test_damaged_files_are_skipped_and_counted_or_stop_a_strict_run(small, out):
    small.samples(0).write_bytes(small.samples(0).read_bytes()[:-100])
    damaged = bytearray(small.samples(1).read_bytes())
    damaged[100] ^= 1
    small.samples(1).write_bytes(damaged)
    small.samples(2).unlink()
    with pytest.raises((ValueError, OSError), match="truncated"):
        prepare(small, out, strict=True)
    assert not out.exists() and not hidden(out)
    summary = prepare(small, out)
    assert summary["skipped"] == {"truncated file": 1, "wrong checksum": 1, "file missing": 1}
    assert {entry["record"] for entry in summary["skipped_records"]} == {row["ecg_id"] for row in small.rows[:3]}
    assert summary["rows"]["train"] == 1


def test_a_record_without_file_does_not_stop_a_strict_run(small, out):
    small.change(0, filename_lr="")
    assert prepare(small, out, strict=True)["rows"]["train"] == 3


def test_nothing_readable_is_an_error(small, out):
    for row in range(len(small.rows)):
        small.samples(row).unlink()
    with pytest.raises(ValueError, match="file missing"):
        prepare(small, out)
    assert not out.exists() and not hidden(out)


def test_any_number_of_processes_writes_the_same_files(small, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_ecg.data.builder.ROWS_PER_GROUP", 2)
    for number in (1, 2):
        prepare(small, tmp_path / f"out{number}", num_proc=number)
    for path in (tmp_path / "out1").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "out2" / path.relative_to(tmp_path / "out1")).read_bytes()


def test_many_shards(small, out, monkeypatch):
    monkeypatch.setattr("hf_ecg.data.shards.SHARD_BYTES", 1)
    monkeypatch.setattr("hf_ecg.data.builder.ROWS_PER_GROUP", 2)
    prepare(small, out)
    assert (out / "ptb_xl_100hz" / "train-00001-of-00002.parquet").is_file()
    assert load_corpus(out)["record_id"][:] == [row["ecg_id"] for row in small.rows]


def test_what_is_there_is_replaced_only_when_asked_and_only_when_it_is_a_corpus(small, out):
    prepare(small, out)
    with pytest.raises(FileExistsError, match="overwrite"):
        prepare(small, out)
    small.change(0, filename_lr="")
    assert prepare(small, out, overwrite=True)["rows"]["train"] == 3
    assert len(load_corpus(out)) == 11 and not hidden(out)
    other = out.parent / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("one")
    with pytest.raises(FileExistsError, match="not a prepared corpus"):
        prepare(small, other, overwrite=True)
    assert (other / "chapter.txt").read_text() == "one"


def prepare_and_die(small, out, where, after, num_proc):
    *owner, name = where.split(".")
    owner = getattr(builder, owner[0]) if owner else builder
    original = getattr(owner, name)
    setattr(owner, name, lambda *arguments, **options: (after and original(*arguments, **options), die()))
    builder.ROWS_PER_GROUP = 2
    prepare(small, out, num_proc=num_proc)


@pytest.mark.parametrize(
    "where, after, num_proc",
    [("ShardWriter.write", True, 2), ("ShardWriter.close", True, 1), ("_put_in_place", False, 1)],
)
def test_a_killed_run_leaves_nothing_that_loads(small, out, where, after, num_proc):
    assert forked(prepare_and_die, small, out, where, after, num_proc) == -signal.SIGKILL
    assert not out.exists()
    (leftover,) = hidden(out)
    with pytest.raises(OSError):
        load_corpus(out)
    with pytest.raises(OSError):
        load_corpus(leftover)
    if where != "_put_in_place":
        with pytest.raises((OSError, ValueError)):
            datasets.load_dataset(str(leftover))
    assert sum(prepare(small, out)["rows"].values()) == 12
    assert len(load_corpus(out)) == 12 and not hidden(out)


def die_in_validation(small, out):
    original = shards.ShardWriter._finish
    shards.ShardWriter._finish = lambda writer: die() if writer.split == "validation" else original(writer)
    prepare(small, out)


@pytest.fixture
def small_shards(monkeypatch):
    for module in ("builder", "shards"):
        monkeypatch.setattr(f"hf_ecg.data.{module}.ROWS_PER_GROUP", 2)
    monkeypatch.setattr("hf_ecg.data.builder.SHARD_BYTES", 1)
    monkeypatch.setattr("hf_ecg.data.shards.SHARD_BYTES", 1)


def test_a_killed_run_goes_on_after_its_last_finished_shard(small, out, tmp_path, small_shards, monkeypatch):
    assert forked(die_in_validation, small, out) == -signal.SIGKILL
    read, original = [], PtbXlReader.__call__
    monkeypatch.setattr(PtbXlReader, "__call__", lambda self, item: read.append(item.fold) or original(self, item))
    resumed = prepare(small, out)
    assert 3 not in read and len(read) == 8  # folds 1 to 8 were finished
    assert resumed == prepare(small, tmp_path / "anew", resume=False) and not hidden(out)
    for path in (tmp_path / "anew").rglob("*.*"):
        assert path.read_bytes() == (out / path.relative_to(tmp_path / "anew")).read_bytes()


def test_an_interrupted_run_is_not_continued_by_another_corpus(small, out, small_shards, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("hf_ecg.data.builder.write_card", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare(small, out)
    assert hidden(out)
    summary = prepare_corpus(ptb_xl_corpus(small.folder, hold_out=["NORM"]), out, progress=False)
    assert summary["hold_out"] == ["NORM"] and not hidden(out)
    assert not any("normal ECG" in text for text in load_corpus(out)["text"][:])


def test_a_corpus_set_aside_by_a_killed_run_comes_back(small, out):
    prepare(small, out)
    out.rename(out.parent / ".out.0123456789ab.previous")
    with pytest.raises(FileExistsError, match="overwrite"):
        prepare(small, out)
    assert len(load_corpus(out)) == 12


def test_two_runs_at_once(small, out):
    lock = OutputLock(out)
    lock.acquire()
    try:
        with pytest.raises(OSError, match=rf"being written by process {os.getpid()} on "):
            prepare(small, out)
    finally:
        lock.release()
    assert not hidden(out)


@pytest.mark.parametrize("kind", ["link", "folder", "file"])
def test_a_place_of_somebody_beside_the_output_is_refused(small, out, tmp_path, kind):
    place, victim = out.parent / ".out.incomplete", tmp_path / "victim"
    victim.mkdir()
    if kind == "link":
        place.symlink_to(victim)
    elif kind == "folder":
        place.mkdir()
    diary = {"link": victim / "diary", "folder": place / "diary", "file": place}[kind]
    diary.write_text("precious")
    with pytest.raises(FileExistsError, match="remove it"):
        prepare(small, out)
    assert diary.read_text() == "precious" and not out.exists()


def test_files_of_somebody_in_a_corpus_outlive_it(small, out, caplog):
    prepare(small, out)
    (out / "notes").mkdir()
    (out / "notes" / "mine.txt").write_text("precious")
    (out / "ptb_xl_100hz" / "mine.parquet").symlink_to("elsewhere")
    prepare(small, out, overwrite=True)
    assert (out / "notes" / "mine.txt").read_text() == "precious"
    assert os.readlink(out / "ptb_xl_100hz" / "mine.parquet") == "elsewhere"
    assert "notes/mine.txt, ptb_xl_100hz/mine.parquet" in caplog.text
    assert not hidden(out)


def test_what_only_looks_like_a_corpus_is_not_overwritten(small, out, tmp_path, monkeypatch):
    prepare(small, out)
    (out / MARKER).unlink()
    prepare(small, out, overwrite=True)  # of an earlier version
    monkeypatch.chdir(out)
    with pytest.raises(OSError, match="is the current folder"):
        prepare(small, out, overwrite=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(OSError, match="links"):
        prepare(small, tmp_path / "link", overwrite=True)
    other = tmp_path / "project"
    other.mkdir()
    (other / "summary.json").write_text('{"mine": 1}')
    with pytest.raises(FileExistsError, match="not a prepared corpus"):
        prepare(small, other, overwrite=True)


def test_another_folder_of_raw_files_is_another_corpus(small, out, tmp_path, small_shards, monkeypatch):
    assert forked(die_in_validation, small, out) == -signal.SIGKILL
    shutil.copytree(small.folder, tmp_path / "other")
    read, original = [], PtbXlReader.__call__
    monkeypatch.setattr(PtbXlReader, "__call__", lambda self, item: read.append(item.fold) or original(self, item))
    prepare_corpus(ptb_xl_corpus(tmp_path / "other"), out, progress=False)
    assert len(read) == 12
