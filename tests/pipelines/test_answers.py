"""Embeddings and classes: the numbers are those of the model, however ECGs are handed over."""

import datasets
import numpy as np
import pytest
import torch
from transformers import pipeline
from transformers.pipelines.pt_utils import KeyDataset

from hf_ecg import ECGFeatureExtractor, ECGTextProcessor
from hf_ecg.evaluation.judging.features import ecg_embeddings, ecg_features
from tests.evaluation import tiny
from tests.made_channels import beats, write_channels

GIVEN = {"sampling_rate": 100, "leads": tiny.LEADS, "units": "mV"}


def arrays(corpus):
    return [np.asarray(row["signal"], np.float64).reshape(len(tiny.LEADS), -1) / 1000 for row in corpus]


@pytest.mark.parametrize("model", ["encoder", "sigmoid"])
def test_embeddings_are_those_of_the_encoder_for_every_kind_of_input(work, corpus, model):
    extract = pipeline("ecg-feature-extraction", model=str(work / model), device="cpu")
    expected = ecg_features(extract.model, extract.feature_extractor, corpus)
    given = arrays(corpus)
    results = {
        "rows": [extract(row) for row in corpus],
        "data set": list(extract(corpus, batch_size=3)),
        "arrays": extract(given, batch_size=2, **GIVEN),
        "stack": extract(np.stack(given), **GIVEN),
        "dicts": extract([{"array": array, **GIVEN} for array in given], batch_size=4),
        "generator": list(extract((array for array in given), batch_size=3, **GIVEN)),
    }
    for kind, found in results.items():
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=kind)


def test_a_wfdb_record_gives_what_its_row_gives(work, ptb_xl_dir):
    path = sorted(ptb_xl_dir.glob("records100/*/*.hea"))[0]
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    extract.feature_extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=tiny.SAMPLES)
    with torch.no_grad():
        inputs = extract.feature_extractor(path, return_tensors="pt", window="first")
        expected = extract.model(**inputs).pooler_output[0]
    assert torch.equal(extract(str(path), return_tensors=True, window="first"), expected)
    inputs = extract.feature_extractor(path, return_tensors="pt", window="all")
    assert inputs.pop("record_index").tolist() == [0] * len(inputs["input_values"])
    with torch.no_grad():
        mean = extract.model(**inputs).pooler_output.mean(0)
    one, other = extract([str(path)] * 2, batch_size=2, window="all", return_tensors=True)
    for found in (one, other, extract(str(path), return_tensors=True)):
        torch.testing.assert_close(found, mean)


def test_a_channel_of_a_file_is_named(work, tmp_path):
    path = write_channels(tmp_path, ["ECG", "Resp"], ["1000/mV", "20/pm"], counts=beats(2, tiny.SAMPLES))
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    with pytest.raises(ValueError, match='rename={"ECG": "I"}'):
        extract(str(path))
    with torch.no_grad():
        inputs = extract.feature_extractor(path, rename={"ECG": "I"}, return_tensors="pt")
        expected = extract.model(**inputs).pooler_output[0]
    for options in ({}, {"leads": ["I"]}):
        assert torch.equal(extract(str(path), rename={"ECG": "I"}, **options, return_tensors=True), expected)
    with pytest.raises(ValueError, match="a dict with `array` holds .'rename'"):
        extract({"array": beats(1), **GIVEN, "rename": {"ECG": "I"}})


def test_projected_embeddings_have_unit_length(work, corpus):
    extract = pipeline("ecg-feature-extraction", model=str(work / "sigmoid"), device="cpu")
    processor = ECGTextProcessor(extract.feature_extractor, tiny.tokenizer())
    expected = ecg_embeddings(extract.model, processor, corpus)
    np.testing.assert_allclose(list(extract(corpus, projected=True)), expected, atol=1e-5)
    encoder = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    with pytest.raises(ValueError, match="projected is for dual encoders"):
        encoder(corpus[0], projected=True)


def test_records_of_several_lengths_do_not_change_each_other(work):
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=tiny.LEADS, num_samples=None, steps=tiny.STEPS)
    model = tiny.dual_encoder().ecg_model
    extract = pipeline("ecg-feature-extraction", model=model, feature_extractor=extractor, device="cpu")
    random = np.random.default_rng(0)
    given = [random.normal(size=(len(tiny.LEADS), samples)) for samples in (100, 70, 90)]
    alone = [extract(array, **GIVEN) for array in given]
    together = extract(given, batch_size=3, **GIVEN)
    # a convolution sees the padding of its neighbour at a record's end, as any padded model does
    assert together[0] == pytest.approx(alone[0], abs=1e-5)
    assert [np.corrcoef(one, two)[0, 1] > 0.99 for one, two in zip(alone, together, strict=True)] == [True] * 3


