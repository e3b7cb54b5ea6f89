"""Objectives for populations that shift: a head is trained on several environments at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from huggingface_hub.dataclasses import strict

from ..checks import check_one_of
from ..data.environments import ENVIRONMENTS
from ..losses import (
    conditional_mmd_penalty,
    coral_penalty,
    environment_risks,
    gather_with_gradient,
    group_dro_loss,
    irm_penalty,
    moved_group_weights,
    risk_variance,
)
from .objective import Objective

OBJECTIVES = (ERM, BALANCED, IRM, V_REX, CORAL, CONDITIONAL_MMD, GROUP_DRO) = (
    *("erm", "balanced", "irm", "v_rex"),
    *("coral", "conditional_mmd", "group_dro"),
)
OF_FEATURES = (CORAL, CONDITIONAL_MMD)


@strict
@dataclass
class ObjectiveOptions:
    """What is minimised over the environments of `data.environments`.

    "erm" is the mean loss over the rows, as without environments. All others begin from the mean over the environments
    of a batch, each counting the same ("balanced" is that alone), and add `weight` times a penalty: the square of
    IRMv1, the variance of the risks (V-REx), the distance of the features' covariances (CORAL) or of their
    distributions within a class (conditional MMD). "group_dro" moves the environments' weights to those that are
    learned worst.

    Args:
        name: one of "erm", "balanced", "irm", "v_rex", "coral", "conditional_mmd", "group_dro".
        weight: of the penalty. Above 1 the whole is divided by it, as IRM's code does, so that steps stay as long.
        warmup: share of the run's steps over which the weight rises from 0. *inferred*: IRM's code switches it on at
            once after some steps.
        step_size: of group DRO's weights.
        means: let CORAL compare the features' means too.
    """

    name: str
    weight: float = 1.0
    warmup: float = 0.1
    step_size: float = 0.01
    means: bool = False

    def validate_values(self):
        check_one_of("method.options.objective.name", self.name, OBJECTIVES)
        if not 0 <= self.warmup <= 1 or not self.weight >= 0 or not self.step_size >= 0:
            raise ValueError(
                f"method.options.objective: warmup is {self.warmup}, weight {self.weight}, step_size"
                f" {self.step_size}: wanted 0 to 1, and 0 or more"
            )


class EnvironmentObjective(Objective):
    """The loss of a head over environments; exact on several processes, which have the rows of all of them.

    With micro-batches each has penalties of its own rows.

    Args:
        options: see there.
        model: with `head_loss` and `classifier`, before it is wrapped.
        known: names of the environments, in the order of their numbers.

    Raises:
        ValueError: fewer than two environments.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({ENVIRONMENTS})

    def __init__(self, options: ObjectiveOptions, model: Any, known: Sequence[str]):
        if len(known) < 2:
            raise ValueError(f"objective {options.name} wants two environments or more, the rows have {known}")
        self.options, self.model = options, model
        self.weights = torch.full((len(known),), 1 / len(known))

    def __call__(self, model, batch: dict, progress: float) -> torch.Tensor:
        batch = dict(batch)
        environments = batch.pop(ENVIRONMENTS)
        with self._features() as seen:
            outputs = model(**batch)
        if self.options.name == ERM:
            return outputs.loss
        labels = batch["labels"]
        found = environment_risks(
            self.model.head_loss, outputs.logits, labels, environments, gather=gather_with_gradient
        )
        if self.options.name == GROUP_DRO:
            self.weights = moved_group_weights(self.weights.to(found.risks.device), found, self.options.step_size)
            return group_dro_loss(found, self.weights)
        loss = found.risks.mean()
        weight = self.weight(progress)
        if weight == 0:
            return loss
        penalty = self._penalty(outputs.logits, labels, environments, seen, found.risks)
        return (loss + weight * penalty) / max(1.0, weight)

    def weight(self, progress: float) -> float:
        """Of the penalty, when so much of the run is done."""
        options = self.options
        if options.name == BALANCED:
            return 0.0
        return options.weight * (1.0 if options.warmup == 0 else min(1.0, progress / options.warmup))

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights.cpu()} if self.options.name == GROUP_DRO else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.weights = state.get("weights", self.weights)

    def _penalty(self, logits, labels, environments, seen: list[torch.Tensor], risks) -> torch.Tensor:
        name = self.options.name
        if name == IRM:
            return irm_penalty(self.model.head_loss, logits, labels, environments, gather=gather_with_gradient)
        if name == V_REX:
            return risk_variance(risks)
        if name == CORAL:
            return coral_penalty(seen[0], environments, means=self.options.means, gather=gather_with_gradient)
        return conditional_mmd_penalty(seen[0], labels, environments, gather=gather_with_gradient)

    @contextmanager
    def _features(self) -> Iterator[list[torch.Tensor]]:
        """A block in which what the linear layer sees of the waveform is put into the list."""
        seen: list[torch.Tensor] = []
        if self.options.name not in OF_FEATURES:
            yield seen
            return
        hook = self.model.classifier.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
        try:
            yield seen
        finally:
            hook.remove()
