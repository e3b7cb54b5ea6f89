"""The loss of lead reconstruction against a plain loop."""

import pytest
import torch

from hf_ecg.losses import lead_reconstruction_errors, lead_reconstruction_loss


def test_it_is_the_plain_loop():
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, 3, 4, 50, generator=generator, dtype=torch.float64)
    judged, samples = torch.rand(3, 4, generator=generator) < 0.6, torch.rand(3, 50, generator=generator) < 0.7
    judged[2] = False
    records = []
    for row in range(3):
        leads = []
        for lead in range(4):
            off = [float(prediction[row, lead, i] - target[row, lead, i]) ** 2 for i in range(50) if samples[row, i]]
            leads += [sum(off) / len(off)] if judged[row, lead] else []
        records.append(sum(leads) / max(1, len(leads)))
    prediction.requires_grad_(True)
    loss = lead_reconstruction_loss(prediction, target, judged, samples)
    assert loss.item() == pytest.approx(sum(records) / 3, rel=1e-6)
    loss.backward()
    assert not prediction.grad[~judged].any() and not prediction.grad.mT[~samples].any()


def test_what_is_not_judged_may_be_no_number():
    target = torch.ones(1, 2, 5)
    target[0, 1] = torch.nan
    judged = torch.tensor([[True, False]])
    assert lead_reconstruction_loss(torch.zeros(1, 2, 5), target, judged).item() == 1.0
    nothing = torch.zeros(1, 5, dtype=torch.bool)
    assert not lead_reconstruction_errors(torch.zeros(1, 2, 5), target, nothing).any()


def test_shapes_that_do_not_fit_are_refused():
    one = torch.zeros(2, 3, 4)
    for others in ((one[:1], one[0] > 0), (one, one[:, 0] > 0)):
        with pytest.raises(ValueError, match="shape"):
            lead_reconstruction_loss(one, *others)
    with pytest.raises(ValueError, match="sample_mask"):
        lead_reconstruction_errors(one, one, one[:, 0, :2] > 0)
