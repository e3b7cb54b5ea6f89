"""Runs on waveform features as texts of their own: what is trained, refused, told, and gone on with."""

import json
import shutil

import datasets
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from hf_ecg import ECGTextModel
from hf_ecg.clinical.prompts import lead_texts
from hf_ecg.clinical.report_statements import mentions
from hf_ecg.clinical.waveform_features import WAVEFORM_FEATURES
from hf_ecg.data.collators import text_id
from hf_ecg.data.schema import row_features
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.frozen_text import encode_texts
from hf_ecg.training.methods import TrainingStart
from hf_ecg.training.recipe_facts import training_facts
from tests.training_fixtures import CLASSES, FORM, NUM_SAMPLES, SENTENCES, corpus_row

FEATURES = ["normal beats", "inferior changes", "premature rhythm", "sinus changes"]  # of words that the tower knows
COLUMNS = {"true_texts": "true_features", "false_texts": "false_features"}


@pytest.fixture(scope="module")
def feature_corpus(corpus, tmp_path_factory):
    """The small corpus with the truth of four features: the second one is known in every other row only."""
    folder = tmp_path_factory.mktemp("features") / "corpus"
    shutil.copytree(corpus, folder)
    classes = {"superdiagnostic": CLASSES, "form": FORM, **dict.fromkeys(COLUMNS.values(), FEATURES)}
    features = row_features(12, NUM_SAMPLES, classes)
    random, rows = np.random.default_rng(0), []
    for index in range(80):
        kind = index % 3
        row = corpus_row(index, random)
        true = [name for number, name in enumerate(FEATURES[:3]) if number == kind]
        false = [name for number, name in enumerate(FEATURES[:3]) if number != kind]
        if index % 2:
            true, false = (sorted(set(names) - {FEATURES[1]}) for names in (true, false))
        rows.append(row | {"true_features": true, "false_features": None if index == 5 else false})
    rows = [{name: row.get(name) for name in features} for row in rows]
    datasets.Dataset.from_list(rows, features=features).to_parquet(
        folder / "tiny_100hz" / "train-00000-of-00001.parquet"
    )
    return folder


@pytest.fixture
def feature_recipe(text_recipe, feature_corpus) -> dict:
    """A dual encoder without BatchNorm, its text tower frozen, which asks all sentences and features in every step."""
    encoder = {"model_type": "ecg_resnext", "group_width": 4, "kernel_size": 6, "num_leads": 12, "num_samples": 100}
    text_recipe["model"]["config"] |= {
        "ecg_config": {**encoder, "sampling_rate": 100, "widths": [8, 16], "depths": [1, 1]},
        "text_weighting": "distinct",
        "num_text_kinds": 2,
        "mitigation_target": "truth",
    }
    text_recipe["data"]["sources"][0]["path"] = str(feature_corpus)
    text_recipe["data"]["columns"] = dict(COLUMNS)
    text_recipe["method"]["options"] = {"true_texts": True, "single_sentence_probability": 1.0, "extra_texts": 3}
    text_recipe["freeze"], text_recipe["validation"] = ["text_model"], None
    text_recipe["run"] |= {"epochs": 1, "num_workers": 0}
    return text_recipe


def test_a_run_learns_features_and_tells_its_texts(feature_recipe, recipe_of, tmp_path):
    recipe = recipe_of(feature_recipe, run__epochs=8, optimizer__lr=0.01, run__batch_size=16)
    pretrain(recipe, tmp_path / "out")
    facts = read_training_facts(tmp_path / "out")
    assert facts.trained_texts == tuple(sorted([*SENTENCES, *FEATURES[:3]]))
    assert facts.sources[0].features == "columns true_features and false_features"
    model = ECGTextModel.from_pretrained(tmp_path / "out").eval()
    assert model.kind_logit_scale.shape == model.kind_logit_bias.shape == (1,) and model.kind_logit_bias != 0
    parts = build_parts(recipe)
    texts = parts.processor.tokenizer(FEATURES[:3], padding=True, return_tensors="pt")
    rows = parts.rows.__getitems__(range(60))
    with torch.no_grad():
        waves = parts.collator(rows)["input_values"]
        cosine = model(waves, input_ids=texts["input_ids"], attention_mask=texts["attention_mask"]).logits_per_ecg
    truth = torch.tensor([int(row["record_id"].split("-")[1]) % 3 for row in rows])
    assert (cosine.argmax(dim=1) == truth).float().mean() > 0.9


