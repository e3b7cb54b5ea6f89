"""What a recipe costs: the seconds of its steps and of its validation, measured before a run of chosen length."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .interruption import StopRequest
from .loop import TrainingRun
from .network import set_training_mode
from .recipe import Recipe

WALL, CPU = CLOCKS = ("wall", "cpu")
_READ: dict[str, Callable[[], float]] = {WALL: time.perf_counter, CPU: time.process_time}


@dataclass(frozen=True)
class StepCosts:
    """Seconds, on the clock that they were measured by.

    Args:
        step: of one step, its batch's loading included.
        steps_per_epoch: of this recipe on its rows.
        validation: of one validation, the rows prepared; 0 without.
        first_validation: of the one that prepares them.
    """

    step: float
    steps_per_epoch: int
    validation: float
    first_validation: float

    def fitting(self, seconds: float) -> tuple[int, int | None]:
        """Epochs that fit into a number of seconds, and steps where not even one epoch does; at least one step."""
        left = seconds - max(0.0, self.first_validation - self.validation)
        epochs = int(left / (self.step * self.steps_per_epoch + self.validation))
        if epochs >= 1:
            return epochs, None
        return 1, max(1, min(self.steps_per_epoch, int((left - self.validation) / self.step)))


def measure_costs(recipe: Recipe, clock: str = WALL, warm: int = 3, steps: int = 8) -> StepCosts:
    """Trains a recipe for a few steps in a folder that is thrown away.

    Args:
        recipe: resolved.
        clock: `wall`, or `cpu` for the processor time of this process: steadier on a machine that others use, and
            blind to loader processes.
        warm: steps before the measured ones.
        steps: whose median is taken.

    Raises:
        ValueError: a recipe that does not fit, or another clock.
        InterruptedError: the process was asked to end.
    """
    if clock not in CLOCKS:
        raise ValueError(f"clock is {clock!r}, wanted one of {', '.join(CLOCKS)}")
    if clock == CPU and recipe.run.num_workers != 0:
        raise ValueError(
            f"clock cpu does not see loader processes: run.num_workers is {recipe.run.num_workers}, set 0"
        )
    stop = StopRequest()
    try:
        with tempfile.TemporaryDirectory(prefix="hf_ecg_") as folder:
            run = TrainingRun(recipe, Path(folder) / "run", stop, resume=False, overwrite=False)
            try:
                costs = _measured(run, _READ[clock], warm, steps)
            finally:
                run.close(disconnect=False)
    finally:
        stop.close()
    if stop.received:
        raise InterruptedError(f"stopped by {stop.received} while the steps were measured; nothing was trained")
    return costs


def _measured(run: TrainingRun, read: Callable[[], float], warm: int, steps: int) -> StepCosts:
    times: list[float] = []
    epoch = 0
    while len(times) < warm + steps:
        set_training_mode(run.engine.bare, run.recipe.freeze)
        run.sampler.set_epoch(epoch, 0)
        before = read()
        for batches in islice(run.steps(), min(run.steps_per_epoch, warm + steps - len(times))):
            run.engine.step(batches, 0, run.total_steps).loss.item()  # a device answers when it is done
            times.append(read() - before)
            before = read()
        epoch += 1
    validations = [0.0, 0.0]
    if run.parts.validate is not None:
        for place in range(len(validations)):
            before = read()
            run.parts.validate(run.engine.bare)
            validations[place] = read() - before
    return StepCosts(statistics.median(times[warm:]), run.steps_per_epoch, validations[1], validations[0])
