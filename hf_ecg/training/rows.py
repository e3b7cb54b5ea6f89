"""From a recipe's section to the rows to train on, and what a collator is to make of them."""

import dataclasses

import numpy as np
from transformers.utils import logging

from ..checks import nearest
from ..data.corpus import (
    load_corpus,
    non_empty_text,
    rows_with_targets,
    shuffle_across_patients,
    single_class_rows,
    target_matrix,
)
from .recipe import CONTRASTIVE_COLLATOR, REGRESSION_COLLATOR, TEXT_COLLATOR, CollatorSection, DataSection

logger = logging.get_logger(__name__)


def load_data(section: DataSection, making: CollatorSection, with_validation: bool, seed: int = 0):
    """Rows to train on and rows to select on (None without validation).

    Args:
        section: where from, and which.
        making: what the rows are for: those that it can make nothing of are left out, and the log counts them.
        with_validation: whether rows to select on are wanted.
        seed: of the controls.

    Raises:
        ValueError: no path, a column or lead that the corpus does not have, no rows left.
    """
    if not section.path:
        raise ValueError("data.path is not given: a recipe names it, or `data.path=FOLDER` on the command line does")
    train = load_corpus(section.path, config=section.config, folds=section.folds.train)
    validation = None
    if with_validation:
        validation = load_corpus(section.path, config=section.config, folds=section.folds.validation)
    collator = making.name
    columns = {
        TEXT_COLLATOR: [section.columns.text],
        CONTRASTIVE_COLLATOR: risk_columns(section),
        REGRESSION_COLLATOR: section.targets,
    }
    columns = columns.get(collator, section.label_sets)
    for column in columns:
        if column not in train.column_names:
            raise ValueError(f"{section.path} has no column {column!r}{nearest(column, train.column_names)}")
    if collator == CONTRASTIVE_COLLATOR and section.columns.risk is not None:
        # without any risk the loss is InfoNCE, and nobody would know
        if not np.isfinite(target_matrix(train, [section.columns.risk])).any():
            raise ValueError(
                f"{section.path}: none of the {len(train)} training rows knows {section.columns.risk!r}, which"
                " data.columns.risk names"
            )
    if collator == TEXT_COLLATOR:
        train = non_empty_text(train, section.columns.text)
        if section.shuffle_texts:
            logger.warning("control: every record is trained on another patient's text")
            train = shuffle_across_patients(train, [section.columns.text], seed)
    if making.single_label:
        (label_set,) = section.label_sets
        train = single_class_rows(train, label_set)
        validation = None if validation is None else single_class_rows(validation, label_set)
    if collator == REGRESSION_COLLATOR:
        train = rows_with_targets(train, section.targets)
        validation = None if validation is None else rows_with_targets(validation, section.targets)
    if section.shuffle_risk:
        logger.warning("control: every record is trained with another patient's risk")
        train = shuffle_across_patients(train, risk_columns(section), seed)
    if section.leads is not None:
        carried = set(map(tuple, train.with_format(None).select_columns(["leads"])["leads"]))
        short = [leads for leads in carried if not {x.upper() for x in section.leads} <= {x.upper() for x in leads}]
        if short:
            raise ValueError(f"data.leads wants {section.leads}, but records carry {list(short[0])}")
    if len(train) == 0:
        raise ValueError(f"{section.path}: no rows to train on in folds {section.folds.train}")
    return train, validation


def class_labels(class_names: dict[str, list[str]]) -> list[str]:
    """Output names of a classifier: the classes of one label set, or `label_set: class` over several."""
    if len(class_names) == 1:
        return list(next(iter(class_names.values())))
    return [f"{label_set}: {name}" for label_set, names in class_names.items() for name in names]


def target_units(dataset, targets: list[str]) -> dict[str, list[float]]:
    """Mean and standard deviation of each target over the rows that know it, as a configuration holds them.

    Raises:
        ValueError: a target that no row knows, or that is the same in all.
    """
    values = target_matrix(dataset, targets)
    for target, column in zip(targets, values.T, strict=True):
        known = column[np.isfinite(column)]
        if len(known) == 0 or known.std() == 0:
            raise ValueError(f"the training rows have {len(set(known))} different values of {target}, wanted several")
    return {"target_mean": np.nanmean(values, 0).tolist(), "target_scale": np.nanstd(values, 0).tolist()}


def collator_spec(section: CollatorSection, data: DataSection) -> dict:
    """What `data.collators.build_collator` takes: the section's options that are given, and the data's columns."""
    spec = {key: value for key, value in dataclasses.asdict(section).items() if value is not None}
    if section.name == TEXT_COLLATOR:
        return spec | {"text_column": data.columns.text}
    if section.name == CONTRASTIVE_COLLATOR:
        columns = {"risk_column": data.columns.risk, "missing_rate_column": data.columns.missing_rate}
        return spec | {key: value for key, value in columns.items() if value is not None}
    if section.name == REGRESSION_COLLATOR:
        return spec | {"targets": data.targets}
    return spec | {"label_sets": data.label_sets}


def risk_columns(section: DataSection) -> list[str]:
    """The columns that say how ill a record's patient is, as far as the recipe names them."""
    return [column for column in (section.columns.risk, section.columns.missing_rate) if column is not None]