def test_micro_batches_with_cached_gradients_are_the_whole_batch(feature_recipe, recipe_of, tmp_path):
    weights = []
    for parts in (1, 4):
        changes = {"run__accumulation": parts, "run__gradient": "cached", "run__max_steps": 3}
        # the extra sentences of a micro-batch are all that there are, as those of the whole batch
        recipe = recipe_of(feature_recipe, method__options__extra_texts=100, **changes)
        pretrain(recipe, tmp_path / str(parts))
        weights.append(load_file(tmp_path / str(parts) / "model.safetensors"))
    for name, value in weights[0].items():
        assert (value - weights[1][name]).abs().max() <= 2e-6 * max(1.0, float(value.abs().max())), name


def test_the_control_deals_whole_rows_of_truth_to_other_patients(feature_recipe, recipe_of):
    recipe = recipe_of(feature_recipe, method__options__shuffle_features=True)
    plain, dealt = build_parts(recipe_of(feature_recipe)).sources[0], build_parts(recipe).sources[0]
    rows = [list(zip(*(data[name][:] for name in COLUMNS.values()), strict=True)) for data in (plain, dealt)]
    assert rows[0] != rows[1] and sorted(map(str, rows[0])) == sorted(map(str, rows[1]))
    assert plain["text"][:] == dealt["text"][:]
    told = training_facts(recipe).sources[0].features
    assert told == "columns true_features and false_features, shuffled across patients: a control"


def test_a_model_of_one_kind_of_text_goes_on_with_features(feature_recipe, recipe_of, tmp_path):
    first = recipe_of(feature_recipe, data__columns={}, model__config__num_text_kinds=1, run__max_steps=1)
    pretrain(first, tmp_path / "first")
    assert read_training_facts(tmp_path / "first").trained_texts == tuple(sorted(SENTENCES))
    facts = json.loads((tmp_path / "first" / "training_facts.json").read_text())
    goes_on = {
        "class": "ECGTextModel",
        "config": {"num_text_kinds": 2},
        "init_from": {"model": str(tmp_path / "first")},
    }
    second = recipe_of(feature_recipe, model=goes_on, run__max_steps=1)
    model = build_parts(second).model
    assert model.kind_logit_bias.tolist() == [0.0] and model.logit_bias != -10.0
    pretrain(second, tmp_path / "second")
    assert set(read_training_facts(tmp_path / "second").trained_texts) == {*SENTENCES, *FEATURES[:3]}
    # what an earlier version's weights were taught is not known
    del facts["trained_texts"]
    (tmp_path / "first" / "training_facts.json").write_text(json.dumps(facts))
    parts = build_parts(second)
    assert training_facts(second, parts.method, parts.sources).trained_texts is None


@pytest.mark.parametrize("statistics_texts", ["training", "features", "features_in_leads"])
def test_statistics_are_those_of_the_texts_that_are_named(text_recipe, recipe_of, statistics_texts, corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "corpus")
    (tmp_path / "corpus" / "summary.json").write_text(json.dumps({"text_source": "statements", "hold_out": ["LPR"]}))
    text_recipe["data"]["sources"][0]["path"] = str(tmp_path / "corpus")
    changes = {"model__config__standardise_text": True, "model__config__text_whitening": 0.5}
    recipe = recipe_of(
        text_recipe, freeze=["text_model"], method__options__statistics_texts=statistics_texts, **changes
    )
    parts = build_parts(recipe)
    more = {"training": [], "features": [0], "features_in_leads": range(13)}[statistics_texts]
    features = [lead_texts(feature) for feature in dict.fromkeys(row.feature for row in WAVEFORM_FEATURES)]
    # the corpus holds LPR out of every text, which "prolonged PR interval" names
    features = [texts for texts in features if not mentions(texts[0], ["LPR"])]
    texts = {*parts.collator.possible_texts(*parts.sources)}
    texts |= {text for variants in features for text in variants[: len(more)]}
    run_model = parts.model
    before = run_model.text_mean.clone()
    start = TrainingStart(
        run_model, parts.collator, parts.sources, ["text_model"], measured=False, accelerator=Accelerator(cpu=True)
    )
    parts.method.before_training(start)
    encoded = encode_texts(run_model.eval(), parts.processor, sorted(texts))
    wanted = torch.stack([encoded[text] for text in sorted(texts)])
    torch.testing.assert_close(run_model.text_mean, wanted.mean(0), rtol=1e-4, atol=1e-5)
    assert not torch.equal(before, run_model.text_mean)
    assert set(parts.collator.text_features) == {*parts.collator.possible_texts(*parts.sources)}


