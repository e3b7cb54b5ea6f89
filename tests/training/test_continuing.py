"""Training on from a whole model of an earlier run."""

import pytest
import torch

from hf_ecg import ECGTextModel
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts

QUICK = {"run__epochs": 1, "run__num_workers": 0}
STANDARDISED = {"model__config__standardise_text": True, "freeze": ["text_model"]}


@pytest.fixture
def first(text_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(text_recipe, **QUICK, **STANDARDISED), tmp_path / "first")
    return tmp_path / "first"


@pytest.fixture
def second_recipe(text_recipe, first):
    text_recipe["model"] = {"class": "ECGTextModel", "init_from": {"model": str(first)}}
    return text_recipe


def test_all_weights_and_text_statistics_go_on(second_recipe, recipe_of, first, tmp_path):
    before = ECGTextModel.from_pretrained(first).state_dict()
    parts = build_parts(recipe_of(second_recipe))
    for name, value in parts.model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)
    changes = {"data__sources__0__folds__train": [1], "freeze": ["text_model"], "optimizer__lr": 1e-3}
    pretrain(recipe_of(second_recipe, **QUICK, **changes), tmp_path / "second")
    after = ECGTextModel.from_pretrained(tmp_path / "second").state_dict()
    statistics = [name for name in after if name.startswith(("text_mean", "text_scale", "text_whitener"))]
    assert statistics and all(torch.equal(before[name], after[name]) for name in statistics)
    assert not torch.equal(before["logit_scale"], after["logit_scale"])
    # what the first run has seen, the second one knows too
    (before,), (after,) = (read_training_facts(folder).sources for folder in (first, tmp_path / "second"))
    assert set(before.train_folds) <= set(after.train_folds)


def test_values_without_weights_may_change(second_recipe, recipe_of):
    model = build_parts(recipe_of(second_recipe, model__config__mitigation_weight=0.25)).model
    assert model.config.mitigation_weight == 0.25 and model.config.standardise_text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__config__projection_dim": 3}, "other shapes"),
        ({"model__config__ecg_config": {"model_type": "ecg_resnet"}}, "found model.config.ecg_config"),
        ({"model__config__standardise_text": False}, "do not fit: .*text_mean"),
    ],
)
def test_what_does_not_fit_the_weights_is_refused(second_recipe, recipe_of, changes, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        build_parts(recipe_of(second_recipe, **changes))


def test_a_second_source_of_weights_is_refused(second_recipe, recipe_of, first, text_tower):
    sources = {"model": str(first), "text_model": str(text_tower)}
    with pytest.raises(ValueError, match="no other source of weights, found text_model"):
        build_parts(recipe_of(second_recipe, model__init_from=sources))
    with pytest.raises(ValueError, match="is a bert, wanted ecg_text"):
        build_parts(recipe_of(second_recipe, model__init_from={"model": str(text_tower)}))
