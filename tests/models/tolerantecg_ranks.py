"""A step of TolerantECG on one process, and what each of two does with half of the records."""

from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from transformers import set_seed

from hf_ecg import TolerantECGForPreTraining
from hf_ecg.losses import rank, world_size
from tests.models.tiny.tolerantecg import tolerantecg_config, with_views

ROWS = 4


def step(rows: slice, ddp: bool = False):
    """Loss, gradients and centers after a step."""
    set_seed(0)
    model = TolerantECGForPreTraining(tolerantecg_config()).double().train()
    model.begin_training(10)
    model.text_model.requires_grad_(False)
    batch = with_views(ROWS, torch.Generator().manual_seed(1))
    batch = {key: value.double() if value.is_floating_point() else value for key, value in batch.items()}
    runs = DistributedDataParallel(model) if ddp else model
    loss = runs(**{key: value[rows] for key, value in batch.items()}, return_loss=True).loss
    loss.backward()
    model.after_step(0)
    gradients = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    return loss.detach(), gradients, model.distillation.centers


def main(folder):
    dist.init_process_group("gloo")
    try:
        half = ROWS // world_size()
        loss, gradients, centers = step(slice(rank() * half, (rank() + 1) * half), ddp=True)
        dist.all_reduce(loss)
        torch.save((loss / world_size(), gradients, centers), Path(folder) / f"rank{rank()}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()
