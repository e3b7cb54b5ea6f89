import json
import shutil

import pytest
import torch

from hf_ecg.training import network
from hf_ecg.training.build import build_parts
from hf_ecg.training.network import find_model_class, resolve_pretrained
from tests.evaluation.tiny import save_prompts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__class": "ECGTextModle"}, "neither a model of hf_ecg nor an Auto class.*'ECGTextModel'"),
        ({"model__class": "os.system"}, "neither a model of hf_ecg nor an Auto class"),
        ({"model__class": "ECGTextConfig"}, "neither a model"),
        ({"model__config__projektion_dim": 3}, "model.config.projektion_dim is not known.*'projection_dim'"),
        ({"model__config__ecg_config__width": [8]}, "model.config.ecg_config.width is not known.*'widths'"),
        ({"model__config__text_config": {"model_type": "bert"}}, "comes from model.init_from.text_model"),
        ({"model__init_from": {"ecg_modle": "x"}}, "model.init_from.ecg_modle: ECGTextModel has .*'ecg_model'"),
        ({"freeze": ["text_modle"]}, "no submodule 'text_modle'"),
        ({"processor__feature_extractor__sampling_rat": 100}, "sampling_rat"),
        ({"processor__feature_extractor__sampling_rate": 250}, "makes sampling_rate 250, .* configuration says 100"),
        ({"processor__feature_extractor__leads": ["I", "II"]}, "makes num_leads 2, .* configuration says 12"),
        ({"model__config__ecg_config__num_samples": 90}, "makes num_samples 100, .* configuration says 90"),
        ({"processor__tokenizer": None}, "tokenizer"),
        ({"data__sources__0__path": None}, "data.sources.0.path is not given"),
        ({"data__columns__text": "texts"}, "no column 'texts'.*'text'"),
        ({"data__leads": ["I", "V7"]}, "data.leads wants .*V7"),
        ({"data__sources__0__folds__train": [1, 77]}, "77"),
        ({"method__name": "ecg_txt"}, "ecg_txt"),
        ({"method__options__views": [{"name": "random_crop", "samples": 3}]}, "samples"),
        ({"validation__name": "label_test"}, "label_test"),
        ({"validation__prompts": ["ptb_xl_form"]}, "prompts"),
        (
            {
                "validation": {
                    "name": "classification",
                    "metric": "macro_auroc",
                    "greater_is_better": True,
                    "label_sets": ["superdiagnostic"],
                    "minimum": 1,
                }
            },
            "validation 'classification' wants a classifier, but ECGTextModel is of the kind dual encoder",
        ),
        (
            {
                "model__config__loss_type": "softmax",
                "validation": {
                    "name": "label_text",
                    "metric": "macro_auroc",
                    "greater_is_better": True,
                    "prompts": ["ptb_xl_superdiagnostic"],
                },
            },
            "ptb_xl_superdiagnostic ask for probabilities .noisy_or.*loss_type is 'softmax'",
        ),
        ({"validation__metric": "macro_auroc"}, "validation.metric is 'macro_auroc', .* measures .'loss'."),
        ({"validation__greater_is_better": True}, "greater_is_better is True, but of loss the other direction"),
    ],
)
def test_a_section_that_does_not_fit_is_named(text_recipe, recipe_of, changes, message):
    with pytest.raises((ValueError, OSError), match=message):
        build_parts(recipe_of(text_recipe, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__label_sets": ["rhythm"]}, "no column 'rhythm'"),
        ({"data__label_sets": []}, "label_sets"),
        ({"method__options__single_sentence_probability": 0.5}, "single_sentence_probability"),
    ],
)
def test_a_classifier_that_does_not_fit(label_recipe, recipe_of, changes, message):
    with pytest.raises(ValueError, match=message):
        build_parts(recipe_of(label_recipe, **changes))


def test_the_text_tower_is_the_pretrained_one_in_float32(text_recipe, recipe_of, text_tower, tmp_path):
    from transformers import AutoModel

    half = AutoModel.from_pretrained(text_tower).to(torch.bfloat16)
    half.save_pretrained(tmp_path / "half")
    model = build_parts(recipe_of(text_recipe, model__init_from={"text_model": str(tmp_path / "half")})).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for name, value in model.text_model.state_dict().items():
        assert torch.equal(value, half.state_dict()[name].float())
    assert model.config.text_config.hidden_size == 16


def test_an_encoder_of_another_family_is_refused(label_recipe, recipe_of, text_tower):
    with pytest.raises(ValueError, match="model.init_from.encoder = .* is a bert, wanted ecg_resnet"):
        build_parts(recipe_of(label_recipe, model__init_from={"encoder": str(text_tower)}))


