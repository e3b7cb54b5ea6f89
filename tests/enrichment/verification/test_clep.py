import math

import numpy as np
import pytest
import torch
from torch import nn

from hf_ecg.enrichment.verification.clep import check_reachable, feature_probabilities, pair_probabilities
from tests.evaluation import tiny

FEATURES = ["atrial fibrillation", "sinus rhythm", "ventricular premature complex"]
PROPOSED = [[FEATURES[0], FEATURES[2]], [], [FEATURES[1]], [FEATURES[0]], FEATURES]


@pytest.fixture(scope="module")
def model():
    return tiny.dual_encoder(seed=1, logit_scale_init_value=math.log(5.0), logit_bias_init_value=-1.0)


def test_probabilities_are_those_of_the_loop_over_pairs(model):
    rows, processor = tiny.dataset(len(PROPOSED)), tiny.processor()
    found = feature_probabilities(model, processor, rows, PROPOSED, batch_size=2)
    assert [len(values) for values in found] == [len(features) for features in PROPOSED]
    for number, features in enumerate(PROPOSED):
        inputs = processor.feature_extractor(rows[number], return_tensors="pt")
        for feature, probability in zip(features, found[number], strict=True):
            tokens = processor(text=[feature], return_tensors="pt")
            with torch.no_grad():
                logit = model(**inputs, input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
            assert probability == pytest.approx(float(logit.logits_per_ecg[0, 0].sigmoid()), abs=1e-5)


def test_every_text_and_every_ecg_is_encoded_once(model, monkeypatch):
    seen = {"texts": 0, "ecgs": 0}
    text, ecg = model.get_text_features, model.get_ecg_features

    def count_texts(**tokens):
        seen["texts"] += len(tokens["input_ids"])
        return text(**tokens)

    def count_ecgs(**inputs):
        seen["ecgs"] += len(inputs["input_values"])
        return ecg(**inputs)

    monkeypatch.setattr(model, "get_text_features", count_texts)
    monkeypatch.setattr(model, "get_ecg_features", count_ecgs)
    proposed = [FEATURES] * 30 + [[]] * 10
    feature_probabilities(model, tiny.processor(), tiny.dataset(40), proposed, batch_size=8)
    assert seen == {"texts": len(FEATURES), "ecgs": 30}


def test_blocks_change_nothing():
    random = np.random.default_rng(0)
    ecgs, texts = (nn.functional.normalize(torch.tensor(random.normal(size=(9, 4)))).numpy() for _ in range(2))
    records, features = random.integers(9, size=50), random.integers(9, size=50)
    whole = pair_probabilities(ecgs, texts, records, features, 3.0, -1.0)
    blocks = pair_probabilities(ecgs, texts, records, features, 3.0, -1.0, block=7)
    np.testing.assert_array_equal(whole, blocks)
    expected = [1 / (1 + math.exp(-(3 * ecgs[r] @ texts[f] - 1))) for r, f in zip(records, features, strict=True)]
    np.testing.assert_allclose(whole, expected)


def test_nothing_proposed_needs_no_model_run(model, monkeypatch):
    monkeypatch.setattr(model, "get_ecg_features", None)
    found = feature_probabilities(model, tiny.processor(), tiny.dataset(3), [[], [], []])
    assert [len(values) for values in found] == [0, 0, 0]


def test_a_model_without_the_sigmoid_has_no_probabilities():
    model = tiny.dual_encoder(loss_type="softmax")
    with pytest.raises(ValueError, match="wanted one trained with the sigmoid loss"):
        feature_probabilities(model, tiny.processor(), tiny.dataset(1), [[FEATURES[0]]])


def test_proposals_for_another_number_of_records(model):
    with pytest.raises(ValueError, match="found proposals for 1 records, wanted 2"):
        feature_probabilities(model, tiny.processor(), tiny.dataset(2), [[FEATURES[0]]])


def test_the_papers_threshold_is_out_of_reach_after_a_short_training():
    with pytest.raises(ValueError, match=r"0\.95 is never reached: sigmoid\(t \+ b\) is 0\.557 with t = 10\.2"):
        check_reachable(10.2, -9.97)
    check_reachable(13.0, -9.97)
    with pytest.raises(ValueError, match="wanted a probability"):
        check_reachable(13.0, -9.97, 1.5)
