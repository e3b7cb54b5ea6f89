"""How long an arm trains: as many epochs as fit into the time, by its own steps; decided once and kept in a file."""

import dataclasses
import json
from pathlib import Path

from transformers.utils import logging

from ..files import atomic_file, values_digest
from ..strict_json import read_json_object
from ..training.recipe import Recipe
from ..training.step_costs import StepCosts, measure_costs

logger = logging.get_logger(__name__)

PLAN = "plan.json"


def planned_recipe(recipe: Recipe, folder, minutes: float, clock: str) -> Recipe:
    """A recipe with the epochs that fit into the time, as `folder/plan.json` says; it is measured when absent.

    Args:
        recipe: of an arm.
        folder: of the arm.
        minutes: for a run's steps and validations.
        clock: see `step_costs.measure_costs`.

    Raises:
        ValueError: the plan there is of another recipe, time or clock; a recipe that cannot be measured.
    """
    path = Path(folder) / PLAN
    asked = {"minutes": float(minutes), "clock": clock, "recipe": _digest(recipe)}
    if path.is_file():
        plan = read_json_object(path)
        other = [key for key, value in asked.items() if plan.get(key) != value]
        if other:
            found = ", ".join(f"{key} {plan.get(key)}, wanted {asked[key]}" for key in other)
            raise ValueError(f"{folder} was begun with another sweep ({found}): choose another folder, or remove it")
    else:
        try:
            costs = measure_costs(recipe, clock)
        except ValueError as error:
            raise ValueError(f"{path.parent.name}: {error}") from error
        epochs, max_steps = costs.fitting(60 * minutes)
        plan = asked | {"epochs": epochs, "max_steps": max_steps, "costs": dataclasses.asdict(costs)}
        _tell(path, costs, epochs, max_steps, minutes)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            file.write(json.dumps(plan, indent=1) + "\n")
    run = dataclasses.replace(recipe.run, epochs=plan["epochs"], max_steps=plan["max_steps"])
    return dataclasses.replace(recipe, run=run)


def _tell(path: Path, costs: StepCosts, epochs: int, max_steps: int | None, minutes: float) -> None:
    length = f"{epochs} epochs" if max_steps is None else f"{max_steps} of {costs.steps_per_epoch} steps of an epoch"
    step = f"{1000 * costs.step:.0f} ms a step, {costs.validation:.1f} s a validation"
    logger.info("%s: %s, so %s fit into %g minutes", path.parent.name, step, length, minutes)


def _digest(recipe: Recipe) -> str:
    """What the recipe is but for its length and seed."""
    content = recipe.to_dict()
    content["run"] = {
        key: value for key, value in content["run"].items() if key not in ("epochs", "max_steps", "seed")
    }
    return values_digest(content)
