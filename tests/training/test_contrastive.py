"""Contrastive pretraining by recipe: what is trained, that it resumes, and the control with another patient's risk."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from datasets import load_dataset
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg import ECGForContrastivePreTraining, ECGResNeXtModel
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.methods.view_pairs import metadata_units
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe_facts import training_facts

RESNEXT = {"num_leads": 1, "num_samples": 100, "sampling_rate": 100, "widths": [8, 16], "depths": [1, 1]}


@pytest.fixture
def contrastive_recipe(text_recipe) -> dict:
    """CLEF in small: single leads, noise before the z-score, the age as a risk."""
    text_recipe["model"] = {
        "class": "ECGForContrastivePreTraining",
        "config": {"ecg_config": {"model_type": "ecg_resnext", "group_width": 4, "kernel_size": 6, **RESNEXT}},
    }
    steps = [{"name": "pick_lead"}, {"name": "views"}, {"name": "normalise", "method": "zscore"}]
    extractor = {"sampling_rate": 100, "leads": list(STANDARD_LEADS), "num_samples": 100, "steps": steps}
    text_recipe["processor"] = {"feature_extractor": extractor}
    text_recipe["data"]["columns"] = {"risk": "age"}
    views = [
        {"name": "electrode_noise", "rms": 0.1},
        {"name": "time_mask", "fraction": [0.1, 0.3], "probability": 0.2},
    ]
    text_recipe["method"] = {"name": "view_pairs", "options": {"views": views}}
    return text_recipe


def test_a_run_leaves_an_encoder_of_single_leads(contrastive_recipe, recipe_of, tmp_path):
    metrics = pretrain(recipe_of(contrastive_recipe, run__epochs=3, run__num_workers=0), tmp_path / "out")
    entries = [json.loads(line) for line in (tmp_path / "out/log.jsonl").read_text().splitlines()]
    losses = np.array([entry["loss"] for entry in entries if "lr" in entry]).reshape(3, -1).mean(1)
    assert np.isfinite(metrics["loss"]) and losses[-1] < losses[0]
    encoder = AutoModel.from_pretrained(tmp_path / "out/encoder")
    whole = AutoModel.from_pretrained(tmp_path / "out")
    assert isinstance(encoder, ECGResNeXtModel) and isinstance(whole, ECGForContrastivePreTraining)
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "out/encoder")
    signal = np.random.default_rng(0).normal(size=(12, 100))
    inputs = extractor(signal, 100, list(STANDARD_LEADS), "mV", lead="V2", return_tensors="pt")
    assert inputs["input_values"].shape == (1, 1, 100) and inputs["input_values"].std() == pytest.approx(1, abs=0.01)
    assert encoder.eval()(**inputs).pooler_output.isfinite().all()
    card = (tmp_path / "out/README.md").read_text()
    assert "**Self-supervised**" in card and "by clinical risk from column age." in card


def test_a_run_repeats_bit_for_bit_with_its_teacher_and_stopped_in_between(
    contrastive_recipe, recipe_of, tmp_path, monkeypatch
):
    contrastive_recipe["model"]["config"] |= {
        "loss_type": "byol",
        "projection_dim": 8,
        "projection_hidden_size": 12,
        "projection_norm": "batch_norm",
        "predictor_hidden_size": 6,
        "teacher_momentum": 0.5,
    }
    recipe = recipe_of(contrastive_recipe, run__num_workers=0)
    pretrain(recipe, tmp_path / "whole")
    follow = ECGForContrastivePreTraining.after_step

    def stop(self, step):
        follow(self, step)
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(ECGForContrastivePreTraining, "after_step", stop)
        with pytest.raises(InterruptedError, match="SIGTERM after step 4 of"):
            pretrain(recipe, tmp_path / "cut")
    pretrain(recipe, tmp_path / "cut", resume=True)
    whole, cut = (AutoModel.from_pretrained(tmp_path / name) for name in ("whole", "cut"))
    first, second = whole.state_dict(), cut.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    weights = (part.get_input_embeddings().weight for part in (whole.ecg_model, whole.teacher.ecg_model))
    assert not torch.equal(*weights)


def test_the_control_gives_every_record_another_patients_risk(contrastive_recipe, recipe_of):
    contrastive_recipe["data"]["columns"] = {"risk": "fold", "missing_rate": "age"}
    plain = build_parts(recipe_of(contrastive_recipe)).sources[0]
    shuffled = build_parts(recipe_of(contrastive_recipe, method__options__shuffle_risk=True)).sources[0]
    assert sorted(plain["fold"][:]) == sorted(shuffled["fold"][:]) and plain["fold"][:] != shuffled["fold"][:]
    assert plain["record_id"][:] == shuffled["record_id"][:]
    with pytest.raises(ValueError, match="no column to shuffle"):
        build_parts(recipe_of(contrastive_recipe, method__options__shuffle_risk=True, data__columns={"risk": None}))


def test_facts_say_what_patients_were_compared_by(contrastive_recipe, recipe_of, tmp_path):
    (source,) = contrastive_recipe["data"]["sources"]
    rows = load_dataset(source["path"], source["config"], split="train")
    made = {"risk": {"score": "SCORE2, SCORE2-OP", "region": "very_high", "out_of_range": "nan"}}
    (tmp_path / "summary.json").write_text(json.dumps(made))
    source["path"] = str(tmp_path)
    contrastive_recipe["data"]["columns"] = {"risk": "risk"}
    words = "column risk (SCORE2, SCORE2-OP, very high region, from age, sex alone)"
    for change, told in (
        ({}, words),
        ({"method__options__shuffle_risk": True}, f"{words}, shuffled across patients: a control"),
        ({"model__config__loss_type": "info_nce"}, None),
    ):
        recipe = recipe_of(contrastive_recipe, **change)
        facts = training_facts(recipe, sources=[rows], model_config=build_model(recipe.model).config)
        assert facts.sources[0].risk == told


def test_a_risk_that_no_row_knows_is_refused(contrastive_recipe, recipe_of):
    contrastive_recipe["data"]["columns"] = {"risk": "sbp_mmhg"}
    with pytest.raises(ValueError, match="none of the .* training rows knows 'sbp_mmhg'"):
        build_parts(recipe_of(contrastive_recipe))


def test_a_risk_column_that_is_not_there_is_named(contrastive_recipe, recipe_of):
    with pytest.raises(ValueError, match="no column 'agee'.*did you mean 'age'"):
        build_parts(recipe_of(contrastive_recipe, data__columns={"risk": "agee"}))


def with_metadata(recipe, **config):
    recipe["data"]["columns"] = {"metadata": ["fold"]}
    recipe["model"]["config"] |= {"loss_type": "info_nce", "metadata_weight": 1.0, **config}
    return recipe


def test_a_run_tells_metadata_beside_the_contrast(contrastive_recipe, recipe_of, tmp_path):
    recipe = recipe_of(with_metadata(contrastive_recipe), run__num_workers=0)
    folds = np.array(build_parts(recipe).sources[0]["fold"][:], dtype=float)
    pretrain(recipe, tmp_path / "out")
    model = AutoModel.from_pretrained(tmp_path / "out")
    assert model.config.metadata_columns == ["fold"] and model.config.metadata_binary == []
    assert model.config.metadata_mean == pytest.approx([folds.mean()])
    assert model.config.metadata_scale == pytest.approx([folds.std()])
    assert model.metadata_head[-1].out_features == 1
    assert "it knew of each patient column fold." in (tmp_path / "out/README.md").read_text()


def test_the_control_deals_metadata_to_other_patients(contrastive_recipe, recipe_of):
    recipe = with_metadata(contrastive_recipe)
    control = recipe_of(recipe, method__options__shuffle_metadata=True)
    plain, dealt = build_parts(recipe_of(recipe)), build_parts(control)
    folds = [parts.sources[0]["fold"][:] for parts in (plain, dealt)]
    assert folds[0] != folds[1] and sorted(folds[0]) == sorted(folds[1])
    facts = training_facts(control, model_config=dealt.model.config)
    assert facts.sources[0].metadata == "column fold, shuffled across patients: a control"
    batch = plain.collator(plain.rows.__getitems__([0, 1, 2]))
    assert batch["metadata"].flatten().tolist() == folds[0][:3]


def test_binary_columns_are_found_in_the_training_rows():
    values = np.array([[60.0, 1.0], [40.0, 0.0], [np.nan, np.nan]])
    units = metadata_units(values, ["age", "sex"])
    assert units["metadata_binary"] == ["sex"]
    assert units["metadata_mean"] == [50.0, 0.0] and units["metadata_scale"] == [10.0, 1.0]
    with pytest.raises(ValueError, match="1 different values of age, wanted several"):
        metadata_units(values[1:], ["age", "sex"])


def test_cached_gradients_know_the_metadata(contrastive_recipe, recipe_of, tmp_path):
    recipe = with_metadata(contrastive_recipe)
    options = {"run__num_workers": 0, "run__epochs": 1, "run__max_steps": 2}
    pretrain(recipe_of(recipe, **options), tmp_path / "plain")
    pretrain(recipe_of(recipe, run__accumulation=2, run__gradient="cached", **options), tmp_path / "cached")
    plain, cached = (AutoModel.from_pretrained(tmp_path / name).state_dict() for name in ("plain", "cached"))
    for name in plain:
        torch.testing.assert_close(plain[name], cached[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "loss, method, run",
    [
        ({"loss_type": "vicreg"}, {}, {}),
        ({"loss_type": "patient_contrastive"}, {"second_view": "half", "patient_ids": True}, {}),
        (
            {"loss_type": "patient_contrastive"},
            {"second_view": "patient", "patient_ids": True},
            {"gradient": "cached", "accumulation": 2, "batch_size": 8},
        ),
        ({"loss_type": "info_nce"}, {"second_view": "patient"}, {}),
    ],
)
def test_every_twin_of_the_recipe_trains(contrastive_recipe, recipe_of, tmp_path, loss, method, run):
    sizes = {"projection_dim": 8, "projection_hidden_size": 12, "projection_norm": "batch_norm"}
    contrastive_recipe["model"]["config"] |= sizes | loss
    contrastive_recipe["data"] = contrastive_recipe["data"] | {"columns": {}, "cache": True}
    contrastive_recipe["processor"]["feature_extractor"] |= {"num_samples": None}
    views = [{"name": "random_crop", "num_samples": 40}, {"name": "gaussian_noise", "rms": 0.1}]
    contrastive_recipe["method"]["options"] = {"views": views, "same_lead_probability": 1.0} | method
    contrastive_recipe["run"] |= {"epochs": 1, "num_workers": 0} | run
    metrics = pretrain(recipe_of(contrastive_recipe), tmp_path / "out")
    assert np.isfinite(metrics["loss"])
    card = (tmp_path / "out/README.md").read_text()
    assert "**Self-supervised**: trained on waveforms, without labels or texts." in card


def test_a_loss_that_asks_for_patients_says_which_option_gives_them(contrastive_recipe, recipe_of, tmp_path):
    contrastive_recipe["model"]["config"] |= {"loss_type": "patient_contrastive"}
    with pytest.raises(ValueError, match="needs patient_ids.*method.options.patient_ids"):
        pretrain(recipe_of(contrastive_recipe, run__num_workers=0), tmp_path / "out")
