"""MERL's recipes: whole, with the released values, and trainable as they are."""

import dataclasses

import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.models.ecg_text.convert_merl import merl_config
from hf_ecg.models.shared.merl import merl_feature_extractor
from hf_ecg.recipes_found import find_recipe
from hf_ecg.training import pretrain
from hf_ecg.training.log_file import read_log
from hf_ecg.training.recipe import load_recipe


def test_the_large_recipe_has_the_released_values():
    path = find_recipe("merl")
    recipe, head = load_recipe(path), path.read_text().partition("model:\n")[0]
    assert "train/recipes/merl.yaml" in head and "Protocol" in head and "2403.06659" in head
    released = merl_config().to_dict()
    # the paper's mean of both directions, not the released sum
    assert released["compat_sum_of_directions"] and "compat_sum_of_directions" not in recipe.model.config
    for key, value in recipe.model.config.items():
        wanted = released[key] if key != "ecg_config" else {name: released[key][name] for name in value}
        assert value == wanted, key
    extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
    assert extractor.to_dict() == merl_feature_extractor().to_dict()
    optimizer, run = recipe.optimizer, recipe.run
    assert (optimizer.lr, optimizer.beta1, optimizer.beta2, optimizer.weight_decay) == (1e-3, 0.9, 0.999, 1e-8)
    assert (run.batch_size, run.epochs, recipe.method.options["max_length"]) == (128 * 8, 20, 256)
    steps = run.epochs * 0.98 * 771_693 / run.batch_size
    schedule = recipe.schedule
    assert schedule.first_cycle_ratio * steps == pytest.approx(5000, rel=0.01)
    assert schedule.final_ratio * optimizer.lr == pytest.approx(1e-8) and schedule.cycle_growth == 1


@pytest.mark.parametrize("frozen", [True, False])
def test_three_steps_of_the_large_one_are_taken_on_rows_of_mimic_iv_ecg(frozen, mimic, text_tower, tmp_path):
    """With narrow towers: frozen as in the released code, or half of it trained, as the paper says."""
    given = [f"data.sources.0.path={mimic}", "validation=null", "data.sources.0.folds.validation=[]"]
    recipe = load_recipe(find_recipe("merl"), given + ["freeze=[text_model]"] * frozen)
    recipe.model.config |= {"projection_dim": 16, "projection_hidden_size": 16}
    recipe.model.config["ecg_config"] |= {"widths": [4, 4, 4, 4], "depths": [1, 1, 1, 1]}
    recipe.model.init_from["text_model"] = recipe.processor.tokenizer = str(text_tower)
    if not frozen:
        recipe.freeze = recipe.freeze[:1]
    recipe.method.options["max_length"] = 16
    small = {"batch_size": 8, "max_steps": 3, "num_workers": 0, "num_threads": 1, "log_every_steps": 1}
    recipe.run = dataclasses.replace(recipe.run, num_processes=1, mixed_precision="no", **small)
    pretrain(recipe, tmp_path / "out")
    assert len([line for line in read_log(tmp_path / "out") if line["kind"] == "train"]) == 3
