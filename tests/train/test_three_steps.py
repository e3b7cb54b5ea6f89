"""Three steps of the recipes for large corpora, on made records in the layout of MIMIC-IV-ECG."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from hf_ecg import TolerantECGForPreTraining
from hf_ecg.recipes_found import find_recipe
from hf_ecg.training import pretrain
from hf_ecg.training.log_file import read_log
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe import load_recipe


def as_published(recipe, text_tower):
    """CLOCS' network is small."""


def narrow_dual_encoder(recipe, text_tower):
    recipe.model.config["projection_dim"] = 16
    recipe.model.config["ecg_config"] |= {"widths": [4, 4, 4, 4], "depths": [1, 1, 1, 1]}
    recipe.model.init_from["text_model"] = recipe.processor.tokenizer = str(text_tower)
    recipe.method.options["max_length"] = 16


def narrow_autoencoder(recipe, text_tower):
    for part in ("", "decoder_"):
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        recipe.model.config |= {f"{part}{name}": value for name, value in sizes.items()}


def narrow_filters(recipe, text_tower):
    narrow_autoencoder(recipe, text_tower)
    recipe.model.config |= {"num_filter_layers": 1, "num_fine_prototypes": 6, "num_coarse_prototypes": 4}


def narrow_views(recipe, text_tower):
    """Of one second: noise is drawn for every view."""
    narrow_dual_encoder(recipe, text_tower)
    recipe.model.config |= {"distillation_hidden_size": 8, "distillation_size": 12}
    recipe.processor.feature_extractor["num_samples"] = recipe.model.config["ecg_config"]["num_samples"] = 500


def narrow_levels(recipe, text_tower):
    tower = recipe.model.config["ecg_config"]
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    tower["body_config"] |= sizes | {"convolution_channels": [8] * 4, "position_groups": 4}
    tower |= {"hidden_size": 16, "caption_size": 16}
    recipe.model.config |= {"projection_dim": 16, "projection_hidden_size": 16, "decoder_num_hidden_layers": 1}
    recipe.model.init_from["text_model"] = recipe.processor.tokenizer = str(text_tower)
    recipe.method.options["max_length"], recipe.freeze = 15, ["text_model.encoder.layer.0"]


WORDS = {"decoder_num_hidden_layers": 1, "codebook_size": 12, "code_size": 8}


def narrow_beats(recipe, text_tower):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "head_size": 4}
    words = WORDS if recipe.model.class_ == "HeartLangVQHBRForPreTraining" else {"vocabulary_size": 12}
    recipe.model.config |= sizes | {"intermediate_size": 16} | words


def narrow_language_of_beats(recipe, text_tower):
    narrow_beats(recipe, text_tower)
    words = load_recipe(find_recipe("heartlang_vqhbr"), ["data.sources.0.path=none"])
    narrow_beats(words, text_tower)
    folder = text_tower.parent / "words"
    build_model(words.model).save_pretrained(folder)
    recipe.model.init_from["vocabulary_model"] = str(folder)


def of_three_steps(name, change, mimic, text_tower, **run):
    recipe = load_recipe(find_recipe(name), [f"data.sources.0.path={mimic}", "data.cache=false", "validation=null"])
    change(recipe, text_tower)
    (source,) = recipe.data.sources
    source.config, source.folds = None, dataclasses.replace(source.folds, validation=[])
    small = {"batch_size": 8, "max_steps": 3, "num_workers": 0, "num_threads": 1, "log_every_steps": 1}
    recipe.run = dataclasses.replace(recipe.run, num_processes=1, mixed_precision="no", **small, **run)
    return recipe


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("clear", narrow_autoencoder),
        ("clocs", as_published),
        ("ecg_tf_mae", narrow_filters),
        ("ecgclip", narrow_dual_encoder),
        ("heartlang", narrow_language_of_beats),
        ("heartlang_vqhbr", narrow_beats),
        ("melp", narrow_levels),
        ("st_mem", narrow_autoencoder),
        ("tolerantecg", narrow_views),
    ],
)
def test_three_steps_are_taken(name, change, mimic, text_tower, tmp_path):
    pretrain(of_three_steps(name, change, mimic, text_tower), tmp_path / "out")
    losses = [line["loss"] for line in read_log(tmp_path / "out") if line["kind"] == "train"]
    assert len(losses) == 3 and all(0 < loss < 100 for loss in losses)


def test_two_teachers_and_their_centers_go_on_where_they_were(mimic, text_tower, tmp_path, monkeypatch):
    recipe = of_three_steps("tolerantecg", narrow_views, mimic, text_tower, checkpoint_every_steps=1)
    recipe.model.config |= {"teacher_momentum": 0.5, "teacher_momentum_end": 0.9}
    pretrain(recipe, tmp_path / "whole")
    follow = TolerantECGForPreTraining.after_step

    def dies(model, step):
        if step == 2:
            raise KeyboardInterrupt
        follow(model, step)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TolerantECGForPreTraining, "after_step", dies)
        pretrain(recipe, tmp_path / "cut")
    pretrain(recipe, tmp_path / "cut", resume=True)
    whole, cut = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert any(name.startswith("distillation.teachers.noise.") for name in whole) and "distillation.centers" in whole
    assert all(torch.equal(value, cut[name]) for name, value in whole.items())
