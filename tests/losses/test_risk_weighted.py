"""CLEF's loss on its three paths: the double loop, the golden case, cases by hand, and batches without much risk."""

import math

import pytest
import torch

from hf_ecg.losses import WeightSpread, info_nce_loss
from hf_ecg.losses.risk_distance import known_distances
from tests.losses import view_reference as reference
from tests.losses.view_reference import INF, MISSING, NAN, PATHS, RISKS, loop_of, loss_of


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("missing", [None, MISSING])
def test_equals_the_double_loop_over_pairs(path, risk, missing):
    raw = reference.features()
    for temperature in (0.07, 1.0):
        ours = reference.value_and_gradient(loss_of(path, RISKS[risk], missing, temperature=temperature), raw)
        wanted = reference.value_and_gradient(loop_of(path, RISKS[risk], missing, temperature), raw)
        reference.assert_equal(ours, wanted, 1e-9)


OPTIONS = [
    {"distance": "rank"},
    {"sharpness": 5.0},
    {"alignment_weight": 0.0},
    {"sharpness": WeightSpread(1.0)},
    {"sharpness": WeightSpread(0.5, "absolute"), "distance": "rank"},
    {"alignment": "centred"},
    {"alignment": "correlation", "alignment_weight": 3.0},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("missing", [None, MISSING])
def test_options_of_the_masked_path_equal_the_double_loop(options, missing):
    raw = reference.features()
    plain = reference.value_and_gradient(loss_of("masked", RISKS["some unknown"], missing), raw)
    ours = reference.value_and_gradient(loss_of("masked", RISKS["some unknown"], missing, **options), raw)
    wanted = reference.value_and_gradient(loop_of("masked", RISKS["some unknown"], missing, **options), raw)
    reference.assert_equal(ours, wanted, 1e-9)
    assert abs(plain[0] - ours[0]) > 1e-4


def orthogonal(records):
    """Both views of a record are the same axis: cosines are 1 within records and 0 between them."""
    axes = torch.eye(records, dtype=torch.float64)
    return axes, axes.clone()


@pytest.mark.parametrize(
    ("missing", "factor"),
    [([0.0, 0.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], math.exp(-1)), ([0.5, 0.8], 0.670320046)],
)
def test_paper_by_hand_with_none_one_and_both_missing(missing, factor):
    # two records: the distance between them is the largest, 0.8 + 0.2 = 1, times the mask
    loss = loss_of("paper", [0.05, 0.25], missing, temperature=1.0)(*orthogonal(2))
    # a row of weights over own, positive, and two negatives: softmax of (0, 0, factor, factor)
    weight = math.exp(factor) / (2 + 2 * math.exp(factor))
    contrast = -math.log(math.e / (math.e + 2 * weight))
    # half of the entries are cosines of 0 with the target 1 - factor, the others 1 with the target 1
    alignment = (1 - factor) ** 2 / 2
    assert loss.item() == pytest.approx((contrast + alignment) / 2, rel=1e-9)


def test_paper_takes_an_unknown_risk_as_zero_and_wholly_missing():
    views = orthogonal(3)
    unknown = loss_of("paper", [0.05, NAN, NAN], [0.3, 0.5, 0.2])(*views)
    assert unknown == loss_of("paper", [0.05, 0.0, 0.0], [0.3, 1.0, 1.0])(*views)
    assert loss_of("paper", [0.05, NAN, NAN])(*views) == loss_of("paper", [0.05, 0.0, 0.0], [0.0, 1.0, 1.0])(*views)


def test_masked_by_hand_with_half_missing():
    # known 0, 1 and 3: squared distances 1, 4 and 9, over the largest 1/9, 4/9 and 1, whose median is 4/9
    risk = [0.0, NAN, 1.0, NAN, 3.0, NAN]
    apart = {(0, 2): 1 / 9, (2, 4): 4 / 9, (0, 4): 1.0}
    angles = torch.tensor([0.0, 0.9, 1.7, 2.8, 3.9, 5.0], dtype=torch.float64)
    views = torch.stack([angles.cos(), angles.sin()], dim=1)
    contrast = 0.0
    for i in range(6):
        others = [j for j in range(6) if j != i]
        exponentials = {j: math.exp(0.8 * apart.get((min(i, j), max(i, j)), 4 / 9)) for j in others}
        mean = sum(exponentials.values()) / 5
        negatives = sum(2 * exponentials[j] / mean * math.exp(math.cos(angles[i] - angles[j])) for j in others)
        contrast -= math.log(math.e / (math.e + negatives)) / 6
    # the alignment knows records 0, 2 and 4 alone: each pair stands there 2 x 2 x 2 times, of 6 x 6 entries
    cosines = {pair: math.cos(angles[pair[0]] - angles[pair[1]]) for pair in apart}
    lowest = min(cosines.values())
    errors = [((cosines[p] - lowest) / (1 - lowest) - (1 - 0.8 * apart[p] - 0.2)) ** 2 for p in apart]
    loss = loss_of("masked", risk, temperature=1.0)(views, views.clone())
    assert loss.item() == pytest.approx(contrast + 8 * sum(errors) / 36, rel=1e-9)


@pytest.mark.parametrize("distance", ["squared", "rank"])
@pytest.mark.parametrize("risk", [[NAN] * 5, [INF, NAN, -INF, NAN, NAN], [NAN, 0.1, NAN, NAN, NAN]])
@pytest.mark.parametrize("missing", [None, [1.0] * 5])
def test_masked_is_info_nce_where_no_distance_is_known(distance, risk, missing):
    raw = reference.features(dtype=torch.float32)
    ours = reference.value_and_gradient(loss_of("masked", risk, missing, distance=distance), raw)
    reference.assert_equal(ours, reference.value_and_gradient(info_nce_loss, raw), 1e-6)


@pytest.mark.parametrize("options", [{"risk": [0.1] * 5}, {"risk": RISKS["all known"], "sharpness": 0.0}])
def test_uniform_weights_give_info_nce(options):
    raw = reference.features(dtype=torch.float32)
    ours = reference.value_and_gradient(loss_of("masked", alignment_weight=0.0, **options), raw)
    reference.assert_equal(ours, reference.value_and_gradient(info_nce_loss, raw), 1e-6)


def test_a_negative_counts_more_the_further_its_risk_is():
    first, second = orthogonal(4)
    first = first.requires_grad_()
    for distance in ("squared", "rank"):
        loss = loss_of("masked", [0.1, 0.1, 0.2, 0.9], alignment_weight=0.0, temperature=1.0, distance=distance)
        # the push of records 1, 2 and 3 on the first record's view, against their own axes
        push = torch.autograd.grad(loss(first, second), first)[0][0, 1:]
        assert 0 < push[0] < push[1] < push[2]


def test_one_outlier_flattens_squared_distances_but_not_ranks():
    risk = torch.tensor([0.01, 0.02, 0.04, 0.07, 5.0])
    squared, rank = (known_distances(risk, None, distance).distance for distance in ("squared", "rank"))
    assert squared[:4, :4].max() < 2e-4
    torch.testing.assert_close(rank[0], torch.tensor([0, 0.25, 0.5, 0.75, 1.0]))


def test_equal_risks_share_a_rank_and_unknown_ones_have_none():
    distances, certainty = known_distances(torch.tensor([0.3, NAN, 0.1, 0.3, 0.9]), None, "rank")
    # ranks 2.5, none, 1, 2.5, 4: distances of 0, 1.5, 1.5, 1.5, 1.5 and 3, over 3
    torch.testing.assert_close(distances[0], torch.tensor([0, 0.5, 0.5, 0, 0.5]))
    torch.testing.assert_close(distances[1], torch.tensor([0.5, 0, 0.5, 0.5, 0.5]))
    assert certainty.tolist() == [[float(1 not in (i, j)) for j in range(5)] for i in range(5)]
