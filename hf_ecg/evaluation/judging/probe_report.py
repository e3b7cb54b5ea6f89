"""Linear probes of frozen encoders, beside the random encoder and the supervised classifier of the same budget."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from ...data.corpus import find_config, label_names, load_corpus
from ..loading import (
    budget_notes,
    check_label_sets,
    describe_drawn,
    describe_seeds,
    facts_for_evaluation,
    load_classifier,
    load_encoder,
    pick_device,
)
from ..metrics.bootstrap import bootstrap_evaluation
from ..metrics.classification import METRICS
from ..options import ALONE, DEFAULT_FORWARD, DEFAULT_INTERVALS, Companions, ForwardOptions, IntervalOptions
from ..protocol import SUPERVISED
from ..reports.evaluation_report import report_frame, task_entry
from .averaged_windows import averaged_windows_notes
from .features import ecg_features, random_model
from .label_text import classifier_scores
from .linear_probe import STRENGTHS, require_disjoint
from .probe_task import probe_entry, probe_name, probe_pairs, probe_task, untrained_notes
from .refused import note_refused, skip_refused

PROBE, RANDOM, CLASSIFIER = "probe", "random encoder, probe", "BCE classifier"


def judge_by_probe(
    models: Sequence[str],
    data: str,
    label_set: str,
    *,
    folds: Mapping[str, list[int]],
    percentages: Sequence[float],
    strengths: Sequence[float] = STRENGTHS,
    metric: str = METRICS[0],
    lead: str | None = None,
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
        metric: that chooses among them on the validation rows, and that the summary shows: "auroc" or "auprc".
        lead: for encoders of a single lead, the one that they are to see; the report names it.
        companions: classifiers, and probes of the encoder with weights drawn anew.
        allow_training_folds: test on folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: splits that share folds or patients, folds of the training, a classifier of other label sets, a
            `lead` that an encoder does not accept, or none where it accepts several of the corpus.
        OSError: a model or corpus is not there.
    """
    models, supervised = list(models), list(companions.supervised)
    config, device = find_config(data, config), pick_device(forward.device)
    require_disjoint(folds, "folds")
    facts = facts_for_evaluation(models, config, folds["test"], allow_training_folds)
    companion_facts = facts_for_evaluation(supervised, config, folds["test"], allow_training_folds)
    check_label_sets(supervised, companion_facts, [label_set])
    splits = {
        split: load_corpus(data, config=config, folds=numbers, keep_unusable=forward.strict)
        for split, numbers in folds.items()
    }

    def judge(splits: dict) -> _JudgedProbes:
        judged = _JudgedProbes(splits, label_set, intervals, forward, metric, lead)
        for index, folder in enumerate(models):
            judged.add_encoder(folder, device, intervals.seed + index, companions.random, percentages, strengths)
        for folder in supervised:
            judged.add_classifier(folder, device)
        return judged

    judged, refused = skip_refused(judge, splits, forward.strict)
    described = {"probe": describe_seeds(models, facts)}
    if companions.random:
        described["random encoder"] = describe_drawn(len(models), intervals.seed)
    if supervised:
        described[CLASSIFIER] = describe_seeds(supervised, companion_facts)
    notes = budget_notes(facts, companion_facts) + untrained_notes(judged.probes) + forward.notes()
    notes += averaged_windows_notes([*models, *supervised], splits["test"], forward.crops)
    if lead is not None:
        notes.append(f"the encoders see lead {lead} alone; the classifiers beside them see what they were trained on")
    patients = list(judged.task.patients.values())
    frame = report_frame("Linear probe", data, config, intervals, device, dict(folds), patients, described, notes)
    report = frame | {"lead": lead, "probes": judged.probes, "tasks": [judged.entry(percentages)]}
    return note_refused(report, refused)


class _JudgedProbes:
    """The rows of the task, and the scores of systems on them."""

    def __init__(
        self,
        splits: dict,
        label_set: str,
        intervals: IntervalOptions,
        forward: ForwardOptions,
        metric: str,
        lead: str | None = None,
    ):
        self.metric, self.lead = metric, lead
        self.label_set, self.intervals, self.forward = label_set, intervals, forward
        self.class_names = list(label_names(splits["test"], label_set))
        self.task = probe_task(splits, label_set, self.class_names, intervals.minimum)
        self.splits = {split: dataset.select(self.task.rows[split]) for split, dataset in splits.items()}
        self.scores: dict[str, list[np.ndarray]] = {}
        self.probes: list[dict] = []

    def add_encoder(
        self,
        folder: str,
        device,
        seed: int,
        random: bool,
        percentages: Sequence[float],
        strengths: Sequence[float],
    ) -> None:
        """Probes of one encoder on every share of the patients; with `random` also those of its network drawn anew."""
        encoder, extractor = load_encoder(folder, device)
        encoders = {PROBE: encoder} | ({RANDOM: random_model(encoder, seed)} if random else {})
        for kind, each in encoders.items():
            features = {
                split: ecg_features(
                    each,
                    extractor,
                    dataset,
                    self.forward.batch_size,
                    f"{folder}, {kind}, {split}",
                    self.lead,
                    self.forward.crops,
                )
                for split, dataset in self.splits.items()
            }
            for percentage in percentages:
                result = self.task.fit(features, percentage, seed, list(strengths), self.metric)
                system = probe_name(kind, percentage)
                self.scores.setdefault(system, []).append(result.scores)
                self.probes.append(probe_entry(system, folder, seed, result, self.metric))

    def add_classifier(self, folder: str, device) -> None:
        size, crops = self.forward.batch_size, self.forward.crops
        given = (self.splits["test"], self.class_names, self.label_set, size, folder, crops)
        scores = classifier_scores(*load_classifier(folder, device), *given)
        self.scores.setdefault(CLASSIFIER, []).append(scores)

    def entry(self, percentages: Sequence[float]) -> dict:
        """The task's entry of the report."""
        labels, patients = self.task.labels["test"], self.task.patients["test"]
        systems = {
            name: bootstrap_evaluation(labels, np.stack(seeds), patients, self.class_names, **asdict(self.intervals))
            for name, seeds in sorted(self.scores.items(), key=lambda item: _rank(item[0]))
        }
        pairs = probe_pairs(list(systems), list(percentages), PROBE, RANDOM, CLASSIFIER)
        told = {"label_set": self.label_set, "primary_metric": self.metric}
        return task_entry(self.label_set, SUPERVISED, systems, pairs, **told)


def _rank(system: str) -> tuple:
    kind = 2 if system == CLASSIFIER else int(system.startswith("random"))
    return kind, 0.0 if kind == 2 else -float(system.split()[-2])
