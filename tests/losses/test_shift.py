"""Losses for shifting populations against plain loops; two gloo ranks are in `test_distributed.py`."""

import math

import pytest
import torch

from hf_ecg.losses import (
    conditional_mmd_penalty,
    coral_penalty,
    environment_risks,
    group_dro_loss,
    irm_penalty,
    moved_group_weights,
    risk_variance,
)
from tests.losses.shift_cases import ENVIRONMENTS, KINDS, LABELS, mean_loss, shift_loss

LOGITS, FEATURES = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
ALL = torch.arange(8)
PLACES = {0: [1, 3, 4], 2: [0, 2, 5], 5: [6, 7]}


def risk(rows, scale=1.0):
    """Mean log loss over the annotated labels of some rows, in plain numbers."""
    total = count = 0
    for row in rows:
        for logit, label in zip(LOGITS[row].tolist(), LABELS[row].tolist(), strict=True):
            if label == label:
                total += math.log1p(math.exp(-scale * logit if label else scale * logit))
                count += 1
    return total / count


def covariance(rows):
    columns = [[FEATURES[row][k].item() for row in rows] for k in range(3)]
    means = [sum(column) / len(rows) for column in columns]
    return means, [
        [
            sum((a - means[i]) * (b - means[j]) for a, b in zip(columns[i], columns[j], strict=True)) / (len(rows) - 1)
            for j in range(3)
        ]
        for i in range(3)
    ]


PAIRS = [(0, 2), (0, 5), (2, 5)]


def coral(with_means):
    total = 0
    for a, b in PAIRS:
        (first_means, first), (second_means, second) = covariance(PLACES[a]), covariance(PLACES[b])
        total += sum((first[i][j] - second[i][j]) ** 2 for i in range(3) for j in range(3)) / 36
        total += with_means * sum((m - n) ** 2 for m, n in zip(first_means, second_means, strict=True)) / 3
    return total / 3


def mmd():
    def kernel(a, b):
        return math.exp(
            -sum((x - y) ** 2 for x, y in zip(FEATURES[a].tolist(), FEATURES[b].tolist(), strict=True)) / 0.98
        )

    def mean(first, second):
        return sum(kernel(a, b) for a in first for b in second) / (len(first) * len(second))

    found = []
    for label in range(3):
        for value in (0.0, 1.0):
            for a, b in PAIRS:
                one, two = ([row for row in PLACES[place] if LABELS[row][label] == value] for place in (a, b))
                if one and two:
                    found.append(mean(one, one) + mean(two, two) - 2 * mean(one, two))
    return sum(found) / len(found)


def irm():
    step = 1e-5
    slopes = [(risk(rows, 1 + step) - risk(rows, 1 - step)) / (2 * step) for rows in PLACES.values()]
    return sum(slope**2 for slope in slopes) / 3


def v_rex():
    risks = [risk(rows) for rows in PLACES.values()]
    return sum((one - sum(risks) / 3) ** 2 for one in risks) / 3


def group_dro():
    grown = {place: math.exp(0.5 * risk(PLACES[place])) if place in PLACES else 1.0 for place in range(6)}
    return sum(grown[place] / sum(grown.values()) * risk(rows) for place, rows in PLACES.items())


WANTED = dict(zip(KINDS, (irm, v_rex, lambda: coral(0), lambda: coral(1), mmd, group_dro), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_plain_loop_and_does_not_depend_on_the_order(kind):
    assert shift_loss(kind, LOGITS, FEATURES, ALL).item() == pytest.approx(WANTED[kind](), rel=1e-6)
    order = torch.tensor([5, 1, 7, 0, 3, 2, 6, 4])
    again = shift_loss(kind, LOGITS[order], FEATURES[order], order)
    assert again.item() == pytest.approx(WANTED[kind](), rel=1e-6)


# the weights of group DRO are made of the risks too, and carry no gradient
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "group dro"])
def test_gradients_are_those_of_small_steps(kind):
    given = [values.clone().requires_grad_() for values in (LOGITS, FEATURES)]
    assert torch.autograd.gradcheck(lambda *values: shift_loss(kind, *values, ALL), given, fast_mode=True)


