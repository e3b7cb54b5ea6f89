"""TolerantECG's losses, with their gradients, as a golden case."""

import math

import torch
from torch.nn import functional as F

from ..golden_cases import GoldenCase
from .dino import dino_loss, moved_center
from .golden_losses import value_and_gradients
from .softmax import softmax_contrastive_loss


def tolerantecg(case: GoldenCase) -> dict:
    """Views are one after the other there, records here; the teacher's temperature never has a gradient."""
    config, inputs = case.spec["config"], case.inputs
    student, teacher = inputs["student_output"], inputs["teacher_output"]
    center = inputs["center"] * case.spec["input"]["center"]["scale"]
    temperatures = [torch.tensor([config[f"{name}_temp"]]) for name in ("student", "teacher")]

    def of_views(outputs, temperature):
        records = [_by_record(one, config["batch"]) for one in (outputs, teacher)]
        return dino_loss(*records, center, temperature, temperatures[1])

    leaves = {"dino_grad_student": student, "dino_grad_student_temp": temperatures[0]}
    loss, found = value_and_gradients(of_views, leaves)
    found |= {"dino_loss": loss, "dino_grad_teacher_temp": torch.zeros(1)}
    moved = moved_center(center[0], teacher.sum(0), len(teacher), config["center_momentum"])
    found["dino_center_after"] = moved[None]

    def of_pairs(ecgs, texts, scale):
        return softmax_contrastive_loss(F.normalize(ecgs, dim=-1), F.normalize(texts, dim=-1), scale.exp())

    leaves = {name: inputs[name] for name in ("image_features", "text_features")}
    leaves["logit_scale"] = torch.tensor(math.log(1 / 0.07))
    loss, gradients = value_and_gradients(of_pairs, leaves)
    found |= {"clip_loss": loss} | {f"clip_grad_{name}": gradients[name] for name in ("image_features", "logit_scale")}
    return found


def _by_record(outputs: torch.Tensor, batch: int) -> torch.Tensor:
    return outputs.unflatten(0, (-1, batch)).transpose(0, 1)


GOLDEN = {"tolerantecg-loss": tolerantecg}
NOT_COMPARED: dict[str, dict[str, str]] = {}
