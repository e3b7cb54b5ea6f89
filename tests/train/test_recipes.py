"""Every recipe, of whatever method: it resolves, its network fits its preparation, and a CPU has a twin of it."""

import re

import pytest
import torch

from hf_ecg.models.shared.roles import ecg_encoder
from hf_ecg.recipes_found import find_recipe, recipe_names
from hf_ecg.training.network import WHOLE, build_model
from hf_ecg.training.recipe import load_recipe

NAMES = recipe_names()
# what a CPU trains on in minutes
SMALL = ("ptb_xl_100hz", "ptb_xl_250hz", "simulated")
# recipes at 100 Hz on lead I of several corpora
SMALL_BY_NAME = ("cape_lead_i",)


def head_of(name):
    return find_recipe(name).read_text(encoding="utf-8").partition("model:\n")[0]


def is_small(name):
    configs = [source.config or "" for source in load_recipe(find_recipe(name)).data.sources]
    return name in SMALL_BY_NAME or all(config.startswith(SMALL) for config in configs)


@pytest.mark.parametrize("name", NAMES)
def test_it_resolves_and_its_network_fits_its_preparation(name):
    recipe, head = load_recipe(find_recipe(name), ["data.sources.0.path=CORPUS"]), head_of(name)
    assert "Protocol" in head and (f"train/recipes/{name}.yaml" in head or f"--config {name} " in head)
    assert re.search(r"arXiv \d{4}\.\d{5}|ICLR|ICML|[Oo]ur own|[\w/]+\.yaml (?!--)", head), "where is it from?"
    if WHOLE in recipe.model.init_from or (
        recipe.model.class_ == "ECGTextModel" and "ecg_config" not in recipe.model.config
    ):
        return  # the network is that of the model it goes on from
    recipe.model.init_from = {}
    with torch.device("meta"):
        model = build_model(recipe.model, classes=["a", "b"] if recipe.data.label_sets else None)
    config, extractor = ecg_encoder(model).config, recipe.processor.feature_extractor
    assert config.sampling_rate == extractor["sampling_rate"]
    assert extractor.get("num_samples") in (None, config.num_samples)  # None: of any length
    picks_one = any(step["name"] == "pick_lead" for step in extractor["steps"])
    assert config.num_leads == (1 if picks_one else len(extractor["leads"]))


@pytest.mark.parametrize("name", [name for name in NAMES if not is_small(name)])
def test_a_large_one_has_a_twin_for_a_cpu_or_says_why_not(name):
    """`NAME_ptb_xl.yaml`, or the one that its head names."""
    head = " ".join(line.lstrip("# ") for line in head_of(name).splitlines())
    named = re.search(r"CPU-sized twin: ([\w/]+)\.yaml", head)
    twin = f"{name}_ptb_xl" if named is None else named[1]
    assert (twin in NAMES and is_small(twin)) or re.search(r"No CPU-sized twin: \w{2,}", head)
