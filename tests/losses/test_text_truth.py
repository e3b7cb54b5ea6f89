"""Texts that are true of an ECG, false, or not known, and texts of several kinds, against the plain double loop."""

import pytest
import torch

from hf_ecg.losses import false_negative_mitigation_loss, sigmoid_contrastive_loss
from tests.losses import reference

KINDS = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2, 1])  # four own texts, then extra ones
IDS = torch.tensor([5, -3, 5, 9, 8, 20, 21, 30, 22])
TRUE = torch.tensor([[5, 8, 20], [-3, 21, 20], [5, 5, 5], [9, 30, 22]])
UNKNOWN = torch.tensor([[9, 22], [5, 20], [7, 7], [30, 21]])  # 20 and 30 are also true; no text has the number 7
WEIGHTS = (0.5, 2.0)


def by_pairs(ecg, text, scale, bias, weighting, mode="positive"):
    """A loop over pairs: scale and bias of each text."""
    plain = [j for j in range(len(IDS)) if KINDS[j] == 0]
    distinct = {int(IDS[j]) for j in plain}
    own = len(ecg)
    total = own + len({int(IDS[j]) for j in plain if j >= own})  # 4 + 1
    weights = {}
    for j in plain:
        count = sum(int(IDS[k]) == int(IDS[j]) for k in plain)
        weights[j] = 1.0 if weighting == "row" else total / (len(distinct) * count)
    together = sum(weights.values())
    for kind, share in enumerate(WEIGHTS, start=1):
        members = [j for j in range(len(IDS)) if KINDS[j] == kind]
        weights |= {j: share * together / len(members) for j in members}
    loss = 0.0
    for i in range(own):
        for j in range(len(IDS)):
            true = bool((TRUE[i] == IDS[j]).any())
            positive = i == j or (true and mode == "positive") or (mode == "positive" and IDS[i] == IDS[j])
            masked = mode == "mask" and (true or bool(IDS[i] == IDS[j]))
            if not positive and (masked or bool((UNKNOWN[i] == IDS[j]).any())):
                continue
            logit = scale[j] * torch.dot(ecg[i], text[j]) + bias[j]
            loss = loss + weights[j] * torch.log1p(torch.exp(-logit if positive else logit))
    return loss / own


def leaves():
    generator = torch.Generator().manual_seed(4)
    sizes = ((4, 5), (9, 5), (3,), (3,))
    return [torch.randn(*size, generator=generator, dtype=torch.float64).requires_grad_() for size in sizes]


def of_texts(scales, biases):
    log_odds = torch.linspace(-2, 2, len(IDS), dtype=torch.float64) * (KINDS > 0)
    return scales.exp()[KINDS], biases[KINDS] + log_odds


@pytest.mark.parametrize("weighting", ["row", "distinct"])
@pytest.mark.parametrize("mode", ["positive", "mask"])
def test_true_false_unknown_and_kinds_equal_the_double_loop(weighting, mode):
    ecg, text, scales, biases = given = leaves()
    pair, (scale, bias) = reference.normalised(ecg, text), of_texts(scales, biases)
    known = {"text_ids": IDS, "true_text_ids": TRUE, "unknown_text_ids": UNKNOWN, "identical_text": mode}
    kinds = {"text_kinds": KINDS, "kind_weights": WEIGHTS}
    loss = sigmoid_contrastive_loss(*pair, scale, bias, text_weighting=weighting, **known, **kinds)
    wanted = by_pairs(*pair, scale, bias, weighting, mode)
    torch.testing.assert_close(loss, wanted, rtol=1e-9, atol=0)
    gradients = torch.autograd.grad(loss, given, retain_graph=True)
    for ours, loop in zip(gradients, torch.autograd.grad(wanted, given), strict=True):
        assert (ours - loop).norm() <= 1e-9 * loop.norm()


