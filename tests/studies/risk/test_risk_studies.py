"""Studies of what metadata can teach: the gradients of a recipe, and waveforms that a risk explains."""

import json

import numpy as np
import pytest
import torch

from hf_ecg import ECGForContrastivePreTraining
from hf_ecg.cli.application import application
from hf_ecg.simulation.risk_waveforms import risk_waveforms
from hf_ecg.studies.risk.gradients import measure_gradients
from hf_ecg.studies.risk.spread_report import gains
from tests.models.tiny.ecg_contrastive import contrastive_config
from tests.models.tiny.inputs import views
from tests.training_fixtures import corpus, empty_datasets_cache, recipe_of, text_recipe, text_tower  # noqa: F401


def batch_and_model(**options):
    torch.manual_seed(0)
    return ECGForContrastivePreTraining(contrastive_config(**options)), views(12, torch.Generator().manual_seed(1))


def test_a_stated_spread_of_weights_is_measured_as_stated():
    for spread, unit in ((0.7, "absolute"), (1.5, "logits")):
        model, batch = batch_and_model(risk_spread=spread, risk_spread_unit=unit, alignment_weight=0.0)
        found = measure_gradients(model, batch, torch.Generator().manual_seed(0))
        wanted = spread if unit == "absolute" else None
        if wanted is not None:
            assert found["log_weights_deviation"] == pytest.approx(wanted, rel=1e-4)
        else:
            ratio = found["log_weights_deviation"] / found["logits_deviation"]
            assert ratio == pytest.approx(spread, rel=0.02)
            assert found["weights_share"] == pytest.approx(spread**2 / (1 + spread**2), rel=1e-3)


def test_gradients_say_what_the_metadata_do():
    model, batch = batch_and_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    published = measure_gradients(model, batch, torch.Generator().manual_seed(0))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert 0 < published["dealt_difference"] < 1 and published["dealt_cosine"] < 1
    model, _ = batch_and_model(risk_spread=2.0, alignment_weight=0.0)
    wide = measure_gradients(model, batch, torch.Generator().manual_seed(0))
    assert wide["weights_difference"] > 2 * published["weights_difference"]
    # a loss without metadata has the gradient of InfoNCE, whoever's they are
    model, _ = batch_and_model(loss_type="info_nce")
    plain = measure_gradients(model, batch, torch.Generator().manual_seed(0))
    assert plain["dealt_difference"] == 0 and plain["info_nce_cosine"] == pytest.approx(1)
    assert "log_weights_deviation" not in plain


def test_the_command_measures_along_a_recipe(text_recipe, recipe_of, tmp_path):  # noqa: F811
    encoder = {"model_type": "ecg_resnext", "num_leads": 1, "num_samples": 100, "sampling_rate": 100}
    encoder |= {"widths": [8, 16], "depths": [1, 1], "group_width": 4, "kernel_size": 6}
    text_recipe["model"] = {"class": "ECGForContrastivePreTraining", "config": {"ecg_config": encoder}}
    steps = [{"name": "pick_lead"}, {"name": "normalise", "method": "zscore"}]
    extractor = {"sampling_rate": 100, "leads": ["I"], "num_samples": 100, "steps": steps}
    text_recipe["processor"] = {"feature_extractor": extractor}
    text_recipe["data"]["columns"] = {"risk": "fold"}
    text_recipe["method"] = {"name": "view_pairs", "options": {"views": [{"name": "gaussian_noise", "rms": 0.1}]}}
    recipe_of(text_recipe).save(tmp_path / "recipe.yaml")
    arguments = ["--config", str(tmp_path / "recipe.yaml"), "--output", str(tmp_path / "out.json")]
    application(["study", "risk-gradient", *arguments, "--steps", "0,2"], standalone_mode=False)
    report = json.loads((tmp_path / "out.json").read_text())
    assert list(report["steps"]) == ["0", "2"]
    assert report["steps"]["0"]["log_weights_deviation"] > 0
    assert "| SD of the log-weights |" in (tmp_path / "out.md").read_text()
    with pytest.raises(ValueError, match="wanted numbers from 0 to"):
        application(["study", "risk-gradient", *arguments, "--steps", "0,9999"], standalone_mode=False)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_a_risk_explains_the_stated_share_of_the_beats(share):
    made = risk_waveforms(600, share, seed=3, samples=300)
    assert made.signals.shape == (600, 1, 300) and made.signals.dtype == np.float32
    again = risk_waveforms(600, share, seed=3, samples=300)
    np.testing.assert_array_equal(made.signals, again.signals)
    # the beat around the highest sample: how much of its variance a line in the log-risk explains
    signals = made.signals[:, 0]
    places = np.clip(signals[:, 60:240].argmax(1) + 60, 40, 250)
    beats = np.array([signal[place - 25 : place + 45] for signal, place in zip(signals, places, strict=True)])
    beats, told = beats - beats.mean(0), np.log(made.risk) - np.log(made.risk).mean()
    slope = beats.T @ told / (told @ told)
    noise = 70 * 0.04**2 * len(beats)
    explained = (slope @ slope) * (told @ told) / ((beats**2).sum() - noise)
    assert explained == pytest.approx(share, abs=0.12)


def test_shares_outside_of_zero_to_one_are_refused():
    with pytest.raises(ValueError, match="share is 1.5"):
        risk_waveforms(4, 1.5, seed=0)


def test_the_command_finds_what_a_spread_gains(tmp_path):
    arguments = ["--shares", "0.2", "--spreads", "1", "--seeds", "0", "--steps", "2", "--records", "128"]
    arguments += ["--picture"]
    application(["study", "risk-spread", *arguments, "--output_dir", str(tmp_path / "out")], standalone_mode=False)
    report = json.loads((tmp_path / "out/risk_spread.json").read_text())
    assert [run["way"] for run in report["runs"]] == ["InfoNCE", "published", "1"]
    spreads = [run["spread"] for run in report["runs"]]
    assert spreads[0] == 0 and spreads[2] == pytest.approx(1, rel=1e-3)
    assert (tmp_path / "out/risk_spread.png").is_file()
    ((spread, gain),) = gains(report["runs"])[0.2, "1"]
    assert gain == pytest.approx(report["runs"][2]["r2"] - report["runs"][0]["r2"])
