"""Cross-fitting by patient: the model that judges a record was neither trained nor selected on it.

Folds are sets of patients, so that groups of folds are groups of patients. Each group is judged by a model that was
trained on the other groups.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers.utils import logging

from ...evaluation.protocol import FACTS_FILE, TrainingFacts, read_training_facts
from ...training import Recipe
from ...training.data_sections import FoldsSection
from ...training.prior_runs import train_once
from ...training.run_folder import check_output

logger = logging.get_logger(__name__)

GROUPS = 2


@dataclass(frozen=True)
class FoldGroup:
    """Folds that one model judges, and those that it is trained and selected on."""

    judged: tuple[int, ...]
    train: tuple[int, ...]
    validation: tuple[int, ...]


@dataclass(frozen=True)
class CrossFit:
    """Which model judges which fold.

    Args:
        folders: of the models.
        facts: what each was trained on.
        judge: fold of the corpus -> number of its model.
        seen: for each model the folds that it was trained on. Those that it was only selected on are not among them.
        used: the folds that any of the models was trained or selected on; all others were set aside for evaluation.
    """

    folders: tuple[str, ...]
    facts: tuple[TrainingFacts, ...]
    judge: dict[int, int]
    seen: tuple[frozenset[int], ...]
    used: frozenset[int]

    def calibration_folds(self, fold: int) -> list[int]:
        """Folds whose rows may set the thresholds of a fold: the model was not trained on them, they are not the fold
        itself, and they were not set aside for evaluation."""
        available = self.used or frozenset(self.judge)
        return sorted(available - self.seen[self.judge[fold]] - {fold})


def plan_groups(folds: Iterable[int], groups: int = GROUPS) -> list[FoldGroup]:
    """Folds in `groups` parts; the model of each trains on the others and is selected on the first fold of the next.

    Raises:
        ValueError: fewer than two groups, or so few folds that nothing is left to train on.

    Example:
        >>> plan_groups(range(1, 9))[0]
        FoldGroup(judged=(1, 2, 3, 4), train=(6, 7, 8), validation=(5,))
    """
    folds = sorted(set(folds))
    if groups < 2 or len(folds) < groups:
        raise ValueError(f"{groups} groups of the folds {folds}: wanted at least two groups, and a fold in each")
    parts = [tuple(int(fold) for fold in part) for part in np.array_split(folds, groups)]
    plan = []
    for number, judged in enumerate(parts):
        validation = parts[(number + 1) % groups][0]
        train = tuple(fold for fold in folds if fold not in judged and fold != validation)
        if not train:
            raise ValueError(f"the folds {folds} in {groups} groups leave nothing to train on beside {validation}")
        plan.append(FoldGroup(judged, train, (validation,)))
    return plan


def train_cross_fit(recipe: Recipe, output_dir, folds: Iterable[int] | None = None, groups: int = GROUPS) -> list[str]:
    """Trains a model for each group of folds; what an interrupted call finished is not trained again.

    Args:
        recipe: of a dual encoder; its corpus's folds are replaced.
        output_dir: holds a folder for each group.
        folds: those to cross-fit in; None takes the recipe's training and validation folds, so that what it sets
            aside for evaluation stays unseen.
        groups: of folds.

    Returns:
        The folders of the models.

    Raises:
        ValueError: see `plan_groups`; a run of another recipe is in the folder.
        OSError: a folder that holds something else.
    """
    own_folds = recipe.data.only_source("cross-fitting").folds
    folds = [*own_folds.train, *own_folds.validation] if folds is None else list(folds)
    plan = plan_groups(folds, groups)
    folders = [Path(output_dir) / f"judge_of_{'_'.join(map(str, group.judged))}" for group in plan]
    for folder in folders:
        check_output(folder, resume=True, overwrite=False)
    for group, folder in zip(plan, folders, strict=True):
        own = copy.deepcopy(recipe)
        (source,) = own.data.sources
        source.folds = FoldsSection(list(group.train), list(group.validation))
        train_once(own, folder)
    return [str(folder) for folder in folders]


def assign_judges(folders: Sequence[str], config: str | None, folds: Iterable[int]) -> CrossFit:
    """Gives each fold the first of the models that has not seen it.

    Args:
        folders: model folders with their training facts.
        config: configuration of the corpus to judge, such as "ptb_xl_100hz"; a model of another corpus has seen none
            of it.
        folds: folds of the corpus to judge.

    Raises:
        ValueError: a folder without training facts, so that what it saw is not known; a fold that every model was
            trained or selected on.
    """
    facts = []
    for folder in folders:
        entry = read_training_facts(folder)
        if entry is None:
            raise ValueError(f"{folder} has no {FACTS_FILE}: which records it was trained on is not known")
        if not all(source.train_folds for source in entry.of(config)):
            raise ValueError(
                f"{folder}: its {FACTS_FILE} name no train_folds, so what it saw of {config} is not known"
            )
        facts.append(entry)
    used = [entry.folds(config) for entry in facts]
    seen, selected = [train for train, _ in used], [validation for _, validation in used]
    judge = {}
    for fold in sorted(set(folds)):
        free = [number for number in range(len(facts)) if fold not in seen[number] | selected[number]]
        if not free:
            known = "; ".join(
                f"{folder}: trained on {sorted(a)}, selected on {sorted(b)}"
                for folder, a, b in zip(folders, seen, selected, strict=True)
            )
            raise ValueError(
                f"fold {fold} would be judged by a model that saw it ({known}): give models that were trained without"
                " it, one for each group of folds"
            )
        judge[fold] = free[0]
    return CrossFit(tuple(map(str, folders)), tuple(facts), judge, tuple(seen), frozenset().union(*seen, *selected))


def check_patients(patients: Sequence[str], folds: Sequence[int]) -> None:
    """Raises ValueError when a patient's records lie in several folds: groups of folds would share patients."""
    fold_of: dict[str, int] = {}
    for patient, fold in zip(patients, folds, strict=True):
        if fold_of.setdefault(patient, fold) != fold:
            raise ValueError(
                f"patient {patient} is in folds {fold_of[patient]} and {fold}: cross-fitting wants each patient in one"
            )
