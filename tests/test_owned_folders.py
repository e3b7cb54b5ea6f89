"""Only what we wrote is removed, and nothing through links."""

import os

import pytest

from hf_ecg.owned_folders import MARKER, carry_over, check_replaceable, is_ours, mark, others_files, remove_ours

OURS = (r"config\.json", r"checkpoints/(last/state\.pt)?", r"encoder/.*")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "out"
    for name in ("config.json", "checkpoints/last/state.pt", "encoder/model.bin", "notes/mine.txt", "my_config.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "state.pt").write_text("precious")
    (folder / "encoder" / "link").symlink_to(victim)
    (folder / "mine").mkdir()
    (folder / ".config.json.0123456789ab.incomplete").write_text("half")
    mark(folder, "training run")
    return folder


def test_what_we_wrote_goes_and_the_rest_stays(folder, tmp_path, caplog):
    assert is_ours(folder, "training run") and not is_ours(folder, "corpus")
    stays = ["encoder/link", "mine/", "my_config.json", "notes/mine.txt"]
    assert others_files(folder, OURS) == stays
    assert remove_ours(folder, OURS) == stays
    assert sorted(os.listdir(folder)) == ["encoder", "mine", "my_config.json", "notes"]
    assert (tmp_path / "victim" / "state.pt").read_text() == "precious"
    assert "they stay: encoder/link, mine/, my_config.json, notes/mine.txt" in caplog.text


def test_a_marker_that_lists_files_wins(folder):
    mark(folder, "corpus", "id", ["my_config.json"])
    assert "my_config.json" not in others_files(folder, OURS) and "config.json" in others_files(folder, OURS)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": 1, "id": "a"}'])
def test_a_torn_marker_is_none(folder, text):
    (folder / MARKER).write_text(text)
    assert not is_ours(folder, "training run")


def test_others_files_are_in_both_folders_until_the_old_one_goes(folder, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    (new / "my_config.json").write_text("ours")
    os.mkfifo(folder / "pipe")
    carry_over(folder, new, others_files(folder, OURS))
    assert (new / "my_config.json").read_text() == "ours"
    assert (new / "my_config.json.kept").read_text() == "my_config.json"
    assert (new / "encoder" / "link").is_symlink() and (new / "mine").is_dir() and (new / "pipe").is_fifo()
    assert (folder / "notes" / "mine.txt").exists() and (new / "notes" / "mine.txt").exists()


def test_places_that_are_never_overwritten(folder, tmp_path, monkeypatch):
    check_replaceable(folder, ["OWNER/NAME", tmp_path / "victim"])
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(OSError, match="is a link to"):
        check_replaceable(tmp_path / "link")
    with pytest.raises(OSError, match="holds the input"):
        check_replaceable(folder, [folder / "notes"])
    monkeypatch.setenv("HOME", str(folder / "mine"))
    with pytest.raises(OSError, match="holds the home folder"):
        check_replaceable(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "victim"))
    monkeypatch.chdir(folder / "notes")
    for name in ("..", ".", "/"):
        with pytest.raises(OSError, match="the current folder"):
            check_replaceable(name)
