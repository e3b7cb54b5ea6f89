import time

import pytest
import torch
from accelerate import Accelerator

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


def test_time_outside_the_work_is_waiting():
    clock = StepClock(torch.device("cpu"))
    time.sleep(0.06)
    clock.start_work()
    time.sleep(0.02)
    clock.stop_work(records=8)
    report = clock.read()
    assert 0.5 < report["waiting"] < 0.9
    assert 20 < report["records_per_second"] < 100
