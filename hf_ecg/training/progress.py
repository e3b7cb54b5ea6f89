"""Where a run stands."""

from dataclasses import dataclass, field

from .engine import StepResult


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


@dataclass(frozen=True)
class Pending:
    """A finished step whose loss has not been looked at yet."""

    step: int
    epoch: int
    batch: int
    result: StepResult
