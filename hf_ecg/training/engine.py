"""One training step, whatever the model: forward, backward, clipping, update; and the state to go on from."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import nn
from transformers import PreTrainedModel

from .gradient_cache import cached_backward, check_cacheable
from .network import forward_inputs, set_training_mode
from .objective import Objective
from .optimizer import build_optimizer
from .processes import seed_step
from .recipe import Recipe
from .recipe_sections import CACHED, FSDP2
from .schedule import learning_rate_factor
from .sharding import (
    average_gradients,
    fill_optimizer_state,
    fill_state,
    gathered,
    shard_model,
    whole_optimizer_state,
    whole_state,
    whole_tensor,
)
from .weight_average import WeightAverage


@dataclass(frozen=True)
class StepResult:
    """What a step leaves; the tensors are not looked at, since on CUDA looking waits for the device."""

    lr: float
    loss: torch.Tensor
    grad_norm: torch.Tensor


class Engine:
    """A model in training, its optimiser and its moving average, on one process of a run.

    Args:
        model: in float32, frozen parts frozen; it is moved to the device and, if the recipe says so, sharded.
        recipe: of the run.
        accelerator: of the run.
        before_sharding: called with the model on its device, while every process holds all of it.
        objective: what a step minimises; None is the model's own loss.

    Raises:
        ValueError: an objective of its own with a way of the gradient that knows the model's loss alone.

    Attributes:
        bare: the model itself, under whatever wraps it for several processes.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        recipe: Recipe,
        accelerator: Accelerator,
        before_sharding: Callable[[PreTrainedModel], None] = lambda model: None,
        objective: Objective | None = None,
    ):
        self.recipe, self.accelerator = recipe, accelerator
        self.model_class, self.config = type(model), model.config
        self.sharded = recipe.run.sharding == FSDP2
        self.cached = recipe.run.gradient == CACHED
        self.objective = Objective() if objective is None else objective
        if self.objective.inputs and (self.cached or self.sharded or recipe.run.compile):
            raise ValueError("method.options.objective takes run.gradient plain, run.sharding none and no run.compile")
        if self.cached:
            check_cacheable(model)
        self.bare = model.to(accelerator.device)
        set_training_mode(self.bare, recipe.freeze)
        before_sharding(self.bare)
        # gradients that no wrapper averages over the processes
        self.own_gradients: list[nn.Parameter] = []
        if self.sharded:
            self.own_gradients = shard_model(self.bare, accelerator.device, list(self.bare._no_split_modules or []))
        self.optimizer = build_optimizer(self.bare, recipe.optimizer)
        self.model = self.bare
        if self.sharded or self.cached:
            self.optimizer = accelerator.prepare_optimizer(self.optimizer, device_placement=False)
        else:
            self.model, self.optimizer = accelerator.prepare(self.bare, self.optimizer)
        if recipe.run.compile:
            self.model = torch.compile(self.model)
        self.trained = [parameter for parameter in self.bare.parameters() if parameter.requires_grad]
        if self.cached and accelerator.num_processes > 1:
            self.own_gradients = self.trained
        self.average = None if recipe.run.ema_decay is None else WeightAverage(self.bare, recipe.run.ema_decay)
        # models of other packages may have no hook
        self.after_step = getattr(self.bare, "after_step", None)

    def begin(self, total_steps: int) -> None:
        """Tell the model how long the run is, before the first step."""
        begin = getattr(self.bare, "begin_training", None)
        if begin is not None:
            begin(total_steps)

    def model_inputs(self, batch: dict) -> dict:
        """A batch without what is the objective's alone."""
        return {name: value for name, value in batch.items() if name not in self.objective.inputs}

    def check_batch(self, batch: dict, method: str) -> None:
        """Compare a batch's keys with what `forward` takes: an unknown one would vanish, and with it half a batch.

        Raises:
            ValueError: the keys and the parameters do not fit, so the method does not fit the model.
        """
        name, known = self.model_class.__name__, forward_inputs(self.model_class)
        required = forward_inputs(self.model_class, required=True)
        unknown, absent = sorted(set(batch) - known), sorted(required - set(batch))
        if unknown:
            raise ValueError(
                f"method {method} makes the inputs {unknown}, which {name}.forward does not take (it takes"
                f" {sorted(known)}): the method does not fit the model"
            )
        if absent:
            raise ValueError(f"{name}.forward needs {absent}, which the method {method} does not make")

    def check_loss(self, loss: torch.Tensor | None, batch: dict) -> None:
        """Raises ValueError when the model gave no loss for a batch."""
        if loss is None:
            raise ValueError(
                f"{self.model_class.__name__} gives no loss for the inputs {sorted(batch)}: the method does not fit"
                " the model"
            )

    def step(self, batches: Sequence[dict], number: int, total: int) -> StepResult:
        """Train on one batch, given as its micro-batches on this process.

        Args:
            batches: tensors on the device.
            number: of the step, from 0; with the seed and the rank it decides dropout.
            total: steps of the whole run, over which the learning rate is stretched.
        """
        recipe = self.recipe
        lr = recipe.optimizer.lr * learning_rate_factor(number, total, recipe.schedule)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["lr_factor"]
        seed_step(recipe.run.seed, number, self.accelerator.process_index)
        if self.cached:
            loss = cached_backward(self.bare, batches, self.accelerator)
        else:
            loss = self._accumulated_backward(batches, number / total)
        average_gradients(self.own_gradients)
        grad_norm = self._clip()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update()
        if self.after_step is not None:
            self.after_step(number)
        return StepResult(lr, loss.detach(), grad_norm.detach())

    def _accumulated_backward(self, batches: Sequence[dict], progress: float) -> torch.Tensor:
        total = None
        for place, batch in enumerate(batches):
            last = place == len(batches) - 1
            with contextlib.nullcontext() if last else self._no_sync():
                if self.sharded:
                    self.bare.set_requires_gradient_sync(last)
                with self.accelerator.autocast() if self.sharded else contextlib.nullcontext():
                    loss = self.objective(self.model, batch, progress)
                self.accelerator.backward(loss / len(batches))
            total = loss.detach() if total is None else total + loss.detach()
        return total / len(batches)

    def _no_sync(self):
        return contextlib.nullcontext() if self.sharded else self.accelerator.no_sync(self.model)

    def _clip(self) -> torch.Tensor:
        limit = self.recipe.optimizer.max_grad_norm
        limit = math.inf if limit is None else limit
        if not self.sharded:
            return self.accelerator.clip_grad_norm_(self.trained, limit)
        return clip_sharded(self.trained, limit)

    def averaged(self):
        """A block in which the model holds its moving average, if there is one."""
        return contextlib.nullcontext() if self.average is None else self.average.applied()

    def whole(self):
        """A block in which each process may use the whole model alone; every process has to enter it."""
        return gathered(self.bare) if self.sharded else contextlib.nullcontext()

    def trained_state(self) -> dict[str, torch.Tensor]:
        """Tensors without frozen submodules, which come from where the recipe says; every process has to call it."""
        prefixes = tuple(f"{name}." for name in self.recipe.freeze)
        return {name: value for name, value in whole_state(self.bare).items() if not name.startswith(prefixes)}

    def frozen_state(self) -> dict[str, torch.Tensor]:
        """The tensors that `trained_state` leaves out; every process has to call it."""
        trained = self.trained_state()
        return {name: value for name, value in whole_state(self.bare).items() if name not in trained}

    def state(self) -> dict:
        """Everything that a later process goes on with, whole on the first process; every process has to call it."""
        state = {"model": self.trained_state(), "optimizer": self._optimizer_state()}
        if self.average is not None:
            state["average"] = self.average.state_dict()
        if own := self.objective.state_dict():
            state["objective"] = own
        if self.accelerator.scaler is not None:
            state["scaler"] = self.accelerator.scaler.state_dict()
        return state

    def load_state(self, state: dict) -> None:
        """The inverse of `state`."""
        self.load_model(state["model"])
        if self.sharded:
            fill_optimizer_state(self.bare, self.optimizer.optimizer, state["optimizer"])
        else:
            self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.objective.load_state_dict(state.get("objective", {}))
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])

    def load_model(self, state: dict[str, torch.Tensor]) -> None:
        """Fill in the tensors that are trained.

        Raises:
            ValueError: the checkpoint has other ones.
        """
        wanted = set(self.trained_state())
        if set(state) != wanted:
            raise ValueError(f"the checkpoint's tensors differ from the model's: {sorted(set(state) ^ wanted)}")
        fill_state(self.bare, state)

    def finished_model(self) -> PreTrainedModel:
        """The model as it is to be saved, with plain tensors; every process has to call it."""
        if not self.sharded:
            return self.bare
        state = whole_state(self.bare)
        model = self.model_class(self.config)
        model.load_state_dict(state)
        return model

    def _optimizer_state(self) -> dict:
        if self.sharded:
            return whole_optimizer_state(self.bare, self.optimizer.optimizer)
        return self.optimizer.state_dict()


def clip_sharded(parameters: Sequence[nn.Parameter], limit: float) -> torch.Tensor:
    """Norm of all gradients over all processes; they are scaled down to `limit` where it is larger."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = [whole_tensor(gradient.float().square().sum()) for gradient in gradients]
    norm = torch.stack(squares).sum().sqrt()
    factor = (limit / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm
