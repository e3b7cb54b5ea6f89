"""Waveform features as texts of their own: true of a record, false, or not known."""

import datasets
import numpy as np
import pytest
import torch
from datasets import ClassLabel, List

from hf_ecg.data.collators import ECGTextCollator, text_id
from hf_ecg.data.feature_texts import FeatureTexts
from hf_ecg.data.mixing import MixedRows
from tests.data import made_rows

COLUMNS = ["true_features", "false_features"]
FEATURES = ["wide QRS complex", "narrow QRS complex", "absent P waves", "never decided"]
# of rows 0, 1, 2, 3, then from the beginning again; the last record was not measured
TRUE, FALSE = [[1], [0, 2], [1], None], [[0, 2], [1], [], None]


def with_features(rows: datasets.Dataset, names=FEATURES, true=TRUE, false=FALSE) -> datasets.Dataset:
    for column, values in zip(COLUMNS, (true, false), strict=True):
        repeated = [values[row % len(values)] for row in range(len(rows))]
        rows = rows.add_column(column, repeated, feature=List(ClassLabel(names=list(names))))
    return rows


@pytest.fixture(scope="module")
def dataset():
    return with_features(made_rows.dataset(8))


def collator_of(*sources, **options) -> ECGTextCollator:
    collator = ECGTextCollator(made_rows.processor(), true_texts=True, **options)
    collator.fit_sentences(*sources)
    collator.feature_texts = FeatureTexts(*COLUMNS, sources)
    return collator


def test_texts_are_those_that_some_row_decides_with_their_log_odds(dataset):
    features = FeatureTexts(*COLUMNS, [dataset])
    assert features.texts == FEATURES[:3] and features.ids.tolist() == [text_id(text) for text in FEATURES[:3]]
    share = np.array([2 / 4, 4 / 6, 2 / 4])
    np.testing.assert_allclose(features.log_odds, np.log(share / (1 - share)), rtol=1e-6)
    always = with_features(made_rows.dataset(4), true=[[0]], false=[[1]])
    np.testing.assert_allclose(
        FeatureTexts(*COLUMNS, [always]).log_odds, np.log([0.995 / 0.005, 0.005 / 0.995]), rtol=1e-5
    )


@pytest.mark.parametrize("extra_texts", [0, 100])
def test_every_batch_asks_all_features_as_texts_of_kind_one(dataset, extra_texts):
    collator = collator_of(dataset, extra_texts=extra_texts, single_sentence_probability=1.0)
    rows = MixedRows([dataset], collator.columns)
    batch = collator(rows.__getitems__([0, 1, 2, 3]))
    plain = 4 + (len(collator.sentences.counts) if extra_texts else 0)
    assert batch["text_kinds"].tolist() == [0] * plain + [1] * 3
    assert batch["text_ids"][plain:].tolist() == [text_id(text) for text in FEATURES[:3]]
    assert len(batch["input_ids"]) == len(batch["text_ids"]) == len(batch["text_log_odds"]) == plain + 3
    assert (batch["text_log_odds"][:plain] == 0).all()
    np.testing.assert_array_equal(batch["text_log_odds"][plain:], collator.feature_texts.log_odds)
    asked = batch["text_ids"][plain:]
    true, unknown = (
        (batch[name][:, :, None] == asked).any(dim=1).tolist() for name in ("true_text_ids", "unknown_text_ids")
    )
    assert true == [[False, True, False], [True, False, True], [False, True, False], [False] * 3]
    assert unknown == [[False] * 3, [False] * 3, [True, False, True], [True] * 3]
    statements = (batch["true_text_ids"][:, :, None] == batch["text_ids"][:4]).any(dim=1)
    assert statements.diagonal().all()
    collator.text_features = {text: torch.full((4,), i) for i, text in enumerate(collator.possible_texts(dataset))}
    assert collator(rows.__getitems__([0, 1]))["text_features"].shape == (plain - 2 + 3, 4)


def test_a_batch_without_anything_unknown_names_no_text(dataset):
    collator = collator_of(dataset)
    batch = collator(MixedRows([dataset], collator.columns).__getitems__([0, 1]))
    assert batch["unknown_text_ids"].shape == (2, 1)
    assert not (batch["unknown_text_ids"][:, :, None] == batch["text_ids"]).any()


def test_corpora_may_number_their_features_otherwise_or_have_none(dataset):
    other = with_features(made_rows.dataset(4), ["absent P waves", "wide QRS complex"], [[0]], [[1]])
    sources = [dataset, other, made_rows.dataset(4)]
    collator = collator_of(*sources)
    assert collator.feature_texts.texts == FEATURES[:3]
    batch = collator(MixedRows(sources, collator.columns).__getitems__([1, 8, 12]))
    asked = torch.tensor(collator.feature_texts.ids)
    true, unknown = (
        (batch[name][:, :, None] == asked).any(dim=1).tolist() for name in ("true_text_ids", "unknown_text_ids")
    )
    assert true == [[True, False, True], [False, False, True], [False] * 3]
    assert unknown == [[False] * 3, [False, True, False], [True] * 3]


@pytest.mark.parametrize(
    ("true", "false", "message"),
    [
        ([None], [None], "no training row has a feature in the columns 'true_features' and 'false_features'"),
        ([[0], [1, 2]], [[1], [2]], "record r1: 'absent P waves' is in true_features and in false_features"),
    ],
)
def test_what_cannot_be_is_refused(true, false, message):
    with pytest.raises(ValueError, match=message):
        FeatureTexts(*COLUMNS, [with_features(made_rows.dataset(4), true=true, false=false)])


def test_a_corpus_has_both_columns_or_none(dataset):
    with pytest.raises(ValueError, match="has the column 'true_features' alone"):
        FeatureTexts(*COLUMNS, [dataset, dataset.remove_columns("false_features")])
