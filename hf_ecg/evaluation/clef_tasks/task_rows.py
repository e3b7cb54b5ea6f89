"""The rows of a task: prepared corpora in a folder, their splits, what each row is to be told, and of which lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers.utils import logging

from ...data.corpus import (
    config_names,
    corpus_name,
    has_label_set,
    label_matrix,
    label_names,
    require_columns,
    target_matrix,
)
from ...data.corpus_card import read_summary
from ..judging.linear_probe import require_disjoint
from ..judging.probe_task import SPLITS
from ..judging.supervised import REGRESSION, SINGLE_LABEL
from ..metrics.classification import NothingToJudge, require_counted_classes
from .task_table import ClefTask

logger = logging.get_logger(__name__)


@dataclass(frozen=True)
class FoundCorpus:
    """A prepared corpus: its name (`music`), where it is, its configuration, what its summary says."""

    name: str
    path: str
    config: str
    summary: Mapping = field(default_factory=dict)


def find_corpora(folder, configs: Sequence[str] = ()) -> dict[str, FoundCorpus]:
    """Prepared corpora in a folder, by name: the folder itself, or folders directly below it.

    Args:
        folder: what `hf-ecg prepare` wrote, or a folder of such folders. Other folders there are passed over.
        configs: configurations to take where a corpus is there at several rates.

    Raises:
        ValueError: one corpus in two folders or at two rates, and none of them named.
        OSError: the folder is not there, or holds no prepared corpus.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there, or is not a folder; wanted one of prepared corpora")
    found: dict[str, list[tuple[Path, str]]] = {}
    for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        try:
            names = config_names(str(place))
        except (OSError, ValueError):
            continue  # raw records, or something else
        for config in names:
            found.setdefault(corpus_name(config) or config, []).append((place, config))
    if not found:
        raise FileNotFoundError(f"{folder} holds no prepared corpus, nor does a folder in it: see hf-ecg prepare")
    chosen = {}
    for name, places in found.items():
        named = [(path, config) for path, config in places if config in configs] if len(places) > 1 else places
        if len(named) != 1:
            listed = ", ".join(f"{path} ({config})" for path, config in places)
            raise ValueError(f"{folder} has {name} {len(places)} times: {listed}; name one configuration by --config")
        ((path, config),) = named
        chosen[name] = FoundCorpus(name, str(path), config, read_summary(path))
    return chosen


@dataclass(frozen=True)
class TaskRows:
    """Judged rows of each split of a task.

    Args:
        task: with the column that the corpus has.
        class_names: of a label set, in the order of the columns; empty for a regression.
        rows: split -> numbers of the judged rows in that split's data set.
        truth: split -> (judged rows, classes) of 0 and 1, or float64 (judged rows,).
        patients: split -> identifiers of the judged rows' patients.
    """

    task: ClefTask
    class_names: list[str]
    rows: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]
    patients: dict[str, list]


def open_splits(
    rows: Dataset,
    tasks: Sequence[ClefTask],
    folds: Mapping[str, Sequence[int]],
    order_split: tuple[float, float] | None = None,
) -> dict[str, Dataset]:
    """Rows of train, validation and test that are annotated for one of the tasks.

    Args:
        rows: of the corpus.
        tasks: with columns of this corpus.
        folds: of the splits.
        order_split: shares of train and validation; rows are then split in the order of patient and record, as
            lists of them usually are, and folds do not count.

    Raises:
        ValueError: no rows in the folds of a split, or too few for the shares.
    """
    wanted = ("patient_id", "record_id", "fold")
    patients, names, fold = (rows.select_columns([name]).with_format(None)[name][:] for name in wanted)
    if order_split is None:
        parts = {split: np.flatnonzero(np.isin(fold, list(folds[split]))) for split in SPLITS}
    else:
        order = np.array(sorted(range(len(names)), key=lambda row: (patients[row], names[row])))
        first, second = (round(len(order) * share) for share in np.cumsum(order_split))
        parts = dict(zip(SPLITS, (order[:first], order[first:second], order[second:]), strict=True))
    empty = [split for split, numbers in parts.items() if not len(numbers)]
    if empty:
        raise ValueError(
            f"none of {len(names)} rows are for {', '.join(empty)}: there are the folds {sorted({*fold})}"
        )
    annotated = _annotated(rows, tasks)
    return {split: rows.select(numbers[annotated[numbers]]) for split, numbers in parts.items()}


def _annotated(rows: Dataset, tasks: Sequence[ClefTask]) -> np.ndarray:
    kept = np.zeros(len(rows), dtype=bool)
    for task in tasks:
        values = rows.select_columns([task.column]).with_format(None)[task.column][:]
        kept |= np.array([value is not None for value in values], dtype=bool)
    return kept


