"""Losses that know metadata of the patients: the plain double loop, and what they are where little is known."""

import math

import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import (
    WeightSpread,
    info_nce_loss,
    metadata_prediction_loss,
    rank_n_contrast_loss,
    risk_weighted_contrastive_loss,
    y_aware_contrastive_loss,
)
from tests.losses import view_reference as reference
from tests.losses.view_reference import INF, NAN

AGES = {
    "all known": [[60.0, 1.0], [41.0, 0.0], [60.0, 1.0], [72.0, 1.0], [58.0, 0.0]],
    "some unknown": [[60.0, 1.0], [NAN, 0.0], [63.0, 1.0], [72.0, INF], [60.0, 1.0]],
    "one known": [[NAN, 1.0], [NAN, 0.0], [63.0, 1.0], [72.0, NAN], [60.0, NAN]],
}
BANDWIDTHS = [5.0, None]


@pytest.mark.parametrize("metadata", AGES)
@pytest.mark.parametrize("share", [None, 0.0, 0.5, 1.0])
def test_y_aware_equals_the_double_loop(metadata, share):
    raw, rows = reference.features(), AGES[metadata]
    options = {"metadata": torch.tensor(rows), "bandwidths": BANDWIDTHS, "share": share}
    ours = reference.value_and_gradient(lambda a, b: y_aware_contrastive_loss(a, b, 0.2, **options), raw)
    loop = reference.value_and_gradient(
        lambda a, b: reference.y_aware(torch.cat([a, b]), 0.2, rows, BANDWIDTHS, share), raw
    )
    reference.assert_equal(ours, loop, 1e-9)


@pytest.mark.parametrize("metadata", AGES)
@pytest.mark.parametrize("share", [None, 0.0, 0.5, 1.0])
def test_rank_n_contrast_equals_the_double_loop(metadata, share):
    raw, rows = reference.features(), AGES[metadata]
    options = {"metadata": torch.tensor(rows), "share": share}
    ours = reference.value_and_gradient(lambda a, b: rank_n_contrast_loss(a, b, 0.2, **options), raw)
    loop = reference.value_and_gradient(
        lambda a, b: reference.rank_n_contrast(torch.cat([a, b]), 0.2, rows, share), raw
    )
    reference.assert_equal(ours, loop, 1e-9)


@pytest.mark.parametrize("metadata", AGES)
def test_told_metadata_equal_the_loop(metadata):
    rows = AGES[metadata]
    told = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).mul(20).add(50)
    told.requires_grad_()
    ours = metadata_prediction_loss(told, torch.tensor(rows), binary=[False, True])
    wanted = reference.metadata_prediction(told, rows, [False, True])
    torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=0)
    found, expected = (torch.autograd.grad(loss, told)[0] for loss in (ours, wanted))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    unknown = ~torch.tensor(rows).isfinite()
    assert (found[unknown] == 0).all() and found.isfinite().all()


def test_a_column_that_nobody_knows_teaches_nothing():
    told = torch.zeros(4, 2, requires_grad=True)
    loss = metadata_prediction_loss(told, torch.full((4, 2), NAN), binary=[False, True])
    loss.backward()
    assert loss == 0 and (told.grad == 0).all()


@pytest.mark.parametrize(
    "loss",
    [
        lambda a, b, m: y_aware_contrastive_loss(a, b, metadata=m, bandwidths=BANDWIDTHS),
        lambda a, b, m: y_aware_contrastive_loss(a, b, metadata=m, bandwidths=BANDWIDTHS, share=0.5),
        lambda a, b, m: rank_n_contrast_loss(a, b, metadata=m),
        lambda a, b, m: rank_n_contrast_loss(a, b, metadata=m, share=0.5),
        lambda a, b, m: risk_weighted_contrastive_loss(a, b, risk=m, sharpness=WeightSpread(1.0)),
        lambda a, b, m: risk_weighted_contrastive_loss(a, b, risk=m[:, 0], alignment="correlation"),
        lambda a, b, m: risk_weighted_contrastive_loss(a, b, risk=m[:, 0], alignment="centred"),
    ],
)
def test_metadata_that_nobody_knows_give_info_nce(loss):
    raw = reference.features(dtype=torch.float32)
    unknown = torch.full((5, 2), NAN)
    ours = reference.value_and_gradient(lambda a, b: loss(a, b, unknown), raw)
    reference.assert_equal(ours, reference.value_and_gradient(info_nce_loss, raw), 1e-5)


