"""The contrast of masked tokens against a plain loop in double precision."""

import math

import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import masked_contrastive_logits, masked_contrastive_loss

NEGATIVES = torch.tensor([[[1, 2, 3], [0, 2, -1], [0, 1, 3], [0, 1, 2]], [[1, 1, 1], [0, 0, 0], [3, 3, 3], [2, 2, 2]]])
MASKED = torch.tensor([[True, True, False, True], [True, True, False, False]])


def tokens(seed):
    return torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(seed))


def plain(context, targets, ids=None, temperature=0.1):
    total = 0.0
    for row, token in MASKED.nonzero().tolist():
        own = F.cosine_similarity(context[row, token].double(), targets[row, token].double(), dim=0).item()
        others = [
            F.cosine_similarity(context[row, token].double(), targets[row, place].double(), dim=0).item()
            for place in NEGATIVES[row, token].tolist()
            if place >= 0 and (ids is None or ids[row, place] != ids[row, token])
        ]
        exponents = [math.exp(value / temperature) for value in (own, *others)]
        total -= math.log(exponents[0] / sum(exponents))
    return total / MASKED.sum().item()


@pytest.mark.parametrize("ids", [None, torch.tensor([[0, 1, 1, 0], [2, 2, 3, 4]])])
def test_it_is_the_plain_loop(ids):
    context, targets = tokens(0), tokens(1)
    loss = masked_contrastive_loss(context, targets, MASKED, NEGATIVES, target_ids=ids)
    assert loss.item() == pytest.approx(plain(context, targets, ids), rel=1e-5)
    logits = masked_contrastive_logits(context, targets, NEGATIVES, target_ids=ids)
    assert logits.shape == (2, 4, 4) and logits[0, 1, 3] == -torch.inf


def test_the_gradient_is_that_of_the_plain_loop_and_stays_finite():
    context, targets = tokens(0).requires_grad_(), tokens(1)
    masked_contrastive_loss(context, targets, MASKED, NEGATIVES, 0.5).backward()
    step = torch.zeros_like(targets)
    step[0, 3, 2] = 1e-4
    found = plain(context.detach() + step, targets, temperature=0.5) - plain(
        context.detach() - step, targets, temperature=0.5
    )
    assert context.grad[0, 3, 2].item() == pytest.approx(found / 2e-4, rel=1e-2)
    assert context.grad.isfinite().all() and not context.grad[0, 2].any() and not context.grad[1, 2:].any()


def test_nothing_masked_is_no_loss_and_half_precision_is_widened():
    context = tokens(0).requires_grad_()
    loss = masked_contrastive_loss(context, tokens(1), torch.zeros(2, 4, dtype=torch.bool), NEGATIVES)
    loss.backward()
    assert loss == 0 and not context.grad.any()
    half = masked_contrastive_loss(tokens(0).bfloat16(), tokens(1).bfloat16(), MASKED, NEGATIVES)
    assert half.dtype == torch.float32


def test_processes_with_more_masked_tokens_weigh_more():
    """Two processes of one record each: the mean of their losses is the loss of both records."""
    whole = masked_contrastive_loss(tokens(0), tokens(1), MASKED, NEGATIVES)
    counts = MASKED.sum(1).float()
    parts = [
        masked_contrastive_loss(tokens(0)[[row]], tokens(1)[[row]], MASKED[[row]], NEGATIVES[[row]])
        for row in range(2)
    ]
    # here there is one process, so that the number which is gathered is the mean over processes
    shared = [
        masked_contrastive_loss(
            tokens(0)[[row]], tokens(1)[[row]], MASKED[[row]], NEGATIVES[[row]], gather=lambda _: counts.mean()[None]
        )
        for row in range(2)
    ]
    torch.testing.assert_close(sum(shared) / 2, whole)
    assert not torch.allclose(sum(parts) / 2, whole)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"targets": torch.zeros(2, 4, 6)}, r"targets \(2, 4, 6\), wanted one shape"),
        ({"masked": MASKED[:, :3]}, r"masked has shape \(2, 3\), wanted \(2, 4\)"),
        ({"negatives": NEGATIVES[:1]}, r"negatives has shape \(1, 4, 3\), wanted \(2, 4, negatives\)"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    given = {"context": tokens(0), "targets": tokens(1), "masked": MASKED, "negatives": NEGATIVES}
    with pytest.raises(ValueError, match=message):
        masked_contrastive_loss(**given | changed)
