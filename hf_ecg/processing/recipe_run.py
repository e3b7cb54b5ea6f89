"""A recipe from recordings to a batch, with numpy alone: what the extractor calls, and whoever has no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..checks import check_positive, check_positive_integer, shown
from ..signals.leads import canonical_leads
from ..signals.resampling import check_rate
from ..signals.window import check_size
from .inputs import Recording, WaveformGroup, grouped, read_recordings
from .lead_notes import tell_absent_leads, tell_unused_leads
from .record_windows import LARGEST_LOSS, prepared_windows, tell_what_is_left_out, window_plan
from .step_run import apply_steps, batch_of_group, several, stack_batches
from .steps.recipe import complete_steps, default_steps, outputs_of
from .steps.sample_steps import RECORD_INDEX, Resample
from .steps.step_base import Step, WaveformBatch
from .steps.step_table import build_step


class Recipe(Protocol):
    """What a saved extractor holds."""

    sampling_rate: Any
    leads: list[str]
    num_samples: int | None
    steps: list[dict]


@dataclass
class SavedRecipe:
    """The content of a `preprocessor_config.json`, for programs without torch.

    Args:
        sampling_rate, leads, num_samples, steps: see `ECGFeatureExtractor`.
    """

    sampling_rate: float
    leads: list[str]
    num_samples: int | None
    steps: list[dict] = field(default_factory=list)


def checked_recipe(sampling_rate, leads, num_samples, steps) -> SavedRecipe:
    """A recipe with canonical lead names and every step spelt out; arguments are those of `ECGFeatureExtractor`.

    Raises:
        ValueError: an unknown lead, step or parameter, or an impossible value.
    """
    check_positive("sampling_rate", sampling_rate)
    check_rate("sampling_rate", sampling_rate)
    if not isinstance(leads, Sequence) or isinstance(leads, (str, bytes)) or not leads:
        raise ValueError(f"leads is {shown(leads)}, wanted a list of lead names")
    names = list(canonical_leads(leads))
    if num_samples is not None:
        check_positive_integer("num_samples", num_samples)
        check_size(num_samples, 1, "num_samples")
    steps = default_steps(num_samples) if steps is None else steps
    return SavedRecipe(sampling_rate, names, num_samples, complete_steps(steps, names, num_samples))


def prepare(
    recipe: Recipe,
    signals,
    sampling_rate: float | None = None,
    leads: Sequence[str] | None = None,
    units: str | None = None,
    lead: str | None = None,
    rename: Mapping[str | int, str] | None = None,
    window: str | float | None = None,
) -> dict[str, np.ndarray]:
    """The numpy arrays that the model of a recipe takes; arguments and errors are those of `ECGFeatureExtractor`."""
    # an extractor alone cannot average rows, so what its recipe crops by less than half stays one row
    plan = window_plan(recipe, window, leaves_out=LARGEST_LOSS)
    steps = [build_step(step) for step in recipe.steps]

    def run(windows: list[Recording], positions: list[int], indexed: bool) -> dict[str, np.ndarray]:
        groups = grouped(windows, positions)
        tell_what_is_left_out(groups, steps, recipe.sampling_rate, recipe.num_samples, plan.window != "recipe")
        return run_recipe(recipe, steps, groups, lead, indexed)

    return prepared_windows(read_recordings(signals, sampling_rate, leads, units, rename), plan, run)


def run_recipe(
    recipe: Recipe, steps: list[Step], groups: list[WaveformGroup], lead: str | None, indexed: bool = False
) -> dict[str, np.ndarray]:
    """What the steps make of groups of records, by the names of the model's inputs.

    Args:
        recipe: the extractor, or what was saved of one.
        steps: all of its steps, or the first ones.
        groups: see `inputs.grouped`.
        lead: the lead that a single-lead model is to see.
        indexed: also give the record of each row.

    Raises:
        ValueError: what a step refuses; a rate or a length that the recipe does not lead to.
    """
    tell_unused_leads(groups, recipe.leads)
    tell_absent_leads(groups, recipe.leads, steps)
    if lead is not None:
        (lead,) = canonical_leads([lead])
    whole = len(steps) == len(recipe.steps)
    if not any(isinstance(step, Resample) for step in steps):
        for group in groups:
            if group.sampling_rate != recipe.sampling_rate:
                raise ValueError(
                    f"{group.names[0]} has {group.sampling_rate:g} Hz, the model wants {recipe.sampling_rate:g} Hz"
                    " and the recipe has no step resample"
                )
    batches, names = [], []
    for group in groups:
        names.append(dict(zip(group.positions, group.names, strict=True)))
        batch = batch_of_group(group, recipe.leads, lead, recipe.sampling_rate, recipe.num_samples)
        apply_steps(batch, steps, names[-1])
        _check_result(recipe, batch, several(list(names[-1].values())), whole)
        batches.append(batch)
    where, outputs = "after the last step" if whole else "before the step views", outputs_of(steps)
    if indexed and RECORD_INDEX not in outputs:
        outputs = (*outputs, RECORD_INDEX)
        for batch in batches:
            batch.tensors[RECORD_INDEX.name] = batch.origin
    return stack_batches(batches, names, outputs, where)


def _check_result(recipe: Recipe, batch: WaveformBatch, where: str, whole: bool) -> None:
    if batch.sampling_rate != recipe.sampling_rate:
        raise ValueError(
            f"{where}: the steps end at {batch.sampling_rate:g} Hz, the model wants {recipe.sampling_rate:g} Hz"
        )
    length = batch.signals.shape[-1]
    if whole and recipe.num_samples not in (None, length):
        longer = ' say window="all" or "first" to cut a longer record into windows;'
        windows = longer if length > recipe.num_samples else ""
        raise ValueError(
            f"{where}: the steps end with {length} samples, the model wants {recipe.num_samples};{windows}"
            " add the steps crop and pad, or change theirs"
        )
