import os
import resource
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from hf_ecg.data import batch_loader
from hf_ecg.data.batch_loader import BatchLoader, naming_lost_processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="loaders are forked on Linux alone")


def collate(rows):
    number = torch.tensor(rows)
    made = {
        "values": number[:, None] * torch.ones(1, 50),
        "whole": number,
        "mask": number > 3,
        "names": map(str, rows),
    }
    return {key: list(value) if key == "names" else value for key, value in made.items()}


def loader(dataset=range(10), collate_fn=collate, workers=2, **options):
    context = "fork" if workers else None
    return BatchLoader(
        dataset, collate_fn=collate_fn, num_workers=workers, batch_size=4, multiprocessing_context=context, **options
    )


def same(one, other):
    tensors = all(torch.equal(one[key], other[key]) for key in ("values", "whole", "mask"))
    return tensors and one["names"] == other["names"] and one["values"].dtype == other["values"].dtype


def test_a_killed_process_is_told_wherever_torch_notices():
    def training():
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")

    with pytest.raises(ChildProcessError, match="a process of the loader ended: DataLoader worker .pid 7. is killed"):
        naming_lost_processes(training)()
    peer = RuntimeError("[/x/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:60113. GLHF!")
    with pytest.raises(ConnectionError, match="another process of the run ended.*Connection closed by peer"):
        naming_lost_processes(lambda: (_ for _ in ()).throw(peer))()
    with pytest.raises(RuntimeError, match="^another$"):
        naming_lost_processes(lambda: (_ for _ in ()).throw(RuntimeError("another")))()


@pytest.mark.parametrize("folder", ["/dev/shm", "/proc"])
def test_batches_are_the_same_with_and_without_shared_memory(monkeypatch, caplog, folder):
    monkeypatch.setattr(batch_loader, "SHARED_MEMORY", folder)  # /proc has no space at all
    batch_loader.logger.warning_once.cache_clear()
    found, wanted = list(loader()), list(loader(workers=0))
    assert len(found) == len(wanted) == 3 and all(map(same, found, wanted))
    assert caplog.text.count("they come through pipes") == (folder == "/proc")
    assert found[0]["values"].is_shared() == (folder != "/proc")


class Rows:
    def __init__(self, act):
        self.act = act

    def __len__(self):
        return 8

    def __getitem__(self, place):
        if place == 5:
            self.act()
        return place


def refuse():
    raise ValueError("record r5: no lead\nof a name")


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (refuse, ValueError, "^record r5: no lead\nof a name$"),
        (lambda: time.sleep(2), TimeoutError, "within 0.5 s: is /dev/shm full"),
    ],
)
def test_what_goes_wrong_in_a_process_is_one_sentence(act, error, words):
    with pytest.raises(error, match=words):
        list(loader(Rows(act), workers=1, timeout=0.5 if error is TimeoutError else 60.0))


def test_shared_memory_is_that_of_all_loaders_of_the_machine(monkeypatch):
    """Four workers of three ranks may each have two batches there; and a batch is one file, whose size has a limit."""
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    batch, batches = {"x": torch.zeros(1000)}, 2 * 4 * 3
    through_pipe = {}
    for free in (4000 * batches - 1, 4000 * batches):
        space = SimpleNamespace(f_bavail=free, f_frsize=1)
        monkeypatch.setattr(os, "statvfs", lambda path, space=space: space)
        through_pipe[free] = loader(collate_fn=lambda rows: batch, workers=4).collate_fn([])[1]
    assert list(through_pipe.values()) == [True, False]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3999, hard))
    try:
        assert loader(collate_fn=lambda rows: batch, workers=4).collate_fn([])[1]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
