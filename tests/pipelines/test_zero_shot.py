"""Words as classes: scores are those of the loss, and texts that say nothing are refused."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from transformers import pipeline

from hf_ecg import ECGTextProcessor
from hf_ecg.evaluation.judging.features import ecg_embeddings, ecg_text_embeddings
from tests.evaluation import tiny

TEXTS = [tiny.TEXTS[name] for name in ("SR", "AFIB")]


def test_zero_shot_scores_are_pair_probabilities_of_the_sigmoid_loss(work, corpus):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    processor = ECGTextProcessor(classify.feature_extractor, classify.tokenizer)
    cosines = (
        ecg_embeddings(classify.model, processor, corpus) @ ecg_text_embeddings(classify.model, processor, TEXTS).T
    )
    scores = 1 / (1 + np.exp(-(classify.model.logit_scale.exp().item() * cosines + classify.model.logit_bias.item())))
    found = list(classify(corpus, candidate_labels=TEXTS, batch_size=3))
    for entries, cosine, score in zip(found, cosines, scores, strict=True):
        by_label = {entry["label"]: entry for entry in entries}
        assert [by_label[text]["cosine"] for text in TEXTS] == pytest.approx(cosine.tolist(), abs=1e-5)
        assert [by_label[text]["score"] for text in TEXTS] == pytest.approx(score.tolist(), abs=1e-5)
        assert entries[0]["score"] >= entries[1]["score"]


def test_zero_shot_scores_of_a_softmax_model_sum_to_one_and_a_label_may_have_several_texts(work, corpus):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "softmax"), device="cpu")
    single = classify(corpus[0], candidate_labels=TEXTS)
    assert sum(entry["score"] for entry in single) == pytest.approx(1.0)
    grouped = classify(corpus[0], candidate_labels={"rhythm": TEXTS, "PVC": "ventricular premature complex"})
    best = {entry["label"]: entry["cosine"] for entry in grouped}
    assert best["rhythm"] == pytest.approx(max(entry["cosine"] for entry in single), abs=1e-6)


def test_texts_are_encoded_once(work, corpus, monkeypatch):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    calls, original = [], classify.model.get_text_features
    monkeypatch.setattr(
        classify.model,
        "get_text_features",
        lambda **inputs: calls.append(len(inputs["input_ids"])) or original(**inputs),
    )
    list(classify(corpus, candidate_labels=TEXTS))
    classify(corpus[0], candidate_labels=TEXTS, hypothesis_template="{} .")
    assert calls == [2, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "candidate_labels is None"),
        ({"candidate_labels": "sinus rhythm"}, "candidate_labels is 'sinus rhythm'"),
        ({"candidate_labels": ["a", "a"]}, "names a text twice"),
        ({"candidate_labels": ["a", 1]}, "candidate_labels holds 1, wanted texts"),
        ({"candidate_labels": {"a": 1}}, "candidate_labels holds 1, wanted texts"),
        ({"candidate_labels": iter(TEXTS)}, "wanted a list of texts"),
        ({"candidate_labels": TEXTS, "hypothesis_template": None}, "hypothesis_template is None"),
        ({"candidate_labels": TEXTS, "threshold": "0.5"}, "threshold is '0.5'"),
        ({"candidate_labels": {"SR": []}}, r"no texts for \['SR'\]"),
        ({"candidate_labels": TEXTS, "hypothesis_template": "ECG"}, "hypothesis_template is 'ECG'"),
    ],
)
def test_labels_that_say_nothing_are_refused(work, corpus, options, message):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    with pytest.raises(ValueError, match=message):
        classify(corpus[0], **options)


def test_threads_get_the_scores_of_their_own_labels(work, corpus):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    words = ["sinus rhythm", "atrial fibrillation", "ventricular premature complex", "rhythm", "sinus", "atrial"]
    sets = [[words[number], words[(number + step) % 6]] for number in range(6) for step in (1, 2, 3)]

    def ask(labels):
        return {entry["label"]: entry["cosine"] for entry in classify(corpus[0], candidate_labels=labels)}

    wanted = [ask(labels) for labels in sets]
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(ask, sets * 6))
    for labels, scores in zip(sets * 6, found, strict=True):
        assert scores == pytest.approx(wanted[sets.index(labels)], abs=1e-6)
    assert ask(sets[0]) == pytest.approx(wanted[0], abs=1e-6)


@pytest.mark.parametrize("label", ["ptb_xl_rhythm", "ptb_xl_rythm", "ptbxl", "PTB-XL form"])
def test_the_name_of_a_prompt_set_is_no_text(work, corpus, label):
    classify = pipeline("zero-shot-ecg-classification", model=str(work / "sigmoid"), device="cpu")
    with pytest.raises(ValueError, match=f"{label!r}, near to the name of the prompt set 'ptb_xl_(rhythm|form)'"):
        classify(corpus[0], candidate_labels=[label, "sinus rhythm"])
