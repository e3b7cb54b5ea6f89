"""Extractors that make several rows of a record, in training: one row, at random or two segments side by side."""

import numpy as np
import pytest
import torch

from hf_ecg import ECGFeatureExtractor
from hf_ecg.data.collators import ECGContrastiveCollator, ECGWaveformCollator

SEGMENTS = [{"name": "select_leads"}, {"name": "segments"}, {"name": "pad"}]


def extractor(*steps):
    return ECGFeatureExtractor(100, ["I", "II"], 40, list(steps) or SEGMENTS)


def rows(samples=100, epoch=0):
    counts = np.arange(samples, dtype=np.int16)
    about = {"sampling_rate": 100.0, "leads": ["I", "II"], "gain": [100.0, 100.0], "baseline": [0.0, 0.0]}
    about |= {"num_samples": samples, "signal": np.concatenate([counts, -counts])}
    return [about | {"record_id": str(n), "record_index": n, "epoch": epoch, "patient_id": "p"} for n in range(3)]


def test_without_views_it_is_the_first_row():
    batch = ECGWaveformCollator(extractor())(rows())
    assert batch["input_values"].shape == (3, 2, 40) and "record_index" not in batch
    torch.testing.assert_close(batch["input_values"][0, 0], torch.arange(40) / 100)


SCALE, CROP = {"name": "amplitude_scale", "factor": 1.0}, {"name": "random_crop", "num_samples": 40}


@pytest.mark.parametrize("view", [SCALE, CROP], ids=lambda view: view["name"])
def test_views_begin_with_a_random_crop(view):
    starts = set()
    for epoch in range(8):
        batch = ECGWaveformCollator(extractor(), views=[view])(rows(epoch=epoch))
        values = batch["input_values"]
        assert values.shape == (3, 2, 40) and torch.allclose(values[:, 0].diff(dim=1), torch.tensor(0.01))
        starts |= set((values[:, 0, 0] * 100).round().int().tolist())
    assert len(starts) > 10 and max(starts) > 40


def test_halves_are_two_segments_that_follow_each_other():
    collator = ECGContrastiveCollator(extractor(), second_view="half", patient_ids=True, record_seeds=True)
    batch = collator(rows())
    for name, first in (("", 0), ("second_", 40)):
        wanted = torch.arange(first, first + 40) / 100
        torch.testing.assert_close(batch[f"{name}input_values"][2, 0], wanted)
    assert len(batch["patient_ids"].unique()) == 1 and len(batch["record_seeds"].unique()) == 3
    assert not torch.equal(collator(rows(epoch=1))["record_seeds"], batch["record_seeds"])
    short = collator(rows(samples=40))
    assert short["sample_mask"].sum() == 3 * 20 and short["second_sample_mask"].sum() == 3 * 20


def test_views_in_another_place_are_refused():
    steps = [{"name": "select_leads"}, {"name": "multi_crop", "count": 2}, {"name": "views"}]
    with pytest.raises(ValueError, match="views beside multi_crop, in whose place views act"):
        ECGWaveformCollator(extractor(*steps), views=[{"name": "amplitude_scale"}])