def test_several_columns_are_the_mean_of_their_distances():
    raw = reference.features()
    two = torch.tensor([[0.1, 5.0], [0.3, 2.0], [0.2, 2.0], [0.9, 1.0], [0.4, 4.0]], dtype=torch.float64)
    once = reference.value_and_gradient(lambda a, b: risk_weighted_contrastive_loss(a, b, risk=two[:, :1]), raw)
    again = reference.value_and_gradient(lambda a, b: risk_weighted_contrastive_loss(a, b, risk=two[:, [0, 0]]), raw)
    reference.assert_equal(once, again, 1e-12)
    alone = reference.value_and_gradient(lambda a, b: risk_weighted_contrastive_loss(a, b, risk=two[:, 0]), raw)
    assert torch.equal(once[0], alone[0]) and torch.equal(once[1], alone[1])


def test_equal_risks_leave_a_correlation_nothing_to_ask_for():
    raw = reference.features(dtype=torch.float32)

    def gradient(form):
        options = {"risk": torch.full((5,), 0.1), "alignment": form, "alignment_weight": 5.0}
        return reference.value_and_gradient(lambda a, b: risk_weighted_contrastive_loss(a, b, **options), raw)[1]

    plain = reference.value_and_gradient(info_nce_loss, raw)[1]
    torch.testing.assert_close(gradient("correlation"), plain)
    assert (gradient("published") - plain).norm() > 0.01 * plain.norm()


def test_a_wider_spread_pushes_far_patients_more():
    axes = torch.eye(4, dtype=torch.float64)
    risk = torch.tensor([0.1, 0.1, 0.2, 0.9], dtype=torch.float64)
    shares = []
    for value in (0.5, 1.5):
        first = axes.clone().requires_grad_()
        options = {"sharpness": WeightSpread(value, "absolute"), "alignment_weight": 0.0}
        push = torch.autograd.grad(risk_weighted_contrastive_loss(first, axes, 1.0, risk=risk, **options), first)[0]
        shares.append(push[0, 3] / push[0, 1:].sum())
    assert 0.4 < shares[0] < shares[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v, m: y_aware_contrastive_loss(v, v, metadata=m, bandwidths=[5.0]), "one for each of 2 columns"),
        (lambda v, m: y_aware_contrastive_loss(v, v, metadata=m, bandwidths=[0.0, None]), "wanted numbers above 0"),
        (lambda v, m: y_aware_contrastive_loss(v, v, metadata=m[:, 0], bandwidths=[5.0]), "metadata has the shape"),
        (lambda v, m: rank_n_contrast_loss(v, v, metadata=m, share=1.5), "share is 1.5"),
        (lambda v, m: metadata_prediction_loss(v, m, binary=[True, False]), "wanted one shape"),
        (
            lambda v, m: risk_weighted_contrastive_loss(v, v, risk=m, sharpness=WeightSpread(-1.0)),
            "spread in sharpness is -1.0",
        ),
        (
            lambda v, m: risk_weighted_contrastive_loss(v, v, risk=m, sharpness=WeightSpread(1.0, "logit")),
            "unit of sharpness is 'logit'",
        ),
        (
            lambda v, m: risk_weighted_contrastive_loss(v, v, risk=m[:, 0], path="paper", alignment="centred"),
            "need path 'masked'",
        ),
    ],
)
def test_refuses_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.eye(4, 6), torch.rand(4, 2))


def test_half_precision_is_worked_out_in_full():
    views = F.normalize(reference.features(dtype=torch.float32).detach(), dim=-1).bfloat16()
    metadata = torch.tensor(AGES["some unknown"])
    half = rank_n_contrast_loss(*views.chunk(2), metadata=metadata)
    full = rank_n_contrast_loss(*views.float().chunk(2), metadata=metadata)
    assert half.dtype == torch.float32 and math.isclose(half.item(), full.item(), rel_tol=1e-6)
