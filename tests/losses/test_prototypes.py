"""Prototype losses, Sinkhorn's balance and the loss of spectra, against plain loops in double precision."""

import cmath
import math
import statistics

import pytest
import torch

from hf_ecg.losses import masked_spectrum_loss, prototype_loss, sharpened_targets, sinkhorn_targets


def given(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def softmax(values):
    odds = [math.exp(value) for value in values]
    return [value / sum(odds) for value in odds]


def loop(scores, targets, temperature, judged):
    records = []
    for row in range(len(scores)):
        items = []
        for place in range(scores.shape[1]):
            if judged[row, place]:
                named = softmax([score / temperature for score in scores[row, place].tolist()])
                pairs = zip(targets[row, place].tolist(), named, strict=True)
                items.append(-sum(q * math.log(p) for q, p in pairs))
        records.append(statistics.mean(items) if items else 0.0)
    return statistics.mean(records)


def test_it_is_the_mean_by_record_of_the_cross_entropy():
    scores, teacher = given(3, 4, 5), given(3, 4, 5).flip(0)
    judged = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]).bool()
    center = given(5) / 3
    targets = sharpened_targets(teacher.requires_grad_(), 0.2, center)
    assert not targets.requires_grad
    by_hand = [[softmax([(s - c) / 0.2 for s, c in zip(one, center.tolist(), strict=True)]) for one in row]
               for row in teacher.tolist()]  # fmt: skip
    torch.testing.assert_close(targets, torch.tensor(by_hand, dtype=torch.float64), rtol=1e-9, atol=0)
    found = prototype_loss(scores.requires_grad_(), targets, 0.3, judged)
    assert found.item() == pytest.approx(loop(scores, targets, 0.3, judged), rel=1e-9)
    (gradient,) = torch.autograd.grad(found, scores)
    # softmax less target, by temperature, items and records
    items = judged.sum(dim=1).clamp(min=1)[:, None, None]
    wanted = ((scores / 0.3).softmax(-1) - targets) / 0.3 / items / 3 * judged[..., None]
    torch.testing.assert_close(gradient, wanted.detach(), rtol=1e-8, atol=1e-12)


def test_records_are_items_of_their_own():
    scores, targets = given(4, 5), given(4, 5).flip(0).softmax(-1)
    every = torch.ones(4, 1, dtype=torch.bool)
    wanted = loop(scores[:, None], targets[:, None], 0.1, every)
    assert prototype_loss(scores, targets).item() == pytest.approx(wanted, rel=1e-9)
    counted = torch.tensor([True, False, True, True])
    wanted = loop(scores[:, None], targets[:, None], 0.1, counted[:, None])
    assert prototype_loss(scores, targets, judged=counted).item() == pytest.approx(wanted, rel=1e-9)


def test_a_batch_in_parts_gives_the_loss_of_the_whole():
    scores, targets = given(4, 3, 5), given(4, 3, 5).flip(0).softmax(-1)
    judged = given(4, 3) > 0
    parts = [prototype_loss(scores[p], targets[p], judged=judged[p]) for p in (slice(2), slice(2, 4))]
    torch.testing.assert_close(sum(parts) / 2, prototype_loss(scores, targets, judged=judged))


@pytest.mark.parametrize("iterations", [1, 3])
def test_sinkhorn_scales_columns_and_rows_in_turn(iterations):
    scores = given(6, 3)
    values = [[math.exp(score / 0.5) for score in row] for row in scores.tolist()]
    for _ in range(iterations):
        sums = [sum(row[k] for row in values) for k in range(3)]
        values = [[row[k] / sums[k] for k in range(3)] for row in values]
        values = [[value / sum(row) for value in row] for row in values]
    found = sinkhorn_targets(scores, 0.5, iterations)
    torch.testing.assert_close(found, torch.tensor(values, dtype=torch.float64), rtol=1e-9, atol=0)


def test_balanced_targets_fill_all_prototypes_equally():
    scores = given(30, 3)
    scores[:, 0] += 20  # all records are nearest to one prototype
    found = sinkhorn_targets(scores.requires_grad_(), 1.0, 50)
    assert not found.requires_grad
    torch.testing.assert_close(found.sum(dim=1), torch.ones(30, dtype=torch.float64))
    torch.testing.assert_close(found.sum(dim=0), torch.full((3,), 10.0, dtype=torch.float64), rtol=1e-3, atol=0)
    # far too sharp for exponentials of single precision
    assert sinkhorn_targets(scores.float(), 1e-3).isfinite().all()


def test_the_loss_of_spectra_equals_the_plain_transform():
    prediction, patches, judged = given(2, 3, 6), 2 * given(2, 3, 6).flip(0) + 1, torch.rand(2, 3) < 2
    judged[0, 1] = False
    records = []
    for row in range(2):
        items = []
        for place in judged[row].nonzero()[:, 0].tolist():
            found, wanted = prediction[row, place].tolist(), patches[row, place].tolist()
            mean, deviation = statistics.mean(wanted), math.sqrt(statistics.variance(wanted) + 1e-6)
            wanted = [(value - mean) / deviation for value in wanted]
            lines = []
            for k in range(4):
                waves = [cmath.exp(-2j * math.pi * k * t / 6) for t in range(6)]
                sizes = [abs(sum(w * x for w, x in zip(waves, one, strict=True))) for one in (found, wanted)]
                lines.append(abs(sizes[0] - sizes[1]) / math.sqrt(6))
            items.append(statistics.mean(lines))
        records.append(statistics.mean(items))
    value = masked_spectrum_loss(prediction, patches, judged)
    assert value.item() == pytest.approx(statistics.mean(records), rel=1e-5)
    # where nothing is predicted the size of a complex zero has a gradient too
    flat = torch.zeros(2, 3, 6, requires_grad=True)
    masked_spectrum_loss(flat, patches, judged, normalise=False).backward()
    assert flat.grad.isfinite().all()


def test_half_precision_is_computed_in_single():
    scores, targets = given(3, 4).float().bfloat16(), given(3, 4).float().softmax(-1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, balanced = prototype_loss(scores, targets), sinkhorn_targets(scores)
    assert found.dtype == balanced.dtype == torch.float32
    torch.testing.assert_close(found, prototype_loss(scores.float(), targets))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prototype_loss(torch.zeros(2, 3), torch.zeros(2, 4)), r"shapes \(2, 3\), \(2, 4\)"),
        (lambda: prototype_loss(*torch.zeros(2, 2, 3), judged=torch.ones(3).bool()), r"\(3,\): wanted one"),
        (lambda: prototype_loss(*torch.zeros(2, 2, 3), temperature=0.0), "temperature is 0.0"),
        (lambda: sharpened_targets(torch.zeros(2, 3), 0.0), "temperature is 0.0"),
        (lambda: sharpened_targets(torch.zeros(2, 3), 1.0, torch.zeros(2)), r"center has shape \(2,\), wanted \(3,\)"),
        (lambda: sinkhorn_targets(torch.zeros(3)), r"scores have shape \(3,\)"),
        (lambda: sinkhorn_targets(torch.zeros(3, 2), iterations=0), "iterations 0"),
        (lambda: masked_spectrum_loss(*torch.zeros(2, 2, 3, 4), torch.ones(2).bool()), "judged without the last"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
