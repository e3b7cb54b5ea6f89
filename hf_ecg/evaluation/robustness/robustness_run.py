"""A model and a corpus in, a table of conditions out; every cell is kept, and not computed again."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...data.added_noise import NOISES
from ...data.corpus import find_config, load_corpus
from ...data.noise_views import check_recordings
from ...data.rows import rows_fingerprint
from ...files import ArrayStore, values_digest
from ...locks import output_lock
from ...owned_folders import mark
from ...progress import progress_bar
from ..judging.features import run_model
from ..judging.linear_probe import require_disjoint
from ..judging.refused import nan_where_refused
from ..judging.rows_with_covariates import with_covariates
from ..loading import describe_seeds, facts_for_evaluation, pick_device
from ..metrics.bootstrap import Evaluation, bootstrap_evaluation, paired_difference
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..reports.evaluation_report import report_frame
from .conditions import GRID, TABLE_MAKERS, TOLERANTECG, Condition, NoiseOptions
from .disturbed_rows import DisturbedRows
from .judged_model import (
    CLASSIFIER,
    PROBE,
    PROMPTS,
    JudgedModel,
    JudgedTask,
    judged_tasks,
    kind_of,
    load_classifier_judge,
    load_probed_judge,
    load_prompted_judge,
)
from .robustness_page import AGAINST, TITLE

REPORT_NAME, PARTS_NAME = "robustness.json", "parts"


@dataclass(frozen=True)
class RobustnessOptions:
    """What is asked of a model.

    Args:
        label_sets: columns of labels, a task each.
        prompts: of a dual encoder: prompt sets in their place; default: those of the package for the label sets.
        probe: judge the encoder by a linear probe, also where the model has classes or texts of its own.
        lead: of an encoder of a single lead, the one that its probe is trained on.
        table: "grid" (sets of leads by noises) or "tolerantecg" (its four conditions).
        noise: what is added, and how.
        leaky: patients may be in several splits, as in published splits by segment; the report says so.
        against: folders of another model of the same kind, its seeds: every cell gets the paired difference to it.

    Raises:
        ValueError: some kinds of noise for the table "tolerantecg", which mixes them all.
    """

    label_sets: tuple[str, ...]
    prompts: tuple[str, ...] = ()
    probe: bool = False
    lead: str | None = None
    table: str = GRID
    noise: NoiseOptions = NoiseOptions()
    leaky: bool = False
    against: tuple[str, ...] = ()

    def __post_init__(self):
        if self.table == TOLERANTECG and set(self.noise.kinds) != set(NOISES):
            raise ValueError(
                f"the noises are {', '.join(self.noise.kinds)}, and the table {TOLERANTECG} mixes {', '.join(NOISES)}:"
                " leave --noises out"
            )


def judge_robustness(
    models: Sequence[str],
    data: str,
    output_dir,
    options: RobustnessOptions,
    *,
    folds: Mapping[str, list[int]],
    config: str | None = None,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of one model under all conditions of a table.

    Of every condition the macro AUROC, and its drop against the first clean condition that the model can read (all
    twelve leads, where it can), on the same records and the same resampled patients. A condition that the model cannot
    read has no figure but the reason.

    Args:
        models: folders of classifiers, of dual encoders, or of encoders: the seeds of one model.
        data, config: prepared corpus and its configuration.
        output_dir: `parts/` in it keeps what was computed.
        options: see there.
        folds: "test"; of a probe also "train" and "validation".
        allow_training_folds: judge folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: models of different kinds, folds of the training, a model that cannot read any condition.
        OSError: a model, the corpus or a recording of noise is not there, or another process writes the folder.
    """
    models, against, output_dir = list(models), list(options.against), Path(output_dir)
    if options.noise.recordings is not None:
        # before hours of clean conditions, not behind them
        kinds = options.noise.kinds if options.table == GRID else tuple(NOISES)
        check_recordings(options.noise.recordings, [NOISES[kind] for kind in kinds])
    kinds = {kind_of(folder, options.probe) for folder in (*models, *against)}
    if len(kinds) != 1:
        raise ValueError(f"{models + against} are asked by {' and by '.join(sorted(kinds))}, wanted one way for all")
    (kind,) = kinds
    if options.lead is not None and kind != PROBE:
        raise ValueError(f"lead is {options.lead!r}, which says what a probe is trained on; this is a {kind}")
    config = find_config(data, config)
    facts = facts_for_evaluation(models + against, config, folds["test"], allow_training_folds)
    wanted = dict(folds) if kind == PROBE else {"test": folds["test"]}
    if not options.leaky:
        require_disjoint(wanted, "folds")
    splits = {
        split: load_corpus(data, config=config, folds=numbers, keep_unusable=forward.strict)
        for split, numbers in wanted.items()
    }
    tasks = judged_tasks(kind, splits, options.label_sets, options.prompts, intervals, facts, config, options.leaky)
    with output_lock(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
        mark(output_dir, "robustness")
        conditions = TABLE_MAKERS[options.table](options.noise)
        table, other = (_Table(splits, tasks, conditions, output_dir / PARTS_NAME, forward) for _ in range(2))
        of_model, of_other = facts[: len(models)], facts[len(models) :]
        for one, folders, entries in ((table, models, of_model), (other, against, of_other)):
            for index, (folder, entry) in enumerate(zip(folders, entries, strict=True)):
                one.add(_load(kind, folder, entry, splits, tasks, options, intervals.seed + index, one))
        if against:
            table.other = other
        notes = table.notes() + forward.notes()
        if options.leaky:
            notes.append("leaky: patients may be in the training rows and among the judged ones")
        patients = [splits["test"].select_columns("patient_id")["patient_id"][:]]
        described = {kind: _described(models, of_model, table)}
        if against:
            described[AGAINST] = _described(against, of_other, other)
        frame = report_frame(TITLE, data, config, intervals, table.device, wanted, patients, described, notes)
        return frame | {
            "kind": kind,
            "table": options.table,
            "leaky": options.leaky,
            "noise": _noise_facts(options.noise),
            "tasks": [table.entry(task, intervals) for task in tasks],
        }


def _described(folders: list[str], facts: list, table: "_Table") -> list[dict]:
    return [one | told for one, told in zip(describe_seeds(folders, facts), table.told, strict=True)]


def _noise_facts(noise: NoiseOptions) -> dict:
    facts = asdict(noise)
    facts |= {"kinds": list(noise.kinds), "snrs_db": list(noise.snrs_db)}
    facts["recordings"] = None if noise.recordings is None else Path(noise.recordings).name
    return facts


def _load(kind, folder, facts, splits, tasks, options: RobustnessOptions, seed: int, table: "_Table") -> JudgedModel:
    if kind == CLASSIFIER:
        return load_classifier_judge(folder, table.device, tasks, facts)
    if kind == PROMPTS:
        return load_prompted_judge(folder, table.device, tasks, facts)
    return load_probed_judge(
        folder,
        table.device,
        tasks,
        splits,
        lead=options.lead,
        seed=seed,
        options=table.forward,
        features=table.clean_features,
    )


class _Table:
    """The conditions, and what each model says under each."""

    def __init__(
        self,
        splits: Mapping,
        tasks: Sequence[JudgedTask],
        conditions: Sequence[Condition],
        parts: Path,
        forward: ForwardOptions,
    ):
        self.splits, self.tasks, self.conditions = splits, list(tasks), list(conditions)
        self.parts, self.forward, self.device = ArrayStore(parts), forward, pick_device(forward.device)
        self.rows_key = {split: rows_fingerprint(rows) for split, rows in splits.items()}
        # condition -> what each model gives, NaN for rows that its extractor refuses; or why it gives nothing
        self.found: dict[Condition, list[np.ndarray]] = {}
        self.reasons: dict[Condition, str] = {}
        self.models: list[JudgedModel] = []
        self.told: list[dict] = []
        # what every cell is compared with, beside the reference
        self.other: _Table | None = None

    def clean_features(self, key: dict, split: str, compute) -> np.ndarray:
        name = values_digest(key | self.forward.key() | {"rows": self.rows_key[split]})
        return self.parts.make(f"{split}-{name}", lambda: {"values": compute()})["values"]

    def add(self, judged: JudgedModel) -> None:
        """Asks one model under every condition."""
        self.models.append(judged)
        self.told.append(judged.facts)
        for condition in progress_bar(self.conditions, desc="conditions", unit="condition"):
            try:
                self.found.setdefault(condition, []).append(self._numbers(judged, condition))
            except ValueError as error:
                self.reasons[condition] = str(error)
        if not self._readable():
            raise ValueError(f"the model can read none of the conditions: {self.reasons[self.conditions[0]]}")

    def _numbers(self, judged: JudgedModel, condition: Condition) -> np.ndarray:
        def embed(rows) -> np.ndarray:
            batches = DisturbedRows(judged.extractor, rows, condition, self.forward.batch_size)
            batches.check_readable()
            told = with_covariates(batches, judged.covariates)
            return run_model(judged.model, told, judged.forward, condition.name, self.forward.crops).numpy()

        key = judged.key | self.forward.key() | {"condition": asdict(condition), "rows": self.rows_key["test"]}
        if judged.covariates:
            key["told"] = rows_fingerprint(self.splits["test"], judged.covariates)
        make = partial(nan_where_refused, embed, self.splits["test"], self.forward.strict)
        return self.parts.make(f"{condition.name}-{values_digest(key)}", lambda: {"values": make()})["values"]

    def _readable(self) -> list[Condition]:
        return [one for one in self.conditions if one not in self.reasons]

    def _kept(self) -> np.ndarray:
        """Test rows that no model refuses under any condition: all cells are about the same ones."""
        numbers = [values for one in self._readable() for values in self.found[one]]
        kept = np.all([np.isfinite(values).all(axis=1) for values in numbers], axis=0)
        return kept if self.other is None else kept & self.other._kept()

    def notes(self) -> list[str]:
        refused = np.flatnonzero(~self._kept())
        if not len(refused):
            return []
        names = self.splits["test"].select_columns("record_id")["record_id"][:]
        listed = ", ".join(str(names[row]) for row in refused[:5])
        return [f"rows that an extractor refuses under some condition are in no figure: {len(refused)} ({listed})"]

    def entry(self, task: JudgedTask, intervals: IntervalOptions) -> dict:
        """One task of the report."""
        kept = self._kept()[task.rows]
        judged = self._judged(task, kept, intervals)
        compared = {} if self.other is None else self.other._judged(task, kept, intervals)
        reference = next((one for one in judged if one.clean), next(iter(judged)))
        first = judged[reference]
        return {
            "name": task.name,
            "label_set": task.label_set,
            "protocol": task.protocol,
            "records": first.records,
            "patients": first.patients,
            "classes": first.counted,
            "rare": {key: entry.positives for key, entry in first.classes.items() if not entry.counted},
            "reference": reference.name,
            "cells": [self._cell(one, judged, reference, compared) for one in self.conditions],
        }

    def _judged(self, task: JudgedTask, kept: np.ndarray, intervals: IntervalOptions) -> dict[Condition, Evaluation]:
        """Every condition that can be read, on the rows of the task that are kept."""
        rows, labels = task.rows[kept], task.labels[kept]
        patients = np.array(self.splits["test"].select_columns("patient_id")["patient_id"][:])[rows]
        judged: dict[Condition, Evaluation] = {}
        for one in progress_bar(self._readable(), desc=f"{task.name}, intervals", unit="condition", leave=False):
            scores = np.stack(
                [model.score(task, values[rows]) for model, values in zip(self.models, self.found[one], strict=True)]
            )
            judged[one] = bootstrap_evaluation(labels, scores, patients, task.class_names, **asdict(intervals))
        return judged

    def _cell(
        self,
        condition: Condition,
        judged: Mapping[Condition, Evaluation],
        reference: Condition,
        compared: Mapping[Condition, Evaluation],
    ) -> dict:
        noise = condition.noise
        told = {
            "leads": condition.leads,
            "noise": condition.noise_name,
            "kind": None if noise is None else noise.kind,
            "snr_db": None if noise is None else noise.snr_db,
        }
        if condition not in judged:
            return told | {"reason": self.reasons[condition]}
        evaluation = judged[condition]
        told["auroc"] = dataclasses.asdict(evaluation.macro["auroc"])
        told["class_auroc"] = {name: evaluation.classes[name].auroc.value for name in evaluation.counted}
        if condition != reference:
            difference = paired_difference(evaluation, judged[reference])["macro"]["auroc"]
            told["change"] = dataclasses.asdict(difference)
        if condition in compared:
            difference = paired_difference(evaluation, compared[condition])["macro"]["auroc"]
            told[AGAINST] = dataclasses.asdict(difference)
        return told
