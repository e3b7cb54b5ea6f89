"""Runs of a comparison: one for each arm, turn and seed, each in a folder of its own that may be taken up again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transformers.utils import logging

from ...locks import BeingWritten, output_lock
from ...models.shared.roles import ecg_encoder
from ...training.build import build_parts
from ...training.prior_runs import train_once
from ...training.processes import prepare_torch
from ...training.recipe import Recipe, as_override, load_recipe
from ...training.run_folder import RECIPE_NAME, check_same_recipe
from ...training.saving import save_encoder
from ..fg_clep.stages import CORPUS, enrich
from ..fg_clep.stages_spec import load_stages
from .comparison_spec import Comparison, Turn

logger = logging.get_logger(__name__)

_PLACE = re.compile(r"\{(turn|seed|enriched|arm:[^{}]+)\}")


@dataclass(frozen=True)
class Run:
    """One arm in one turn of the rotation, with one seed."""

    arm: str
    turn: Turn
    seed: int
    root: Path

    @property
    def folder(self) -> Path:
        """Where it lies: `ROOT/ARM/seed_0/test_1_2`."""
        return self.root / slug(self.arm) / f"seed_{self.seed}" / self.turn.name

    @property
    def encoder(self) -> Path:
        """Its encoder with the feature extractor."""
        return self.folder / "encoder"

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}, {self.turn.name}"


def slug(name: str) -> str:
    """A name as that of a file: `SimCLR, mean` -> `simclr_mean`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def plan_runs(comparison: Comparison, turns: list[Turn], seeds: list[int], root) -> list[Run]:
    """All runs, the seeds one after the other, so that a comparison broken off has some of them whole.

    Raises:
        ValueError: two arms or measures whose names give the same file.
    """
    for kind, names in (("arms", comparison.arms), ("measures", comparison.measures)):
        slugs = [slug(name) for name in names]
        twice = [name for name, one in zip(names, slugs, strict=True) if slugs.count(one) > 1]
        if twice:
            raise ValueError(f"{kind} {twice} would share a file, wanted names that differ in letters or digits")
    return [Run(arm, turn, seed, Path(root)) for seed in seeds for turn in turns for arm in comparison.arms]


def recipe_of(comparison: Comparison, run: Run, directory, given: list[str]) -> Recipe:
    """The recipe of a run.

    Args:
        directory: folder of the comparison's file, which the recipe's name is relative to.
        given: overrides that hold in every arm, such as the place of the corpus.

    Raises:
        ValueError: overrides that set folds or seed, which the rotation sets; an unknown arm in one.
    """

    def fill(match: re.Match) -> str:
        place = match[1]
        if place == "turn":
            return run.turn.name
        if place == "seed":
            return str(run.seed)
        if place == "enriched":
            return str(enriched_folder(run) / CORPUS)
        arm = place.removeprefix("arm:")
        if arm not in comparison.arms:
            raise ValueError(f"{match[0]} in {run.arm}: there is no arm {arm!r}, only {list(comparison.arms)}")
        return str(Run(arm, run.turn, run.seed, run.root).folder)

    overrides = [*comparison.overrides, *given, *(_PLACE.sub(fill, one) for one in comparison.arms[run.arm].overrides)]
    taken = [one for one in overrides if re.match(r"data\.sources\.\d+\.folds\b|run\.seed\b", one)]
    if taken:
        raise ValueError(f"{run.arm}: {taken} belong to the rotation")
    overrides += rotation_overrides(run)
    return load_recipe(Path(directory) / (comparison.arms[run.arm].recipe or comparison.recipe), overrides)


def rotation_overrides(run: Run) -> list[str]:
    """What the rotation sets in a recipe: folds and seed."""
    folds = {"train": list(run.turn.train), "validation": list(run.turn.validation)}
    return [
        *(as_override(f"data.sources.0.folds.{split}", numbers) for split, numbers in folds.items()),
        f"run.seed={run.seed}",
    ]


@contextmanager
def alone(run: Run) -> Iterator[None]:
    """Keeps other processes from a run's turn and seed while they are worked on.

    Raises:
        OSError: another process is at them.
    """
    try:
        with output_lock(run.root / "locks" / f"seed_{run.seed}_{run.turn.name}"):
            yield
    except BeingWritten as error:
        raise OSError(
            f"another process works on seed {run.seed}, {run.turn.name} in {run.root}: give each a --share of its own"
            f" ({error})"
        ) from error


def enriched_folder(run: Run) -> Path:
    """Folder of the second stage of a run's turn and seed."""
    return run.root / "enriched" / f"seed_{run.seed}" / run.turn.name


def enrich_turn(comparison: Comparison, run: Run, directory, given: list[str]) -> None:
    """FG-CLEP's second stage for the turn and seed of a run; what is done is left as it is."""
    section = comparison.enrichment
    if section is None:
        return
    path = Path(directory) / section.stages
    stages = load_stages(path)
    overrides = [*stages.first_overrides, *comparison.overrides, *given, *section.overrides, *rotation_overrides(run)]
    enrich(stages, load_recipe(path.parent / stages.first, overrides), enriched_folder(run), run.root)


def train_run(comparison: Comparison, run: Run, recipe: Recipe) -> None:
    """Trains a run, resumes it, or leaves it alone when it is finished.

    Raises:
        ValueError: the folder holds a run of another recipe.
    """
    if comparison.arms[run.arm].rules:
        return
    if not comparison.arms[run.arm].trained:
        check_same_recipe(recipe, run.folder)
        if not (run.encoder / "config.json").is_file():
            save_untrained(recipe, run.folder)
        return
    train_once(recipe, run.folder, keep_checkpoints=False)


def save_untrained(recipe: Recipe, folder: Path) -> None:
    """Saves the encoder of a recipe with its first weights, which a run of this seed begins with, in `folder/encoder`.

    Raises:
        ValueError: the recipe's model holds no encoder.
    """
    prepare_torch(recipe.run)  # the first weights are those of a run with this seed
    parts = build_parts(recipe)
    encoder = ecg_encoder(parts.model)
    if encoder is parts.model:
        raise ValueError(f"{type(parts.model).__name__} holds no encoder to be left untrained")
    folder.mkdir(parents=True, exist_ok=True)
    recipe.save(folder / RECIPE_NAME)
    save_encoder(folder, encoder, parts.processor)
