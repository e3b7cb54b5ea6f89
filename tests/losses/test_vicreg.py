"""VICReg against a plain loop over dimensions, and lightly's numbers."""

import math

import numpy as np
import pytest
import torch

from hf_ecg.losses import vicreg_loss
from tests.losses import view_reference as reference
from tests.losses.golden import golden_case


def loop(first, second, invariance=25.0, variance=25.0, covariance=1.0):
    records, dimensions = first.shape
    total = 0.0
    for i in range(records):
        for d in range(dimensions):
            total = total + invariance * (first[i, d] - second[i, d]) ** 2 / (records * dimensions)
    for view in (first, second):
        means = [sum(view[i, d] for i in range(records)) / records for d in range(dimensions)]
        for d in range(dimensions):
            for e in range(dimensions):
                products = [(view[i, d] - means[d]) * (view[i, e] - means[e]) for i in range(records)]
                found = sum(products) / (records - 1)
                if d == e:
                    short = torch.clamp(1 - torch.sqrt(found + 1e-4), min=0)
                    total = total + variance / 2 * short / dimensions
                else:
                    total = total + covariance * found**2 / dimensions
    return total


@pytest.mark.parametrize("weights", [{}, {"invariance": 1.0, "variance": 3.0, "covariance": 0.5}])
def test_equals_the_double_loop(weights):
    raw = reference.features()
    first, second = (0.4 * raw).chunk(2)  # some dimensions are narrower than the margin of 1, some wider
    named = {f"{name}_weight": value for name, value in weights.items()}
    ours, wanted = vicreg_loss(first, second, **named), loop(first, second, **weights)
    torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=0)
    gradients = [torch.autograd.grad(one, raw, retain_graph=True)[0] for one in (ours, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


def test_golden_vicreg(golden_dir):
    inputs, expected = golden_case(golden_dir, "ssl-losses")
    first = inputs["z1"].requires_grad_()
    loss = vicreg_loss(first, inputs["z2"])
    np.testing.assert_allclose(loss.item(), expected["vicreg"], rtol=1e-5)
    gradient, wanted = torch.autograd.grad(loss, first)[0], expected["vicreg_grad0"]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


def test_a_collapsed_batch_has_a_finite_gradient():
    same = torch.ones(4, 3, requires_grad=True)
    vicreg_loss(same, same.detach()).backward()
    assert same.grad.isfinite().all()


def test_bfloat16_and_autocast_compute_in_float32():
    first, second = reference.features(dtype=torch.float32).detach().bfloat16().chunk(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = vicreg_loss(first, second)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), loop(first.double(), second.double()), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first_features": torch.zeros(1, 6), "second_features": torch.zeros(1, 6)}, "one record has no spread"),
        ({"second_features": torch.zeros(4, 7)}, r"\(4, 6\).*\(4, 7\)"),
        ({"invariance_weight": -1.0}, "invariance_weight is -1.0"),
        ({"covariance_weight": math.nan}, "covariance_weight is nan"),
    ],
)
def test_refuses_what_does_not_fit(arguments, message):
    given = {"first_features": torch.zeros(4, 6), "second_features": torch.zeros(4, 6)} | arguments
    with pytest.raises(ValueError, match=message):
        vicreg_loss(**given)
