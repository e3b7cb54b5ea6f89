"""Values and gradients of the losses against the double loop, the golden cases, and what they must refuse."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import (
    IDENTICAL_TEXT,
    false_negative_mitigation_loss,
    sigmoid_contrastive_loss,
    softmax_contrastive_loss,
)
from tests.losses import reference
from tests.losses.golden import golden_case

LOSSES = {
    "sigmoid": (
        lambda e, t, s, b, ids, mode: sigmoid_contrastive_loss(e, t, s, b, text_ids=ids, identical_text=mode),
        reference.sigmoid,
    ),
    "softmax": (
        lambda e, t, s, b, ids, mode: softmax_contrastive_loss(e, t, s, text_ids=ids, identical_text=mode) + 0 * b,
        lambda e, t, s, b, ids, mode: reference.softmax(e, t, s, ids, mode) + 0 * b,
    ),
    "mitigation": (
        lambda e, t, s, b, ids, mode: false_negative_mitigation_loss(e, t) + 0 * (s + b),
        lambda e, t, s, b, ids, mode: reference.mitigation(e, t) + 0 * (s + b),
    ),
}
CASES = [(name, mode) for name in ("sigmoid", "softmax") for mode in IDENTICAL_TEXT] + [("mitigation", "negative")]


def value_and_gradients(function, leaves, ids, mode):
    ecg, text, log_scale, bias = leaves
    loss = function(*reference.normalised(ecg, text), log_scale.exp(), bias, ids, mode)
    return loss.detach(), torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize(("name", "mode"), CASES)
@pytest.mark.parametrize("bias", [-10.0, 0.7])
def test_equals_the_double_loop_over_pairs(name, mode, bias):
    leaves, ids = reference.parameters(bias=bias)
    ours, loop = LOSSES[name]
    value, gradients = value_and_gradients(ours, leaves, ids, mode)
    wanted, wanted_gradients = value_and_gradients(loop, leaves, ids, mode)
    torch.testing.assert_close(value, wanted, rtol=1e-9, atol=0)
    for gradient, wanted_gradient in zip(gradients, wanted_gradients, strict=True):
        assert (gradient - wanted_gradient).norm() <= 1e-9 * wanted_gradient.norm()


@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_the_three_treatments_of_identical_texts_differ(name):
    leaves, ids = reference.parameters()
    values = {mode: value_and_gradients(LOSSES[name][0], leaves, ids, mode)[0].item() for mode in IDENTICAL_TEXT}
    assert len({round(value, 9) for value in values.values()}) == 3
    distinct = torch.arange(len(ids))
    same = {value_and_gradients(LOSSES[name][0], leaves, distinct, mode)[0].item() for mode in IDENTICAL_TEXT}
    assert max(same) - min(same) < 1e-12


@pytest.mark.parametrize("mode", IDENTICAL_TEXT)
def test_known_true_texts_and_distinct_weights_equal_the_double_loop(mode):
    leaves, ids = reference.parameters(bias=-2.0)
    true_ids = torch.stack([ids, torch.tensor([9, 9, -3, 1, 1, 5, 5])], dim=1)
    ecg, text = reference.normalised(*leaves[:2])
    pairs = {"text_ids": ids, "text_weighting": "distinct"}
    loss = sigmoid_contrastive_loss(
        ecg, text, leaves[2].exp(), leaves[3], identical_text=mode, true_text_ids=true_ids, **pairs
    ) + false_negative_mitigation_loss(ecg, text, **pairs)
    counts = [int((ids == one).sum()) for one in ids]
    weights = [len(ids) / (len(set(ids.tolist())) * count) for count in counts]
    wanted = 0.0
    for i in range(len(ids)):
        for j in range(len(ids)):
            similarity, known = torch.dot(ecg[i], text[j]), bool((true_ids[i] == ids[j]).any())
            wanted = wanted + weights[j] * (similarity - torch.dot(text[i], text[j]).detach()).abs()
            if i != j and known and mode == "mask":
                continue
            z = 1.0 if i == j or (known and mode == "positive") else -1.0
            logit = leaves[2].exp() * similarity + leaves[3]
            wanted = wanted + weights[j] * torch.log1p(torch.exp(-z * logit))
    wanted = wanted / len(ids)
    torch.testing.assert_close(loss, wanted, rtol=1e-9, atol=0)
    gradients = torch.autograd.grad(loss, leaves, retain_graph=True)
    for ours, loop in zip(gradients, torch.autograd.grad(wanted, leaves), strict=True):
        assert (ours - loop).norm() <= 1e-9 * loop.norm()


@pytest.mark.parametrize("mode", ["mask", "positive"])
def test_extra_texts_are_columns_without_a_row(mode):
    leaves, ids = reference.parameters(bias=-2.0)
    true_ids = torch.stack([ids, torch.tensor([9, 9, -3, 1, 1, 5, 5])], dim=1)
    ecg, text = reference.normalised(*leaves[:2])
    known = {"identical_text": mode, "text_weighting": "distinct"}
    loss = sigmoid_contrastive_loss(
        ecg[:4], text, leaves[2].exp(), leaves[3], text_ids=ids, true_text_ids=true_ids[:4], **known
    )
    wanted = 0.0
    for i in range(4):
        for j in range(len(ids)):
            true = bool((true_ids[i] == ids[j]).any())
            if i != j and true and mode == "mask":
                continue
            z = 1.0 if i == j or true else -1.0
            counted = 4 + len(set(ids[4:].tolist()))
            weight = counted / (len(set(ids.tolist())) * int((ids == ids[j]).sum()))
            logit = leaves[2].exp() * torch.dot(ecg[i], text[j]) + leaves[3]
            wanted = wanted + weight * torch.log1p(torch.exp(-z * logit)) / 4
    torch.testing.assert_close(loss, wanted, rtol=1e-9, atol=0)
    for refused in ({}, {"text_ids": ids, "identical_text": mode}, {"text_ids": ids, "true_text_ids": true_ids[:4]}):
        with pytest.raises(ValueError, match="more texts need true_text_ids"):
            sigmoid_contrastive_loss(ecg[:4], text, 10.0, -2.0, **refused)
    with pytest.raises(ValueError, match="must have one shape"):
        sigmoid_contrastive_loss(ecg, text[:4], 10.0, -2.0, text_ids=ids[:4], true_text_ids=true_ids, **known)


def test_distinct_weighting_changes_nothing_when_all_texts_differ():
    leaves, ids = reference.parameters()
    ecg, text = reference.normalised(*leaves[:2])
    values = [
        sigmoid_contrastive_loss(ecg, text, 10.0, -10.0, text_ids=torch.arange(len(ids)), text_weighting=weighting)
        for weighting in ("row", "distinct")
    ]
    torch.testing.assert_close(*values, rtol=1e-12, atol=0)


def test_mitigation_with_a_gradient_through_the_report_similarity():
    leaves, _ = reference.parameters()
    ecg, text = reference.normalised(*leaves[:2])
    ours = torch.autograd.grad(false_negative_mitigation_loss(ecg, text, detach_report_similarity=False), leaves[1])[0]
    ecg, text = reference.normalised(*leaves[:2])
    loop = torch.autograd.grad(reference.mitigation(ecg, text, detach=False), leaves[1])[0]
    torch.testing.assert_close(ours, loop, rtol=1e-9, atol=1e-12)
    detached = torch.autograd.grad(false_negative_mitigation_loss(*reference.normalised(*leaves[:2])), leaves[1])[0]
    assert not torch.allclose(ours, detached)


def test_mitigation_is_zero_when_ecgs_stand_where_their_reports_do():
    _, text = reference.normalised(*reference.parameters()[0][:2])
    assert false_negative_mitigation_loss(text.clone(), text).item() < 1e-12


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_order_of_the_pairs_does_not_matter(name, mode):
    leaves, ids = reference.parameters()
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    permuted = [leaves[0].detach()[order].requires_grad_(), leaves[1].detach()[order].requires_grad_(), *leaves[2:]]
    value, gradients = value_and_gradients(LOSSES[name][0], leaves, ids, mode)
    other, other_gradients = value_and_gradients(LOSSES[name][0], permuted, ids[order], mode)
    torch.testing.assert_close(value, other, rtol=1e-12, atol=0)
    for index, (one, two) in enumerate(zip(gradients, other_gradients, strict=True)):
        torch.testing.assert_close(one[order] if index < 2 else one, two, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_bfloat16_and_autocast_compute_in_float32(name, mode):
    leaves, ids = reference.parameters(rows=9, dimensions=32)
    ecg, text = (embeds.detach().bfloat16() for embeds in reference.normalised(*leaves[:2]))
    wanted = LOSSES[name][1](ecg.double(), text.double(), math.e, -10.0, ids, mode)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = LOSSES[name][0](ecg, text, torch.tensor(math.e), torch.tensor(-10.0), ids, mode)
        single = LOSSES[name][0](ecg.float(), text.float(), torch.tensor(math.e), torch.tensor(-10.0), ids, mode)
    assert half.dtype == single.dtype == torch.float32
    torch.testing.assert_close(half.double(), wanted, rtol=1e-6, atol=0)
    torch.testing.assert_close(single.double(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_extreme_logits_stay_finite(name):
    leaves, ids = reference.parameters(log_scale=9.0)
    for mode in IDENTICAL_TEXT:
        value, gradients = value_and_gradients(LOSSES[name][0], leaves, ids, mode)
        assert value.isfinite()
        assert all(gradient.isfinite().all() for gradient in gradients)


def test_open_clip_values_on_three_ranks(golden_dir, monkeypatch):
    inputs, expected = golden_case(golden_dir, "openclip-siglip-loss")
    ecg, text = (F.normalize(inputs[key], dim=-1) for key in ("image_features", "text_features"))
    for number, wanted in enumerate(expected["loss_per_rank_world3"]):
        monkeypatch.setattr("hf_ecg.losses.pair_targets.rank", lambda number=number: number)
        part = slice(4 * number, 4 * number + 4)
        loss = sigmoid_contrastive_loss(ecg[part], text[part], 10.0, -10.0, gather=lambda rows: text)
        np.testing.assert_allclose(loss.item(), wanted, rtol=1e-6)


@pytest.mark.parametrize("loss", ["sigmoid", "softmax"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "ignore"}, "identical_text is 'ignore'"),
        ({"mode": "mask", "ids": None}, "needs text_ids"),
        ({"mode": "positive", "ids": None}, "needs text_ids"),
        ({"mode": "mask", "ids": torch.zeros(3, dtype=torch.long)}, r"\(3,\).*\(4,\)"),
        ({"ids": torch.zeros(4)}, "wanted integers"),
        ({"text": torch.zeros(5, 6)}, r"\(4, 6\).*\(5, 6\)"),
        ({"text": torch.zeros(4, 7)}, r"\(4, 6\).*\(4, 7\)"),
        ({"ecg": torch.zeros(4, 6, 1)}, r"ecg_embeds.*\(4, 6, 1\)"),
        ({"ecg": torch.zeros(4, 6, dtype=torch.long)}, "int64"),
        ({"ecg": torch.zeros(0, 6), "text": torch.zeros(0, 6), "ids": None}, "no rows"),
    ],
)
def test_refuses_what_does_not_fit(loss, changes, message):
    given = {"ecg": torch.zeros(4, 6), "text": torch.zeros(4, 6), "ids": torch.arange(4), "mode": "negative"}
    given |= changes
    with pytest.raises(ValueError, match=message):
        LOSSES[loss][0](given["ecg"], given["text"], 1.0, 0.0, given["ids"], given["mode"])


def test_mitigation_refuses_unequal_shapes():
    with pytest.raises(ValueError, match=r"\(4, 6\).*\(3, 6\)"):
        false_negative_mitigation_loss(torch.zeros(4, 6), torch.zeros(3, 6))
