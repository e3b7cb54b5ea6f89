"""A momentum teacher: a copy of what is trained that follows it slowly, and that no gradient reaches."""

import copy
import math
from collections.abc import Mapping

import torch
from torch import nn
from transformers.utils import logging

logger = logging.get_logger(__name__)


class MomentumTeacher(nn.Module):
    """Copies of a student's parts, each an exponential moving average of its part.

    The model that holds one calls `begin` in its `begin_training`, `follow` in its `after_step`. Its tensors are in
    the model's own state, so that a resumed run goes on with them; the momentum is a function of the step.

    A training that does not tell of its steps, as `transformers.Trainer` does not without `StepCallback` of
    `hf_ecg.training`, leaves the teacher where it began: `warn_if_left_behind` says so.

    Only parameters follow. Buffers, such as the statistics of a BatchNorm, are the teacher's own, of what it has seen.

    Args:
        parts: name -> module of the student; the copies are found under these names.

    Source:
        BYOL, arXiv 2006.07733, section 3.1; MoCo v3, arXiv 2104.02057, algorithm 1.

    Example:
        >>> from torch import nn
        >>> from hf_ecg.models.shared.momentum_teacher import MomentumTeacher
        >>> student = nn.Linear(2, 1, bias=False)
        >>> teacher = MomentumTeacher({"encoder": student})
        >>> _ = nn.init.zeros_(teacher.encoder.weight), nn.init.ones_(student.weight)
        >>> teacher.follow({"encoder": student}, momentum=0.75)
        >>> teacher.encoder.weight.tolist()
        [[0.25, 0.25]]
    """

    def __init__(self, parts: Mapping[str, nn.Module]):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, copy.deepcopy(part).requires_grad_(False))
        self._followed = False
        self._seen: list[float] = []

    @torch.no_grad()
    def begin(self, parts: Mapping[str, nn.Module]) -> None:
        """Take the student's values, parameters and buffers."""
        for name, part in parts.items():
            own = self.get_submodule(name)
            pairs = [(own.parameters(), part.parameters()), (own.buffers(), part.buffers())]
            for mine, taught in pairs:
                for value, other in zip(mine, taught, strict=True):
                    value.copy_(other)

    @torch.no_grad()
    def follow(self, parts: Mapping[str, nn.Module], momentum: float) -> None:
        """Move every parameter to momentum * its own + (1 - momentum) * the student's."""
        self._followed = True
        for name, part in parts.items():
            for value, other in zip(self.get_submodule(name).parameters(), part.parameters(), strict=True):
                value.lerp_(other, 1 - momentum)

    def warn_if_left_behind(self, parts: Mapping[str, nn.Module]) -> None:
        """Call before a step of training: a student that an optimizer has moved twice, and its teacher not once, is
        one whose training does not call `after_step`."""
        # a compiled graph cannot look at values; nor is anything to be seen of parts that are sharded
        if self._followed or torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return
        trained = (one for part in parts.values() for one in part.parameters() if one.requires_grad)
        first = next(trained, None)
        if first is None or type(first.data) is not torch.Tensor or first.is_meta:
            return
        value = first.detach().double().sum().item()
        if value not in self._seen:
            self._seen.append(value)
        if len(self._seen) == 3:
            self._followed = True  # said once
            logger.warning(
                "the momentum teacher does not follow what is trained: call model.after_step(step) after each step of"
                " the optimizer, as Trainer(..., callbacks=[hf_ecg.training.StepCallback()]) does"
            )


def teacher_momentum(step: int, total_steps: int, start: float, end: float = 1.0) -> float:
    """Momentum after a step: from `start` to `end` along half a cosine.

    Args:
        step: number of the step that was taken, from 0.
        total_steps: of the whole run.
        start: such as BYOL's 0.996.
        end: 1.0 stops the teacher at the end; the same as `start` keeps the momentum constant.

    Source:
        BYOL, arXiv 2006.07733, section 3.3.

    Example:
        >>> from hf_ecg.models.shared.momentum_teacher import teacher_momentum
        >>> [round(teacher_momentum(step, 100, 0.996), 4) for step in (0, 50, 99)]
        [0.996, 0.998, 1.0]
    """
    progress = min(1.0, step / max(1, total_steps))
    return end - (end - start) * (math.cos(math.pi * progress) + 1) / 2
