from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator

from hf_ecg.training import tracking
from hf_ecg.training.log_file import read_log
from hf_ecg.training.tracking import RunLog, StepClock


def test_lines_after_the_checkpoint_are_cut_off(tmp_path):
    log = RunLog(tmp_path, Accelerator())
    log.write("train", {"step": 1, "loss": 0.5})
    size = log.size()
    log.write("train", {"step": 2, "loss": 0.4})
    log.close()
    log = RunLog(tmp_path, Accelerator(), size=size, step=1)
    log.write("train", {"step": 2, "loss": 0.3})
    log.close()
    assert read_log(tmp_path) == [
        {"kind": "train", "step": 1, "loss": 0.5},
        {"kind": "train", "step": 2, "loss": 0.3},
    ]


def test_tensorboard_on_request(tmp_path):
    pytest.importorskip("tensorboard")
    log = RunLog(tmp_path, Accelerator(log_with=["tensorboard"], project_dir=str(tmp_path)), {"run": {"seed": 0}})
    log.write("train", {"step": 1, "loss": 0.5})
    log.close()
    assert list((tmp_path / "hf_ecg").glob("events*"))


def test_time_outside_the_work_is_waiting(monkeypatch):
    # begun, work from 0.06 to 0.08 s, read; a real clock goes on while another process has the machine
    seconds = iter([0.0, 0.06, 0.08, 0.08])
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
        clock = StepClock(torch.device("cpu"))
        clock.start_work()
        clock.stop_work(records=8)
        report = clock.read()
    assert report == {"records_per_second": 100.0, "waiting": 0.75}
