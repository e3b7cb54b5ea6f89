from types import SimpleNamespace

import pyarrow.parquet
import pytest


@pytest.fixture
def raw(ptb_xl_dir, tmp_path):
    """The first six records of the real folder."""
    folder = tmp_path / "raw"
    folder.mkdir()
    table = (ptb_xl_dir / "ptbxl_database.csv").read_text(encoding="utf-8").splitlines()[:7]
    (folder / "ptbxl_database.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    (folder / "scp_statements.csv").write_bytes((ptb_xl_dir / "scp_statements.csv").read_bytes())
    (folder / "records100" / "00000").mkdir(parents=True)
    for number in range(1, 7):
        for path in ptb_xl_dir.glob(f"records100/00000/{number:05d}_lr.*"):
            (folder / "records100" / "00000" / path.name).write_bytes(path.read_bytes())
    return folder


def test_command_line(repository, raw, tmp_path, capsys):
    options = ["--data_dir", str(raw), "--output_dir", str(tmp_path / "out"), "--hold_out", "NORM,AFIB"]
    load(repository).main(options)
    told = capsys.readouterr().out
    assert "rows/s" in told and "skipped" in told
    assert (tmp_path / "out" / "summary.json").is_file()
    with pytest.raises(FileExistsError):
        load(repository).main(options)


def test_withheld_statements(repository, raw, tmp_path):
    options = ["--withhold", "rhythm", "--withhold_share", "1", "--seed", "3", "--num_proc", "1"]
    summary = load(repository).main(["--data_dir", str(raw), "--output_dir", str(tmp_path / "out"), *options])
    assert (summary["withhold"]["share"], summary["withhold"]["seed"]) == (1, 3)
    assert summary["withhold"]["withheld"]["records"] == sum(summary["rows"].values()) == 6
    texts = pyarrow.parquet.read_table(tmp_path / "out" / "ptb_xl_100hz").to_pydict()
    assert all(texts["withheld"]) and not any("sinus" in text for text in texts["text"])
    assert any(texts["rhythm"])


def test_push_to_hub_pushes_the_folder(repository, raw, tmp_path, monkeypatch, capsys):
    script, calls = load(repository), []

    def push_corpus(*arguments):
        calls.append(arguments)
        return SimpleNamespace(commit_url="https://hub/me/x/commit/1")

    monkeypatch.setattr("hf_ecg.hub.push_corpus", push_corpus)
    script.main(["--data_dir", str(raw), "--output_dir", str(tmp_path / "out"), "--push_to_hub", "me/x"])
    assert calls == [(str(tmp_path / "out"), "me/x", None)] and "me/x/commit/1" in capsys.readouterr().out


def load(repository):
    import importlib.util

    spec = importlib.util.spec_from_file_location("script_ptb_xl", repository / "dataset_scripts" / "ptb_xl.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