def test_weights_that_do_not_fill_the_submodule_are_refused(text_recipe, recipe_of, text_tower, tmp_path):
    from transformers import AutoModel

    # the pooler is asked for, but a tower saved without one has only random numbers there
    config = AutoModel.from_pretrained(text_tower).config
    AutoModel.from_config(config, add_pooling_layer=False).save_pretrained(tmp_path / "bare")
    changes = {"model__init_from": {"text_model": str(tmp_path / "bare")}, "model__config__text_pooling": "pooler"}
    with pytest.raises(ValueError, match="holds no weights for .*pooler.dense"):
        build_parts(recipe_of(text_recipe, **changes))


def test_a_configuration_that_does_not_fit_is_refused(text_recipe, recipe_of):
    for changes, message in (
        ({"projection_dim": "many"}, "model.config: .*projection_dim.* expected int"),
        ({"loss_type": "clip"}, "model.config: loss_type is 'clip'"),
    ):
        recipe = recipe_of(text_recipe)
        recipe.model.config |= changes
        with pytest.raises(ValueError, match=message):
            build_parts(recipe)


@pytest.mark.parametrize("column", ["fold", "signal", "leads"])
def test_a_column_without_texts_is_refused(text_recipe, recipe_of, column):
    with pytest.raises(ValueError, match=f"column '{column}' holds .*, wanted texts"):
        build_parts(recipe_of(text_recipe, data__columns__text=column))


def test_auto_classes_are_found():
    import hf_ecg

    assert find_model_class("AutoModelForECGClassification") is hf_ecg.AutoModelForECGClassification
    assert find_model_class("AutoModel").__name__ == "AutoModel"


def test_an_auto_class_builds_by_model_type(label_recipe, recipe_of):
    recipe = recipe_of(label_recipe, model__class="AutoModelForECGClassification")
    with pytest.raises(ValueError, match="needs model.config.model_type"):
        build_parts(recipe)
    recipe.model.config["model_type"] = ["ecg_resnet"]
    with pytest.raises(ValueError, match="found .'ecg_resnet'"):
        build_parts(recipe)
    recipe.model.config["model_type"] = "ecg_resnet"
    assert type(build_parts(recipe).model).__name__ == "ECGResNetForECGClassification"


def test_package_folders_are_found_without_importing():
    with pytest.raises(OSError, match="owner/name is not a folder here"):
        resolve_pretrained("owner/name")
    assert resolve_pretrained("package:hf_ecg/training").endswith("hf_ecg/training")
    with pytest.raises(OSError, match="the package no_such_package is not installed .pip install no-such-package"):
        resolve_pretrained("package:no_such_package/model")
    for outside in ("package:hf_ecg/nowhere", "package:hf_ecg/../tests"):
        with pytest.raises(OSError, match="has no folder"):
            resolve_pretrained(outside)


def test_frozen_submodules_stay_in_evaluation_mode(text_recipe, recipe_of):
    model = build_parts(recipe_of(text_recipe, freeze=["text_model"])).model
    network.set_training_mode(model, ["text_model"])
    assert model.ecg_model.training and not model.text_model.training
    assert not any(parameter.requires_grad for parameter in model.text_model.parameters())
    assert model.logit_scale.requires_grad


@pytest.mark.parametrize(
    "summary",
    [
        {"hold_out": ["PVC"]},
        {"withhold": {"label_set": "form", "share": 0.5, "seed": 0, "left_out_of_text": ["PVC"]}},
    ],
)
def test_a_choice_by_prompts_leaves_out_what_the_texts_hold_out(
    text_recipe, recipe_of, corpus, tmp_path, summary, caplog
):
    other = shutil.copytree(corpus, tmp_path / "corpus")
    (other / "summary.json").write_text(json.dumps({"text_source": "statements"} | summary))
    classes = {"PVC": ["premature beats"], "LVH": ["ventricular hypertrophy"]}
    prompts = str(save_prompts(tmp_path / "forms.yaml", "form", classes=classes))
    text_recipe["validation"] = {
        "name": "label_text",
        "prompts": [prompts],
        "metric": "macro_auroc",
        "greater_is_better": True,
        "minimum": 1,
    }
    build_parts(recipe_of(text_recipe, data__sources__0__path=str(other)))
    assert "leaves out PVC of forms" in caplog.text
    caplog.clear()
    build_parts(recipe_of(text_recipe))  # this one holds AFIB out, of which no label tells
    assert "the choice of the epoch" not in caplog.text
