"""Linear probes of frozen encoders on the tasks of one corpus, each beside the random encoder of its network."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from datasets import Dataset

from ...data.rows import rows_fingerprint
from ...files import ArrayStore, values_digest
from ..benchmark.model_outputs import model_key
from ..judging.features import PreparedRows, ecg_features, random_model
from ..judging.linear_probe import STRENGTHS, ProbeRows, linear_probe
from ..judging.probe_task import SPLITS
from ..judging.ridge_probe import ridge_probe
from ..judging.softmax_probe import softmax_probe
from ..judging.supervised import RANDOM, REGRESSION, SINGLE_LABEL, differences
from ..loading import load_encoder, pick_device
from ..metrics.bootstrap import bootstrap_evaluation
from ..metrics.classification import require_counted_classes
from ..metrics.figures import (
    TRAINING_MEAN,
    bootstrap_figures,
    figure_entries,
    figures_task,
    regression_figures,
    single_label_figures,
)
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..protocol import SUPERVISED
from ..reports.evaluation_report import task_entry
from .task_rows import FoundCorpus, OneLead, TaskRows, one_lead


@dataclass(frozen=True)
class ClefSettings:
    """Options of a run.

    Args:
        folds: of "train", "validation" (chooses the strength of a probe) and "test".
        lead: of corpora that have several; I as in the paper. The released evaluation takes II.
        compat_order: split as the released code does where it splits by the order of the rows.
        random: also the encoder with weights drawn anew.
        strengths: of the probes of labels, tried on the validation rows.
        intervals: of all figures; the seed is also that of the random encoders.
        forward: how the models are run.
        allow_training_folds: judge folds that the models were trained on.
    """

    folds: Mapping[str, Sequence[int]]
    lead: str = "I"
    compat_order: bool = False
    random: bool = True
    strengths: tuple[float, ...] = STRENGTHS
    intervals: IntervalOptions = DEFAULT_INTERVALS
    forward: ForwardOptions = DEFAULT_FORWARD
    allow_training_folds: bool = False


@dataclass(frozen=True)
class NamedModel:
    """An encoder to judge: what the report calls it, and its folder."""

    name: str
    folder: str


def probe_scores(
    corpus: FoundCorpus,
    splits: Mapping[str, Dataset],
    tasks: Sequence[TaskRows],
    model: NamedModel,
    leads: Sequence[str],
    settings: ClefSettings,
    store: ArrayStore,
) -> dict[tuple[str, str], np.ndarray]:
    """What probes of one encoder, and of its random companion, say of the test rows.

    What was computed before, from the same weights, rows and options, is taken from the store.

    Args:
        corpus: of the rows.
        splits: its rows.
        tasks: of this corpus.
        model: the encoder.
        leads: of the corpus's rows.
        settings: see there.
        store: features and scores.

    Returns:
        (task, system) -> float64 scores (test rows, classes), or numbers (test rows,).

    Raises:
        ValueError: a lead that the corpus or the encoder does not have.
        RowsRefused: rows that the extractor refuses.
    """
    encoder, extractor = load_encoder(model.folder, pick_device(settings.forward.device))
    shown = one_lead(extractor, leads, settings.lead, corpus.name)
    key = model_key(encoder, extractor) | {"lead": [shown.lead, shown.shown_as]}
    seed = settings.intervals.seed
    # drawn only when something of it is not there yet
    kinds = {model.name: (lambda: encoder, key)}
    if settings.random:
        drawn = key | {"random": seed, "torch": torch.__version__}
        kinds[model.name + RANDOM] = (lambda: random_model(encoder, seed), drawn)
    scores = {}
    for system, (make, digest) in kinds.items():
        features = _Features(splits, shown, make, digest, settings, store, f"{system}: {corpus.name}")
        for task in tasks:
            scores[task.task.name, system] = _scores(task, features, settings, store)
    return scores


class _Features:
    """Pooled features of a corpus's rows, made when first asked for."""

    def __init__(self, splits, shown: OneLead, make, key: dict, settings: ClefSettings, store, title: str):
        self.splits, self.shown, self.make, self.key = splits, shown, make, key
        self.settings, self.store, self.title = settings, store, title
        self.encoder = None
        self.found: dict[str, np.ndarray] = {}

    def split_key(self, split: str) -> dict:
        return self.key | {"rows": rows_fingerprint(self.splits[split])}

    def of(self, split: str) -> np.ndarray:
        if split not in self.found:
            name = f"features-{split}-{values_digest(self.split_key(split))}"
            self.found[split] = self.store.make(name, partial(self._compute, split))["values"]
        return self.found[split]

    def _compute(self, split: str) -> dict[str, np.ndarray]:
        self.encoder = self.make() if self.encoder is None else self.encoder
        rows = PreparedRows(self.shown, self.splits[split], self.settings.forward.batch_size)
        return {"values": ecg_features(self.encoder, self.shown, rows, description=f"{self.title}, {split}")}


