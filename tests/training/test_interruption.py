"""A rank whose launcher was killed ends, wherever it is."""

import os
import select
import signal
import subprocess
import time

import pytest

from hf_ecg.training.interruption import LauncherWatch, is_orphan
from hf_ecg.training.processes import is_launched


@pytest.mark.parametrize("launched", [True, False])
def test_a_rank_ends_with_its_launcher(launched):
    told, ended = os.pipe(), os.pipe()
    if (launcher := os.fork()) == 0:
        if (rank := os.fork()) == 0:
            try:
                LauncherWatch(launched)
                # only now: a launcher that is killed before its rank looked is the case of another test
                os.write(told[1], os.getpid().to_bytes(4, "big"))
                time.sleep(60)
            finally:
                os._exit(0)
        os.close(ended[1])
        time.sleep(60)
        os._exit(0)
    os.close(ended[1])
    rank = int.from_bytes(os.read(told[0], 4), "big")
    os.kill(launcher, signal.SIGKILL)
    os.waitpid(launcher, 0)
    # the rank holds the last end of this pipe
    found, _, _ = select.select([ended[0]], [], [], 50 if launched else 1.5)
    try:
        assert bool(found) == launched
    finally:
        if not found:
            os.kill(rank, signal.SIGKILL)
        for end in (*told, ended[0]):
            os.close(end)


def test_what_launchers_leave_in_the_environment():
    assert is_launched({"ACCELERATE_MIXED_PRECISION": "no"}) and is_launched({"TORCHELASTIC_RUN_ID": "a"})
    assert is_launched({"OMPI_COMM_WORLD_SIZE": "2"}) and not is_launched({"WORLD_SIZE": "2", "RANK": "0"})


def test_a_rank_whose_launcher_was_killed_before_it_looked_is_an_orphan():
    launched = {"TORCHELASTIC_RUN_ID": "none"}
    assert not is_orphan(os.getpid(), launched) and not is_orphan(1, {})
    if not os.path.isdir("/proc/self"):
        pytest.skip("no Linux: a parent's command line cannot be read")
    adopting = subprocess.Popen(["sleep", "60"])
    try:
        assert is_orphan(adopting.pid, launched) and not is_orphan(adopting.pid, {"WORLD_SIZE": "2"})
    finally:
        adopting.kill()
        adopting.wait()