def test_crops_of_a_record_are_averaged_also_in_batches(work, corpus):
    steps = [*tiny.STEPS, {"name": "multi_crop", "count": 3, "num_samples": 60}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=tiny.LEADS, num_samples=60, steps=steps)
    model = tiny.dual_encoder().ecg_model
    extract = pipeline("ecg-feature-extraction", model=model, feature_extractor=extractor, device="cpu")
    expected = ecg_features(model, extractor, corpus)
    np.testing.assert_allclose(list(extract(corpus, batch_size=3)), expected, atol=1e-5)
    np.testing.assert_allclose([extract(row) for row in corpus], expected, atol=1e-5)
    row, largest = corpus[0], extract(corpus[0], crops="max")
    inputs = dict(extractor([row], return_tensors="pt"))
    inputs.pop("record_index")
    with torch.no_grad():
        np.testing.assert_allclose(largest, model.eval()(**inputs).pooler_output.amax(0), atol=1e-5)
    with pytest.raises(ValueError, match="crops.*mean.*max"):
        extract(row, crops="median")


@pytest.mark.parametrize(
    ("problem", "activation"),
    [
        ("multi_label_classification", torch.sigmoid),
        ("single_label_classification", lambda logits: logits.softmax(-1)),
        ("regression", lambda logits: logits),
    ],
)
def test_scores_are_those_of_the_problem_type(work, corpus, problem, activation):
    classify = pipeline("ecg-classification", model=str(work / problem), device="cpu")
    batch = classify.feature_extractor([row for row in corpus], return_tensors="pt")
    with torch.no_grad():
        expected = activation(classify.model(**batch).logits)
    for found, scores in zip(classify(corpus, batch_size=4), expected.tolist(), strict=True):
        named = dict(zip(["SR", "AFIB", "PVC"], scores, strict=True))
        assert {entry["label"]: entry["score"] for entry in found} == pytest.approx(named, abs=1e-5)
        if problem != "regression":
            assert [entry["score"] for entry in found] == sorted(scores, reverse=True)


def test_top_k_and_threshold(work, corpus):
    classify = pipeline("ecg-classification", model=str(work / "multi_label_classification"), device="cpu")
    every = classify(corpus[0], top_k=None)
    assert classify(corpus[0], top_k=1) == every[:1]
    assert classify(corpus[0], threshold=every[1]["score"]) == every[:2]
    with pytest.raises(ValueError, match="top_k is 0"):
        classify(corpus[0], top_k=0)


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ([], {}, "list of ECGs is empty"),
        (np.zeros((12, 100)), {}, "sampling_rate, leads, units must be given"),
        ({"array": np.ones((12, 100)), "rate": 100}, {}, r"holds \['rate'\]"),
        (np.ones((12, 100)), {**GIVEN, "unit": "mV"}, "unknown option 'unit' .did you mean 'units'"),
        (np.ones((12, 50)), GIVEN, "wants 100"),
    ],
)
def test_what_does_not_fit_is_refused(work, inputs, options, message):
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    with pytest.raises(ValueError, match=message):
        extract(inputs, **options)


def test_many_ecgs_may_come_in_any_way(work, corpus):
    extract = pipeline("ecg-feature-extraction", model=str(work / "encoder"), device="cpu")
    expected = ecg_features(extract.model, extract.feature_extractor, corpus)
    dicts = [{"ecg": {"array": array, **GIVEN}} for array in arrays(corpus)]
    streamed = datasets.IterableDataset.from_generator(lambda: iter(dicts))
    ways = {
        "streamed": (corpus.to_iterable_dataset(), {}),
        "column": (KeyDataset(dicts, "ecg"), {}),
        "streamed column": (KeyDataset(streamed, "ecg"), {}),
        "iterator": (iter(arrays(corpus)), GIVEN),
        "map": (map(np.asarray, arrays(corpus)), GIVEN),
    }
    for kind, (given, options) in ways.items():
        found = list(extract(given, batch_size=3, **options))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=kind)
    with pytest.raises(ValueError, match=r"has the splits \['train'\], wanted one of them"):
        extract(datasets.DatasetDict({"train": corpus}))
