"""A recipe as a whole: its implicit steps, the order that steps may stand in, and what all of them together make."""

import copy
from collections.abc import Iterable, Sequence

from transformers.utils import logging

from ...checks import shown
from ...signals.leads import LIMB_LEADS, canonical_leads
from ...signals.resampling import EDGES, METHODS
from ...signals.window import check_size
from ..outputs import SAMPLES, WAVEFORM, Output
from .lead_steps import DeriveLimbLeads, KeepLeads, PickLead, SelectLeads
from .quality_gate import QualityGate
from .sample_steps import ROW_MAKERS, Crop, Divide, Normalise, Pad, Resample
from .step_base import Step
from .step_table import build_step, describe_step
from .views import Views
from .zero_padding import ZeroPaddingToMissing

logger = logging.get_logger(__name__)


def default_steps(num_samples: int | None) -> list[dict]:
    """Derive, select, interpolate missing samples, resample; crop and pad when there is a length to reach."""
    steps = [
        {"name": "derive_limb_leads"},
        {"name": "select_leads"},
        {"name": "fill_missing", "method": "linear"},
        {"name": "resample", "method": "polyphase"},
    ]
    if num_samples is not None:
        steps += [{"name": "crop", "position": "start"}, {"name": "pad", "position": "end"}]
    return steps


def complete_steps(descriptions: Sequence[dict], leads: Sequence[str], num_samples: int | None) -> list[dict]:
    """The recipe with its implicit steps and default parameters written out.

    Args:
        descriptions: dicts with a name and parameters.
        leads: the model's, in its order.
        num_samples: the length that the recipe aims at, or None.

    Raises:
        ValueError: an unknown or impossible step, one where it may not stand, or two that make the same output.
    """
    if not isinstance(descriptions, Sequence) or isinstance(descriptions, str):
        raise ValueError(f"steps is {shown(descriptions)}, wanted a list of dicts")
    steps = [copy.deepcopy(build_step(description)) for description in descriptions]
    kinds = [type(step) for step in steps]
    if DeriveLimbLeads not in kinds and set(leads) & set(LIMB_LEADS):
        steps.insert(0, DeriveLimbLeads())
    elif DeriveLimbLeads in kinds[1:]:
        raise ValueError(
            "derive_limb_leads must be the first step and only that: leads are derived from recorded millivolts"
        )
    choosers = [step for step in steps if isinstance(step, (SelectLeads, PickLead))]
    if len(choosers) > 1:
        raise ValueError("steps has more than one of select_leads and pick_lead")
    if not choosers:
        before = (DeriveLimbLeads, ZeroPaddingToMissing)
        place = next((i for i, step in enumerate(steps) if not isinstance(step, before)), len(steps))
        steps.insert(place, SelectLeads())
    chosen = next(i for i, step in enumerate(steps) if isinstance(step, (SelectLeads, PickLead)))
    if any(isinstance(step, ZeroPaddingToMissing) for step in steps[chosen:]):
        raise ValueError("zero_padding_to_missing sees all leads of a record: put it before select_leads or pick_lead")
    for i, step in enumerate(steps):
        if isinstance(step, KeepLeads):
            _check_kept(step, steps[i - 1], leads)
        if isinstance(step, (Crop, Pad, *ROW_MAKERS)):
            _check_length(step, num_samples, 1 if PickLead in kinds else len(leads))
    scaled = next((i for i, kind in enumerate(kinds) if kind in (Normalise, Divide)), len(kinds))
    if QualityGate in kinds[scaled:]:
        raise ValueError("quality_gate judges millivolts: put it before normalise and divide")
    if sum(kind in ROW_MAKERS for kind in kinds) > 1:
        raise ValueError("steps has more than one of multi_crop and segments")
    _check_views(steps)
    _check_outputs(steps)
    return [describe_step(step) for step in steps]


def with_edges_written_out(descriptions: Iterable) -> list:
    """Steps of a saved recipe: those saved before `edges` was a parameter keep the arithmetic that they had then, that
    of the plain scipy call."""
    return [
        {**description, **_edges_of_old(description)} if isinstance(description, dict) else description
        for description in descriptions
    ]


def _edges_of_old(description: dict) -> dict:
    name, told = description.get("name"), description.get("filter")
    if name == "filter" and isinstance(told, dict) and told.get("zero_phase") is False and "edges" not in told:
        return {"filter": {**told, "edges": "zero"}}
    if "edges" in description:
        return {}
    if name == "subtract_median":
        return {"edges": "zero"}
    if name == "resample" and description.get("method") in METHODS:
        plain = EDGES[description["method"]][1]
        if plain == "zero":
            logger.warning_once(
                "a saved recipe resamples with zeros beyond the record's ends (edges: zero), as all did before there"
                " was the parameter: a steady offset rings there. Training anew, leave the parameter out."
            )
        return {"edges": plain}
    return {}


def views_place(steps: Sequence[Step]) -> int | None:
    """Where the step `views` stands, or None."""
    return next((i for i, step in enumerate(steps) if isinstance(step, Views)), None)


def outputs_of(steps: Iterable[Step]) -> tuple[Output, ...]:
    """What a batch holds after these steps: the waveform first, then in the order of the steps."""
    made: dict[str, Output] = {}
    for step in steps:
        for name in step.drops:
            made.pop(name, None)
        made |= {output.name: output for output in step.outputs}
    return tuple(sorted(made.values(), key=lambda output: output not in WAVEFORM))


def _check_kept(step: KeepLeads, before: Step, leads: Sequence[str]) -> None:
    if not isinstance(before, SelectLeads):
        raise ValueError("keep_leads must directly follow select_leads: no other step may see the leads it drops")
    unknown = [lead for lead in canonical_leads(step.leads) if lead not in leads]
    if unknown:
        raise ValueError(f"keep_leads names {unknown}, which are not among the model's leads {list(leads)}")


def _check_length(step, num_samples: int | None, leads: int) -> None:
    length = num_samples if step.num_samples is None else step.num_samples
    if length is None:
        raise ValueError(f"step {_name(step)}: num_samples is given neither here nor for the recipe")
    check_size(length, leads, f"step {_name(step)}")


def _check_views(steps: Sequence[Step]) -> None:
    place = views_place(steps)
    if place is None:
        return
    for step in steps[place + 1 :]:
        if isinstance(step, Views):
            raise ValueError("steps has views twice: random views act in one place")
        if not step.may_follow_views:
            raise ValueError(f"steps has {_name(step)} behind views: put it before views, which see its result")
    if not {output.name for output in WAVEFORM} <= {output.name for output in outputs_of(steps[:place])}:
        raise ValueError("steps has views where the waveform is no longer there: put views before what drops it")


def _check_outputs(steps: Sequence[Step]) -> None:
    made: dict[str, Output] = {}
    for step in steps:
        sampled = [name for name, output in made.items() if SAMPLES in output.axes and output not in WAVEFORM]
        if isinstance(step, Resample) and sampled:
            raise ValueError(f"steps has resample behind what makes {sampled}, which it cannot resample: swap them")
        for name in step.drops:
            if name not in made:
                raise ValueError(f"step {_name(step)} drops {name!r}, which no step before it makes")
            del made[name]
        for output in step.outputs:
            if output.name in made:
                raise ValueError(f"step {_name(step)} makes {output.name!r}, which a step before it makes")
            made[output.name] = output
    if not made:
        raise ValueError("steps drop everything that they make: nothing is left for a model")


def _name(step: Step) -> str:
    return describe_step(step)["name"]
