"""`transformers.Trainer` trains heads and pretraining models as a plain loop does, accumulated and on two ranks."""

import os
import subprocess
import sys

import pytest

from tests.peers import trainer


@pytest.mark.parametrize(("model_class", "kind", "extra"), trainer.cases())
def test_one_process_trains_what_a_loop_trains(model_class, kind, extra):
    loops = [(extra, trainer.by_loop(model_class, kind, extra, steps)) for steps in trainer.STEPS]
    found = trainer.differences(model_class, kind, loops)
    assert max(found.values()) < trainer.TOLERANCE, found


def test_two_processes_train_what_a_loop_trains(repository):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [*launch, trainer.__file__, "--quick"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0 and "Grad strides" not in done.stderr, done.stdout + done.stderr[-2000:]
    assert done.stdout.count("ok ") == len(list(trainer.cases(quick=True)))
