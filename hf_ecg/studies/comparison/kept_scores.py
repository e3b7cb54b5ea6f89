"""Scores of finished runs in a folder of their own, small enough to be handed on, so that nobody trains them again."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from ...files import atomic_file
from ...training.recipe import Recipe
from ...training.run_folder import recipe_values
from .arm_budget import begins_with
from .arm_runs import Run, recipe_of, slug
from .comparison_spec import PROMPTS, Comparison
from .measures import JudgedRows, definition, read_scores, write_scores

LENGTH = ("run.epochs", "run.max_steps")


class KeptScores:
    """One file for each run: what it was trained as, and its scores of every measure.

    Of a classification these are the ranks, which the report is made of.

    Args:
        folder: of the files, `ARM/seed_0_test_9_10.npz`.
        comparison: whose runs they are.
        directory, given: see `arm_runs.recipe_of`.
        judged: the rows that are judged.

    Raises:
        ValueError: the comparison asks by prompts, whose protocol is told by the models themselves.
    """

    def __init__(self, folder, comparison: Comparison, directory, given: list[str], judged: JudgedRows):
        asked = [name for name, measure in comparison.measures.items() if measure.kind == PROMPTS]
        if asked:
            raise ValueError(f"scores cannot be kept of {asked}: what prompts were trained is told by the model alone")
        self.folder, self.comparison, self.directory, self.given = Path(folder), comparison, directory, given
        self.rows = judged.fingerprint
        self.judged = judged
        self.lengths: dict[Run, dict] = {}

    def path(self, run: Run) -> Path:
        """File of a run."""
        return self.folder / slug(run.arm) / f"seed_{run.seed}_{run.turn.name}.npz"

    def take(self, run: Run) -> bool:
        """Puts the kept scores of a run where those that are measured lie; False where none are kept.

        Raises:
            ValueError: they are of another recipe, of other rows or measures, or the file is damaged.
        """
        wanted = self._measures(run)
        path = self.path(run)
        if not wanted or not path.is_file():
            return False
        try:
            with np.load(path) as content:
                told = json.loads(str(content["told"]))
                scores = {name: content[slug(name)] for name in wanted if slug(name) in content}
                length = {key: told["recipe"].pop(key) for key in LENGTH}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is damaged ({error}): remove it to train the run again") from error
        now = self._told(run)
        before, recipe = told.pop("recipe"), now.pop("recipe")
        differing = [key for key in sorted({*before, *recipe}) if before.get(key) != recipe.get(key)]
        differing += [key for key in now if told.get(key) != now[key]]
        if differing:
            raise ValueError(f"{path} is of another run, by {', '.join(differing)}: give another folder, or remove it")
        for name, found in scores.items():
            write_scores(run, name, found, self._records(run, name), self.comparison.measures[name], "kept")
        self.lengths[run] = {key.removeprefix("run."): value for key, value in length.items()}
        return True

    def keep(self, run: Run, recipe: Recipe) -> None:
        """Writes the file of a run that was measured.

        Args:
            recipe: it was trained by, with its epochs.
        """
        wanted = self._measures(run)
        if not wanted:
            return
        values, told = recipe_values(recipe), self._told(run)
        told["recipe"] |= {key: values[key] for key in LENGTH}
        scores = {slug(name): self._smaller(name, read_scores(run, name, self._records(run, name))) for name in wanted}
        path = self.path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, "wb") as file:
            np.savez_compressed(file, told=np.array(json.dumps(told)), **scores)

    def with_length(self, run: Run, recipe: Recipe) -> Recipe:
        """The recipe of a run whose scores were taken, with the epochs that it was trained for."""
        return replace(recipe, run=replace(recipe.run, **self.lengths.get(run, {})))

    def left(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that must be trained: those whose scores are not kept, and those that one of them begins with."""
        left: list[Run] = []
        for run in reversed(runs):
            beginning = any(
                begins_with(self.comparison, other.arm, run.arm)
                for other in left
                if (other.seed, other.turn) == (run.seed, run.turn)
            )
            if beginning or (self._measures(run) and not self.take(run)):
                left.append(run)
        return left[::-1]

    def _measures(self, run: Run) -> list[str]:
        return [name for name in self.comparison.measures if run.arm in self.comparison.arms_of(name)]

    def _smaller(self, name: str, scores: np.ndarray) -> np.ndarray:
        if self.comparison.measures[name].target is not None:
            return scores
        return (2 * rankdata(scores, axis=0)).astype(
            np.uint16 if len(scores) < 2**15 else np.uint32
        )  # ties have halves

    def _records(self, run: Run, measure: str) -> list[str]:
        return [self.judged.records[row] for row in self.judged.rows(run.turn.test, measure)]

    def _told(self, run: Run) -> dict:
        """What a run is, wherever it and its corpus lie."""
        anywhere = replace(run, root=Path("."))
        recipe: Mapping = recipe_values(recipe_of(self.comparison, anywhere, self.directory, self.given))
        measures = {name: definition(self.comparison.measures[name]) for name in self._measures(run)}
        return {
            "recipe": {key: value for key, value in recipe.items() if key not in LENGTH},
            "rows": self.rows,
            "measures": measures,
            "minutes": self.comparison.minutes,
            "clock": self.comparison.clock,
        }
