"""An exponential moving average of the weights."""

import contextlib

import torch

from .sharding import fill_tensor, whole_tensor


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
        for name, average in self.averages.items():
            average.lerp_(self.parameters[name], 1 - decay)

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
        """Whole tensors, shards put together: every process has to call it."""
        averages = {name: whole_tensor(average) for name, average in self.averages.items()}
        return {"updates": self.updates, "averages": averages}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        if set(state["averages"]) != set(self.averages):
            raise ValueError(f"averaged parameters differ: {sorted(set(state['averages']) ^ set(self.averages))}")
        self.updates = state["updates"]
        for name, average in self.averages.items():
            fill_tensor(average, state["averages"][name])
