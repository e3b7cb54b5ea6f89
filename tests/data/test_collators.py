"""Collators: what a batch holds, and that a record's part of it depends on nothing but the record, epoch and seed."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from hf_ecg.data.collators import ECGClassificationCollator, ECGTextCollator, ECGWaveformCollator, text_id
from hf_ecg.data.rows import SIGNAL_COLUMNS, RowDataset
from hf_ecg.data.samplers import RecordBatchSampler
from hf_ecg.processing import ECGFeatureExtractor
from tests.data import made_rows

VIEWS = [
    {"name": "random_crop", "num_samples": 150},
    {"name": "gaussian_noise", "relative": [0.0, 0.5], "probability": 0.5},
    {"name": "baseline_wander", "amplitude": [0.0, 0.2]},
    {"name": "lead_dropout", "lead_probability": 0.3},
]


@pytest.fixture(scope="module")
def dataset():
    return made_rows.dataset(24)


@pytest.fixture(scope="module")
def rows(dataset):
    return RowDataset(dataset, [*SIGNAL_COLUMNS, "text", "rhythm", "form"])


@pytest.fixture(scope="module")
def processor():
    return made_rows.processor()


def keys(indices, epoch=0):
    return [(epoch, index) for index in indices]


def words(processor, batch):
    return [text.replace(" .", ".") for text in processor.tokenizer.batch_decode(batch["input_ids"], True)]


def test_a_batch_of_ecgs_and_texts(rows, processor, dataset):
    batch = ECGTextCollator(processor)(rows.__getitems__(keys([3, 0, 7])))
    assert set(batch) == {
        *("input_values", "lead_mask", "sample_mask", "input_ids", "attention_mask", "text_ids", "return_loss")
    }
    counts = made_rows.counts(24, 200)[[3, 0, 7]].reshape(3, 12, 200)
    np.testing.assert_allclose(batch["input_values"].numpy(), counts / 1000, atol=1e-6)
    assert batch["input_values"].dtype == torch.float32 and batch["return_loss"] is True
    assert batch["lead_mask"].all() and batch["sample_mask"].shape == (3, 200)
    assert batch["attention_mask"].sum(1).tolist() == [5, 2, 5]
    assert words(processor, batch) == [dataset[i]["text"] for i in (3, 0, 7)]
    assert batch["text_ids"][0] == batch["text_ids"][2] != batch["text_ids"][1]


def test_text_ids_are_the_same_on_any_machine():
    assert text_id("sinus rhythm") == 1368576000183149907  # written down once
    ids = {text_id(f"text {number}") for number in range(10_000)}
    assert len(ids) == 10_000 and min(ids) < 0 < max(ids)
    assert torch.tensor(sorted(ids)).dtype == torch.int64


def test_each_token_knows_its_sentence_and_a_text_without_one_keeps_its_row(processor):
    dataset = made_rows.dataset(3, texts=["atrial fibrillation. low T waves", "...", "sinus rhythm"])
    rows = RowDataset(dataset, [*SIGNAL_COLUMNS, "text"]).__getitems__(keys(range(3)))
    batch = ECGTextCollator(processor, sentence_ids=True)(rows)
    assert batch["input_ids"].shape == batch["sentence_ids"].shape
    of_sentence = [
        [processor.tokenizer.decode(tokens[ids == number]) for number in range(int(ids.max()) + 1)]
        for tokens, ids in zip(batch["input_ids"], batch["sentence_ids"], strict=True)
    ]
    assert of_sentence == [["atrial fibrillation", "low T waves"], [], ["sinus rhythm"]]
    assert (batch["sentence_ids"][batch["attention_mask"] == 0] == -1).all()
    cut = ECGTextCollator(processor, sentence_ids=True, max_length=3)(rows)
    assert cut["sentence_ids"].tolist() == batch["sentence_ids"][:, :3].tolist()
    frozen = {text: torch.zeros(2) for text in dataset["text"]}
    with pytest.raises(ValueError, match="a text tower whose sentences are read cannot be frozen whole"):
        ECGTextCollator(processor, sentence_ids=True, text_features=frozen)


def test_long_texts_are_cut(rows, processor):
    batch = ECGTextCollator(processor, max_length=3)(rows.__getitems__(keys([2, 0])))
    assert batch["input_ids"].shape == (2, 3)


@pytest.mark.parametrize("probability", [0.0, 0.5])
def test_a_record_looks_the_same_in_any_batch_and_otherwise_in_another_epoch(rows, processor, probability):
    collator = ECGTextCollator(processor, views=VIEWS, seed=3, single_sentence_probability=probability)
    whole = collator(rows.__getitems__(keys(range(24))))
    part = collator(rows.__getitems__(keys([9, 2, 17])))
    assert whole["input_values"].shape == (24, 12, 150) and whole["sample_mask"].shape == (24, 150)
    for key in ("input_values", "lead_mask", "sample_mask", "text_ids"):
        assert torch.equal(whole[key][[9, 2, 17]], part[key]), key
    later = collator(rows.__getitems__(keys(range(24), epoch=1)))
    assert not torch.equal(whole["input_values"], later["input_values"])
    assert torch.equal(whole["text_ids"], later["text_ids"]) == (probability == 0)
    other = ECGTextCollator(processor, views=VIEWS, seed=4)(rows.__getitems__(keys(range(24))))
    assert not torch.equal(whole["input_values"], other["input_values"])


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_make_the_batches_that_one_process_makes(rows, processor, workers):
    collator = ECGTextCollator(processor, views=VIEWS, seed=3, single_sentence_probability=0.5)
    sampler = RecordBatchSampler(len(rows), 6, seed=1)
    sampler.set_epoch(2)
    alone = list(DataLoader(rows, batch_sampler=sampler, collate_fn=collator))
    options = {"num_workers": workers, "multiprocessing_context": "fork"}
    together = list(DataLoader(rows, batch_sampler=sampler, collate_fn=collator, **options))
    assert len(alone) == len(together) == 4
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one if key != "return_loss")


def test_a_shorter_record_stays_padding_through_the_views(processor):
    short = made_rows.dataset(2, samples=120)
    steps = [{"name": "select_leads"}, {"name": "pad", "num_samples": 200}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=made_rows.LEADS, num_samples=200, steps=steps)
    collator = ECGClassificationCollator(extractor, ["rhythm"], made_rows.CLASSES, views=VIEWS)
    batch = collator(RowDataset(short, collator.columns).__getitems__(keys([0, 1])))
    assert batch["sample_mask"].sum(1).tolist() == [120, 120]
    assert (batch["input_values"] * ~batch["sample_mask"][:, None] == 0).all()


def test_a_sentence_now_and_then(rows, processor, dataset):
    collator = ECGTextCollator(processor, single_sentence_probability=0.5, seed=1)
    seen = [words(processor, collator(rows.__getitems__(keys([2], epoch))))[0] for epoch in range(200)]
    whole = dataset[2]["text"]
    sentences = whole.split(". ")
    assert set(seen) == {whole, *sentences}
    assert 0.4 < seen.count(whole) / 200 < 0.6
    assert all(0.08 < seen.count(sentence) / 200 < 0.26 for sentence in sentences)
    always = ECGTextCollator(processor, single_sentence_probability=1.0)
    assert whole not in words(processor, always(rows.__getitems__(keys([2] * 8))))


def test_possible_texts_are_all_that_can_come(rows, processor, dataset):
    assert ECGTextCollator(processor).possible_texts(dataset) == sorted(made_rows.TEXTS)
    collator = ECGTextCollator(processor, single_sentence_probability=0.3)
    possible = collator.possible_texts(dataset.select([2, 6, 3]))
    assert possible == sorted(
        {
            *made_rows.TEXTS[2:],
            *("sinus rhythm", "possible left ventricular hypertrophy", "low T waves", "normal ECG"),
        }
    )


def test_extra_sentences_follow_the_records_own(rows, processor, dataset):
    collator = ECGTextCollator(processor, single_sentence_probability=1.0, true_texts=True, extra_texts=100)
    collator.fit_sentences(dataset)
    batch = collator(rows.__getitems__(keys([2, 3])))
    texts = words(processor, batch)
    assert texts[2:] == sorted(collator.sentences.counts) and len(batch["input_values"]) == 2
    assert batch["text_ids"].tolist() == [text_id(text) for text in texts]
    true = (batch["true_text_ids"][:, :, None] == batch["text_ids"]).any(1)
    assert [[text for text, here in zip(texts[2:], row[2:], strict=True) if here] for row in true.tolist()] == [
        sorted(dataset[index]["text"].split(". ")) for index in (2, 3)
    ]
    collator.extra_texts = 3
    again = [words(processor, collator(rows.__getitems__(keys([2, 3], epoch)))) for epoch in (0, 0, 1, 2, 3)]
    assert again[0] == again[1] and len({tuple(some[2:]) for some in again}) > 1 and len(again[0]) == 5
    collator.text_features = {text: torch.full((4,), i) for i, text in enumerate(collator.possible_texts(dataset))}
    assert collator(rows.__getitems__(keys([2, 3])))["text_features"].shape == (5, 4)


def test_a_text_of_nothing_but_a_dot_stays_whole(rows, processor):
    collator = ECGTextCollator(processor, single_sentence_probability=1.0)
    assert words(processor, collator([rows[0] | {"text": "."}])) == ["."]


def test_features_of_a_frozen_tower_replace_tokens(rows, processor, dataset):
    collator = ECGTextCollator(processor, single_sentence_probability=0.5)
    texts = collator.possible_texts(dataset)
    tokens = collator(rows.__getitems__(keys(range(24))))
    collator.text_features = {text: torch.full((5,), float(number)) for number, text in enumerate(texts)}
    batch = collator(rows.__getitems__(keys(range(24))))
    assert "input_ids" not in batch and batch["text_features"].shape == (24, 5)
    wanted = [float(texts.index(text)) for text in words(processor, tokens)]
    assert batch["text_features"][:, 0].tolist() == wanted
    assert torch.equal(batch["text_ids"], tokens["text_ids"])
    copy = pickle.loads(pickle.dumps(collator))(rows.__getitems__(keys(range(24))))
    assert torch.equal(copy["text_features"], batch["text_features"])
    collator.text_features = {"other": torch.zeros(5)}
    with pytest.raises(ValueError, match="has 1 texts, but not 'sinus rhythm'"):
        collator(rows.__getitems__(keys([0])))


@pytest.mark.parametrize("text", ["", "  ", None])
def test_a_record_without_text_is_refused_by_name(rows, processor, text):
    row = rows[5] | {"text": text}
    with pytest.raises(ValueError, match="record r5: text is .*non_empty_text"):
        ECGTextCollator(processor)([row])


def test_labels_of_several_sets_stand_side_by_side(rows, processor):
    collator = ECGClassificationCollator(processor.feature_extractor, ["form", "rhythm"], made_rows.CLASSES)
    batch = collator(rows.__getitems__(keys([0, 1, 2])))
    assert set(batch) == {"input_values", "lead_mask", "sample_mask", "labels"}
    nan = float("nan")
    wanted = torch.tensor([[nan, nan, nan, 1, 0], [1, 0, 1, 0, 1], [0, 0, 0, 1, 0]])
    torch.testing.assert_close(batch["labels"], wanted, equal_nan=True, rtol=0, atol=0)


def test_a_class_beyond_the_names_is_refused(rows, processor):
    collator = ECGClassificationCollator(processor.feature_extractor, ["form"], {"form": ["LOWT", "NDT"]})
    with pytest.raises(ValueError, match=r"record r1: form has the classes \[0, 2\], but 2"):
        collator([rows[1]])
    with pytest.raises(ValueError, match="no column 'form'"):
        collator([{key: value for key, value in rows[1].items() if key != "form"}])


def test_views_need_to_know_which_record_and_epoch(rows, processor):
    row = {key: value for key, value in rows[0].items() if key != "epoch"}
    with pytest.raises(ValueError, match="no epoch"):
        ECGTextCollator(processor, views=VIEWS)([row])
    assert ECGTextCollator(processor)([row])["return_loss"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": [{"name": "crop"}]}, "unknown view 'crop'"),
        ({"single_sentence_probability": 1.5}, "single_sentence_probability is 1.5"),
        ({"single_sentence_probability": -0.5}, "single_sentence_probability is -0.5"),
        ({"text_features": {}}, "text_features is empty"),
        ({"extra_texts": 3, "single_sentence_probability": 1.0}, "extra_texts is 3, but true_texts is False"),
        ({"extra_texts": 3, "true_texts": True}, "single_sentence_probability 0.0"),
        ({"extra_texts": -1}, "extra_texts is -1"),
    ],
)
def test_impossible_options_are_refused(processor, options, message):
    with pytest.raises(ValueError, match=message):
        ECGTextCollator(processor, **options)


def test_impossible_label_sets_are_refused(processor):
    for label_sets, message in (([], "at least one"), ("form", "wanted a list"), (["all"], "no classes of 'all'")):
        with pytest.raises(ValueError, match=message):
            ECGClassificationCollator(processor.feature_extractor, label_sets, made_rows.CLASSES)


def test_waveforms_alone(rows, processor):
    collator = ECGWaveformCollator(processor, VIEWS, seed=5, record_seeds=True)
    batch = collator(rows.__getitems__(keys([0, 3])))
    assert set(batch) == {"input_values", "lead_mask", "sample_mask", "record_seeds"}
    text = ECGTextCollator(processor, VIEWS, seed=5)(rows.__getitems__(keys([0, 3])))
    assert torch.equal(batch["input_values"], text["input_values"])
    alone, later = collator(rows.__getitems__(keys([3]))), collator(rows.__getitems__([(1, 3)]))
    assert alone["record_seeds"][0] == batch["record_seeds"][1] != later["record_seeds"][0]
    plain = ECGWaveformCollator(processor.feature_extractor)(rows.__getitems__(keys([0])))
    assert "record_seeds" not in plain