def test_statements_count_as_they_did_without_features():
    ecg, text, *_ = leaves()
    pair = reference.normalised(ecg, text)
    known = {"identical_text": "positive", "true_text_ids": TRUE, "text_weighting": "distinct"}
    both = sigmoid_contrastive_loss(*pair, 3.0, -1.0, text_ids=IDS, text_kinds=KINDS, kind_weights=(0.0, 0.0), **known)
    plain = KINDS == 0
    alone = sigmoid_contrastive_loss(pair[0], pair[1][plain], 3.0, -1.0, text_ids=IDS[plain], **known)
    torch.testing.assert_close(both, alone, rtol=1e-12, atol=0)


def test_unknown_pairs_are_left_out_of_the_published_loss_too():
    (ecg, text, _, _), ids = reference.parameters()
    pair, unknown = reference.normalised(ecg, text), ids.roll(1)[:, None]
    loss = sigmoid_contrastive_loss(*pair, 3.0, -1.0, text_ids=ids, unknown_text_ids=unknown)
    wanted = 0.0
    for i in range(len(ids)):
        for j in range(len(ids)):
            if i == j or ids[j] != unknown[i]:
                logit = 3 * torch.dot(pair[0][i], pair[1][j]) - 1
                wanted = wanted + torch.log1p(torch.exp(-logit if i == j else logit)) / len(ids)
    torch.testing.assert_close(loss, wanted, rtol=1e-9, atol=0)
    with pytest.raises(ValueError, match="unknown_text_ids needs text_ids"):
        sigmoid_contrastive_loss(*pair, 3.0, -1.0, unknown_text_ids=unknown)


@pytest.mark.parametrize("told", [("true",), ("unknown",), ("true", "unknown")])
def test_mitigation_told_what_is_true_equals_the_double_loop(told):
    (ecg, text, _, _), ids = reference.parameters()
    pair = reference.normalised(ecg, text)
    true = torch.stack([ids, torch.tensor([9, 9, -3, 8, 8, 5, 5])], dim=1)
    unknown = torch.tensor([[8], [5], [9], [5], [5], [9], [-3]])
    known = {"true_text_ids": true} if "true" in told else {}
    known |= {"unknown_text_ids": unknown} if "unknown" in told else {}
    loss = false_negative_mitigation_loss(*pair, text_ids=ids, **known)
    wanted = 0.0
    for i in range(len(ids)):
        for j in range(len(ids)):
            is_true = i == j or ("true" in told and bool((true[i] == ids[j]).any()))
            if "unknown" in told and not is_true and bool((unknown[i] == ids[j]).any()):
                continue
            similarity = torch.dot(pair[1][i], pair[1][j]).detach() if not is_true else 1.0
            wanted = wanted + (torch.dot(pair[0][i], pair[1][j]) - similarity).abs() / len(ids)
    torch.testing.assert_close(loss, wanted, rtol=1e-9, atol=0)
    ours, loop = (torch.autograd.grad(one, (ecg, text), retain_graph=True) for one in (loss, wanted))
    for mine, theirs in zip(ours, loop, strict=True):
        assert (mine - theirs).norm() <= 1e-9 * theirs.norm()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unknown_text_ids": torch.zeros(4)}, "unknown_text_ids is torch.float32"),
        ({"unknown_text_ids": torch.zeros(3, 2, dtype=torch.long)}, r"\(3, 2\), wanted integers of shape \(4, k\)"),
        ({"text_kinds": torch.zeros(4)}, "text_kinds is torch.float32"),
        ({"text_kinds": torch.zeros(5, dtype=torch.long)}, r"text_kinds .*\(5,\), wanted .*\(4,\)"),
        ({"scale": torch.ones(3)}, r"shape \(3,\), wanted a scalar or one for each of 4 texts"),
    ],
)
def test_refuses_what_does_not_fit(options, message):
    given = {"scale": 1.0, "bias": 0.0, "text_ids": torch.arange(4)} | options
    with pytest.raises(ValueError, match=message):
        sigmoid_contrastive_loss(torch.zeros(4, 6), torch.zeros(4, 6), **given)
