"""What a model knows beyond the rules that it was taught by: both, and their sum, where rules are at a loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import datasets
import numpy as np
from scipy.stats import rankdata
from transformers.utils import logging

from ..clinical.prompts import load_prompts
from ..data.corpus import find_config, load_corpus
from ..data.harder_rows import with_leads, with_noise
from ..data.rows import SIGNAL_COLUMNS, RowDataset
from ..evaluation.judging.asked_texts import TrainedTexts
from ..evaluation.judging.judged_tasks import RULES, SYSTEMS, WITH_RULES, JudgedTasks
from ..evaluation.judging.refused import note_refused, skip_refused
from ..evaluation.judging.rule_scores import described_features
from ..evaluation.judging.validation import LEAVE_OUT, task_labels
from ..evaluation.loading import describe_seeds, facts_for_evaluation, pick_device
from ..evaluation.metrics.classification import counted_classes
from ..evaluation.metrics.interval_text import interval_text
from ..evaluation.options import (
    DEFAULT_FORWARD,
    DEFAULT_INTERVALS,
    DESCRIPTIONS,
    AskingOptions,
    ForwardOptions,
    IntervalOptions,
)
from ..evaluation.protocol import TrainingFacts, task_protocol
from ..evaluation.reports.evaluation_report import report_frame
from ..signals.quality import check_quality
from ..signals.units import counts_to_millivolts

logger = logging.get_logger(__name__)

MODEL = SYSTEMS[DESCRIPTIONS]
ALL, FEW, FLAGGED = "all records", "few features decided", "quality flags"


@dataclass(frozen=True)
class Harder:
    """How records are made harder to read.

    Args:
        leads: that are left in; none: this is not asked.
        noise_mv: root mean square of added noise in millivolts; 0: this is not asked.
        share: of the records, those of which the rules decide the fewest features.
    """

    leads: tuple[str, ...] = ("I", "II")
    noise_mv: float = 0.1
    share: float = 0.25

    def conditions(self, seed: int) -> dict[str, Callable[[datasets.Dataset], datasets.Dataset]]:
        """Name -> what makes the rows of it, the rows as they are first."""
        made: dict[str, Callable] = {"": lambda rows: rows}
        if self.leads:
            made[f"leads {', '.join(self.leads)} alone"] = lambda rows: with_leads(rows, self.leads)
        if self.noise_mv:
            made[f"noise of {self.noise_mv:g} mV"] = lambda rows: with_noise(rows, self.noise_mv, seed)
        return made


def beyond_rules(
    models: Sequence[str],
    data: str,
    prompts: Sequence[str],
    *,
    folds: Sequence[int],
    config: str | None = None,
    harder: Harder = Harder(),
    rotation: bool = False,
    unannotated: str = LEAVE_OUT,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of rules, model and both on subsets of records that no label has chosen; see `beyond_rules_page`.

    Args:
        models: folders of dual encoders, the seeds of one model.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        prompts: names or YAML files of prompt sets.
        folds: judged.
        harder: what is made of the records, for the rules and the models alike.
        rotation: the models are turns of a rotation; each judges those of the folds that it has neither trained nor
            chosen on, scores are ranked within a turn, and pooled.
        unannotated: see `task_labels`.
        allow_training_folds: judge folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: folds of the training; of a rotation, folds that no model or several may judge; prompt sets of
            whose classes the table of waveform features tells of none.
        OSError: a model or corpus is not there.
    """
    models, folds, device = list(models), sorted(folds), pick_device(forward.device)
    config = find_config(data, config)
    prompt_sets = [load_prompts(name) for name in prompts]
    described_features(prompt_sets)  # raises before anything is embedded
    facts = facts_for_evaluation(models, config, folds, allow_training_folds or rotation)
    shares = _turns(facts, config, folds) if rotation else {tuple(folds): list(range(len(models)))}
    words = [task_protocol(facts, prompt_set, config) for prompt_set in prompt_sets]
    rows = load_corpus(data, config=config, folds=folds, keep_unusable=forward.strict)

    def judge(splits: dict) -> dict[str, JudgedTasks]:
        found = {}
        for name, change in harder.conditions(intervals.seed).items():
            parts = []
            for judged_folds, chosen in shares.items():
                part = splits["test"].select(np.flatnonzero(np.isin(splits["test"]["fold"][:], judged_folds)))
                tasks = [
                    task_labels(part, one.label_set, list(one.classes), 1, one.name, unannotated)
                    for one in prompt_sets
                ]
                asking = AskingOptions(by=(DESCRIPTIONS,))
                judged = JudgedTasks(change(part), prompt_sets, tasks, asking, intervals, forward)
                for number in chosen:
                    judged.add_dual_encoder(models[number], TrainedTexts.of(facts[number]), device, None)
                judged.add_rules(None if name else data)
                parts.append(judged)
            found[name] = _pooled(parts)
        return found

    judged, refused = skip_refused(judge, {"test": rows}, forward.strict)
    entries, notes = _entries(judged, words, harder, intervals)
    described = {MODEL: describe_seeds(models, facts)}
    patients = [judged[""].dataset["patient_id"][:]]
    notes = [*judged[""].notes(), *forward.notes(), *notes]
    frame = report_frame("Beyond the rules", data, config, intervals, device, folds, patients, described, notes)
    return note_refused(frame | {"tasks": entries}, refused)


