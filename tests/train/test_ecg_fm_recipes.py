"""ECG-FM's recipes: whole, with the released values, and trainable as they are."""

import dataclasses

import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.cli import call
from hf_ecg.models.ecg_fm.convert_ecg_fm import ecg_fm_config, ecg_fm_feature_extractor
from hf_ecg.recipes_found import find_recipe
from hf_ecg.training import pretrain
from hf_ecg.training.log_file import read_log
from hf_ecg.training.recipe import load_recipe
from tests.data.made_mimic import MadeMimic, fill
from tests.models.tiny.ecg_fm import SIZES
from tests.training_fixtures import empty_datasets_cache, fresh_accelerate_state  # noqa: F401


@pytest.mark.parametrize("name", ["ecg_fm", "ecg_fm_ptb_xl"])
def test_network_preparation_and_views_fit_each_other(name):
    path = find_recipe(name)
    recipe = load_recipe(path)
    head = path.read_text().partition("model:\n")[0]
    assert f"train/recipes/{name}.yaml" in head and "Protocol" in head and "2408.05178" in head
    extractor, config = ECGFeatureExtractor(**recipe.processor.feature_extractor), ecg_fm_config(**recipe.model.config)
    assert (config.num_samples, config.sampling_rate) == (extractor.num_samples, extractor.sampling_rate)
    assert config.num_samples == 5 * config.sampling_rate
    steps = [step for step in extractor.steps if step["name"] != "fill_missing"]
    assert steps == ecg_fm_feature_extractor().steps
    options = recipe.method.options
    assert (options["second_view"], options["patient_ids"]) == ("half", True)
    assert options["views"] == [{"name": "lead_dropout", "lead_probability": 0.5}]


def test_the_large_recipe_has_the_released_values():
    """Adam (0.9, 0.98), epsilon 1e-6, decay 0.01, 5e-5 throughout, 64 pairs on 4 processes twice a step."""
    recipe = load_recipe(find_recipe("ecg_fm"))
    given, released = recipe.model.config, ecg_fm_config().to_dict()
    assert {key: released[key] for key in given} == given
    optimizer = recipe.optimizer
    assert (optimizer.lr, optimizer.beta1, optimizer.beta2, optimizer.epsilon) == (5e-5, 0.9, 0.98, 1e-6)
    assert (optimizer.weight_decay, optimizer.max_grad_norm) == (0.01, None)
    assert (recipe.schedule.name, recipe.schedule.warmup_ratio, recipe.schedule.final_ratio) == ("constant", 0.0, 1.0)
    assert (recipe.run.epochs, recipe.run.batch_size) == (200, 64 * 4 * 2)


def test_the_large_recipe_takes_three_steps_on_mimic_iv_ecg(tmp_path):
    fill(MadeMimic(tmp_path / "raw"), 8, per_patient=2)
    data = ["--data_dir", str(tmp_path / "raw" / "ecg"), "--output_dir", str(tmp_path / "corpus")]
    call("prepare mimic_iv_ecg", data)
    recipe = load_recipe(find_recipe("ecg_fm"), [f"data.sources.0.path={tmp_path / 'corpus'}"])
    narrow = {name: value for name, value in SIZES.items() if "dropout" not in name and "convolution" not in name}
    recipe.model.config |= narrow | {"convolution_channels": [8] * 4}
    settings = {"batch_size": 4, "max_steps": 3, "num_workers": 0, "num_threads": 1, "log_every_steps": 1}
    recipe.run = dataclasses.replace(recipe.run, mixed_precision="no", **settings)
    # of the four patients that were made
    folds = recipe.data.sources[0].folds
    recipe.data.sources[0].folds = dataclasses.replace(folds, train=[4, 5], validation=[])
    pretrain(recipe, tmp_path / "out")
    steps = [line for line in read_log(tmp_path / "out") if line["kind"] == "train"]
    assert len(steps) == 3 and all(0 < line["loss"] < 100 for line in steps)
    saved = ECGFeatureExtractor.from_pretrained(tmp_path / "out" / "encoder")
    assert "record_index" in saved.model_input_names and saved.num_samples == 2500
