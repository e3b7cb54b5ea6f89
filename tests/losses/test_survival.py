"""Survival in intervals: the likelihood against a plain loop, and the curve."""

import math

import pytest
import torch

from hf_ecg.losses import survival_at, survival_loss

BREAKS = [0, 10, 20, 50]
NAN = math.nan
# in each interval, on its borders, at and beyond the last break, before and behind the middle of an interval
TIMES = [0.0, 4.0, 10.0, 19.9, 20.0, 50.0, 70.0, 0.0, 4.9, 5.0, 15.0, 34.9, 35.0, 50.0, 90.0]
EVENTS = [1.0] * 7 + [0.0] * 8


def loop(logits, times, events, breaks):
    """What the formula says, record by record and interval by interval."""
    total = 0.0
    for row, time, event in zip(torch.sigmoid(logits), times, events, strict=True):
        for j, outlives in enumerate(row):
            start, end = breaks[j], breaks[j + 1]
            if event == 1 and start <= time < end:
                total = total - torch.log(1 - outlives)
            elif time >= (end if event == 1 else (start + end) / 2):
                total = total - torch.log(outlives)
    return total


def some_logits(rows=15):
    return torch.randn(rows, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_the_likelihood_equals_the_loop_and_so_does_its_gradient():
    logits = some_logits().requires_grad_()
    found = survival_loss(logits, torch.tensor(TIMES), torch.tensor(EVENTS), BREAKS)
    wanted = loop(logits, TIMES, EVENTS, BREAKS)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=0)
    gradients = [torch.autograd.grad(value, logits)[0] for value in (found, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)
    mean = survival_loss(logits, torch.tensor(TIMES), torch.tensor(EVENTS), BREAKS, reduction="mean")
    torch.testing.assert_close(mean, wanted / len(TIMES))


def test_what_is_not_known_adds_nothing():
    logits = some_logits(4).requires_grad_()
    time, event = torch.tensor([12.0, NAN, 30.0, 5.0]), torch.tensor([1.0, 1.0, NAN, 0.0])
    for reduction in ("sum", "mean"):
        both = survival_loss(logits, time, event, BREAKS, reduction=reduction)
        rows = [0, 3]
        alone = survival_loss(logits[rows], time[rows], event[rows], BREAKS, reduction=reduction)
        torch.testing.assert_close(both, alone)
    assert torch.autograd.grad(both, logits)[0][[1, 2]].eq(0).all()
    nothing = survival_loss(logits, torch.full((4,), NAN), event, BREAKS, reduction="mean")
    assert nothing == 0 and torch.autograd.grad(nothing, logits)[0].eq(0).all()


def test_far_logits_keep_a_finite_loss_and_a_gradient():
    logits = torch.tensor([[-300.0, 300.0, 300.0]], requires_grad=True)
    loss = survival_loss(logits, torch.tensor([20.0]), torch.tensor([1.0]), BREAKS)
    assert loss.item() == pytest.approx(600)
    assert torch.autograd.grad(loss, logits)[0].tolist() == [[-1.0, 0.0, 1.0]]


def test_the_curve_rises_to_one_and_is_linear_within_an_interval():
    logits = some_logits(5)
    outlived = torch.sigmoid(logits)
    first, second = outlived[:, 0], outlived[:, 0] * outlived[:, 1]
    assert survival_at(logits, 0, BREAKS).eq(1).all()
    torch.testing.assert_close(survival_at(logits, 4, BREAKS), 1 - 0.4 * (1 - first))
    torch.testing.assert_close(survival_at(logits, 10, BREAKS), first)
    torch.testing.assert_close(survival_at(logits, 17, BREAKS), first + 0.7 * (second - first))
    torch.testing.assert_close(survival_at(logits, 50, BREAKS), outlived.prod(dim=1))
    curve = torch.stack([survival_at(logits, time, BREAKS) for time in range(51)])
    assert (curve.diff(dim=0) < 0).all()


def test_the_released_curve_is_flat_at_both_ends():
    logits = some_logits(5)
    flat = {"compat_flat_start": True}
    for time, same in ((0, 10), (9.9, 10), (80, 50)):
        torch.testing.assert_close(survival_at(logits, time, BREAKS, **flat), survival_at(logits, same, BREAKS))
    torch.testing.assert_close(survival_at(logits, 17, BREAKS, **flat), survival_at(logits, 17, BREAKS))


def test_what_does_not_fit_is_refused():
    logits, time, event = some_logits(2), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])
    for arguments, message in (
        ((logits, time[:1], event[:1], BREAKS), r"logits have shape \(2, 3\), wanted \(1, 3\)"),
        ((logits, time, event[:1], BREAKS), r"shapes \(2,\) and \(1,\)"),
        ((logits, -time, event, BREAKS), "time goes down to -2"),
        ((logits, time, event * 2, BREAKS), "event holds another number"),
        ((logits, time, event, [0, 10, 10, 20]), "wanted at least two numbers that rise from 0"),
        ((logits, time, event, [1, 10, 11, 20]), "rise from 0"),
    ):
        with pytest.raises(ValueError, match=message):
            survival_loss(*arguments)
    with pytest.raises(ValueError, match="reduction is 'none'"):
        survival_loss(logits, time, event, BREAKS, reduction="none")
    for time in (-1, 50.1, NAN):
        with pytest.raises(ValueError, match="wanted 0 to 50, where the last interval ends"):
            survival_at(logits, time, BREAKS)
