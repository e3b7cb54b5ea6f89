"""What a study of a corpus tries: populations to train and to judge on, ways to train; read from strict YAML."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub.dataclasses import strict

from ...data.environments import Division, Environments
from ...input_files import read_input
from ...strict_yaml import load_yaml
from ...training.environment_objective import ObjectiveOptions
from ...training.recipe import Recipe, as_override, load_recipe
from ...training.sections import parse_section, to_plain
from ..ablation import refuse_seed
from ..comparison.arm_runs import slug
from ..source_overrides import source_overrides


@strict
@dataclass
class Split:
    """Populations that are trained on, and others that are judged on.

    Args:
        by: columns that tell environments apart.
        inside: environments to train and select on, two at least.
        outside: those that no training row is of.
        covariates: what the systems with covariates are told; a column that is the same in all inside cannot be one.
    """

    by: list[Division]
    inside: list[str]
    outside: list[str]
    covariates: list[str] = field(default_factory=lambda: ["age", "sex"])

    def validate_names(self):
        shared = sorted(set(self.inside) & set(self.outside))
        if len(self.inside) < 2 or not self.outside or shared:
            raise ValueError(
                f"inside is {self.inside}, outside {self.outside}: wanted two or more, one or more, and none of both"
            )

    def environments(self, kept: Sequence[str]) -> Environments:
        """The rows of some environments."""
        return Environments(self.by, kept=list(kept))


@strict
@dataclass
class ShiftSystem:
    """One way to train.

    Args:
        covariates: whether the head is told those of the split.
        objective: over the environments inside; null is the model's own loss.
    """

    covariates: bool = False
    objective: ObjectiveOptions | None = None


@strict
@dataclass
class ShiftSpec:
    """A study.

    Args:
        title: of the report.
        recipe: file of the recipe, beside this one: a classifier of one label set.
        label_set: that is learned and judged.
        folds: "train", "validation" (chooses the epoch) and "test" (judged inside).
        splits: name -> populations.
        systems: name -> way to train; the first one is what the others are subtracted from.
        overrides: of the recipe in every run.
        notes: what a reader must know beside the figures.
    """

    title: str
    recipe: str
    label_set: str
    folds: dict[str, list[int]]
    splits: dict[str, Split]
    systems: dict[str, ShiftSystem]
    overrides: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def validate_parts(self):
        wanted = ["test", "train", "validation"]
        folds = [fold for numbers in self.folds.values() for fold in numbers]
        if sorted(self.folds) != wanted or len(set(folds)) < len(folds):
            raise ValueError(f"folds are {self.folds}, wanted {', '.join(wanted)} without a fold in two of them")
        for name in ("splits", "systems"):
            slugs = [slug(key) for key in getattr(self, name)]
            if not slugs or len(set(slugs)) < len(slugs):
                raise ValueError(f"{name} are {list(getattr(self, name))}: wanted names that differ in their letters")
        refuse_seed(self.overrides)


def load_shift(path) -> ShiftSpec:
    """Reads a study.

    Raises:
        ValueError: an unknown or missing key, no split, no system, environments that are inside and outside.
        OSError: the file cannot be read.
    """
    return parse_section(ShiftSpec, load_yaml(read_input(path), str(path)), "", str(path))


def shift_recipe(
    spec: ShiftSpec, split: str, system: str, seed: int, directory, data, config=None, given: Sequence[str] = ()
) -> Recipe:
    """The recipe of one run.

    Args:
        spec: of the study.
        split, system, seed: of the run.
        directory: folder of the study's file, which its recipe is relative to.
        data, config: prepared corpus and its configuration.
        given: overrides that hold in every run.

    Raises:
        ValueError: what `load_recipe` refuses, or overrides that set the seed.
    """
    refuse_seed(given)
    populations, way = spec.splits[split], spec.systems[system]
    folds = {name: spec.folds[name] for name in ("train", "validation")}
    overrides = [
        as_override("data.label_sets", [spec.label_set]),
        as_override("validation.label_sets", [spec.label_set]),
        *spec.overrides,
        *source_overrides(data, config, folds),
        as_override("data.environments", to_plain(populations.environments(populations.inside))),
        as_override("data.columns.covariates", populations.covariates if way.covariates else []),
        f"method.options.objective={json.dumps(to_plain(way.objective))}",
        as_override("run.seed", seed),
    ]
    try:
        return load_recipe(Path(directory) / spec.recipe, [*overrides, *given])
    except ValueError as error:
        raise ValueError(f"split {split!r}, system {system!r}: {error}") from error
