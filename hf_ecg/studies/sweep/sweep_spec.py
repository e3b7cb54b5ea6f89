"""What a sweep tries: a recipe and its arms as overrides; read from strict YAML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub.dataclasses import strict

from ...input_files import read_input
from ...strict_yaml import load_yaml
from ...training.recipe import Recipe, load_recipe
from ...training.sections import parse_section
from ..ablation import refuse_seed


@strict
@dataclass
class SweepArm:
    """One setting.

    Args:
        overrides: `section.key=value` on the recipe.
        recipe: file of its own recipe, beside the sweep's; None takes the sweep's.
    """

    overrides: list[str] = field(default_factory=list)
    recipe: str | None = None


@strict
@dataclass
class Sweep:
    """Settings of one recipe, or of several.

    Args:
        title: of the report.
        recipe: file of the recipe, beside this one.
        arms: name -> what it changes; the first one is what the others are subtracted from.
        overrides: of the recipe in every arm.
        probe: label sets that a linear probe of the frozen encoder is judged on, beside what the recipe's validation
            measures; for recipes without labels.
        notes: what a reader must know beside the figures.
    """

    title: str
    recipe: str
    arms: dict[str, SweepArm]
    overrides: list[str] = field(default_factory=list)
    probe: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def validate_arms(self):
        if not self.arms:
            raise ValueError("arms is empty, wanted at least one setting")


def load_sweep(path) -> Sweep:
    """Reads a sweep.

    Raises:
        ValueError: an unknown or missing key, no arm.
        OSError: the file cannot be read.
    """
    return parse_section(Sweep, load_yaml(read_input(path), str(path)), "", str(path))


def arm_recipe(sweep: Sweep, name: str, directory, given: Sequence[str] = ()) -> Recipe:
    """The recipe of an arm; how long it trains is not yet said.

    Args:
        name: of the arm.
        directory: folder of the sweep's file, which recipes are relative to.
        given: overrides that hold in every arm, such as the place of the corpus.

    Raises:
        ValueError: overrides that set the seed or the length of the run, which are the sweep's, or what
            `load_recipe` refuses.
    """
    arm = sweep.arms[name]
    overrides = [*sweep.overrides, *given, *arm.overrides]
    refuse_seed(overrides)
    taken = [one for one in overrides if re.match(r"run\.(epochs|max_steps)\b", one)]
    if taken:
        raise ValueError(f"{name}: {taken} would set the length of the run, which the time decides")
    try:
        return load_recipe(Path(directory) / (arm.recipe or sweep.recipe), overrides)
    except ValueError as error:
        raise ValueError(f"arm {name!r}: {error}") from error
