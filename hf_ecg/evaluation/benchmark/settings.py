"""Options of a benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from ..judging.linear_probe import STRENGTHS
from ..loading import pick_device
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions

MODEL, RANDOM, CLASSIFIER = "model", "random encoder", "BCE classifier"
PROMPTS, ENSEMBLE, PROBE = PARTS = ("prompts", "ensemble", "probe")


@dataclass(frozen=True)
class BenchmarkSettings:
    """Options of a benchmark.

    Args:
        folds: of "train" and "validation", which the probe uses, and of "test".
        parts: some of "prompts", "ensemble", "probe".
        percentages: shares of the training patients for the probe.
        strengths: of the probe, tried on the validation rows.
        prompts: task name -> source, see `tasks.task_prompts`.
        random: also judge the ECG encoder with weights drawn anew.
        intervals: of all tasks; the seed is also of patient shares and random encoders.
        forward: how the models are run.
        allow_training_folds: judge folds that the models were trained on.
    """

    folds: dict[str, list[int]]
    parts: tuple[str, ...] = PARTS
    percentages: tuple[float, ...] = (1.0, 10.0, 100.0)
    strengths: tuple[float, ...] = STRENGTHS
    prompts: Mapping[str, str] = field(default_factory=dict)
    random: bool = False
    intervals: IntervalOptions = DEFAULT_INTERVALS
    forward: ForwardOptions = DEFAULT_FORWARD
    allow_training_folds: bool = False

    @property
    def seed(self) -> int:
        """Of patient shares, random encoders and the bootstrap."""
        return self.intervals.seed

    @property
    def device(self) -> torch.device:
        """Where the models run."""
        return pick_device(self.forward.device)

    def kinds(self) -> list[str]:
        """What is measured of a model: "prompts", "ensemble", "probe 1 %" ..."""
        probes = [f"{PROBE} {percentage:g} %" for percentage in self.percentages]
        return [*(part for part in PARTS[:2] if part in self.parts), *(probes if PROBE in self.parts else [])]
