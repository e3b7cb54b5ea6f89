"""A model and records of several kinds for it."""

import pytest
import torch

from hf_ecg import ECGFeatureExtractor, ECGResNetModel
from tests.embed.made_records import write_record
from tests.evaluation.tiny import LEADS, ecg_config


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A twelve-lead encoder of windows of one second, with an extractor that resamples, crops and pads."""
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    model = ECGResNetModel(ecg_config()).eval()
    for module in model.modules():  # batch statistics as training leaves them
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2)
    model.save_pretrained(folder)
    ECGFeatureExtractor(sampling_rate=100, num_samples=100).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Seven records of several rates, lengths and lead sets, in two folders."""
    folder = tmp_path_factory.mktemp("embed") / "records"
    write_record(folder, "a", seconds=1)
    write_record(folder, "b", seconds=2.5, rate=500, seed=1)
    write_record(folder, "c", seconds=0.6, rate=257, seed=2)
    write_record(folder / "deeper", "a", seconds=1, rate=360, leads=["I", "II", "V2"], seed=3)
    write_record(folder / "deeper", "d", seconds=3.05, rate=100, leads=list(reversed(LEADS)), seed=4)
    write_record(folder / "deeper", "e", seconds=1, rate=1000, seed=5)
    return folder