def test_withheld_and_unannotated_statements_reach_the_batch(feature_recipe, recipe_of, feature_corpus, tmp_path):
    kinds = {"method__options__unknown_statements": ["withheld", "unannotated"]}
    with pytest.raises(ValueError, match="no statement_sentences of"):
        build_parts(recipe_of(feature_recipe, **kinds))
    corpus = tmp_path / "corpus"
    shutil.copytree(feature_corpus, corpus)
    summary = json.loads((corpus / "summary.json").read_text())
    summary["statement_sentences"] = {"PVC": SENTENCES[4], "LVH": SENTENCES[2]}
    (corpus / "summary.json").write_text(json.dumps(summary))
    parts = build_parts(recipe_of(feature_recipe, data__sources__0__path=str(corpus), **kinds))
    rows = parts.rows.__getitems__(range(40))
    unknown = parts.collator(rows)["unknown_text_ids"]
    premature = (unknown == text_id(SENTENCES[4])).any(dim=1).tolist()
    assert premature == [row["form"] is None for row in rows] and True in premature and False in premature
    control = {"method__options__shuffle_texts": True, "data__sources__0__path": str(corpus)}
    dealt = build_parts(recipe_of(feature_recipe, **control, **kinds)).sources[0]
    assert dealt["form"][:] != parts.sources[0]["form"][:]  # what a text leaves open goes with the text


def test_no_feature_brings_back_what_the_corpus_holds_out(feature_recipe, recipe_of, feature_corpus, tmp_path):
    corpus = tmp_path / "corpus"
    shutil.copytree(feature_corpus, corpus)
    path = corpus / "tiny_100hz" / "train-00000-of-00001.parquet"
    rows = datasets.Dataset.from_parquet(str(path))
    names = datasets.List(datasets.ClassLabel(names=[*FEATURES[:3], "atrial fibrillation"]))
    for column in COLUMNS.values():
        rows = rows.cast_column(column, names)
    rows.to_parquet(path)
    with pytest.raises(ValueError, match=r"holds AFIB out .* features \['atrial fibrillation'\]"):
        build_parts(recipe_of(feature_recipe, data__sources__0__path=str(corpus)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__columns": {"true_texts": "true_features"}}, "false_texts None, wanted both"),
        ({"method__options__true_texts": False, "method__options__extra_texts": 0}, "needs method.options.true_texts"),
        ({"data__columns": {}, "method__options__shuffle_features": True}, "shuffle_features needs data.columns"),
        ({"model__config__num_text_kinds": 1}, "num_text_kinds is 1: wanted num_text_kinds 2"),
        ({"model__config__identical_text": "mask"}, "identical_text is 'mask': wanted"),
        ({"method__options__statistics_texts": "table"}, "statistics_texts is 'table'"),
        ({"method__options__unknown_statements": ["withhold"]}, "unknown_statements is 'withhold'"),
        ({"data__columns__true_texts": "true_feature"}, "no column 'true_feature'"),
        ({"data__columns__true_texts": "fold"}, "no label set 'fold'"),
        ({"model__config__text_kind_weights": [1.0, 2.0]}, "text_kind_weights is .*for each kind from 1 on: 1"),
        ({"model__config__mitigation_target": "true"}, "mitigation_target is 'true'"),
    ],
)
def test_what_does_not_fit_is_refused(feature_recipe, recipe_of, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        pretrain(recipe_of(feature_recipe, **changes), tmp_path / "out")
