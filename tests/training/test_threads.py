"""Threads and loader processes share the cores, and slow steps are noticed."""

import os

import pytest
import torch

from hf_ecg import cores
from hf_ecg.cores import default_processes, usable_cores
from hf_ecg.training import processes
from hf_ecg.training.progress import SlowSteps
from hf_ecg.training.recipe_sections import RunSection


def run_section(**given):
    return RunSection(epochs=1, batch_size=8, **given)


@pytest.fixture
def machine(monkeypatch):
    def of(number, threads=None):
        monkeypatch.setattr(processes, "usable_cores", lambda: number)
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads or number)

    return of


@pytest.mark.parametrize("number", [1, 2, 3, 4, 8, 16, 64])
@pytest.mark.parametrize("num_processes", [1, 2, 4])
def test_all_threads_and_loaders_fit_the_cores(machine, number, num_processes):
    machine(number)
    run = run_section()
    threads = processes.training_threads(run, num_processes, {})
    loaders = processes.loader_processes(run.num_workers, num_processes)
    assert threads >= 1 and (num_processes * (threads + loaders) <= max(number, num_processes))


def test_who_says_a_number_gets_it(machine):
    machine(8, threads=3)
    assert processes.training_threads(run_section(num_threads=5), 2, {"OMP_NUM_THREADS": "3"}) == 5
    assert processes.training_threads(run_section(), 2, {"OMP_NUM_THREADS": "3"}) == 3
    assert processes.training_threads(run_section(num_workers=0), 1, {}) == 3  # never more than torch would take
    machine(8)
    assert processes.training_threads(run_section(num_workers=0), 4, {"LOCAL_WORLD_SIZE": "2"}) == 4


@pytest.mark.parametrize(
    "quota, wanted", [("100000 100000", 1), ("max 100000", None), ("20000 100000", 1), ("?", None)]
)
def test_a_containers_share_counts(monkeypatch, tmp_path, quota, wanted):
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert usable_cores() == (wanted or here)
    assert default_processes(3) == 3 and default_processes() == min(wanted or here, 8)


def test_steps_that_become_ten_times_slower_are_told_once():
    slow = SlowSteps()
    # the first look holds the start of everything
    assert [slow.look(seconds) for seconds in [9.0, 0.1, 0.1, 5.0, 0.1, 0.1, 0.9]] == [None] * 7
    hint = slow.look(1.2)
    assert hint.startswith("steps take 12 times as long as at the start: is the machine busy")
    assert slow.look(5.0) is None
