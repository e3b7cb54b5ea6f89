"""A recipe of TolerantECG on tiny rows: what a model is fed with, that it trains, and what does not fit."""

import json

import pytest
import torch
from transformers import AutoModel

from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.recipe import parse_recipe

SUBSET = {"name": "lead_subset", "kept": [1, 6]}


@pytest.fixture
def recipe(text_recipe):
    towers = {key: text_recipe["model"]["config"][key] for key in ("ecg_config", "projection_dim", "text_pooling")}
    sizes = {"distillation_hidden_size": 6, "distillation_size": 10}
    text_recipe["model"] |= {"class": "TolerantECGForPreTraining", "config": towers | sizes}
    groups = [
        {"name": "mask", "teacher_views": [[SUBSET], []], "further_views": [{"count": 2, "views": [SUBSET]}]},
        {
            "name": "noise",
            "teacher_views": [[], []],
            "further_views": [{"count": 2, "views": [{"name": "electrode_noise", "snr_db": [-10, 0]}]}],
        },
    ]
    text_recipe["method"] = {"name": "text_views", "options": {"describe_texts": True, "groups": groups}}
    text_recipe["freeze"] = ["text_model"]
    return text_recipe


def test_it_trains_and_leaves_a_dual_encoder_and_a_bare_encoder(recipe, tmp_path):
    pretrain(parse_recipe(recipe), tmp_path / "out")
    log = [json.loads(line) for line in (tmp_path / "out/log.jsonl").read_text().splitlines()]
    assert any("loss" in line for line in log)
    model = AutoModel.from_pretrained(tmp_path / "out")
    assert model.distillation.centers.abs().sum() > 0
    assert torch.equal(
        next(AutoModel.from_pretrained(tmp_path / "out/encoder").parameters()), next(model.ecg_model.parameters())
    )


def test_recordings_go_to_every_noise(recipe, tmp_path):
    recipe["method"]["options"]["recordings"] = str(tmp_path)
    collator = build_parts(parse_recipe(recipe)).collator
    noises = [rest[0] for _, rest in dict(collator.groups)["noise"] if rest]
    assert len(noises) == 2 and all(noise["recordings"] == str(tmp_path) for noise in noises)


def test_what_does_not_fit_is_refused(recipe, tmp_path):
    recipe["method"]["options"]["groups"].reverse()
    with pytest.raises(
        ValueError, match=r"groups are \['noise', 'mask'\], and the model's teachers are \['mask', 'noise'\]"
    ):
        pretrain(parse_recipe(recipe), tmp_path / "out")
    recipe["method"]["options"]["true_texts"] = True
    with pytest.raises(ValueError, match="describe_texts makes one text of a whole report"):
        build_parts(parse_recipe(recipe))
