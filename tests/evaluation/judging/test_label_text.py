import numpy as np
import pytest

from hf_ecg.clinical.prompts import PromptSet, lead_texts
from hf_ecg.evaluation.judging import features
from hf_ecg.evaluation.judging.label_text import (
    TextEmbeddings,
    aggregate_similarities,
    match_labels,
    scale_and_bias,
    scores_of_embeddings,
)
from tests.evaluation import tiny

SIMILARITIES = np.array([[0.1, 0.5, -0.2], [0.9, 0.7, 0.3]])


def test_max_and_mean_over_the_prompts_of_a_class():
    assert aggregate_similarities(SIMILARITIES, [2, 1], "max").tolist() == [[0.5, -0.2], [0.9, 0.3]]
    assert aggregate_similarities(SIMILARITIES, [1, 2], "mean") == pytest.approx(np.array([[0.1, 0.15], [0.9, 0.5]]))


def test_noisy_or_is_one_minus_the_product_of_absences():
    probabilities = 1 / (1 + np.exp(-(10 * SIMILARITIES - 4)))
    expected = np.stack([1 - (1 - probabilities[:, 0]) * (1 - probabilities[:, 1]), probabilities[:, 2]], axis=1)
    assert aggregate_similarities(SIMILARITIES, [2, 1], "noisy_or", 10.0, -4.0) == pytest.approx(expected, rel=1e-12)


def test_noisy_or_keeps_the_order_of_tiny_probabilities():
    scores = aggregate_similarities(np.array([[-0.9], [-0.8]]), [1], "noisy_or", 50.0, -10.0)
    assert 0 < scores[0, 0] < scores[1, 0]


def test_bad_aggregation():
    with pytest.raises(ValueError, match="aggregate is 'median'"):
        aggregate_similarities(SIMILARITIES, [2, 1], "median")
    with pytest.raises(ValueError, match="do not split"):
        aggregate_similarities(SIMILARITIES, [2, 2], "max")
    with pytest.raises(ValueError, match="do not split"):
        aggregate_similarities(SIMILARITIES, [3, 0], "max")
    with pytest.raises(ValueError, match="sigmoid loss"):
        aggregate_similarities(SIMILARITIES, [2, 1], "noisy_or", 10.0, None)


@pytest.mark.parametrize("loss_type, bias", [("sigmoid", -10.0), ("clep", -10.0), ("softmax", None)])
def test_bias_only_of_sigmoid_losses(loss_type, bias):
    model = tiny.dual_encoder(loss_type=loss_type)
    assert scale_and_bias(model) == (pytest.approx(model.logit_scale.exp().item()), bias)


def test_labels_are_matched_by_name():
    assert match_labels({0: "CD", 1: "HYP", 2: "MI"}, ["MI", "CD"], "superdiagnostic") == [2, 0]
    several = {"0": "form: NDT", "1": "diagnostic: NDT", "2": "form: PVC", "3": "diagnostic: LVH"}
    assert match_labels(several, ["PVC", "NDT"], "form") == [2, 0]
    assert match_labels(several, ["NDT"], "diagnostic") == [1]
    colons = ["MI: old", "MI", "Extrasystolie, été: früh"]
    assert match_labels(dict(enumerate(colons)), colons[::-1], "form") == [2, 1, 0]
    assert match_labels(
        {0: "rhythm: MI", **{place + 1: f"form: {name}" for place, name in enumerate(colons)}}, colons, "form"
    ) == [1, 2, 3]


@pytest.mark.parametrize(
    "labels, names, message",
    [
        ({0: "CD"}, ["MI"], r"no output for \['MI'\]"),
        ({0: "form: MI"}, ["MI"], r"no output for \['MI'\]"),
        ({0: "LABEL_0", 1: "LABEL_1"}, ["MI", "CD"], "LABEL_0"),
        ({0: "mi"}, ["MI"], "no output"),
        ({0: "MI", 1: "superdiagnostic: MI"}, ["MI"], "twice"),
    ],
)
def test_absent_or_doubled_labels(labels, names, message):
    with pytest.raises(ValueError, match=message):
        match_labels(labels, names, "superdiagnostic")


def prompt_set(aggregate: str = "max") -> PromptSet:
    return PromptSet("made", "rhythm", "en", aggregate, "tests", {"AFIB": ["atrial", "fibrillation"], "SR": ["sinus"]})


@pytest.fixture
def text_model(monkeypatch):
    """A dual encoder whose text embeddings are drawn by text, and a list of the texts it was asked for."""
    asked = []

    def embed(model, processor, texts, batch_size=64, description=None):
        asked.extend(texts)
        drawn = [np.random.default_rng(list(text.encode())).normal(size=8) for text in texts]
        return np.stack([vector / np.linalg.norm(vector) for vector in drawn]).astype(np.float32)

    monkeypatch.setattr("hf_ecg.evaluation.judging.label_text.ecg_text_embeddings", embed)
    return tiny.dual_encoder(loss_type="sigmoid"), embed, asked


@pytest.mark.parametrize("aggregate", ["max", "noisy_or"])
def test_ensemble_is_the_largest_probability_over_leads(text_model, aggregate):
    model, embed, _ = text_model
    records = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    records /= np.linalg.norm(records, axis=1, keepdims=True)
    scale, bias = scale_and_bias(model)

    def probability(record, text):
        return 1 / (1 + np.exp(-(scale * float(record @ embed(None, None, [text])[0]) + bias)))

    scores = scores_of_embeddings(model, None, records, prompt_set(aggregate), ensemble=True)
    for row, record in enumerate(records):
        for column, texts in enumerate(prompt_set().classes.values()):
            best = [max(probability(record, variant) for variant in lead_texts(text)) for text in texts]
            # "max" gives cosines, which the sigmoid orders alike
            wanted = max(best) if aggregate == "max" else 1 - np.prod([1 - value for value in best])
            found = scores[row, column]
            found = 1 / (1 + np.exp(-(scale * found + bias))) if aggregate == "max" else found
            assert found == pytest.approx(wanted, rel=1e-4)
    plain = scores_of_embeddings(model, None, records, prompt_set(aggregate))
    assert (scores >= plain).all() and (scores > plain).any()


def test_each_text_is_encoded_once(text_model):
    model, _, asked = text_model
    texts = TextEmbeddings(model, None)
    records = np.eye(8, dtype=np.float32)[:3]
    first = scores_of_embeddings(model, None, records, prompt_set(), True, texts)
    scores_of_embeddings(model, None, records, prompt_set(), False, texts)
    assert np.array_equal(scores_of_embeddings(model, None, records, prompt_set(), True, texts), first)
    assert len(asked) == len(set(asked)) == 3 * 13


def test_text_embeddings_are_those_of_the_model():
    model, processor = tiny.dual_encoder(), tiny.processor()
    texts = TextEmbeddings(model, processor)
    found = texts(["sinus rhythm", "atrial fibrillation", "sinus rhythm"])
    wanted = features.ecg_text_embeddings(model, processor, ["sinus rhythm", "atrial fibrillation"])
    assert found == pytest.approx(wanted[[0, 1, 0]], abs=1e-6)
