"""DINO's self-distillation of an encoder: heads on the student, momentum teachers, centers, for kinds of views."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers import initialization as init

from ...losses import dino_loss, moved_center
from .momentum_teacher import MomentumTeacher


class ECGDistillationHead(nn.Module):
    """A linear layer, unit length, and the cosines with as many directions as there are dimensions.

    DINO's last layer is weight-normed without bias, and its weights' length is fixed to 1: what is left of it is the
    direction of each row.

    Args:
        in_size: of the encoder's pooled output.
        hidden_size: after the linear layer.
        out_size: dimensions that views are told apart by.

    Source:
        DINO, arXiv 2104.14294, appendix C; Fsoft-AIC/TolerantECG at 4fb831b, src/models/dino/head.py, with one layer
        where DINO has three.
    """

    def __init__(self, in_size: int, hidden_size: int, out_size: int):
        super().__init__()
        self.hidden = nn.Linear(in_size, hidden_size)
        self.directions = nn.Parameter(torch.empty(out_size, hidden_size))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(..., in_size) to (..., out_size), each between -1 and 1."""
        return F.linear(F.normalize(self.hidden(features), dim=-1), F.normalize(self.directions, dim=-1))


class ECGSelfDistillation(nn.Module):
    """A head on the student and a momentum teacher for each kind of view, and the centers of the teachers.

    The model that holds one calls `initialise` in its `_init_weights`, `begin` in its `begin_training` and after it
    was made, and `after_step` in its own. The student is its encoder, which is handed over each time:
    it is saved once.

    Args:
        encoder: the student's.
        kinds: names of the kinds of view.
        seen: how many views, the first ones, a teacher sees.
        hidden_size, out_size: see `ECGDistillationHead`.
        student_temperature, teacher_temperature: see `hf_ecg.losses.dino_loss`.
        center_momentum: see `hf_ecg.losses.moved_center`.
        trained_temperatures: train a student's temperature for each kind.
    """

    centers: torch.Tensor

    def __init__(
        self,
        encoder: PreTrainedModel,
        kinds: Sequence[str],
        seen: int,
        *,
        hidden_size: int,
        out_size: int,
        student_temperature: float = 0.1,
        teacher_temperature: float = 0.07,
        center_momentum: float = 0.9,
        trained_temperatures: bool = False,
    ):
        super().__init__()
        size = encoder.config.hidden_size
        self.kinds, self.seen = list(kinds), seen
        self.student_temperature, self.teacher_temperature = student_temperature, teacher_temperature
        self.center_momentum = center_momentum
        self.heads = nn.ModuleDict({kind: ECGDistillationHead(size, hidden_size, out_size) for kind in kinds})
        self.teachers = nn.ModuleDict({kind: MomentumTeacher(self._taught(encoder, kind)) for kind in kinds})
        self.temperatures = nn.Parameter(torch.empty(len(kinds))) if trained_temperatures else None
        self.register_buffer("centers", torch.zeros(len(kinds), out_size))
        # what the teachers made since the last step, and how many outputs of each
        self._made: tuple[torch.Tensor, int] | None = None

    def _taught(self, encoder: nn.Module, kind: str) -> dict[str, nn.Module]:
        return {"ecg_model": encoder, "head": self.heads[kind]}

    def initialise(self) -> None:
        """First values of what is no layer of torch's."""
        init.zeros_(self.centers)
        if self.temperatures is not None:
            init.constant_(self.temperatures, self.student_temperature)

    def begin(self, encoder: nn.Module) -> None:
        """The teachers take the student's values."""
        self._made = None
        for kind, teacher in self.teachers.items():
            cast(MomentumTeacher, teacher).begin(self._taught(encoder, kind))

    def after_step(self, encoder: nn.Module, momentum: float) -> None:
        """Teachers and centers move, the centers by what all processes' teachers made since the last step."""
        for kind, teacher in self.teachers.items():
            cast(MomentumTeacher, teacher).follow(self._taught(encoder, kind), momentum)
        total, count = (torch.zeros_like(self.centers), 0) if self._made is None else self._made
        moved = moved_center(self.centers.flatten(), total.flatten(), count, self.center_momentum)
        self.centers.copy_(moved.view_as(self.centers))
        self._made = None

    def forward(
        self, encoder: nn.Module, values: torch.Tensor, lead_mask=None, sample_mask=None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Args:
            encoder: the student's.
            values: (records, kinds, views, leads, samples).
            lead_mask: bool (records, kinds, views, leads).
            sample_mask: bool (records, kinds, views, samples).

        Returns:
            What the student's heads make of every view, (records, kinds, views, out_size), and what the teachers make
            of theirs, (records, kinds, seen, out_size).

        Raises:
            ValueError: views or masks of another shape.
        """
        self._check(values, lead_mask, sample_mask)
        given = {"input_values": values, "lead_mask": lead_mask, "sample_mask": sample_mask}
        given = {name: tensor for name, tensor in given.items() if tensor is not None}
        pooled = encoder(**{name: tensor.flatten(0, 2) for name, tensor in given.items()}).pooler_output
        pooled = pooled.unflatten(0, values.shape[:3])
        student, made = [], []
        for number, kind in enumerate(self.kinds):
            student.append(self.heads[kind](pooled[:, number]))
            teacher = cast(MomentumTeacher, self.teachers[kind])
            if self.training:
                teacher.warn_if_left_behind(self._taught(encoder, kind))
            with torch.no_grad():
                own = {name: tensor[:, number, : self.seen].flatten(0, 1) for name, tensor in given.items()}
                features = teacher.get_submodule("ecg_model")(**own).pooler_output
                made.append(teacher.get_submodule("head")(features).unflatten(0, (len(values), self.seen)))
        targets = torch.stack(made, dim=1)
        if self.training:
            total, count = targets.detach().float().sum(dim=(0, 2)), len(values) * self.seen
            if self._made is not None:
                total, count = total + self._made[0], count + self._made[1]
            self._made = total, count
        return torch.stack(student, dim=1), targets

    def _check(self, values: torch.Tensor, lead_mask, sample_mask) -> None:
        kinds, least = len(self.kinds), max(2, self.seen)
        if values.ndim != 5 or values.shape[1] != kinds or values.shape[2] < least:
            raise ValueError(
                f"view_input_values have shape {tuple(values.shape)}, wanted (records, {kinds}, views, leads,"
                f" samples): {least} views or more of each kind, {', '.join(self.kinds)}"
            )
        leads, samples = tuple(values.shape[:4]), (*values.shape[:3], values.shape[4])
        for name, mask, shape in (
            ("view_lead_mask", lead_mask, leads),
            ("view_sample_mask", sample_mask, samples),
        ):
            if mask is not None and mask.shape != shape:
                raise ValueError(f"{name} has shape {tuple(mask.shape)}, wanted {shape}")

    def loss(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """The mean over the kinds of views, of what `forward` gives."""
        losses = []
        for number in range(len(self.kinds)):
            warm = self.student_temperature if self.temperatures is None else self.temperatures[number]
            views = student[:, number], teacher[:, number]
            losses.append(dino_loss(*views, self.centers[number], warm, self.teacher_temperature))
        return torch.stack(losses).mean()
