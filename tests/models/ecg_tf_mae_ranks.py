"""A step of the masked autoencoder with prototypes on one process, and what each of two does with half the records."""

from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from transformers import set_seed

from hf_ecg import ECGTFMAEForPreTraining
from hf_ecg.losses import rank, world_size
from tests.models.tiny.ecg_tf_mae import ecg_tf_mae_config, noisy

ROWS = 4


def step(rows: slice, ddp: bool = False):
    """Losses, gradients and the center after a step; records have unequally many patches and leads."""
    set_seed(0)
    model = ECGTFMAEForPreTraining(ecg_tf_mae_config()).double().train()
    batch = noisy(ROWS, torch.Generator().manual_seed(1))
    leads, samples = torch.ones(ROWS, 12, dtype=torch.bool), torch.ones(ROWS, 160, dtype=torch.bool)
    leads[0, 3:], samples[1, 96:] = False, False
    batch |= {"lead_mask": leads, "sample_mask": samples}
    batch = {key: value.double() if value.is_floating_point() else value for key, value in batch.items()}
    runs = DistributedDataParallel(model) if ddp else model
    outputs = runs(**{key: value[rows] for key, value in batch.items()})
    outputs.loss.backward()
    model.after_step(0)
    names = ("loss", "time_loss", "frequency_loss", "fine_loss", "coarse_loss")
    gradients = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    return torch.stack([outputs[name].detach() for name in names]), gradients, model.fine.center


def main(folder):
    dist.init_process_group("gloo")
    try:
        half = ROWS // world_size()
        losses, gradients, center = step(slice(rank() * half, (rank() + 1) * half), ddp=True)
        dist.all_reduce(losses)
        torch.save((losses / world_size(), gradients, center), Path(folder) / f"rank{rank()}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()
