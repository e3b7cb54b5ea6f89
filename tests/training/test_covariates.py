"""Covariates from a corpus's columns to a head, its validation, its pipeline and its report."""

import numpy as np
import pytest
import torch
from transformers import pipeline

import hf_ecg  # noqa: F401
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.row_inputs import Covariates
from hf_ecg.evaluation.judging.features import classifier_logits
from hf_ecg.evaluation.loading import load_classifier
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts
from hf_ecg.training.finetune import finetuning_recipe
from tests.training.test_finetune import ZSCORE, data, save_encoder  # noqa: F401

QUICK = ["run.epochs=2", "run.batch_size=8", "run.num_workers=0", "run.num_threads=1", "validation.minimum=2"]


def recipe(tmp_path, data, *overrides, **options):  # noqa: F811
    source = save_encoder(tmp_path / "encoder", ZSCORE)
    told = {"label_sets": ["form"], "covariates": ["fold", "num_samples"]} | options
    return finetuning_recipe(source, overrides=[*data, *QUICK, *overrides], **told)


@pytest.fixture
def trained(tmp_path, data):  # noqa: F811
    """A classifier that is told the fold; its encoder is frozen, so that it is asked about each record once."""
    pretrain(recipe(tmp_path, data, covariates=["fold"], frozen=True), tmp_path / "run")
    return tmp_path / "run"


def test_statistics_are_those_of_the_training_rows_and_batches_carry_the_columns(tmp_path, data):  # noqa: F811
    parts = build_parts(recipe(tmp_path, data, covariates=["fold"]))
    config = parts.model.config
    folds = np.array(load_corpus(parts_path(data), folds=[1, 2, 3, 4])["fold"])
    assert config.covariates == ["fold"]
    assert config.covariate_mean == pytest.approx([folds.mean()]) and config.covariate_scale == [folds.std()]
    rows = parts.rows.__getitems__([(0, 0), (0, 5)])
    batch = parts.collator(rows)
    assert batch["covariates"].tolist() == [[row["fold"]] for row in rows]
    assert set(parts.collator(rows)) == {"input_values", "lead_mask", "sample_mask", "labels", "covariates"}


def parts_path(data):  # noqa: F811
    return data[0].partition("=")[2]


def test_one_that_says_nothing_or_is_not_there_is_refused(tmp_path, data):  # noqa: F811
    with pytest.raises(ValueError, match="1 different values of num_samples, wanted several"):
        build_parts(recipe(tmp_path, data))
    with pytest.raises(ValueError, match=r"no column 'folds' \(did you mean 'fold'\?\)"):
        build_parts(recipe(tmp_path, data, covariates=["folds"]))


def test_the_trained_head_is_told_by_rows_everywhere(trained, data):  # noqa: F811
    model, extractor = load_classifier(str(trained), torch.device("cpu"))
    rows = load_corpus(parts_path(data), folds=[5]).select(range(4))
    logits = torch.from_numpy(classifier_logits(model, extractor, rows, batch_size=3))
    inputs = extractor(list(rows), return_tensors="pt", window="recipe")
    folds = torch.tensor([[float(row["fold"])] for row in rows])
    torch.testing.assert_close(logits, model(**inputs, covariates=folds).logits)
    assert not torch.allclose(logits, model(**inputs, covariates=folds - 4).logits, atol=1e-4)
    with pytest.raises(ValueError, match="has no column 'fold'"):
        classifier_logits(model, extractor, rows.remove_columns("fold"))
    classify = pipeline("ecg-classification", model=str(trained), device="cpu")
    wanted = dict(zip(model.config.id2label.values(), logits[0].sigmoid().tolist(), strict=True))
    array = np.asarray(rows[0]["signal"], np.float64).reshape(12, -1) / 1000
    signal = {"sampling_rate": 100, "leads": rows[0]["leads"], "units": "mV"}
    for found in (
        classify(rows[0]),
        list(classify(rows, batch_size=2))[0],
        classify(array, covariates={"fold": 5}, **signal),
        classify({"array": array, **signal, "covariates": {"fold": 5.0}}),
    ):
        assert {one["label"]: one["score"] for one in found} == pytest.approx(wanted, abs=1e-4)
    for given, message in (
        ({}, "the model also wants fold: say covariates={'fold': ...}, None where not known"),
        ({"covariates": {"fol": 5}}, r"covariates has 'fol' \(did you mean 'fold'\?\)"),
        ({"covariates": {}}, "covariates has no 'fold', which the model wants"),
        ({"covariates": 5}, "wanted a dict"),
    ):
        with pytest.raises(ValueError, match=message):
            classify(array, **signal, **given)


def test_sexes_are_numbers_and_what_is_not_known_is_nan():
    made = Covariates(["sex", "age"])([{"sex": "male", "age": None}, {"sex": None, "age": 61}])["covariates"]
    torch.testing.assert_close(made, torch.tensor([[1.0, torch.nan], [torch.nan, 61.0]]), equal_nan=True)
    with pytest.raises(ValueError, match="record a has no column 'age'"):
        Covariates(["age"])([{"record_id": "a"}])
    with pytest.raises(ValueError, match="age is 'old', wanted a finite number or null"):
        Covariates(["age"])([{"age": "old"}])
    with pytest.raises(ValueError, match="record b: age is inf, wanted a finite number or null"):
        Covariates(["age"])([{"record_id": "b", "age": float("inf")}])
