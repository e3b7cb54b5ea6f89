"""The steps of a feature extractor's recipe, one file a kind."""

from .step_table import STEPS, build_step, describe_step

__all__ = ["STEPS", "build_step", "describe_step"]
