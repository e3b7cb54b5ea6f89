"""ST-MEM's recipes: whole, with the released values, and trainable as they are."""

import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.models.st_mem.convert_st_mem import filter_steps, st_mem_config
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe import load_recipe


@pytest.mark.parametrize("name", ["st_mem", "st_mem_ptb_xl"])
def test_network_and_preparation_fit_each_other(repository, name):
    path = repository / "train" / "recipes" / f"{name}.yaml"
    recipe = load_recipe(path)
    head = path.read_text().partition("model:\n")[0]
    assert f"train/recipes/{name}.yaml" in head and "Protocol" in head and "ICLR 2024" in head
    extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
    config = build_model(recipe.model).config if name == "st_mem_ptb_xl" else st_mem_config("st-mem-mae")
    assert (config.num_samples, config.sampling_rate) == (extractor.num_samples, extractor.sampling_rate)
    assert recipe.method.options["views"] == [{"name": "random_crop", "num_samples": extractor.num_samples}]
    names = [step["name"] for step in extractor.steps]
    # the filters act on the crop, as in the original
    assert names.index("views") < names.index("filter")
    kinds = ("filter", "normalise")
    ours, wanted = (
        [step for step in steps if step["name"] in kinds]
        for steps in (extractor.steps, ECGFeatureExtractor(sampling_rate=250, steps=filter_steps()).steps)
    )
    assert ours == wanted


def test_the_large_recipe_has_the_released_values(repository):
    """AdamW (0.9, 0.95), decay 0.01 of every parameter, 1.5e-4 * batch / 256, 3 epochs of warm-up, cosine to zero."""
    recipe = load_recipe(repository / "train/recipes/st_mem.yaml")
    given, released = recipe.model.config, st_mem_config("st-mem-mae").to_dict()
    assert {key: released[key] for key in given} == given
    optimizer = recipe.optimizer
    assert (optimizer.beta1, optimizer.beta2, optimizer.weight_decay) == (0.9, 0.95, 0.01)
    assert optimizer.lr == pytest.approx(1.5e-4 * recipe.run.batch_size / 256)
    assert [(group.parameters, group.no_decay) for group in optimizer.groups] == [(["encoder", "decoder"], False)]
    assert recipe.schedule.warmup_ratio * recipe.run.epochs == pytest.approx(3)
    assert (recipe.schedule.name, recipe.schedule.final_ratio) == ("cosine", 0.0)
