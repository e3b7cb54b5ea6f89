"""The step `views`: nothing at inference, and the place where random views act in training."""

import json

import numpy as np
import pytest
import torch

from hf_ecg.data.views import apply_views
from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.signals.normalisation import normalise

VIEWS = {"name": "views"}
NORMALISATIONS = [
    {"method": "zscore"},
    {"method": "zscore", "over": "record"},
    {"method": "minmax", "over": "record", "minimum": -3.0, "maximum": 3.0},
    {"method": "divide", "divisor": 3.0},
]
RANDOM = [
    {"name": "lead_dropout", "lead_probability": 0.3},
    {"name": "gaussian_noise", "rms": 0.1},
    {"name": "time_shift", "max_samples": 90},
]


def extractor(*steps, num_samples=1000, rate=100, **kwargs):
    return ECGFeatureExtractor(sampling_rate=rate, num_samples=num_samples, steps=list(steps), **kwargs)


def in_views(batch, views=RANDOM, seed=0):
    made = apply_views(
        batch["input_values"],
        views,
        torch.Generator().manual_seed(seed),
        lead_mask=batch["lead_mask"],
        sample_mask=batch["sample_mask"],
        sampling_rate=100,
    )
    return dict(batch) | made._asdict()


@pytest.fixture
def records(ecg):
    """Twelve leads; one of a record and two of another are absent, and one record is shorter."""
    signals = [ecg(seed=seed, num_samples=1000 if seed else 900) for seed in range(4)]
    signals[1][7] = np.nan
    signals[2][9:11] = np.nan
    return signals


@pytest.mark.parametrize("options", NORMALISATIONS, ids=lambda options: "/".join(map(str, options.values())))
def test_what_stands_behind_follows_the_views_bit_for_bit(records, options):
    made = extractor({"name": "pad"}, VIEWS, {"name": "normalise", **options})
    viewed = in_views(made.before_views(records, 100, STANDARD_LEADS, "mV"))
    batch = made.after_views(viewed)
    # float64 over all samples of present leads, padding included; absent leads zero; rounded once
    mask = viewed["lead_mask"]
    values = normalise(viewed["input_values"].double().numpy(), lead_mask=mask.numpy(), **options)
    expected = torch.from_numpy(values).float().masked_fill(~mask[..., None], 0.0)
    assert not mask.all() and not viewed["sample_mask"].all()
    assert torch.equal(batch["input_values"], expected) and batch["input_values"].dtype == torch.float32
    for name in ("lead_mask", "sample_mask"):
        assert torch.equal(batch[name], viewed[name]) and batch[name].dtype == torch.bool


def test_nothing_at_inference(records):
    steps = [{"name": "pad"}, {"name": "normalise", "method": "zscore"}]
    plain = extractor(*steps)(records, 100, STANDARD_LEADS, "mV")
    marked = extractor(steps[0], VIEWS, steps[1])(records, 100, STANDARD_LEADS, "mV")
    assert set(plain) == set(marked)
    for name in plain:
        assert np.array_equal(plain[name], marked[name])


def test_the_halves_without_views_are_the_whole(records):
    made = extractor({"name": "pad"}, VIEWS, {"name": "divide", "divisor": 4.0})
    whole = made(records, 100, STANDARD_LEADS, "mV", return_tensors="pt")
    halves = made.after_views(made.before_views(records, 100, STANDARD_LEADS, "mV"))
    assert list(halves) == list(whole)
    for name in whole:
        assert torch.equal(halves[name], whole[name])


def test_without_the_step_the_views_come_last(records):
    made = extractor({"name": "pad"}, {"name": "normalise", "method": "zscore", "return_amplitude": True})
    before = made.before_views(records, 100, STANDARD_LEADS, "mV")
    whole = made(records, 100, STANDARD_LEADS, "mV", return_tensors="pt")
    assert list(before) == list(whole) and all(torch.equal(before[name], whole[name]) for name in whole)
    viewed = in_views(before)
    after = made.after_views(viewed)
    assert torch.equal(after["input_values"], viewed["input_values"])
    dropped = ~viewed["lead_mask"]
    assert not after["amplitude"][dropped].any()
    assert torch.equal(after["amplitude"][~dropped], before["amplitude"][~dropped])


