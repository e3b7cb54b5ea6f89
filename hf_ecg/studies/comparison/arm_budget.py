"""The same time for every arm of a comparison: its epochs are those that fit, by its own steps."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ...locks import output_lock
from ...training.recipe import Recipe
from ..time_budget import planned_recipe
from .arm_runs import Run, slug
from .comparison_spec import Comparison


def with_budget(
    comparison: Comparison, recipes: Mapping[Run, Recipe], root: Path, waiting: bool = False
) -> dict[Run, Recipe]:
    """The recipes of runs, as long as `comparison.minutes` says; unchanged without it.

    An arm is measured once, by its first run; `ROOT/ARM/plan.json` keeps what was found.

    Args:
        waiting: also those of arms that begin with what another one leaves, which must be there by now.

    Raises:
        ValueError: a plan there is of another recipe, time or clock; a recipe that cannot be measured.
    """
    if comparison.minutes is None:
        return dict(recipes)
    lengths: dict[str, dict] = {}
    with output_lock(root / "locks" / "plans"):
        for run, recipe in recipes.items():
            ready = waiting or not waits(comparison, run.arm)
            if run.arm not in lengths and is_timed(comparison, run.arm) and ready:
                planned = planned_recipe(recipe, root / slug(run.arm), comparison.minutes, comparison.clock).run
                lengths[run.arm] = {"epochs": planned.epochs, "max_steps": planned.max_steps}
    return {
        run: dataclasses.replace(recipe, run=dataclasses.replace(recipe.run, **lengths.get(run.arm, {})))
        for run, recipe in recipes.items()
    }


def is_timed(comparison: Comparison, arm: str) -> bool:
    """Whether an arm trains at all."""
    return comparison.arms[arm].trained and not comparison.arms[arm].rules


def waits(comparison: Comparison, arm: str) -> bool:
    """Whether an arm begins with what another one, or an enrichment, leaves, and cannot be measured before."""
    return any("{arm:" in one or "{enriched}" in one for one in comparison.arms[arm].overrides)


def begins_with(comparison: Comparison, arm: str, other: str) -> bool:
    """Whether an arm begins with what another one leaves."""
    return any(f"{{arm:{other}}}" in one for one in comparison.arms[arm].overrides)


def told_budget(comparison: Comparison, recipes: Mapping[Run, Recipe]) -> list[str]:
    """What a report says of the time; nothing where recipes name their epochs."""
    if comparison.minutes is None:
        return []
    epochs: dict[str, set[int]] = {}
    for run, recipe in recipes.items():
        if is_timed(comparison, run.arm):
            epochs.setdefault(run.arm, set()).add(recipe.run.epochs)
    # runs whose scores were kept may be of another machine
    each = ", ".join(f"{arm} {' and '.join(map(str, sorted(numbers)))}" for arm, numbers in epochs.items())
    return [f"{comparison.minutes:g} minutes a training by the {comparison.clock} clock, which are epochs: {each}"]
