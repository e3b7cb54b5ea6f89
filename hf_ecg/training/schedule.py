"""The learning rate as a function of the step."""

import math

from .recipe_sections import ScheduleSection


def learning_rate_factor(step: int, total_steps: int, schedule: ScheduleSection) -> float:
    """Share of the peak learning rate at `step` (counted from 0) of `total_steps`.

    A function of the step alone: nothing to save or restore, and the same on any number of processes.
    """
    warmup = round(schedule.warmup_ratio * total_steps)
    if step < warmup:
        return (step + 1) / warmup
    if schedule.name == "constant":
        return 1.0
    progress = (step - warmup) / max(1, total_steps - warmup)
    if schedule.name == "cosine_restarts":
        progress = _cycle_progress(progress, schedule.first_cycle_ratio, schedule.cycle_growth)
    falling = 1 - progress if schedule.name == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return schedule.final_ratio + (1 - schedule.final_ratio) * falling


def _cycle_progress(progress: float, length: float, growth: float) -> float:
    """Part of the running cycle that is over; each cycle is `growth` times as long as the one before."""
    start = 0.0
    # the rounding of a sum must not put the first step of a cycle at the end of the one before
    while progress >= start + length - 1e-9:
        start, length = start + length, length * growth
    return max(0.0, progress - start) / length
