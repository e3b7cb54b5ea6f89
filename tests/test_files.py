"""What is there stays until the new one is complete: errors and kills at any moment, torn files, two writers."""

import os
import re
import signal
import threading

import numpy as np
import pytest
import torch

from hf_ecg import files
from hf_ecg.files import (
    ArrayStore,
    atomic_file,
    atomic_folder,
    atomic_path,
    find_folder,
    replace_folder,
    restore_folder,
    source_digest,
    synchronise,
    values_digest,
)
from tests.processes import die, forked


def run_killed(code: str, folder) -> None:
    """Runs code in a process of its own, in which `die()` is a kill that no handler sees."""

    def run():
        os.chdir(folder)
        exec(code, vars(files) | {"os": os, "die": die})

    assert forked(run) == -signal.SIGKILL


def test_a_file_appears_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_file(path) as file:
        file.write("é\n")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == "é\n".encode() and os.listdir(tmp_path) == ["a.txt"]
    with atomic_file(path, "wb", shared=True) as file:
        file.write(b"\0")
        assert path.read_bytes() == "é\n".encode()
    assert path.read_bytes() == b"\0" and os.listdir(tmp_path) == ["a.txt"]


def test_options_of_open_go_through(tmp_path):
    with atomic_file(tmp_path / "a", newline="\r\n", encoding="latin-1") as file:
        file.write("é\n")
    assert (tmp_path / "a").read_bytes() == b"\xe9\r\n"
    with pytest.raises(ValueError, match="mode is 'a'"), atomic_file(tmp_path / "a", "a"):
        pass


@pytest.mark.parametrize("shared", [False, True])
def test_an_error_in_the_block_keeps_the_former_file(tmp_path, shared):
    path = tmp_path / "a"
    path.write_text("former")
    with pytest.raises(ZeroDivisionError), atomic_file(path, shared=shared) as file:
        file.write("half")
        raise ZeroDivisionError
    assert path.read_text() == "former" and os.listdir(tmp_path) == ["a"]


def test_a_kill_in_the_block_keeps_the_former_file_and_the_next_write_clears_up(tmp_path):
    (tmp_path / "a").write_text("former")
    run_killed("with atomic_file('a') as file:\n  file.write('half'); file.flush(); die()", tmp_path)
    assert (tmp_path / "a").read_text() == "former"
    with atomic_path(tmp_path / "a") as path:
        assert path.read_text() == ""
        path.write_text("new")
    assert (tmp_path / "a").read_text() == "new" and os.listdir(tmp_path) == ["a"]


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    calls, replace, sync = [], os.replace, os.fsync
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("rename"), replace(*paths)))
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("sync"), sync(number)))
    with atomic_file(tmp_path / "a") as file:
        file.write("text")
    assert calls == ["sync", "rename", "sync"]


def test_writers_of_a_shared_file_do_not_meet(tmp_path):
    def write(number):
        for _ in range(20):
            with atomic_file(tmp_path / "a", shared=True) as file:
                file.write(str(number) * 9000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    text = (tmp_path / "a").read_text()
    assert len(text) == 9000 and len(set(text)) == 1 and os.listdir(tmp_path) == ["a"]


def fill(text):
    return lambda folder: (folder / "text").write_text(text)


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "deep" / "a"
    atomic_folder(folder, fill("first"))
    (folder / "more").write_text("of the first")
    atomic_folder(folder, fill("second"))
    assert os.listdir(folder) == ["text"] and (folder / "text").read_text() == "second"
    assert os.listdir(tmp_path / "deep") == ["a"]


def test_a_folder_that_holds_something_is_not_replaced_where_that_is_not_wanted(tmp_path):
    (tmp_path / "a").mkdir()
    atomic_folder(tmp_path / "a", fill("first"), replace=False)
    with pytest.raises(OSError):
        atomic_folder(tmp_path / "a", fill("second"), replace=False)
    assert (tmp_path / "a" / "text").read_text() == "first" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "death", ["write = die", "os.rename = die", "real = os.rename; os.rename = lambda *p: (real(*p), die())"]
)
def test_a_kill_keeps_the_former_folder(tmp_path, death):
    atomic_folder(tmp_path / "a", fill("former"))
    code = f"write = lambda folder: (folder / 'text').write_text('new')\n{death}\natomic_folder('a', write)"
    run_killed(code, tmp_path)
    assert (find_folder(tmp_path / "a") / "text").read_text() == "former"
    restore_folder(tmp_path / "a")
    assert (tmp_path / "a" / "text").read_text() == "former"
    atomic_folder(tmp_path / "a", fill("new"))
    assert (tmp_path / "a" / "text").read_text() == "new" and os.listdir(tmp_path) == ["a"]


def test_an_error_while_a_folder_is_filled_leaves_nothing(tmp_path):
    atomic_folder(tmp_path / "a", fill("former"))
    with pytest.raises(ZeroDivisionError):
        atomic_folder(tmp_path / "a", lambda folder: (fill("half")(folder), 1 / 0))
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a" / "text").read_text() == "former"