def test_the_weights_of_groups_carry_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    found = environment_risks(mean_loss, logits, LABELS, ENVIRONMENTS)
    weights = moved_group_weights(torch.full((6,), 1 / 6), found, 0.5)
    (wanted,) = torch.autograd.grad((weights[[0, 2, 5]] * found.risks).sum(), logits)
    (gradient,) = torch.autograd.grad(shift_loss("group dro", logits, FEATURES, ALL), logits)
    torch.testing.assert_close(gradient, wanted)


def test_one_environment_and_single_rows_have_no_penalty_and_a_gradient():
    features = FEATURES.clone().requires_grad_()
    same, apart = torch.zeros(8, dtype=torch.int64), torch.arange(8)
    for loss in (
        coral_penalty(features, same),
        coral_penalty(features, apart),
        conditional_mmd_penalty(features, LABELS, same),
        risk_variance(environment_risks(mean_loss, features, LABELS, same).risks),
    ):
        assert loss.item() == 0
        loss.backward()
    assert not features.grad.any()


def test_classes_by_number_are_those_by_column():
    numbers = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    by_number = conditional_mmd_penalty(FEATURES, numbers, ENVIRONMENTS, bandwidth=1.0)
    columns = torch.eye(3)[numbers].masked_fill(torch.eye(3)[numbers] == 0, torch.nan)  # those without are no class
    assert by_number.item() == pytest.approx(
        conditional_mmd_penalty(FEATURES, columns, ENVIRONMENTS, bandwidth=1.0).item()
    )


def test_the_worst_group_gains_weight_until_all_are_alike():
    found = environment_risks(mean_loss, LOGITS, LABELS, ENVIRONMENTS)
    weights = torch.full((6,), 1 / 6)
    for _ in range(200):
        weights = moved_group_weights(weights, found, 0.5)
    worst = int(found.numbers[found.risks.argmax()])
    assert weights.argmax() == worst and weights.sum().item() == pytest.approx(1)
    assert group_dro_loss(found, weights).item() == pytest.approx(found.risks.max().item(), abs=0.05)


def risks():
    return environment_risks(mean_loss, LOGITS, LABELS, ENVIRONMENTS)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: irm_penalty(mean_loss, LOGITS, LABELS, ENVIRONMENTS[:3]), r"environments have shape \(3,\)"),
        (lambda: coral_penalty(FEATURES, ENVIRONMENTS.float()), "type torch.float32, wanted whole numbers"),
        (lambda: coral_penalty(FEATURES[0], ENVIRONMENTS), r"wanted \(batch, size\)"),
        (lambda: conditional_mmd_penalty(FEATURES, LABELS, ENVIRONMENTS, bandwidth=0.0), "bandwidth is 0.0"),
        (lambda: risk_variance(torch.zeros(0)), "at least one"),
        (
            lambda: moved_group_weights(
                torch.ones(3) / 3, environment_risks(mean_loss, LOGITS, LABELS, ENVIRONMENTS), 1
            ),
            "has the number 5, but there are 3",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_environment_without_an_annotated_label_is_not_the_easiest():
    """As a corpus that lacks the label: the losses are those of the others alone."""
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(8, 3, generator=generator, dtype=torch.float64)
    labels, others = LABELS.clone(), ENVIRONMENTS != 2
    labels[~others] = torch.nan
    found = environment_risks(mean_loss, logits, labels, ENVIRONMENTS)
    alone = environment_risks(mean_loss, logits[others], labels[others], ENVIRONMENTS[others])
    assert found.numbers.tolist() == [0, 5] and torch.equal(found.risks, alone.risks)
    penalty = irm_penalty(mean_loss, logits, labels, ENVIRONMENTS)
    torch.testing.assert_close(penalty, irm_penalty(mean_loss, logits[others], labels[others], ENVIRONMENTS[others]))
    nothing = environment_risks(mean_loss, logits, torch.full_like(labels, torch.nan), ENVIRONMENTS)
    assert nothing.risks.tolist() == [0, 0, 0]
