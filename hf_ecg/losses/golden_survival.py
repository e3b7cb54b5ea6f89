"""ECG-CLIP's likelihood of survival and its curve, as a golden case."""

import torch

from ..golden_cases import GoldenCase
from .survival import survival_at, survival_loss, survival_targets

BREAKS = [45.625 * number for number in range(40)]


def survival(case: GoldenCase) -> dict:
    """The targets, the sum over the batch with its gradient, and the released curve, flat at both ends."""
    time, event = (torch.from_numpy(case.stored(name)) for name in ("time", "event"))
    logits = case.inputs["logits"].detach().requires_grad_()
    loss = survival_loss(logits, time, event, BREAKS)
    curve = {
        f"surv_{days}": survival_at(logits.detach(), days, BREAKS, compat_flat_start=True) for days in (365, 1825)
    }
    targets = torch.cat(survival_targets(time, event, BREAKS), dim=1)
    return {"target": targets, "loss_sum": loss, "grad_logits": torch.autograd.grad(loss, logits)[0]} | curve
