"""CLEAR-HUG's recipes: whole, with the released values, and both stages trainable one after the other."""

import dataclasses

import pytest
import torch
from transformers import set_seed

from hf_ecg import AutoModelForECGClassification, CLEARConfig, CLEARModel, ECGFeatureExtractor
from hf_ecg.models.clear.convert_clear import clear_config, clear_feature_extractor
from hf_ecg.recipes_found import find_recipe
from hf_ecg.training import pretrain
from hf_ecg.training.recipe import load_recipe
from tests.models.tiny.clear import SIZES
from tests.training_fixtures import corpus, empty_datasets_cache, fresh_accelerate_state  # noqa: F401

NAMES = ("clear", "clear_ptb_xl", "clear_hug", "clear_hug_ptb_xl")


@pytest.mark.parametrize("name", NAMES)
def test_network_and_beats_fit_each_other(name):
    recipe = load_recipe(find_recipe(name))
    extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
    config, last = CLEARConfig(**recipe.model.config), extractor.steps[-1]
    assert (config.beat_samples, config.num_beats) == (last["token_samples"], last["beats_per_lead"])
    # the paper's method, not what the released code computes
    assert not any(value for key, value in config.to_dict().items() if key.startswith("compat_"))
    released = [step["name"] for step in clear_feature_extractor().steps]
    assert [step["name"] for step in extractor.steps] == released


def test_the_two_stages_read_the_same_beats_with_the_same_encoder():
    for first, second in ((NAMES[0], NAMES[2]), (NAMES[1], NAMES[3])):
        one, two = (load_recipe(find_recipe(name)) for name in (first, second))
        assert one.processor.feature_extractor == two.processor.feature_extractor
        shared = {key: value for key, value in one.model.config.items() if key in two.model.config}
        assert {key: two.model.config[key] for key in shared} == shared and "hidden_size" in shared
        assert two.freeze == ["encoder"] and two.model.config["head"] == "hug"


def test_the_large_recipes_have_the_released_values():
    """Stage one: AdamW (0.9, 0.98), decay 0.05, 5e-4, clipped at 3, 5 epochs of warm-up; stage two: 5e-3, 10."""
    first, second = (load_recipe(find_recipe(name)) for name in ("clear", "clear_hug"))
    given, released = first.model.config, clear_config("clear").to_dict()
    assert {key: released[key] for key in given} == given
    optimizer = first.optimizer
    assert (optimizer.lr, optimizer.beta1, optimizer.beta2, optimizer.epsilon) == (5e-4, 0.9, 0.98, 1e-8)
    assert (optimizer.weight_decay, optimizer.max_grad_norm) == (0.05, 3.0)
    assert (first.run.epochs, first.run.batch_size) == (100, 256)
    assert first.schedule.warmup_ratio * first.run.epochs == pytest.approx(5)
    assert (second.optimizer.lr, second.optimizer.weight_decay) == (5e-3, 0.05)
    assert (second.run.epochs, second.run.batch_size, second.run.seed) == (100, 256, 100)
    assert second.schedule.warmup_ratio * second.run.epochs == pytest.approx(10)


def test_the_head_is_trained_on_a_frozen_encoder(tmp_path, corpus):  # noqa: F811
    recipe = load_recipe(
        find_recipe("clear_hug"),
        [
            f"model.init_from.encoder={tmp_path / 'encoder'}",
            f"data.sources.0.path={corpus}",
            "data.sources.0.config=tiny_100hz",
            "data.sources.0.folds={train: [1, 2, 3, 4], validation: [5]}",
            "data.label_sets=[form]",
            "data.cache=false",
            "validation=null",
        ],
    )
    recipe.model.config |= {key: value for key, value in SIZES.items() if "decoder" not in key}
    set_seed(0)
    encoder = CLEARModel(CLEARConfig(**{**recipe.model.config, "head": "linear"}))
    encoder.save_pretrained(tmp_path / "encoder")
    settings = {"batch_size": 8, "max_steps": 3, "num_workers": 0, "num_threads": 1}
    recipe.run = dataclasses.replace(recipe.run, **settings)
    pretrain(recipe, tmp_path / "out")
    tuned = AutoModelForECGClassification.from_pretrained(tmp_path / "out")
    assert tuned.config.head == "hug"
    for name, value in tuned.encoder.state_dict().items():
        assert torch.equal(value, encoder.state_dict()[name]), name
    set_seed(recipe.run.seed)
    fresh = type(tuned)(tuned.config)
    assert not torch.equal(fresh.hug.of_all.weight, tuned.hug.of_all.weight)