def test_no_folder(tmp_path):
    assert find_folder(tmp_path / "a") is None
    restore_folder(tmp_path / "a")
    assert not os.listdir(tmp_path)


def test_a_finished_folder_of_another_name_takes_the_place(tmp_path):
    atomic_folder(tmp_path / "a", fill("former"))
    (tmp_path / "made").mkdir()
    fill("new")(tmp_path / "made")
    synchronise(tmp_path / "made")
    replace_folder(tmp_path / "made", tmp_path / "a")
    assert (tmp_path / "a" / "text").read_text() == "new" and os.listdir(tmp_path) == ["a"]


ARRAYS = {
    "signal": np.arange(240_000, dtype=np.float32).reshape(2, 12, 10_000),
    "transposed": np.arange(90_000, dtype=np.int16).reshape(300, 300).T,
    "mask": np.arange(12) % 2 == 0,
    "names": np.array(["I", "aVR"]),
    "count": np.int64(7),
    "none": np.zeros((0, 3)),
}


def test_arrays_come_back(tmp_path):
    store = ArrayStore(tmp_path / "store")
    assert store.get("some/record 1") is None and not os.listdir(tmp_path)
    store.put("some/record 1", ARRAYS)
    found = ArrayStore(tmp_path / "store").get("some/record 1")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and found[name].shape == np.shape(array)
        np.testing.assert_array_equal(found[name], array)
    assert store.get("some") is None and store.get("..") is None
    (path,) = (tmp_path / "store").iterdir()
    with np.load(path) as plain:
        np.testing.assert_array_equal(plain["signal"], ARRAYS["signal"])


def test_large_arrays_are_mapped_and_small_ones_read(tmp_path, recwarn):
    store = ArrayStore(tmp_path)
    store.put("a", ARRAYS)
    found = store.get("a")
    assert {name for name, array in found.items() if isinstance(array, np.memmap)} == {"signal", "transposed"}
    assert found["signal"].ctypes.data % 64 == 0
    torch.from_numpy(found["signal"]).zero_()
    assert not recwarn.list and store.get("a")["signal"].max() > 0


def test_torn_files_are_absent_and_made_again(tmp_path, caplog):
    store = ArrayStore(tmp_path)
    store.put("a", ARRAYS)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    # a changed flag in the list of its parts (PKWARE, APPNOTE 4.3.12)
    encrypted = re.sub(rb"(?s)(PK\x01\x02....).", lambda head: head[1] + b"\x01", whole)
    for torn in (b"", whole[:50], whole[:-30], b"\0" * len(whole), whole[:-5000] + bytes(5000), encrypted):
        path.write_bytes(torn)
        caplog.clear()
        assert store.get("a") is None and str(path) in caplog.text
    path.unlink()
    os.mkfifo(path)  # which would be waited for
    made = store.make("a", lambda: {"x": np.ones(3)})
    np.testing.assert_array_equal(store.make("a", lambda: 1 / 0)["x"], made["x"])


def test_nothing_is_kept_without_a_folder():
    store = ArrayStore(None, what=["anything"])
    store.put("a", ARRAYS)
    assert store.get("a") is None and store.make("a", lambda: {"x": np.ones(1)})["x"] == 1


def test_results_of_something_else_lie_beside(tmp_path):
    one, other = ArrayStore(tmp_path, {"weights": "abc", "rows": np.arange(3)}), ArrayStore(tmp_path, {"weights": "b"})
    one.put("a", {"x": np.ones(1)})
    assert other.get("a") is None
    assert ArrayStore(tmp_path, {"rows": np.arange(3), "weights": "abc"}).get("a")["x"] == 1


def test_what_holds_python_objects_is_refused(tmp_path):
    with pytest.raises(ValueError):
        ArrayStore(tmp_path).put("a", {"x": np.array([{}], dtype=object)})
    assert not os.listdir(tmp_path)
    np.savez(tmp_path / "b.npz", x=np.array([{}] * 20_000, dtype=object))
    assert ArrayStore(tmp_path).get("b") is None


def test_digests_tell_values_apart():
    first = values_digest({"weights": "abc", "labels": np.array([[1, 0]])})
    assert values_digest({"labels": np.array([[1, 0]]), "weights": "abc"}) == first
    for labels in (np.array([[0, 1]]), np.array([1, 0]), np.array([[1, 0]], dtype=np.int8)):
        assert values_digest({"weights": "abc", "labels": labels}) != first
    with pytest.raises(TypeError, match="holds a set"):
        values_digest({"x": {1}})


def test_another_source_has_another_digest(tmp_path):
    (tmp_path / "rules").mkdir()
    paths = tmp_path / "one.py", tmp_path / "rules"
    for path in (paths[0], paths[1] / "two.py"):
        path.write_text("a = 1\n")
    first = source_digest(*paths)
    (paths[1] / "two.py").write_text("a = 2\n")
    assert source_digest(*paths) != first
