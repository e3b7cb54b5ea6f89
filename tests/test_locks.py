"""One process an output: who comes second is told of the first, and a kill gives the output back."""

import contextlib
import os
import signal
import threading
import time

import pytest

from hf_ecg.locks import BeingWritten, OutputLock, output_lock


@pytest.fixture
def holder(tmp_path):
    """The number of a process that holds `tmp_path/out` until it is killed."""
    held, told = os.pipe()
    if (process := os.fork()) == 0:
        try:
            OutputLock(tmp_path / "out").acquire()
            os.write(told, b".")
            time.sleep(600)
        finally:
            os._exit(1)
    os.close(told)
    assert os.read(held, 1) == b"."
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    os.close(held)


def test_the_second_process_is_told_of_the_first_and_a_kill_gives_the_output_back(holder, tmp_path):
    with pytest.raises(BeingWritten, match=rf"out is being written by process {holder} on \S+ \(.*choose another"):
        OutputLock(tmp_path / "out").acquire()
    with output_lock(tmp_path / "other"):
        pass  # another output of the same folder
    started = time.monotonic()
    threading.Timer(0.2, lambda: os.kill(holder, signal.SIGKILL)).start()
    with output_lock(tmp_path / "out", wait_seconds=60):
        assert time.monotonic() - started >= 0.2
    assert os.listdir(tmp_path) == []


def test_an_output_is_one_by_all_its_names(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with output_lock(tmp_path / "real"):
        lock = OutputLock(tmp_path / "link")
        lock.acquire()  # inside the block it is ours
        found = []

        def ask():  # a thread is somebody else
            try:
                OutputLock(tmp_path / "link").acquire()
            except BeingWritten as error:
                found.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(found) == 1


def test_a_forked_child_neither_keeps_nor_ends_a_lock(tmp_path):
    lock = OutputLock(tmp_path / "out")
    lock.acquire()
    if (child := os.fork()) == 0:
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(BeingWritten):
        OutputLock(tmp_path / "out").acquire()
    ready, told = os.pipe()
    if (child := os.fork()) == 0:
        os.read(ready, 1)
        os._exit(0)
    lock.release()
    OutputLock(tmp_path / "out").acquire()
    os.write(told, b".")
    os.waitpid(child, 0)


@pytest.mark.parametrize("kind", ["link", "file", "folder"])
def test_somebodys_file_in_the_place_of_the_lock_stays(tmp_path, kind):
    place, diary = tmp_path / ".out.lock", tmp_path / "diary"
    diary.write_text("precious")
    if kind == "link":
        place.symlink_to(diary)
    elif kind == "file":
        place.write_text("precious")
    else:
        place.mkdir()
    with pytest.raises(OSError, match=r"\.out\.lock"):
        OutputLock(tmp_path / "out").acquire()
    assert diary.read_text() == "precious" and (kind != "file" or place.read_text() == "precious")


def test_what_a_killed_process_left_is_taken_over(tmp_path):
    (tmp_path / ".out.lock").write_text("process 1 on here (sleep)")
    with output_lock(tmp_path / "out"):
        assert f"process {os.getpid()} on " in (tmp_path / ".out.lock").read_text()
    assert os.listdir(tmp_path) == []
