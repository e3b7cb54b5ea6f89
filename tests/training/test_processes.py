import multiprocessing
import sys

import pytest
import torch
from torch.utils.data import DataLoader

from hf_ecg.training.processes import connect, processes_asked_for, seed_step, start_loader_process
from hf_ecg.training.recipe_sections import RunSection


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, 1),
        ({"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}, 2),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, 4),
        # what `accelerate launch --cpu --num_processes 2` leaves
        ({"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}, 2),
        ({"ACCELERATE_MIXED_PRECISION": "no"}, 1),
        ({"MASTER_ADDR": "node1"}, 1),
    ],
)
def test_the_launcher_says_how_many_were_asked_for(environment, asked):
    assert processes_asked_for(environment) == asked


def test_the_recipe_may_ask_for_a_number(tmp_path):
    with pytest.raises(ValueError, match="run.num_processes is 2, 1 connected"):
        connect(RunSection(epochs=1, batch_size=4, num_processes=2), tmp_path)


def test_processes_that_are_not_connected_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with pytest.raises(ValueError, match="at least 2 processes were asked for, 1 is connected"):
        connect(RunSection(epochs=1, batch_size=4), tmp_path)


def test_dropout_is_a_function_of_seed_step_and_rank():
    def mask(*position):
        seed_step(*position)
        return torch.rand(8).tolist()

    assert mask(0, 5, 0) == mask(0, 5, 0)
    assert len({tuple(mask(*p)) for p in [(0, 5, 0), (1, 5, 0), (0, 6, 0), (0, 5, 1)]}) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="loaders are forked on Linux alone")
def test_loader_processes_outlive_a_signal_to_the_whole_group():
    """A scheduler's SIGTERM reaches them too, while the run still needs their batches to end a step and save."""
    before = set(multiprocessing.active_children())
    loader = DataLoader(
        range(40), num_workers=1, worker_init_fn=start_loader_process, multiprocessing_context="fork", batch_size=1
    )
    batches = iter(loader)
    next(batches)
    for worker in set(multiprocessing.active_children()) - before:
        worker.terminate()
    assert len(list(batches)) == 39