def with_column(task: ClefTask, corpus: FoundCorpus, rows: Dataset, columns: Mapping[str, str]) -> ClefTask:
    """The task with the column that the corpus has: the one named, the preferred one, or its own.

    Args:
        corpus: what errors call it.
        rows: of the corpus.
        columns: task name -> column, for tables whose columns are called otherwise.

    Raises:
        ValueError: there is none; says what it wants.
    """
    if task.name in columns:
        task = replace(task, column=columns[task.name])
    elif task.preferred in rows.column_names:
        return replace(task, column=str(task.preferred))
    where = f"{corpus.path} ({corpus.config})"
    try:
        require_columns(rows, [task.column], where)
    except ValueError as error:
        raise ValueError(f"{error}{f': {task.needs}' if task.needs else ''}") from error
    if task.problem != REGRESSION and not has_label_set(rows, task.column):
        raise ValueError(f"{where}: the column {task.column!r} is not a label set, which {task.title} wants")
    return task


def task_rows(splits: Mapping[str, Dataset], task: ClefTask, minimum: int, shared_patients: bool = False) -> TaskRows:
    """The rows of each split that know the truth.

    Of a "single_label" task only rows with exactly one class are judged; the log says how many are not.

    Args:
        splits: of `open_splits`.
        minimum: positives and negatives that a class needs in validation and test to count.
        shared_patients: patients may be in several splits, as in a split by order.

    Raises:
        NothingToJudge: a split without such rows, or no class that counts; a ValueError too.
        ValueError: a patient in two splits unless `shared_patients`.
    """
    rows, truth, patients = {}, {}, {}
    names = [] if task.problem == REGRESSION else list(label_names(splits["test"], task.column))
    for split, dataset in splits.items():
        where = f"{task.title}, {split} rows"
        if task.problem == REGRESSION:
            values = target_matrix(dataset, [task.column])[:, 0]
            kept = np.isfinite(values)
        else:
            values, kept = label_matrix(dataset, task.column)
            if task.problem == SINGLE_LABEL:
                one = values.sum(axis=1) == 1
                if (kept & ~one).any():
                    number, total = int((kept & ~one).sum()), int(kept.sum())
                    logger.warning(
                        "%s: %d of %d are left out: they do not have exactly one class", where, number, total
                    )
                kept &= one
        rows[split] = np.flatnonzero(kept)
        truth[split] = values[rows[split]]
        if not len(rows[split]):
            raise NothingToJudge(f"{where}: none of {len(dataset)} knows {task.column}")
        if names and split != "train":
            require_counted_classes(truth[split], names, minimum, where)
        patients[split] = dataset.select_columns("patient_id").select(rows[split])["patient_id"][:]
    if not shared_patients:
        require_disjoint(patients)
    return TaskRows(task, names, rows, truth, patients)


@dataclass(frozen=True)
class OneLead:
    """One lead of each row, alone, for an extractor; it takes the extractor's place in `PreparedRows`.

    Args:
        extractor: an `ECGFeatureExtractor`.
        lead: by its true name in the rows.
        shown_as: what the extractor is told that it is.
    """

    extractor: object
    lead: str
    shown_as: str

    @property
    def words(self) -> str:
        """ "II", or "X shown as I"."""
        return self.lead if self.lead == self.shown_as else f"{self.lead} shown as {self.shown_as}"

    def __call__(self, rows: Sequence[Mapping], lead: str | None = None, **options):
        picks = any(step["name"] == "pick_lead" for step in self.extractor.steps)
        return self.extractor([self._cut(row) for row in rows], lead=self.shown_as if picks else None, **options)

    def _cut(self, row: Mapping) -> dict:
        leads = list(row["leads"])
        place = leads.index(self.lead)
        cut = {name: np.asarray(row[name])[place : place + 1] for name in ("gain", "baseline")}
        signal = np.asarray(row["signal"]).reshape(len(leads), -1)[place]
        return {**row, **cut, "signal": signal, "leads": [self.shown_as]}


def one_lead(extractor, leads: Sequence[str], wanted: str, where: str) -> OneLead:
    """The lead of a corpus that an encoder is to see, and what the encoder is told that it is.

    A corpus of one lead has no choice. An encoder that does not know that lead by name, such as MUSIC's X or the II of
    a monitor, sees it as the lead that was asked for, or as the only one that it knows, as CLEF's evaluation shows
    every recording to one network; the report names both.

    Args:
        extractor: the encoder's.
        leads: of the corpus's rows.
        wanted: lead of a corpus of several.

    Raises:
        ValueError: the corpus does not have the lead, or the encoder does not know what to take it for.
    """
    known = list(extractor.leads)
    if len(leads) > 1 and wanted not in leads:
        raise ValueError(f"{where} has the leads {', '.join(leads)}, wanted {wanted}")
    lead = wanted if len(leads) > 1 else leads[0]
    shown = next((name for name in (lead, wanted) if name in known), known[0] if len(known) == 1 else None)
    if shown is None:
        raise ValueError(f"{where} has lead {lead}, and the encoder knows {', '.join(known)}, not {wanted}")
    return OneLead(extractor, lead, shown)
