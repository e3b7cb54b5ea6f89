"""The recipes of self-supervision: one encoder, one preparation, one length; every method begins to learn."""

import dataclasses

import pytest

from hf_ecg.recipes_found import COMPARISONS, find_recipe, recipe_names
from hf_ecg.studies.comparison.arm_runs import plan_runs, recipe_of
from hf_ecg.studies.comparison.comparison_spec import load_comparison
from hf_ecg.training import pretrain
from hf_ecg.training.log_file import read_log
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe import load_recipe
from tests.training_fixtures import (  # noqa: F401
    corpus,
    empty_datasets_cache,
    fresh_accelerate_state,
)

NAMES = [name for name in recipe_names() if name.startswith("ssl/")]
PAPERS = {
    "3kg": "2106.04452",
    "barlow_twins": "2103.03230",
    "byol": "2006.07733",
    "clocs_cmsc": "2005.13249",
    "moco_v3": "2104.02057",
    "simclr": "2002.05709",
    "simsiam": "2011.10566",
    "vicreg": "2105.04906",
}


def test_there_is_one_file_a_method(repository):
    assert NAMES == [f"ssl/{name}" for name in PAPERS]
    for name in NAMES:
        assert find_recipe(name).resolve() == repository / "train" / "recipes" / f"{name}.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_recipes_differ_in_the_method_alone(name):
    path = find_recipe(name)
    head = path.read_text().partition("model:\n")[0]
    assert f"train/recipes/{name}.yaml" in head and "Protocol" in head and PAPERS[path.stem] in head
    recipe, simclr = load_recipe(path), load_recipe(find_recipe("ssl/simclr"))
    assert recipe.model.config["ecg_config"] == simclr.model.config["ecg_config"]
    assert (recipe.processor, recipe.data, recipe.run) == (simclr.processor, simclr.data, simclr.run)
    assert recipe.schedule == simclr.schedule
    assert dataclasses.replace(recipe.optimizer, lr=simclr.optimizer.lr) == simclr.optimizer
    # no fold chooses, so that a loss against a moving target chooses nothing
    assert recipe.validation is None


def test_the_supervised_twin_has_the_same_encoder_and_preparation():
    supervised, simclr = load_recipe(find_recipe("bce_ptb_xl")), load_recipe(find_recipe("ssl/simclr"))
    ours, theirs = dict(simclr.model.config["ecg_config"]), dict(supervised.model.config)
    assert ours.pop("model_type") == "ecg_resnet" and theirs.pop("problem_type")
    assert ours == theirs and simclr.processor == supervised.processor


@pytest.mark.parametrize("name", NAMES)
def test_a_step_can_be_taken(name, corpus, tmp_path):  # noqa: F811
    given = [f"data.sources.0.path={corpus}", "data.cache=false", "data.sources.0.folds.train=[1,2,3]"]
    recipe = load_recipe(find_recipe(name), given)
    extractor = recipe.processor.feature_extractor | {"num_samples": 100}
    encoder = recipe.model.config["ecg_config"] | {"num_samples": 100}
    encoder |= {"widths": [8, 8], "depths": [1, 1], "kernel_sizes": [3, 3], "strides": [2, 2], "final_width": 8}
    recipe.model.config |= {"ecg_config": encoder, "projection_hidden_size": 8}
    recipe.processor.feature_extractor = extractor
    for view in recipe.method.options["views"]:
        if view["name"] == "random_crop":
            view["num_samples"] = 50
    recipe.run = dataclasses.replace(
        recipe.run, batch_size=8, max_steps=2, num_workers=0, num_threads=1, log_every_steps=1
    )
    recipe.data.sources[0].config = None
    pretrain(recipe, tmp_path / "out")
    assert len([line for line in read_log(tmp_path / "out") if line["kind"] == "train"]) == 2


def test_the_comparison_gives_every_method_the_same_time():
    path = find_recipe("ssl_methods_ptb_xl", COMPARISONS)
    comparison = load_comparison(path)
    (turn,) = comparison.planned_turns(range(1, 11))
    assert (turn.train, turn.validation, turn.test) == ((1, 2, 3, 4, 5, 6, 7), (8,), (9, 10))
    assert comparison.minutes == 15 and comparison.clock == "cpu"
    recipes = {
        run.arm: recipe_of(comparison, run, path.parent, []) for run in plan_runs(comparison, [turn], [0], "OUT")
    }
    methods = {"view_pairs", "labels", "waveforms", "text_pairs", "text_views"}
    assert {recipe.method.name for recipe in recipes.values()} == methods
    of_views = [recipe for recipe in recipes.values() if recipe.method.name == "view_pairs"]
    losses = {recipe.model.config["loss_type"] for recipe in of_views}
    assert len(losses) == len(NAMES)
    assert all(recipe.run.num_workers == 0 for recipe in recipes.values())
    arms = [arm for arm, one in comparison.arms.items() if one.trained and one.measured]
    assert {one for one, other in comparison.differences if other.startswith("random")} == set(arms)
    build_model(recipes["BYOL"].model)
