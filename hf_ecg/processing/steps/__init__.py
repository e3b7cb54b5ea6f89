"""The steps of a feature extractor's recipe, one file a kind."""

from .step_base import RecordError, Step, WaveformBatch
from .step_table import STEPS, build_step, describe_step, register_step

__all__ = ["STEPS", "RecordError", "Step", "WaveformBatch", "build_step", "describe_step", "register_step"]
