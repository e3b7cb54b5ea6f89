"""Classes that a choice may not rest on: they tell of statements that the training texts never mention.

An epoch, a threshold or a strength that is chosen by the labels of a held-out statement has seen them, and what it
gives for that statement is no longer zero-shot.
"""

from collections.abc import Sequence

import datasets
from transformers.utils import logging

from ...clinical.prompts import PromptSet
from ...clinical.scp import STATEMENT_LABEL_SETS
from ...data.corpus import label_matrix, label_names

logger = logging.get_logger(__name__)


def held_out_classes(dataset: datasets.Dataset, label_set: str, held_out: Sequence[str]) -> list[str]:
    """Classes of a label set that are held-out statements, or gather them.

    A class has the statement's own name; or its label set gathers statements, and every annotated row with the
    statement has the class too, as each row with complete left bundle branch block has a conduction disturbance.

    Args:
        dataset: rows; statements are found in its label sets `all`, `diagnostic`, `form` and `rhythm`.
        label_set: whose classes are asked for.
        held_out: codes of statements.
    """
    names = list(label_names(dataset, label_set))
    found = {name for name in names if name in set(held_out)}
    if label_set in STATEMENT_LABEL_SETS:
        return [name for name in names if name in found]
    classes, annotated = label_matrix(dataset, label_set)
    known: set[str] = set()
    for column in STATEMENT_LABEL_SETS:
        codes = list(label_names(dataset, column)) if column in dataset.column_names else []
        wanted = [code for code in held_out if code in codes]
        if not wanted:
            continue
        matrix, _ = label_matrix(dataset, column)
        for code in wanted:
            rows = (matrix[:, codes.index(code)] > 0) & annotated
            if rows.any():
                found.update(name for name, every in zip(names, classes[rows].all(axis=0), strict=True) if every)
        known.update(wanted)
    unknown = [code for code in held_out if code not in known | found]
    if unknown:
        logger.warning_once(
            f"whether a class of {label_set} gathers {', '.join(unknown)} cannot be told: no label set of statements"
            " has them, and all its classes count"
        )
    return [name for name in names if name in found]


def prompts_to_choose_by(
    dataset: datasets.Dataset, prompt_sets: Sequence[PromptSet], held_out: Sequence[str]
) -> list[PromptSet]:
    """Prompt sets without the classes that are held out, and without those that have no other; the log names both.

    Raises:
        ValueError: nothing is left.
    """
    if not held_out:
        return list(prompt_sets)
    kept, left_out = [], []
    for prompt_set in prompt_sets:
        silent = set(held_out_classes(dataset, prompt_set.label_set, held_out)) & set(prompt_set.classes)
        known = [name for name in prompt_set.classes if name not in silent]
        if silent:
            left_out.append(f"{', '.join(sorted(silent))} of {prompt_set.name}" + " (all of it)" * (not known))
        if known:
            kept.append(prompt_set.for_classes(known))
    if left_out:
        logger.warning(
            "the choice of the epoch leaves out %s: the training texts hold out %s",
            *("; ".join(left_out), ", ".join(held_out)),
        )
    if not kept:
        raise ValueError(
            f"every class of {', '.join(p.name for p in prompt_sets)} tells of statements that the training texts hold"
            f" out ({', '.join(held_out)}): name other prompts, or `validation: null`, which keeps the last epoch"
        )
    return kept
