"""AdamW groups, the learning rate as a function of the step, and the moving average of the weights."""

import contextlib
import math
from collections.abc import Mapping

import torch

from .recipe import OptimizerSection, ScheduleSection


def parameter_groups(
    model: torch.nn.Module, weight_decay: float, lr_factors: Mapping[str, float] | None = None
) -> list[dict]:
    """Split the trainable parameters into decayed and not decayed ones, and by their learning-rate factor.

    Norms, biases, logit scale and logit bias are not decayed: they are exactly the parameters of a norm module, the
    ones called `bias`, and those with fewer than two dimensions.

    Args:
        model: the network.
        weight_decay: of the decayed ones.
        lr_factors: name of a parameter or submodule -> factor on the learning rate; kept as `lr_factor` in the groups.

    Raises:
        ValueError: a name that no trainable parameter has.
    """
    norm_parameters = {
        parameter
        for module in model.modules()
        if "norm" in type(module).__name__.lower()
        for parameter in module.parameters(recurse=False)
    }
    factors, used, groups = dict(lr_factors or {}), set(), {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        matching = [key for key in factors if name == key or name.startswith(f"{key}.")]
        used.update(matching)
        # the longest name is the most particular one
        factor = factors[max(matching, key=len)] if matching else 1.0
        exempt = parameter.ndim < 2 or parameter in norm_parameters or name.rsplit(".", 1)[-1] == "bias"
        groups.setdefault((factor, exempt), []).append(parameter)
    if set(factors) - used:
        raise ValueError(f"optimizer.lr_factors names {sorted(set(factors) - used)}, which no trainable parameter has")
    return [
        {"params": parameters, "weight_decay": 0.0 if exempt else weight_decay, "lr_factor": factor}
        for (factor, exempt), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def build_optimizer(model: torch.nn.Module, section: OptimizerSection) -> torch.optim.AdamW:
    """AdamW over the trainable parameters of `model`.

    Raises:
        ValueError: nothing is trainable.
    """
    groups = parameter_groups(model, section.weight_decay, section.lr_factors)
    if not groups:
        raise ValueError("the model has no trainable parameter: `freeze` names everything")
    return torch.optim.AdamW(groups, lr=section.lr, betas=(section.beta1, section.beta2), eps=section.epsilon)


def learning_rate_factor(step: int, total_steps: int, schedule: ScheduleSection) -> float:
    """Share of the peak learning rate at `step` (counted from 0) of `total_steps`.

    A function of the step alone: nothing to save or restore, and the same on any number of processes.
    """
    warmup = round(schedule.warmup_ratio * total_steps)
    if step < warmup:
        return (step + 1) / warmup
    if schedule.name == "constant":
        return 1.0
    progress = (step - warmup) / max(1, total_steps - warmup)
    if schedule.name == "cosine_restarts":
        progress = _cycle_progress(progress, schedule.first_cycle_ratio, schedule.cycle_growth)
    falling = 1 - progress if schedule.name == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return schedule.final_ratio + (1 - schedule.final_ratio) * falling


def _cycle_progress(progress: float, length: float, growth: float) -> float:
    """Part of the running cycle that is over; each cycle is `growth` times as long as the one before."""
    start = 0.0
    # the rounding of a sum must not put the first step of a cycle at the end of the one before
    while progress >= start + length - 1e-9:
        start, length = start + length, length * growth
    return max(0.0, progress - start) / length


class WeightAverage:
    """Exponential moving average of the trainable parameters.

    The decay at update t is min(decay, (1 + t) / (10 + t)), so that short runs are not averaged with the initial
    weights. Buffers (BatchNorm statistics) are taken from the model as they are.
    """

    def __init__(self, model: torch.nn.Module, decay: float):
        self.decay = decay
        self.updates = 0
        self.parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.averages = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the parameters' present values in."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        torch._foreach_lerp_(list(self.averages.values()), list(self.parameters.values()), 1 - decay)

    @contextlib.contextmanager
    def applied(self):
        """The model holds the averages inside the block, and its own weights again after it."""
        own = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self._set(self.averages)
        try:
            yield
        finally:
            self._set(own)

    @torch.no_grad()
    def _set(self, values: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(values[name])

    def state_dict(self) -> dict:
        return {"updates": self.updates, "averages": self.averages}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        if set(state["averages"]) != set(self.averages):
            raise ValueError(f"averaged parameters differ: {sorted(set(state['averages']) ^ set(self.averages))}")
        self.updates = state["updates"]
        for name, average in self.averages.items():
            average.copy_(state["averages"][name])
