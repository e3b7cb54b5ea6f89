"""Recipes of fine-tuning: what is composed for which encoder, and what does not fit together."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModel, BertConfig

from hf_ecg import ECGFeatureExtractor, ECGResNetConfig, ECGResNetModel
from hf_ecg.data.corpus import load_corpus, target_matrix
from hf_ecg.signals.leads import LIMB_LEADS, STANDARD_LEADS
from hf_ecg.training.build import build_parts
from hf_ecg.training.finetune import finetuning_recipe, lead_choice, lead_sets
from hf_ecg.training.methods.targets import target_units
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe_facts import training_facts
from tests.evaluation import tiny
from tests.training_fixtures import NUM_SAMPLES, TINY_RESNET

ZSCORE = {"name": "normalise", "method": "zscore"}


def save_encoder(folder, *steps, **config):
    torch.manual_seed(3)
    ECGResNetModel(ECGResNetConfig(**TINY_RESNET, **config)).save_pretrained(folder)
    extractor(*steps).save_pretrained(folder)
    return str(folder)


def extractor(*steps, leads=STANDARD_LEADS):
    return ECGFeatureExtractor(100, leads, NUM_SAMPLES, [{"name": "select_leads"}, *steps])


@pytest.fixture
def data(corpus):
    return [
        f"data.sources.0.path={corpus}",
        "data.sources.0.config=tiny_100hz",
        "data.sources.0.folds={train: [1, 2, 3, 4], validation: [5]}",
    ]


def test_an_encoder_of_another_problem_begins_anew(tmp_path, data):
    """Neither its names nor its targets' units reach the new head; its weights do, or its network alone."""
    old = {"id2label": {0: "age"}, "label2id": {"age": 0}, "problem_type": "regression"}
    source = save_encoder(tmp_path, **old, target_mean=[60.0], target_scale=[15.0], stem_pooling=True)
    before = AutoModel.from_pretrained(source).state_dict()
    minimum = ["validation.minimum=2"]
    models = {}
    for random in (False, True):
        recipe = finetuning_recipe(source, label_sets=["form"], random=random, overrides=[*data, *minimum])
        models[random] = build_parts(recipe).model
        config = models[random].config
        assert config.id2label == {0: "PVC", 1: "LVH"} and config.problem_type == "multi_label_classification"
        assert config.target_scale is None and config.stem_pooling
    assert all(torch.equal(value, before[key]) for key, value in models[False].encoder.state_dict().items())
    weights = models[True].encoder.state_dict()
    assert not any(torch.equal(value, before[key]) for key, value in weights.items() if value.ndim > 1)


@pytest.mark.parametrize(
    "steps, frozen, views, last",
    [
        ([], False, ["random_crop", "amplitude_scale", "gaussian_noise"], ["derive_limb_leads", "select_leads"]),
        ([ZSCORE], False, ["random_crop", "gaussian_noise"], ["views", "normalise"]),
        ([{"name": "views"}, ZSCORE], False, ["random_crop", "gaussian_noise"], ["views", "normalise"]),
        ([ZSCORE, {"name": "divide", "divisor": 2.0}], False, ["random_crop"], ["normalise", "divide"]),
        ([ZSCORE], True, [], ["select_leads", "normalise"]),
    ],
)
def test_views_are_in_millivolts_and_none_stands_before_a_frozen_encoder(tmp_path, steps, frozen, views, last):
    recipe = finetuning_recipe(save_encoder(tmp_path, *steps), label_sets=["form"], frozen=frozen)
    assert [view["name"] for view in recipe.method.options.get("views", [])] == views
    assert [step["name"] for step in recipe.processor.feature_extractor["steps"]][-2:] == last
    assert recipe.freeze == (["encoder"] if frozen else [])


def test_validation_follows_the_problem_and_overrides_come_last(tmp_path):
    source = save_encoder(tmp_path)
    sections = [
        finetuning_recipe(source, label_sets=["form"]).validation,
        finetuning_recipe(source, "single_label", ["form"]).validation,
        finetuning_recipe(source, "regression", targets=["age"]).validation,
        finetuning_recipe(source, "regression", targets=["age", "fold"]).validation,
    ]
    assert [(s.metric, s.greater_is_better) for s in sections] == [
        ("macro_auroc", True),
        ("macro_f1", True),
        ("mae", False),
        ("r2", True),
    ]
    recipe = finetuning_recipe(source, label_sets=["form"], overrides=["optimizer.lr=0.1", "method.options.views=[]"])
    assert recipe.optimizer.lr == 0.1 and recipe.method.options["views"] == []


def test_leads_are_chosen_in_the_encoders_order_and_an_earlier_choice_is_replaced():
    for leads, kept in ((["v5", "I"], ["I", "V5"]), (["II"], ["II"]), (STANDARD_LEADS, None), (None, ["V1"])):
        steps = lead_choice(extractor({"name": "keep_leads", "leads": ["V1"]}, ZSCORE), leads)["steps"]
        found = [step for step in steps if step["name"] == "keep_leads"]
        assert found == ([] if kept is None else [{"name": "keep_leads", "leads": kept}])
        assert [step["name"] for step in steps][-1] == "normalise"
    one = ECGFeatureExtractor(100, STANDARD_LEADS, NUM_SAMPLES, [{"name": "pick_lead"}])
    assert lead_choice(one, ["V5"])["leads"] == ["V5"]
    with pytest.raises(ValueError, match="but the encoder takes one"):
        lead_choice(one, ["I", "II"])
    with pytest.raises(ValueError, match="takes one lead: name it"):
        lead_choice(one, None)


