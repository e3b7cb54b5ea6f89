"""BYOL, SimSiam, MoCo v3, Barlow Twins, CLOCS and 3KG: plain loops in double precision."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import (
    barlow_twins_loss,
    byol_loss,
    clocs_loss,
    moco_v3_loss,
    patient_contrastive_loss,
    simsiam_loss,
    three_kg_loss,
)
from tests.losses import view_reference as reference

PATIENTS = [3, 5, 3, 7, 3]


def loop_cosines(first_predicted, second_predicted, first_targets, second_targets):
    total = 0.0
    for predicted, targets in ((first_predicted, second_targets), (second_predicted, first_targets)):
        for one, other in zip(predicted, targets.detach(), strict=True):
            total = total - torch.dot(one, other) / (one.norm() * other.norm())
    return total / (2 * len(first_predicted))


def loop_moco(first_queries, second_queries, first_keys, second_keys, temperature=0.2):
    total = 0.0
    for queries, keys in ((first_queries, second_keys), (second_queries, first_keys)):
        for i, query in enumerate(queries):
            terms = [torch.exp(torch.dot(query, key.detach()) / temperature) for key in keys]
            total = total - torch.log(terms[i] / sum(terms))
    return 2 * temperature * total / len(first_queries)


def loop_barlow(first, second, weight=5e-3):
    count, size = first.shape
    total = 0.0

    def standardised(rows):
        mean = sum(rows) / count
        variance = sum((row - mean) ** 2 for row in rows) / count
        return [(row - mean) / (variance + 1e-5).sqrt() for row in rows]

    ones, others = standardised(first), standardised(second)
    for i, j in itertools.product(range(size), repeat=2):
        correlation = sum(one[i] * other[j] for one, other in zip(ones, others, strict=True)) / count
        total = total + ((1 - correlation) ** 2 if i == j else weight * correlation**2)
    return total


def loop_clocs(views, patients, temperature=0.1, last_pair=False):
    pairs = list(itertools.combinations(range(views.shape[1]), 2))
    total, count = 0.0, len(views)
    for a, b in pairs[-1:] if last_pair else pairs:
        s = {
            (i, j): torch.exp(torch.dot(views[i, a], views[j, b]) / temperature)
            for i in range(count)
            for j in range(count)
        }
        row = [sum(s[i, k] for k in range(count)) for i in range(count)]
        column = [sum(s[k, j] for k in range(count)) for j in range(count)]
        terms = [
            [-torch.log(s[i, i] / row[i]) for i in range(count)],
            [-torch.log(s[i, i] / column[i]) for i in range(count)],
            [-torch.log(s[i, j] / row[i]) for i, j in s if i < j and patients[i] == patients[j]],
            [-torch.log(s[i, j] / column[j]) for i, j in s if i > j and patients[i] == patients[j]],
        ]
        terms = [sum(each) / len(each) for each in terms if each]
        total = total + sum(terms) / len(terms)
    return total / len(pairs)


def loop_three_kg(first, second, patients, temperature=0.1):
    views, patients = torch.cat([first, second]), [*patients, *patients]
    total, pairs = 0.0, 0
    for a, p in itertools.permutations(range(len(views)), 2):
        if patients[a] == patients[p]:
            terms = [
                torch.exp(torch.dot(views[a], views[n]) / temperature)
                for n in range(len(views))
                if n == p or patients[n] != patients[a]
            ]
            total = total - torch.log(torch.exp(torch.dot(views[a], views[p]) / temperature) / sum(terms))
            pairs += 1
    return total / pairs


def predicted_of(view):
    """Another direction for the predictions, of the same leaf."""
    return F.normalize(torch.tanh(2 * view.flip(1) + view), dim=-1)


def three_views(first, second):
    return torch.stack([first, second, F.normalize(first + 2 * second.flip(1), dim=-1)], dim=1)


def with_predictions(loss):
    return lambda a, b: loss(predicted_of(a), predicted_of(b), a, b)


IDS = torch.tensor(PATIENTS)
# name -> (ours, the plain loop), functions of both views at unit length
LOOPS = {
    "simsiam": (with_predictions(simsiam_loss), with_predictions(loop_cosines)),
    "byol": (with_predictions(byol_loss), with_predictions(lambda *given: 2 + 2 * loop_cosines(*given))),
    "moco_v3": (with_predictions(moco_v3_loss), with_predictions(loop_moco)),
    "barlow_twins": (
        lambda a, b: barlow_twins_loss(3 * a, b + 1, redundancy_weight=0.1),
        lambda a, b: loop_barlow(3 * a, b + 1, 0.1),
    ),
    "clocs": (
        lambda a, b: clocs_loss(three_views(a, b), patient_ids=IDS),
        lambda a, b: loop_clocs(three_views(a, b), PATIENTS),
    ),
    "clocs, all apart": (
        lambda a, b: clocs_loss(three_views(a, b), 0.5),
        lambda a, b: loop_clocs(three_views(a, b), range(5), 0.5),
    ),
    "clocs, last pair": (
        lambda a, b: clocs_loss(three_views(a, b), patient_ids=IDS, compat_last_pair=True),
        lambda a, b: loop_clocs(three_views(a, b), PATIENTS, last_pair=True),
    ),
    "3kg": (
        lambda a, b: three_kg_loss(a, b, patient_ids=IDS),
        lambda a, b: loop_three_kg(a, b, PATIENTS),
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_equals_the_plain_loop(name):
    ours, loop = (reference.value_and_gradient(one, reference.features()) for one in LOOPS[name])
    reference.assert_equal(ours, loop, 1e-9)


@pytest.mark.parametrize("name", LOOPS)
def test_bfloat16_and_autocast_compute_in_float32(name):
    first, second = F.normalize(reference.features(dtype=torch.float32).detach(), dim=-1).bfloat16().chunk(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = LOOPS[name][0](first.float(), second.float())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), LOOPS[name][1](first.double(), second.double()), rtol=2e-5, atol=1e-6)


def test_no_gradient_reaches_the_targets():
    predicted = torch.randn(2, 4, 3)
    for loss in (simsiam_loss, byol_loss, moco_v3_loss):
        still = torch.randn(2, 4, 3, requires_grad=True)
        moved = predicted.clone().requires_grad_()
        loss(*moved, *still).backward()
        assert still.grad is None or not still.grad.any()
        assert moved.grad.any()


def test_the_correct_sum_differs_from_the_last_pair_and_two_views_do_not():
    views = F.normalize(torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert clocs_loss(views) > 1.5 * clocs_loss(views, compat_last_pair=True)
    assert clocs_loss(views[:, :2]) == clocs_loss(views[:, :2], compat_last_pair=True)
    torch.testing.assert_close(clocs_loss(views[:, :2]), patient_contrastive_loss(*views[:, :2].unbind(1)))


ROWS = torch.zeros(4, 6)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: clocs_loss(ROWS), r"shape \(4, 6\), wanted floats of shape \(batch, views, dimensions\)"),
        (lambda: clocs_loss(torch.zeros(4, 1, 6)), "wanted a record and two views"),
        (lambda: clocs_loss(torch.zeros(1, 2, 6)), "one record has no negatives"),
        (lambda: clocs_loss(torch.zeros(4, 2, 6), 0.0), "temperature is 0.0"),
        (lambda: clocs_loss(torch.zeros(4, 2, 6), patient_ids=torch.zeros(3)), "patient_ids is torch.float32"),
        (lambda: three_kg_loss(ROWS, ROWS, patient_ids=torch.zeros(4).long()), "all records are of one patient"),
        (lambda: three_kg_loss(ROWS, ROWS, patient_ids=torch.zeros(4)), "patient_ids is torch.float32"),
        (lambda: simsiam_loss(ROWS, ROWS, ROWS, ROWS[:3]), r"\(4, 6\).*\(3, 6\)"),
        (lambda: byol_loss(ROWS, ROWS, ROWS[:, :5], ROWS[:, :5]), r"\(4, 6\).*\(4, 5\)"),
        (lambda: moco_v3_loss(*[ROWS[:1]] * 4), "one record has no negatives"),
        (lambda: moco_v3_loss(*[ROWS] * 4, -1.0), "temperature is -1.0"),
        (lambda: barlow_twins_loss(ROWS[:1], ROWS[:1]), "one record has no spread"),
        (lambda: barlow_twins_loss(ROWS, ROWS, redundancy_weight=-1.0), "redundancy_weight is -1.0"),
    ],
)
def test_refuses_what_does_not_fit(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()


def test_a_constant_dimension_has_a_finite_gradient():
    same = torch.ones(4, 3, requires_grad=True)
    barlow_twins_loss(same, same.detach()).backward()
    assert same.grad.isfinite().all()
