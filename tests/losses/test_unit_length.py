"""Unit length, and the detached norm of fairseq-signals, against its own CMSC values and gradients."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import patient_contrastive_loss, unit_length


def test_is_the_usual_normalisation_with_its_gradient():
    rows = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weights = torch.arange(15.0, dtype=torch.float64).reshape(5, 3)
    (ours,) = torch.autograd.grad((unit_length(rows) * weights).sum(), rows)
    (wanted,) = torch.autograd.grad((F.normalize(rows, dim=-1) * weights).sum(), rows)
    torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)


def test_a_detached_norm_has_the_gradient_of_a_constant_scale():
    rows = torch.tensor([[3.0, 4.0]], requires_grad=True)
    unit = unit_length(rows, compat_detached_norm=True)
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.8]]))
    unit[0, 0].backward()
    torch.testing.assert_close(rows.grad, torch.tensor([[0.2, 0.0]]))


def test_zeros_stay_finite_and_half_precision_is_widened():
    assert unit_length(torch.zeros(2, 3)).tolist() == [[0.0] * 3] * 2
    assert unit_length(torch.ones(2, 3, dtype=torch.bfloat16)).dtype == torch.float32
    with pytest.raises(ValueError, match=r"torch.int64, wanted floats"):
        unit_length(torch.ones(2, 3, dtype=torch.long))


def test_golden_cmsc_of_ecg_fm(golden_dir):
    expected = np.load(golden_dir / "ecg-fm-cmsc-loss" / "expected_seed0.npz")
    rows = torch.from_numpy(expected["in.feat"]).requires_grad_()
    first = torch.from_numpy(expected["in.segment"]) == 0
    patients = torch.from_numpy(expected["in.patient_id"])[first]
    unit = unit_length(rows, compat_detached_norm=True)
    loss = patient_contrastive_loss(unit[first], unit[~first], patient_ids=patients)
    np.testing.assert_allclose(loss.item(), expected["cmsc.loss"], rtol=1e-5)
    gradient, wanted = torch.autograd.grad(loss, rows)[0], expected["cmsc.grad.feat"]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
