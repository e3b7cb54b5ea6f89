"""What each of two ranks does: a replicated run, a sharded one, and a sharded one that is stopped and resumed."""

import os
import signal
from pathlib import Path

import torch.distributed as dist

import hf_ecg
from hf_ecg.training import load_recipe, pretrain

SHARDED = "run.sharding=fsdp2"


def main(recipe: Path, folder: Path) -> None:
    pretrain(load_recipe(recipe), folder / "replicated", disconnect=False)
    pretrain(load_recipe(recipe, [SHARDED]), folder / "sharded", disconnect=False)

    model_class = getattr(hf_ecg, load_recipe(recipe).model.class_)
    plain = model_class.after_step

    def stop(self, step):
        plain(self, step)
        # one rank alone is asked to end, and both have to agree on it
        if step == 4 and dist.get_rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    model_class.after_step = stop
    try:
        pretrain(load_recipe(recipe, [SHARDED]), folder / "cut", disconnect=False)
    except InterruptedError as error:
        (folder / f"stopped_{dist.get_rank()}.txt").write_text(str(error))
    model_class.after_step = plain
    pretrain(load_recipe(recipe, [SHARDED]), folder / "cut", resume=True)
