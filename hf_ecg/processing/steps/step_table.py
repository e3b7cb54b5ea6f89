"""The steps that a recipe may list, by name: read from dicts when the recipe is read, written back in full."""

import dataclasses
from collections.abc import Callable

from ...checks import check_plain, nearest, shown
from .beat_tokens import BeatTokens
from .lead_steps import DeriveLimbLeads, KeepLeads, MaskFlatLeads, PickLead, SelectLeads
from .quality_gate import QualityGate
from .recorded_part import StandardiseRecorded
from .requirements import REQUIRE_LENGTH, RequireLength, RequireMillivolts
from .sample_steps import (
    Crop,
    Divide,
    FillMissing,
    Filter,
    MultiCrop,
    Normalise,
    Pad,
    Resample,
    Segments,
    SubtractMedian,
)
from .step_base import Step
from .views import Views
from .zero_padding import ZeroPaddingToMissing

STEPS: dict[str, type[Step]] = {
    "derive_limb_leads": DeriveLimbLeads,
    "select_leads": SelectLeads,
    "keep_leads": KeepLeads,
    "pick_lead": PickLead,
    "mask_flat_leads": MaskFlatLeads,
    "quality_gate": QualityGate,
    "require_millivolts": RequireMillivolts,
    REQUIRE_LENGTH: RequireLength,
    "fill_missing": FillMissing,
    "resample": Resample,
    "filter": Filter,
    "subtract_median": SubtractMedian,
    "normalise": Normalise,
    "standardise_recorded": StandardiseRecorded,
    "divide": Divide,
    "crop": Crop,
    "multi_crop": MultiCrop,
    "segments": Segments,
    "pad": Pad,
    "views": Views,
    "beat_tokens": BeatTokens,
    "zero_padding_to_missing": ZeroPaddingToMissing,
}


def register_step(name: str) -> Callable[[type[Step]], type[Step]]:
    """Makes a step of another package known under a name, so that recipes may list it and saved ones load.

    Args:
        name: what recipes call it.

    Raises:
        ValueError: a name that is taken, or a class that is not a frozen dataclass derived from `Step`.

    Example:
        >>> from dataclasses import dataclass
        >>> from hf_ecg.processing import Step, register_step
        >>> @register_step("invert")
        ... @dataclass(frozen=True)
        ... class Invert(Step):
        ...     def apply(self, batch):
        ...         batch.signals = -batch.signals
    """

    def register(step: type[Step]) -> type[Step]:
        if not isinstance(name, str) or not name:
            raise ValueError(f"the step's name is {name!r}, wanted a word")
        if not (isinstance(step, type) and issubclass(step, Step) and "__dataclass_params__" in vars(step)):
            raise ValueError(f"step {name}: {step!r} is not a frozen dataclass derived from hf_ecg.processing.Step")
        # a module that is imported anew brings the same class again
        if name in STEPS and _place(STEPS[name]) != _place(step):
            raise ValueError(f"step {name}: the name is taken by {STEPS[name].__name__}")
        STEPS[name] = step
        return step

    return register


def _place(step: type[Step]) -> str:
    return f"{step.__module__}.{step.__qualname__}"


def build_step(description: dict) -> Step:
    """The step that `{"name": ..., parameter: value}` describes.

    Raises:
        ValueError: an unknown name or parameter (the nearest known one is named), a missing or impossible value.
    """
    if not isinstance(description, dict) or not isinstance(description.get("name"), str):
        raise ValueError(f"a step is {shown(description)}, wanted a dict with a name, one of {', '.join(STEPS)}")
    parameters = dict(description)
    name = parameters.pop("name")
    check_plain(f"step {shown(name)}", parameters)
    if name not in STEPS:
        raise ValueError(
            f"unknown step {shown(name)}{nearest(name, STEPS)}; the steps are {', '.join(STEPS)} (one of another"
            " package is known once that package is imported)"
        )
    fields = {field.name: field for field in dataclasses.fields(STEPS[name])}
    for key in parameters:
        if key not in fields:
            known = ", ".join(fields) or "none"
            raise ValueError(
                f"step {name}: unknown parameter {shown(key)}{nearest(key, fields)}; its parameters: {known}"
            )
    missing = [key for key, field in fields.items() if field.default is dataclasses.MISSING and key not in parameters]
    if missing:
        raise ValueError(f"step {name}: {', '.join(missing)} must be given")
    step = STEPS[name](**parameters)
    try:
        step.validate()
    except (TypeError, ValueError) as error:
        raise ValueError(f"step {name}: {error}") from error
    return step


def describe_step(step: Step) -> dict:
    """The inverse of `build_step`, with every default written out: a saved recipe does not change with the package."""
    name = next(name for name, kind in STEPS.items() if kind is type(step))
    values = {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}
    return {"name": name, **{key: value for key, value in values.items() if value is not None}}
