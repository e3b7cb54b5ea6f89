"""MELP's recipes: whole, with the paper's values, and trainable as they are."""

import dataclasses

import pytest
import torch
from transformers import AutoModel, AutoProcessor

from hf_ecg import ECGFeatureExtractor, ECGFMForPreTraining, MELPTextConfig, MELPTextModel
from hf_ecg.models.melp.convert_melp import melp_feature_extractor
from hf_ecg.recipes_found import find_recipe
from hf_ecg.training import pretrain
from hf_ecg.training.log_file import read_log
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe import load_recipe
from tests.models.tiny.ecg_fm import ecg_fm_config
from tests.training_fixtures import empty_datasets_cache, fresh_accelerate_state, text_tower  # noqa: F401

BODY = {
    "convolution_channels": [8, 8],
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "position_kernel_size": 8,
    "position_groups": 4,
}


@pytest.mark.parametrize("name", ["melp", "melp_ptb_xl"])
def test_network_preparation_and_views_fit_each_other(name):
    path = find_recipe(name)
    recipe = load_recipe(path)
    head = path.read_text().partition("model:\n")[0]
    assert f"train/recipes/{name}.yaml" in head and "Protocol" in head and "2506.21803" in head
    extractor, tower = ECGFeatureExtractor(**recipe.processor.feature_extractor), recipe.model.config["ecg_config"]
    body = tower["body_config"]
    assert (tower["num_samples"], body["sampling_rate"]) == (extractor.num_samples, extractor.sampling_rate)
    ours = [step for step in extractor.steps if step["name"] not in ("fill_missing", "resample", "crop", "pad")]
    assert ours == melp_feature_extractor().steps and extractor.leads == melp_feature_extractor().leads
    assert recipe.method.options["views"] == [{"name": "lead_dropout", "lead_probability": 0.5}]
    assert recipe.method.options["max_length"] == recipe.model.config["decoder_positions"] - 1
    weights = [recipe.model.config[f"{level}_weight"] for level in ("contrastive", "caption", "beat")]
    assert weights == [1.0, 2.0, 0.2]


def test_the_large_recipe_has_the_papers_values():
    """AdamW 2e-4 (0.9, 0.95), decay 0.2, one restart in the middle, 64 on each of 4 GPUs, 100 epochs in bf16."""
    recipe = load_recipe(find_recipe("melp"))
    given = dict(recipe.model.config)
    tower, released = given.pop("ecg_config"), MELPTextConfig().to_dict()
    assert {key: released[key] for key in given} == pytest.approx(given)
    body, published = tower.pop("body_config"), released["ecg_config"]
    assert {key: published[key] for key in tower} == tower
    assert {key: published["body_config"][key] for key in body} == body
    optimizer, schedule = recipe.optimizer, recipe.schedule
    assert (optimizer.lr, optimizer.beta1, optimizer.beta2, optimizer.weight_decay) == (2e-4, 0.9, 0.95, 0.2)
    assert (schedule.name, schedule.warmup_ratio, schedule.first_cycle_ratio) == ("cosine_restarts", 0.0, 0.5)
    assert (recipe.run.epochs, recipe.run.batch_size, recipe.run.mixed_precision) == (100, 256, "bf16")
    assert recipe.freeze == [f"text_model.encoder.layer.{layer}" for layer in range(6)]


def narrowed(recipe):
    recipe.model.config["ecg_config"]["body_config"] |= BODY
    recipe.model.config["text_config"] |= {"num_hidden_layers": 1}
    recipe.model.config["decoder_num_hidden_layers"] = 1
    return recipe


def test_the_small_recipe_trains_three_steps_and_its_model_writes(tmp_path):
    from tests.evaluation import tiny

    tiny.write_corpus(tmp_path / "corpus", 60)
    path = [f"data.sources.0.path={tmp_path / 'corpus'}", f"data.sources.0.config={tiny.CONFIG}", "data.cache=false"]
    folds = ["data.sources.0.folds.train=[1,2,3]", "data.sources.0.folds.validation=[]"]
    recipe = narrowed(load_recipe(find_recipe("melp_ptb_xl"), [*path, *folds, "validation=null"]))
    settings = {"batch_size": 8, "max_steps": 3, "num_workers": 0, "num_threads": 1, "log_every_steps": 1}
    recipe.run = dataclasses.replace(recipe.run, **settings)
    recipe.processor.feature_extractor["num_samples"] = recipe.model.config["ecg_config"]["num_samples"] = 1000
    pretrain(recipe, tmp_path / "out")
    steps = [line for line in read_log(tmp_path / "out") if line["kind"] == "train"]
    assert len(steps) == 3 and all(0 < line["loss"] < 100 for line in steps)
    model, processor = (auto.from_pretrained(tmp_path / "out") for auto in (AutoModel, AutoProcessor))
    written = model.eval().generate(torch.zeros(2, 12, 1000), max_new_tokens=4, min_new_tokens=4)
    assert len(processor.batch_decode(written, skip_special_tokens=True)) == 2
    assert AutoModel.from_pretrained(tmp_path / "out" / "encoder").config.model_type == "melp"


def test_the_body_of_an_earlier_stage_is_taken(tmp_path):
    stage = ECGFMForPreTraining(ecg_fm_config())
    stage.save_pretrained(tmp_path / "body")
    recipe = load_recipe(find_recipe("melp_ptb_xl"))
    del recipe.model.config["ecg_config"]["body_config"]
    recipe.model.init_from = {"ecg_model.body_model": str(tmp_path / "body")}
    model = build_model(recipe.model)
    assert type(model) is MELPTextModel and model.config.num_samples == 1000
    found, wanted = model.ecg_model.body_model.state_dict(), stage.encoder.state_dict()
    assert found.keys() == wanted.keys() and all(torch.equal(value, wanted[key]) for key, value in found.items())
    for name, message in (
        ("ecg_model.body", r"MELPTextModel has \['body_model'\] in ecg_config"),
        ("ecg_model.body_model.layers", r"has \[\] in ecg_config.body_config"),
    ):
        recipe.model.init_from = {name: str(tmp_path / "body")}
        with pytest.raises(ValueError, match=message):
            build_model(recipe.model)
    recipe.model.init_from = {"ecg_model.body_model": str(tmp_path / "body")}
    recipe.model.config["ecg_config"]["body_config"] = {"model_type": "ecg_fm", "num_hidden_layers": 2}
    with pytest.raises(ValueError, match="model.config.ecg_config.body_config is given, but it comes from"):
        build_model(recipe.model)
