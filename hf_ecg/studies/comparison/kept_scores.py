"""Scores of finished runs in a folder of their own, small enough to be handed on, so that nobody trains them again."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from ...data.refused_rows import RowsRefused
from ...files import DAMAGED_ARRAYS, atomic_file
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
        whole: all rows of the corpus, of which some may be refused later.

    Raises:
        ValueError: the comparison asks by prompts, whose protocol is told by the models themselves.
    """

    def __init__(self, folder, comparison: Comparison, directory, given: list[str], whole: JudgedRows):
        asked = [name for name, measure in comparison.measures.items() if measure.kind == PROMPTS]
        if asked:
            raise ValueError(f"scores cannot be kept of {asked}: what prompts were trained is told by the model alone")
        self.folder, self.comparison, self.directory, self.given = Path(folder), comparison, directory, given
        self.whole = whole
        self.taken: dict[Run, tuple[dict, set[str]]] = {}  # scores by measure, and the records that have none
        self.lengths: dict[Run, dict] = {}

    def path(self, run: Run) -> Path:
        """File of a run."""
        return self.folder / slug(run.arm) / f"seed_{run.seed}_{run.turn.name}.npz"

    def take(self, run: Run) -> bool:
        """Reads the kept scores of a run, which `place` then lays down; False where none are kept.

        Raises:
            ValueError: they are of another recipe, of other rows or measures, or the file is damaged.
        """
        wanted = self._measures(run)
        path = self.path(run)
        if not wanted or not path.is_file():
            return False
        now = self._told(run)
        try:
            with np.load(path) as content:
                told, scores = json.loads(str(content["told"])), {name: content[slug(name)] for name in wanted}
            before, recipe, refused = told["recipe"], now.pop("recipe"), set(told.get("refused", ()))
            # of a comparison in equal time each machine finds its own length
            free = LENGTH if self.comparison.minutes is not None else ()
            differing = [key for key in sorted({*before, *recipe} - {*free}) if before.get(key) != recipe.get(key)]
            differing += [key for key in now if told.get(key) != now[key]]
            self.lengths[run] = {key.removeprefix("run."): before[key] for key in LENGTH}
        except (*DAMAGED_ARRAYS, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged ({error}): remove it to train the run again") from error
        if differing:
            raise ValueError(f"{path} is of another run, by {', '.join(differing)}: give another folder, or remove it")
        for name, found in scores.items():
            shape = len(self._records(run, name, refused)), len(self.whole.truth[name][0])
            if found.shape != shape or found.dtype.kind not in "uf":
                raise ValueError(
                    f"{path} is damaged ({name} has {found.dtype} of shape {found.shape}, wanted {shape}):"
                    " remove it to train the run again"
                )
        self.taken[run] = scores, refused
        return True

    def place(self, judged: JudgedRows) -> None:
        """Puts what was taken where scores that are measured lie.

        Args:
            judged: the rows that count, some or all of those of the corpus.

        Raises:
            RowsRefused: some of them were refused when the scores were kept, and have none.
        """
        counted = set(judged.records)
        refused = {record for _, without in self.taken.values() for record in without & counted}
        if refused:
            raise RowsRefused(dict.fromkeys(sorted(refused), f"refused when the scores in {self.folder} were kept"))
        for run, (scores, without) in self.taken.items():
            for name, found in scores.items():
                records = self._records(run, name, without)
                kept = [place for place, record in enumerate(records) if record in counted]
                names = [records[place] for place in kept]
                write_scores(run, name, found[kept], names, self.comparison.measures[name], "kept")

    def keep(self, run: Run, recipe: Recipe, judged: JudgedRows) -> None:
        """Writes the file of a run that was measured.

        Args:
            recipe: it was trained by, with its epochs.
            judged: the rows that it was measured on.
        """
        wanted = self._measures(run)
        if not wanted:
            return
        refused = set(self.whole.records) - set(judged.records)
        told = self._told(run) | {"refused": sorted(refused)}
        told["recipe"] |= {key: value for key, value in recipe_values(recipe).items() if key in LENGTH}
        scores = {
            slug(name): self._smaller(name, read_scores(run, name, self._records(run, name, refused)))
            for name in wanted
        }
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

    def _records(self, run: Run, measure: str, refused: Collection[str]) -> list[str]:
        """Names of a run's test rows, but for those that are refused."""
        records = [self.whole.records[row] for row in self.whole.rows(run.turn.test, measure)]
        return [record for record in records if record not in refused]

    def _told(self, run: Run) -> dict:
        """What a run is, wherever it and its corpus lie."""
        begun = {arm: self._recipe(replace(run, arm=arm)) for arm in self._beginnings(run.arm)}
        measures = {name: definition(self.comparison.measures[name]) for name in self._measures(run)}
        return {
            "recipe": self._recipe(run),
            "rows": self.whole.fingerprint,
            "measures": measures,
            "minutes": self.comparison.minutes,
            "clock": self.comparison.clock,
            **({"begun with": begun} if begun else {}),
        }

    def _recipe(self, run: Run) -> dict:
        anywhere = replace(run, root=Path("."))
        return recipe_values(recipe_of(self.comparison, anywhere, self.directory, self.given))

    def _beginnings(self, arm: str) -> list[str]:
        """The arms that one begins with, and those that these begin with."""
        found = [other for other in self.comparison.arms if begins_with(self.comparison, arm, other)]
        return sorted({*found, *(further for other in found for further in self._beginnings(other))})
