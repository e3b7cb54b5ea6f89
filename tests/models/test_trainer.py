"""`transformers.Trainer` trains heads and pretraining models as a plain loop does, accumulated and on two ranks."""

import contextlib
import os

import pytest

from hf_ecg.models.shared.roles import model_role
from tests.peers import trainer
from tests.processes import run_ranks

# two ranks train every pretraining model and every kind of head below; one process trains the first model of each role
# here, and all of them with all problem types by -m large
QUICK = list({model_role(case[0]): case for case in reversed(list(trainer.cases(quick=True)))}.values())
CASES = [pytest.param(*case, marks=[pytest.mark.large] * (case not in QUICK)) for case in trainer.cases()]


@pytest.mark.parametrize(("model_class", "kind", "extra"), CASES)
def test_one_process_trains_what_a_loop_trains(model_class, kind, extra):
    loops = {steps: (extra, trainer.by_loop(model_class, kind, extra, steps)) for steps in trainer.STEPS}
    found = trainer.differences(model_class, kind, loops)
    assert max(found.values()) < trainer.TOLERANCE, found


def told_by_a_rank(folder):
    """What the program writes on this rank, in a file."""
    path = folder / f"{os.environ['RANK']}.txt"
    with path.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        os.dup2(file.fileno(), 2)  # what torch itself says
        assert trainer.main(quick=True) == 0, path.read_text()


def test_two_processes_train_what_a_loop_trains(tmp_path):
    run_ranks(told_by_a_rank, tmp_path)
    told = (tmp_path / "0.txt").read_text()
    assert told.count("ok ") == len(list(trainer.cases(quick=True))) and "Grad strides" not in told
