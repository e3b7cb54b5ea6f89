"""Linear probes of frozen encoders, beside the random encoder and the supervised classifier of the same budget."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from ...data.corpus import label_names, load_corpus
from ..loading import (
    budget_notes,
    check_label_sets,
    describe_seeds,
    facts_for_evaluation,
    load_classifier,
    load_encoder,
    pick_device,
)
from ..metrics.bootstrap import bootstrap_evaluation
from ..options import ALONE, DEFAULT_FORWARD, DEFAULT_INTERVALS, Companions, ForwardOptions, IntervalOptions
from ..protocol import SUPERVISED
from ..reports.evaluation_report import report_frame, task_entry
from .features import ecg_features, random_model
from .label_text import classifier_scores
from .linear_probe import STRENGTHS, require_disjoint
from .probe_task import ProbeTask, probe_entry, probe_name, probe_pairs, probe_task, untrained_notes

PROBE, RANDOM, CLASSIFIER = "probe", "random encoder, probe", "BCE classifier"


def judge_by_probe(
    models: Sequence[str],
    data: str,
    label_set: str,
    *,
    folds: Mapping[str, list[int]],
    percentages: Sequence[float],
    strengths: Sequence[float] = STRENGTHS,
    config: str | None = None,
    companions: Companions = ALONE,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of linear probes; see `write_report`.

    Args:
        models: folders of encoders (OUT/encoder), the seeds of one model.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        label_set: column of labels.
        folds: "train", "validation" (chooses the strength only) and "test".
        percentages: of the training patients, a probe each.
        strengths: values of C to try.
        companions: classifiers, and probes of the encoder with weights drawn anew.
        allow_training_folds: test on folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: splits that share folds or patients, folds of the training, a classifier of other label sets.
        OSError: a model or corpus is not there.
    """
    models, supervised = list(models), list(companions.supervised)
    device = pick_device(forward.device)
    require_disjoint(folds, "folds")
    facts = facts_for_evaluation(models, config, folds["test"], allow_training_folds)
    companion_facts = facts_for_evaluation(supervised, config, folds["test"], allow_training_folds)
    check_label_sets(supervised, companion_facts, [label_set])
    splits = {split: load_corpus(data, config=config, folds=numbers) for split, numbers in folds.items()}
    class_names = list(label_names(splits["test"], label_set))
    task = probe_task(splits, label_set, class_names, intervals.minimum)
    splits = {split: dataset.select(task.rows[split]) for split, dataset in splits.items()}
    scores: dict[str, list[np.ndarray]] = {}
    probes = []
    for index, folder in enumerate(models):
        encoder, extractor = load_encoder(folder, device)
        drawn = intervals.seed + index
        encoders = {PROBE: encoder} | ({RANDOM: random_model(encoder, drawn)} if companions.random else {})
        for kind, each in encoders.items():
            features = {
                split: ecg_features(each, extractor, dataset, forward.batch_size, f"{folder}, {kind}, {split}")
                for split, dataset in splits.items()
            }
            for percentage in percentages:
                result = task.fit(features, percentage, drawn, list(strengths))
                system = probe_name(kind, percentage)
                scores.setdefault(system, []).append(result.scores)
                probes.append(probe_entry(system, folder, drawn, result))
    for folder in supervised:
        classifier, extractor = load_classifier(folder, device)
        given = (splits["test"], class_names, label_set, forward.batch_size, folder)
        scores.setdefault(CLASSIFIER, []).append(classifier_scores(classifier, extractor, *given))
    entry = _entry(label_set, class_names, task, scores, percentages, intervals)
    described = {"probe": describe_seeds(models, facts)}
    if companions.random:
        described["random encoder"] = [
            {"folder": "drawn anew", "seed": intervals.seed + i} for i in range(len(models))
        ]
    if supervised:
        described[CLASSIFIER] = describe_seeds(supervised, companion_facts)
    notes = budget_notes(facts, companion_facts) + untrained_notes(probes)
    frame = report_frame(
        "Linear probe",
        data,
        config,
        intervals,
        device,
        dict(folds),
        list(task.patients.values()),
        described,
        notes,
    )
    return frame | {"probes": probes, "tasks": [entry]}


def _entry(
    label_set: str,
    class_names: list[str],
    task: ProbeTask,
    scores: dict[str, list[np.ndarray]],
    percentages: Sequence[float],
    intervals: IntervalOptions,
) -> dict:
    """The task's entry of the report."""
    systems = {
        name: bootstrap_evaluation(
            task.labels["test"], np.stack(seeds), task.patients["test"], class_names, **asdict(intervals)
        )
        for name, seeds in sorted(scores.items(), key=lambda item: _rank(item[0]))
    }
    pairs = probe_pairs(list(systems), list(percentages), PROBE, RANDOM, CLASSIFIER)
    return task_entry(label_set, SUPERVISED, systems, pairs, label_set=label_set)


def _rank(system: str) -> tuple:
    kind = 2 if system == CLASSIFIER else int(system.startswith("random"))
    return kind, 0.0 if kind == 2 else -float(system.split()[-2])