def _scores(task: TaskRows, features: _Features, settings: ClefSettings, store: ArrayStore) -> np.ndarray:
    key = {
        "features": [features.split_key(split) for split in SPLITS],
        "rows": [task.rows[split] for split in SPLITS],
        "truth": [task.truth[split] for split in SPLITS],
        "options": [list(settings.strengths), settings.intervals.minimum, task.task.problem, task.task.balanced],
    }
    return store.make(f"{task.task.name}-{values_digest(key)}", lambda: {"scores": _fitted(task, features, settings)})[
        "scores"
    ]


def _fitted(task: TaskRows, features: _Features, settings: ClefSettings) -> np.ndarray:
    known = {split: features.of(split)[task.rows[split]] for split in SPLITS}
    if task.task.problem == REGRESSION:
        train, validation = ((known[split], task.truth[split]) for split in SPLITS[:2])
        return ridge_probe(*train, *validation, known["test"])
    rows = [ProbeRows(known[split], task.truth[split], task.patients[split]) for split in SPLITS[:2]]
    options = {"strengths": settings.strengths, "minimum": settings.intervals.minimum}
    if task.task.problem == SINGLE_LABEL:
        given = (*rows, known["test"], task.class_names, task.task.balanced)
        return softmax_probe(*given, **options).scores
    # patients were looked at when the rows were chosen; a split by order may share some, and says so
    return linear_probe(*rows, known["test"], task.class_names, shared_patients=True, **options).scores


def judged_entry(task: TaskRows, scores: Mapping[str, np.ndarray], intervals: IntervalOptions) -> dict:
    """A task of a report: figures of every system with intervals over patients, each model minus its companion.

    Args:
        task: whose test rows were scored.
        scores: system -> scores (test rows, classes), or numbers (test rows,); the name of a companion is the model's
            and `RANDOM`.
        intervals: see there.
    """
    pairs = [pair for pair in differences(list(scores)) if pair[1].endswith(RANDOM)]
    patients, truth, given = task.patients["test"], task.truth["test"], task.task
    bootstrap = (patients, intervals.replicates, intervals.seed)
    if given.problem == REGRESSION:
        mean = np.full(len(truth), task.truth["train"].mean())
        measured = {
            name: bootstrap_figures(partial(regression_figures, truth, one), *bootstrap)
            for name, one in (dict(scores) | {TRAINING_MEAN: mean}).items()
        }
        return figures_task(given.name, given.column, measured, pairs) | {"unit": given.unit}
    names = task.class_names
    systems = {
        name: bootstrap_evaluation(truth, one, patients, names, **asdict(intervals)) for name, one in scores.items()
    }
    entry = task_entry(given.name, SUPERVISED, systems, pairs, label_set=given.column)
    if given.problem != SINGLE_LABEL:
        return entry
    wanted = given.f1_classes or require_counted_classes(truth, names, intervals.minimum)
    counted = [names.index(name) for name in wanted if name in names]
    measured = {
        name: bootstrap_figures(partial(single_label_figures, truth.argmax(axis=1), one, counted=counted), *bootstrap)
        for name, one in scores.items()
    }
    return entry | figure_entries(measured, pairs) | {"f1_classes": [names[number] for number in counted]}
