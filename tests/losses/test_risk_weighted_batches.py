"""CLEF's loss on batches out of the ordinary: order, scale, precision, next to nothing known, and what it refuses."""

import math

import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import risk_weighted_contrastive_loss
from tests.losses import view_reference as reference
from tests.losses.view_reference import INF, MISSING, NAN, PATHS, RISKS, loop_of, loss_of


@pytest.mark.parametrize("path", PATHS)
def test_order_of_the_records_does_not_matter(path):
    raw, order = reference.features(), [3, 0, 4, 2, 1]
    views = [*order, *(5 + i for i in order)]
    risk, missing = ([values[i] for i in order] for values in (RISKS["some unknown"], MISSING))
    value, gradient = reference.value_and_gradient(loss_of(path, RISKS["some unknown"], MISSING), raw)
    moved = raw.detach()[views].requires_grad_()
    other, other_gradient = reference.value_and_gradient(loss_of(path, risk, missing), moved)
    torch.testing.assert_close(value, other, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient[views], other_gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("path", ["masked", "paper"])
def test_unit_and_origin_of_the_risk_do_not_matter(path):
    raw, risk = reference.features(), RISKS["all known"]
    wanted = reference.value_and_gradient(loss_of(path, risk), raw)
    for scale, shift in ((100.0, 0.0), (-1e-6, 3e-6)):
        ours = reference.value_and_gradient(loss_of(path, [scale * r + shift for r in risk]), raw)
        reference.assert_equal(ours, wanted, 1e-6)


@pytest.mark.parametrize("path", PATHS)
def test_bfloat16_and_autocast_compute_in_float32(path):
    views = F.normalize(reference.features(dtype=torch.float32).detach(), dim=-1).bfloat16()
    wanted = loop_of(path, RISKS["some unknown"], MISSING)(*views.double().chunk(2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = loss_of(path, RISKS["some unknown"], MISSING)(*views.chunk(2))
        single = loss_of(path, RISKS["some unknown"], MISSING)(*views.float().chunk(2))
    assert half.dtype == single.dtype == torch.float32
    torch.testing.assert_close(half.double(), wanted, rtol=1e-6, atol=0)
    torch.testing.assert_close(single.double(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("risk", "missing"),
    [
        ([0.1] * 5, None),
        ([0.0] * 5, [1.0] * 5),
        ([NAN] * 5, [1.0] * 5),
        ([INF, -INF, NAN, 0.1, 0.1], [NAN, 1.0, 0.0, NAN, 0.0]),
        ([1e-12, 2e-12, 0.0, NAN, 3e-12], None),
        ([1e12, 2e12, 0.0, NAN, -3e12], MISSING),
    ],
)
@pytest.mark.parametrize("collapsed", [False, True])
def test_gradients_stay_finite(path, risk, missing, collapsed):
    raw = reference.features(dtype=torch.float32)
    if collapsed:
        raw = torch.ones_like(raw).requires_grad_()
    for temperature in (0.01, 0.07):
        value, gradient = reference.value_and_gradient(loss_of(path, risk, missing, temperature=temperature), raw)
        assert value.isfinite() and gradient.isfinite().all()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("risk", [[0.1, 0.4], [0.1, 0.1], [0.1, NAN], [NAN, NAN]])
def test_two_records_are_enough(path, risk):
    raw = reference.features(records=2)
    ours = reference.value_and_gradient(loss_of(path, risk, temperature=0.5), raw)
    reference.assert_equal(ours, reference.value_and_gradient(loop_of(path, risk, temperature=0.5), raw), 1e-9)


def test_equal_risks_leave_the_alignment_to_a_similarity_of_four_fifths():
    # orthogonal records: cosines of 0 where the target is 0.8, in 4 x 2 of 4 x 3 entries of pairs of records
    axes = torch.eye(3, dtype=torch.float64)
    with_alignment, without = (
        loss_of("masked", [0.2] * 3, alignment_weight=weight)(axes, axes.clone()) for weight in (1.0, 0.0)
    )
    assert (with_alignment - without).item() == pytest.approx(0.8**2 * 2 / 3, rel=1e-9)


def test_no_gradient_flows_to_the_risks():
    raw = reference.features()
    risk = torch.tensor(RISKS["all known"], dtype=torch.float64, requires_grad=True)
    views = F.normalize(raw, dim=-1).chunk(2)
    risk_weighted_contrastive_loss(*views, risk=risk, missing_rate=risk).backward()
    assert risk.grad is None and raw.grad.norm() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"views": torch.zeros(1, 6), "risk": torch.zeros(1)}, "one record has no negatives"),
        ({"views": torch.zeros(0, 6), "risk": torch.zeros(0)}, "no rows"),
        ({"views": torch.zeros(4, 6, dtype=torch.long)}, "first_embeds is torch.int64"),
        ({"risk": torch.zeros(3)}, r"risk has the shape \(3,\), wanted \(4,\)"),
        ({"risk": torch.zeros(4, 1), "path": "paper"}, r"risk has the shape \(4, 1\)"),
        ({"missing_rate": torch.zeros(8)}, r"missing_rate has the shape \(8,\)"),
        ({"missing_rate": torch.tensor([0, 20.0, 40, 100])}, "missing_rate holds 0 to 100, wanted shares"),
        ({"path": "published"}, "path is 'published'"),
        ({"distance": "absolute"}, "distance is 'absolute'"),
        ({"sharpness": -1.0}, "sharpness is -1.0"),
        ({"alignment_weight": math.nan}, "alignment_weight is nan"),
        ({"path": "paper", "distance": "rank"}, "path 'paper' has squared distances"),
        ({"path": "compat_released_code", "alignment_weight": 2.0}, "need path 'masked'"),
        ({"temperature": -0.07}, "temperature is -0.07"),
    ],
)
def test_refuses_what_does_not_fit(changes, message):
    given = {"views": torch.eye(4, 6), "risk": torch.rand(4)} | changes
    views = given.pop("views")
    with pytest.raises(ValueError, match=message):
        risk_weighted_contrastive_loss(views, views, **given)
