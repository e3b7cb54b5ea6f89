"""A vocabulary on each of two processes: in the first step none has a beat, in the second only the last one."""

from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn import functional as F

from hf_ecg.losses import rank
from hf_ecg.models.heartlang_vqhbr.codebook import EMACodebook


def main(folder):
    dist.init_process_group("gloo")
    try:
        book = EMACodebook(5, 4, 0.9, 3)
        for step in range(3):
            drawn = torch.Generator().manual_seed(2 * step + rank())
            has_beats = step > 1 or (step == 1 and rank() == 1)
            book(F.normalize(torch.randn(1, 20, 4, generator=drawn), dim=-1), torch.full((1, 20), has_beats))
            book.step()
            torch.save(book.state_dict(), Path(folder) / f"step{step}_rank{rank()}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()