def test_views_may_crop_and_the_masks_follow_record_by_record(records):
    steps = [VIEWS, {"name": "crop", "num_samples": 450, "position": "end"}, {"name": "pad", "num_samples": 500}]
    made = extractor(*steps, {"name": "divide", "divisor": 2.0}, num_samples=500)
    before = made.before_views(records, 100, STANDARD_LEADS, "mV")
    assert before["input_values"].shape == (4, 12, 1000)
    assert before["sample_mask"].sum(1).tolist() == [900, 1000, 1000, 1000]
    viewed = in_views(before, [{"name": "time_shift", "max_samples": 300}])
    batch = made.after_views(viewed)
    assert torch.equal(batch["sample_mask"][:, :450], viewed["sample_mask"][:, 550:])
    assert not batch["sample_mask"][:, 450:].any() and not batch["input_values"][..., 450:].any()
    assert torch.equal(batch["input_values"][..., :450], viewed["input_values"][..., 550:] / 2)
    shorter = made.after_views(in_views(before, [{"name": "random_crop", "num_samples": 300}]))
    assert shorter["input_values"].shape == (4, 12, 500) and shorter["sample_mask"].sum(1).tolist() == [300] * 4


def test_one_lead_and_keys_of_others(ecg):
    made = extractor({"name": "pick_lead"}, VIEWS, {"name": "normalise", "method": "zscore"})
    batch = made.before_views(ecg(3), 100, ["I", "II", "V1"], "mV", lead="II")
    labels = torch.tensor([1.0])
    after = made.after_views({**batch, "labels": labels})
    assert after["labels"] is labels
    whole = made(ecg(3), 100, ["I", "II", "V1"], "mV", lead="II", return_tensors="pt")
    torch.testing.assert_close(after["input_values"], whole["input_values"], atol=1e-5, rtol=0)


def test_the_inputs_are_left_alone(records):
    made = extractor({"name": "pad"}, VIEWS, {"name": "divide", "divisor": 4.0})
    viewed = in_views(made.before_views(records, 100, STANDARD_LEADS, "mV"))
    copies = {name: tensor.clone() for name, tensor in viewed.items()}
    made.after_views(viewed)
    assert all(torch.equal(viewed[name], copies[name]) for name in copies)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([VIEWS, VIEWS], "views twice"),
        ([VIEWS, {"name": "resample"}], "resample behind views"),
        ([VIEWS, {"name": "select_leads"}], "select_leads behind views"),
        ([VIEWS, {"name": "multi_crop", "count": 2}], "multi_crop behind views"),
        ([VIEWS, {"name": "quality_gate"}], "quality_gate behind views"),
        ([{"name": "view"}], "did you mean 'views'"),
        ([VIEWS | {"probability": 0.5}], "unknown parameter 'probability'"),
    ],
)
def test_where_views_may_not_stand(steps, message):
    with pytest.raises(ValueError, match=message):
        extractor(*steps)


def test_what_views_cannot_be_given(records):
    made = extractor({"name": "pad"}, VIEWS, {"name": "divide", "divisor": 4.0})
    batch = dict(made.before_views(records, 100, STANDARD_LEADS, "mV"))
    del batch["sample_mask"]
    with pytest.raises(ValueError, match="lacks .'sample_mask'"):
        made.after_views(batch)
    gappy = records[3].copy()
    gappy[2, 5] = np.nan
    with pytest.raises(ValueError, match="lead III has 1 samples.*before the step views: add fill_missing"):
        made.before_views(gappy, 100, STANDARD_LEADS, "mV")


def test_views_rate_is_that_of_the_place():
    assert extractor().views_sampling_rate == 100
    assert extractor({"name": "resample"}, VIEWS).views_sampling_rate == 100
    twice = [{"name": "resample", "target_rate": 250}, {"name": "resample"}]
    assert extractor(*twice, VIEWS).views_sampling_rate == 100
    assert extractor(twice[0], VIEWS).views_sampling_rate == 250


def test_the_digest_names_what_stands_before(tmp_path):
    before, behind = {"name": "resample"}, {"name": "normalise", "method": "zscore"}
    made = extractor(before, VIEWS, behind)
    made.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert VIEWS in saved["steps"]
    reloaded = ECGFeatureExtractor.from_pretrained(tmp_path)
    assert reloaded.steps == made.steps and reloaded.steps_digest() == made.steps_digest()
    # the same waveforms before the views, whatever follows
    assert made.steps_digest() == extractor(before, VIEWS).steps_digest() == extractor(before).steps_digest()
    assert made.steps_digest(before_views=False) != extractor(before, VIEWS).steps_digest(before_views=False)
    others = [
        extractor(before, behind),
        extractor(before, VIEWS, rate=200),
        extractor(before, VIEWS, num_samples=900),
        extractor(before, VIEWS, leads=STANDARD_LEADS[:6]),
        extractor({"name": "resample", "method": "fft"}, VIEWS),
    ]
    digests = {made.steps_digest(), *(other.steps_digest() for other in others)}
    assert len(digests) == 6 and all(int(digest, 16) for digest in digests)
