"""Where a run stands, and whether its steps have become slow."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from statistics import median

import torch

from .engine import StepResult

# Looks at the speed: the first one holds the start of everything, the next ones are what is usual.
_FIRST, _USUAL, _MUCH = 1, 5, 10


@dataclass
class Progress:
    """Where a run stands; saved as JSON with every checkpoint. `step` counts finished steps, `batch` those of them in
    the running `epoch`; `refused` are the rows that were replaced, record -> reason."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float | None = None
    best_step: int | None = None
    best_epoch: int | None = None
    best_metrics: dict = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def saved(cls, content: Mapping) -> "Progress":
        """What a checkpoint says of it, among other things."""
        names = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in content.items() if name in names})


@dataclass(frozen=True)
class Pending:
    """A finished step whose loss has not been looked at yet."""

    step: int
    epoch: int
    batch: int
    result: StepResult


class SlowSteps:
    """Notices once when steps take ten times as long as at the start."""

    def __init__(self):
        self.seen: list[float] = []
        self.told = False

    def look(self, seconds: float) -> str | None:
        """A sentence for the one who waits, the first time that there is reason for it.

        Args:
            seconds: of a step, since the last look.
        """
        self.seen.append(seconds)
        usual = self.seen[_FIRST : _FIRST + _USUAL]
        if self.told or len(self.seen) <= _FIRST + _USUAL or seconds < _MUCH * median(usual):
            return None
        self.told = True
        threads = torch.get_num_threads()
        advice = f" run.num_threads=1 (now {threads}) is quicker on a busy machine." if threads > 1 else ""
        times = seconds / median(usual)
        return f"steps take {times:.0f} times as long as at the start: is the machine busy?{advice}"