def _turns(
    facts: Sequence[TrainingFacts | None], config: str | None, folds: Sequence[int]
) -> dict[tuple[int, ...], list[int]]:
    """Folds that a model may judge -> the model's number."""
    if None in facts:
        raise ValueError("a rotation needs training facts of every model: they say which folds it may judge")
    unseen = [set(folds) - set().union(*entry.folds(config)) for entry in facts if entry]
    judges = {fold: [number for number, each in enumerate(unseen) if fold in each] for fold in folds}
    wrong = {fold: found for fold, found in judges.items() if len(found) != 1}
    if wrong:
        counts = sorted({len(found) for found in wrong.values()})
        raise ValueError(f"folds {sorted(wrong)} may be judged by {counts} of the models, wanted one each")
    return {tuple(sorted(each)): [number] for number, each in enumerate(unseen) if each}


def _pooled(parts: Sequence[JudgedTasks]) -> JudgedTasks:
    """The parts as one: scores of different models are ranked within each part, having no scale in common."""
    if len(parts) == 1:
        return parts[0]
    first, starts = parts[0], np.cumsum([0, *(len(part.dataset) for part in parts)])
    tasks = [
        (
            np.concatenate([part.tasks[number][0] for part in parts]),
            np.concatenate([start + part.tasks[number][1] for start, part in zip(starts, parts, strict=False)]),
        )
        for number in range(len(first.prompt_sets))
    ]
    dataset = datasets.concatenate_datasets([part.dataset for part in parts])
    whole = JudgedTasks(dataset, first.prompt_sets, tasks, first.asking, first.intervals, first.forward)
    whole.asked, whole.ruled = [one for part in parts for one in part.asked], first.ruled
    for system in first.scores:
        whole.scores[system] = [
            [
                np.concatenate([rankdata(part.scores[system][0][n], axis=0) / len(part.tasks[n][1]) for part in parts])
                for n in range(len(tasks))
            ]
        ]
    whole.decided = np.concatenate([part.decided for part in parts])
    return whole


def _entries(
    judged: dict[str, JudgedTasks], words: list, harder: Harder, intervals: IntervalOptions
) -> tuple[list[dict], list[str]]:
    """A task's entry for each prompt set and subset, and why some are not there."""
    plain = judged[""]
    few = fewest_decided(plain.decided, harder.share)
    subsets = {
        ALL: ("", None),
        FEW: ("", few),
        FLAGGED: ("", flagged_rows(plain.dataset)),
        **{name: (name, None) for name in judged if name},
    }
    entries, notes = [], []
    for name, (condition, kept) in subsets.items():
        tasks = judged[condition].tasks
        empty = [
            prompt_set.name
            for prompt_set, (labels, rows) in zip(plain.prompt_sets, tasks, strict=True)
            if not counted_classes(
                labels if kept is None else labels[kept[rows]], list(prompt_set.classes), intervals.minimum
            )
        ]
        if empty:
            count = len(plain.dataset) if kept is None else int(kept.sum())
            notes.append(f"{name}: no class of {', '.join(empty)} has enough positives among {count} records")
        if len(empty) == len(plain.prompt_sets):
            continue
        found = judged[condition].entries(words, {"subset": name}, kept)
        entries += [entry for entry in found if entry["name"] not in empty]
    return entries, notes


def fewest_decided(decided: np.ndarray, share: float) -> np.ndarray:
    """bool (rows,): the records of which the rules decide the fewest features.

    Most records share one number; where the asked share of records would reach into them, those below it are taken.

    Args:
        decided: share of the features that are decided, (rows,).
        share: of the records.

    Example:
        >>> fewest_decided(np.array([0.5, 0.8, 0.8, 0.8]), 0.25).tolist()
        [True, False, False, False]
    """
    bound = np.quantile(decided, share)
    few = decided <= bound
    return decided < bound if few.all() or few.mean() > 2 * share else few


def flagged_rows(dataset: datasets.Dataset) -> np.ndarray:
    """bool (rows,): the quality report has a flag for a lead of the record, see `signals.check_quality`."""
    rows, found = RowDataset(dataset, SIGNAL_COLUMNS), []
    for number in range(len(dataset)):
        (row,) = rows.__getitems__([number])
        counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
        signal = counts_to_millivolts(counts, row["gain"], row["baseline"])
        found.append(not check_quality(signal, row["sampling_rate"], row["leads"]).record_passed)
    return np.array(found, dtype=bool)


def beyond_rules_page(report: dict) -> str:
    """Markdown: for each prompt set a table of rules, model and both by subset, with paired differences."""
    data = report["data"]
    lines = [f"# {report['title']}", "", f"* data: {data['path']}, {data['records']} records", *_notes(report), ""]
    lines += ["```", report["command"], "```"]
    for name in dict.fromkeys(task["name"] for task in report["tasks"]):
        tasks = [task for task in report["tasks"] if task["name"] == name]
        header = ["records", "n", "classes", "rules", "model", "both", "both - rules", "both - model", "model - rules"]
        lines += ["", f"## {name}: {tasks[0]['protocol']}, macro AUROC", "", f"| {' | '.join(header)} |"]
        lines.append(f"|{' --- |' * len(header)}")
        for task in tasks:
            pairs = {(entry["first"], entry["second"]): entry for entry in task["differences"]}
            wanted = ((WITH_RULES, RULES), (WITH_RULES, MODEL), (MODEL, RULES))
            systems = [task["systems"][system] for system in (RULES, MODEL, WITH_RULES)]
            seeds = systems[1]["num_seeds"]
            cells = [task["subset"], str(task["records"]), ", ".join(task["classes"]).replace("|", "\\|")]
            cells += [interval_text(one["macro"]["auroc"], seeds=one["num_seeds"]) for one in systems]
            cells += [interval_text(pairs[pair]["macro"]["auroc"], True, seeds) for pair in wanted]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _notes(report: dict) -> list[str]:
    told = [f"intervals: {report['bootstrap']['replicates']} bootstrap replicates, seed {report['bootstrap']['seed']}"]
    return [f"* {note}" for note in [*told, *report["notes"]]]
