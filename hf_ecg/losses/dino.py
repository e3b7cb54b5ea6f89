"""DINO: a student's views of a record shall be told apart as its momentum teacher tells apart the other views."""

import torch

from .distributed import gather_with_gradient, world_size
from .pair_targets import in_full_precision, without_autocast


def dino_loss(
    student: torch.Tensor,
    teacher: torch.Tensor,
    center: torch.Tensor,
    student_temperature: torch.Tensor | float = 0.1,
    teacher_temperature: torch.Tensor | float = 0.07,
) -> torch.Tensor:
    r"""$-\frac{1}{|P|}\sum_{(i,v)\in P}\mathrm{softmax}((t_i-c)/T_t)\cdot\log\mathrm{softmax}(s_v/T_s)$, the mean over
    records, where P are all pairs of a view i that the teacher saw and another view v.

    The teacher sees the first views alone. No gradient reaches what it makes, its temperature, or the center, which
    keeps one dimension from winning always.

    **Requirements**: at least one view that the teacher did not see, or two that it did.
    **Inputs**: row i of both tensors is one record; the student's views begin with those of the teacher.
    **Relations**: no other record takes part, so there is no `gather`: the mean over processes is the loss of the
    whole batch. The center is what records share, see `moved_center`. The arithmetic is float32 or better.

    Args:
        student: (batch, views, dimensions).
        teacher: (batch, first views, dimensions).
        center: (dimensions,) or (1, dimensions).
        student_temperature: scalar; TolerantECG's released code trains it, the paper's is fixed.
        teacher_temperature: scalar.

    Returns:
        Scalar.

    Raises:
        ValueError: shapes that do not fit, a temperature of 0 or less.

    Source:
        DINO, arXiv 2104.14294, equation 3; TolerantECG, arXiv 2507.09887; Fsoft-AIC/TolerantECG at 4fb831b,
        src/models/loss/dino_loss.py.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import dino_loss
        >>> views = torch.eye(4)[None, :1].expand(1, 3, 4)  # three views alike
        >>> round(dino_loss(views, views[:, :2], torch.zeros(4)).item(), 4)
        0.0002
    """
    _check(student, teacher, center, student_temperature, teacher_temperature)
    with without_autocast(student):
        student, teacher, center, cool, cold = in_full_precision(
            student, teacher, center, student_temperature, teacher_temperature
        )
        with torch.no_grad():
            targets = ((teacher - center.flatten()) / cold).softmax(dim=-1)
        entropies = -torch.einsum("rid,rvd->riv", targets, (student / cool).log_softmax(dim=-1)).mean(dim=0)
        seen, views = entropies.shape
        same = torch.eye(seen, views, dtype=torch.bool, device=entropies.device)
        return entropies.masked_fill(same, 0.0).sum() / (seen * views - seen)


@torch.no_grad()
def moved_center(
    center: torch.Tensor, total: torch.Tensor, count: torch.Tensor | float, momentum: float = 0.9
) -> torch.Tensor:
    """The center after a step: momentum * center + (1 - momentum) * the mean of what all teachers made.

    Args:
        center: (dimensions,).
        total: (dimensions,), the sum of the teacher's outputs in this process.
        count: of how many outputs, in this process; 0 of none.
        momentum: between 0 and 1.

    Returns:
        (dimensions,), the same in all processes; `center` where no process saw anything.

    Source:
        DINO, arXiv 2104.14294, equation 4, whose mean is over the whole batch.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import moved_center
        >>> moved_center(torch.ones(2), total=torch.tensor([0.0, 8.0]), count=4).tolist()
        [0.8999999761581421, 1.100000023841858]
    """
    told = torch.cat([total.float(), torch.as_tensor(count, device=total.device).float().reshape(1)])[None]
    told = (gather_with_gradient(told) if world_size() > 1 else told).sum(dim=0)
    if not told[-1]:
        return center
    return center * momentum + (told[:-1] / told[-1]).to(center.dtype) * (1 - momentum)


def _check(student, teacher, center, *temperatures) -> None:
    shapes = f"student has shape {tuple(student.shape)}, teacher {tuple(teacher.shape)}"
    fits = student.ndim == teacher.ndim == 3 and student.shape[::2] == teacher.shape[::2]
    if not fits or not 1 <= teacher.shape[1] <= student.shape[1] or student.shape[1] < 2 or not len(student):
        raise ValueError(
            f"{shapes}, wanted (batch, views, dimensions) of both, with two views or more of the student, of which the"
            " teacher has one at least"
        )
    if center.numel() != student.shape[2]:
        raise ValueError(f"center has shape {tuple(center.shape)}, wanted {student.shape[2]} dimensions")
    for temperature in temperatures:
        if not torch.compiler.is_compiling() and not temperature > 0:
            raise ValueError(f"a temperature is {float(temperature):g}, wanted above 0")