def test_lead_sets_are_those_that_an_encoder_can_take():
    assert list(lead_sets(extractor())) == ["I", "II", "V5", "I+II", "six limb leads", "twelve leads"]
    one = ECGFeatureExtractor(100, STANDARD_LEADS, NUM_SAMPLES, [{"name": "pick_lead"}])
    assert list(lead_sets(one)) == ["I", "II", "V5"]
    assert list(lead_sets(extractor(leads=LIMB_LEADS))) == ["I", "II", "I+II", "six limb leads"]
    with pytest.raises(ValueError, match="none of the lead sets"):
        lead_sets(extractor(leads=["V1"]))


def test_facts_name_the_folds_that_the_first_weights_saw(tmp_path, data):
    source = save_encoder(tmp_path / "OUT" / "encoder")
    facts = {"config": "tiny_100hz", "train_folds": [4, 5], "validation_folds": [3]}
    (tmp_path / "OUT/training_facts.json").write_text(json.dumps({"sources": [facts]}))
    folds = ["data.sources.0.folds={train: [1], validation: [2]}"]
    (found,) = training_facts(finetuning_recipe(source, label_sets=["form"], overrides=[*data, *folds])).sources
    assert (found.train_folds, found.validation_folds) == ((1, 4, 5), (2, 3))
    anew = finetuning_recipe(source, label_sets=["form"], random=True, overrides=[*data, *folds])
    assert [entry.train_folds for entry in training_facts(anew).sources] == [(1,)]
    other = facts | {"config": "tiny_500hz", "text_column": "text"}
    (tmp_path / "OUT/training_facts.json").write_text(json.dumps({"sources": [other]}))
    found = training_facts(finetuning_recipe(source, label_sets=["form"], overrides=[*data, *folds])).sources
    assert [(entry.config, entry.train_folds) for entry in found] == [("tiny_100hz", (1,)), ("tiny_500hz", (4, 5))]


def test_units_are_those_of_the_rows_that_know_them(corpus):
    rows = load_corpus(corpus, "tiny_100hz")
    folds = np.array(rows["fold"])
    assert target_units(target_matrix(rows, ["fold"]), ["fold"]) == {
        "target_mean": [folds.mean()],
        "target_scale": [folds.std()],
    }
    with pytest.raises(ValueError, match="1 different values of age, wanted several"):
        target_units(target_matrix(rows, ["age"]), ["age"])


@pytest.mark.parametrize(
    "overrides, message",
    [
        (["method.name=targets"], "data.label_sets is .* the method targets does not read"),
        (["data.targets=[age]"], "data.targets is .* the method labels does not read"),
        (["data.label_sets=[form, superdiagnostic]", "method.options.single_label=true"], "single_label wants one"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(tmp_path, overrides, message):
    with pytest.raises(ValueError, match=message):
        finetuning_recipe(save_encoder(tmp_path), label_sets=["form"], overrides=overrides)


def test_a_problem_that_the_labels_do_not_make_is_refused(tmp_path, data):
    overrides = [*data, "model.config.problem_type=regression", "validation=null"]
    recipe = finetuning_recipe(save_encoder(tmp_path), label_sets=["form"], overrides=overrides)
    with pytest.raises(ValueError, match="problem_type is 'regression', but method and data make it 'multi_label"):
        build_parts(recipe)


def test_a_model_without_a_head_is_refused(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    (tmp_path / "encoder").mkdir()
    with pytest.raises(ValueError, match="bert, which has no head for multi_label .a run keeps its encoder"):
        finetuning_recipe(str(tmp_path), label_sets=["form"])


def test_a_dual_encoder_gives_its_ecg_tower(tmp_path, data):
    model = tiny.dual_encoder()
    model.save_pretrained(tmp_path)
    tiny.processor().save_pretrained(tmp_path)
    recipe = finetuning_recipe(str(tmp_path), label_sets=["superdiagnostic"])
    assert recipe.model.config["model_type"] == model.config.ecg_config.model_type
    head = build_model(recipe.model, ["a", "b"])
    for name, tensor in model.ecg_model.state_dict().items():
        assert torch.equal(head.encoder.state_dict()[name], tensor)


@pytest.mark.parametrize("problem", ["single_label", "regression"])
def test_a_validation_loss_sees_no_views(tmp_path, data, problem):
    names = {"targets": ["fold"]} if problem == "regression" else {"label_sets": ["superdiagnostic"]}
    loss = "validation={name: loss, metric: loss, greater_is_better: false}"
    recipe = finetuning_recipe(save_encoder(tmp_path), problem, **names, overrides=[*data, loss])
    parts = build_parts(recipe)
    assert parts.collator.views and np.isfinite(parts.validate(parts.model)["loss"])
    assert parts.validate(parts.model) == parts.validate(parts.model)
