"""Dual encoders judged by prompts, beside the supervised classifier of the same budget and the random encoder."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ...clinical.prompts import PromptSet, load_prompts
from ...data.corpus import load_corpus
from ..loading import (
    budget_notes,
    check_label_sets,
    describe_drawn,
    describe_seeds,
    facts_for_evaluation,
    load_classifier,
    load_dual_encoder,
    pick_device,
)
from ..metrics.bootstrap import bootstrap_evaluation
from ..options import (
    ALONE,
    BY_NAMES,
    DEFAULT_FORWARD,
    DEFAULT_INTERVALS,
    DESCRIPTIONS,
    NAMES,
    NAMES_AND_DESCRIPTIONS,
    AskingOptions,
    Companions,
    ForwardOptions,
    IntervalOptions,
)
from ..protocol import task_protocol
from ..reports.evaluation_report import report_frame, task_entry
from .asked_texts import AskedTexts, TrainedTexts, asked_texts, log_dropped
from .features import classifier_logits, ecg_embeddings, with_random_ecg_tower
from .label_text import TextEmbeddings, match_labels, scores_by_text
from .refused import note_refused, skip_refused
from .validation import LEAVE_OUT, task_labels

MODEL, SUPERVISED, RANDOM = "prompts", "BCE classifier", "random encoder"
ENSEMBLE = " ensemble"  # ends the name of a system
SYSTEMS = {NAMES: MODEL, DESCRIPTIONS: "descriptions", NAMES_AND_DESCRIPTIONS: "names and descriptions"}


def judge_by_prompts(
    models: Sequence[str],
    data: str,
    prompts: Sequence[str],
    *,
    folds: Sequence[int],
    config: str | None = None,
    companions: Companions = ALONE,
    asking: AskingOptions = BY_NAMES,
    unannotated: str = LEAVE_OUT,
    protocol: str | None = None,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of classification by prompts; see `write_report`.

    Args:
        models: folders of dual encoders, the seeds of one model.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        prompts: names or YAML files of prompt sets, a task each.
        folds: judged.
        companions: classifiers and the random encoder beside the model.
        asking: in which words; a system of the report for each way.
        unannotated: see `task_labels`.
        protocol: refuse when the models cannot claim this one, "label-text" or "zero-shot".
        allow_training_folds: judge folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: folds of the training, a protocol that cannot be claimed, a classifier of other label sets.
        OSError: a model or corpus is not there.
    """
    models, supervised = list(models), list(companions.supervised)
    device = pick_device(forward.device)
    prompt_sets = [load_prompts(name) for name in prompts]
    facts = facts_for_evaluation(models, config, list(folds), allow_training_folds)
    companion_facts = facts_for_evaluation(supervised, config, list(folds), allow_training_folds)
    check_label_sets(supervised, companion_facts, [prompt_set.label_set for prompt_set in prompt_sets])
    words = [task_protocol(facts, prompt_set, config, protocol) for prompt_set in prompt_sets]
    rows = load_corpus(data, config=config, folds=list(folds), keep_unusable=forward.strict)

    def judge(splits: dict) -> _JudgedTasks:
        dataset = splits["test"]
        tasks = [
            task_labels(dataset, one.label_set, list(one.classes), intervals.minimum, one.name, unannotated)
            for one in prompt_sets
        ]
        judged = _JudgedTasks(dataset, prompt_sets, tasks, asking, intervals, forward.batch_size)
        for index, (folder, entry) in enumerate(zip(models, facts, strict=True)):
            drawn = intervals.seed + index if companions.random else None
            judged.add_dual_encoder(folder, TrainedTexts.of(entry), device, drawn)
        for folder in supervised:
            judged.add_classifier(folder, device)
        return judged

    judged, refused = skip_refused(judge, {"test": rows}, forward.strict)
    entries = judged.entries(words, {"unannotated": unannotated})
    described = dict.fromkeys((SYSTEMS[one] for one in asking.by), describe_seeds(models, facts))
    if supervised:
        described[SUPERVISED] = describe_seeds(supervised, companion_facts)
    if companions.random:
        described[RANDOM] = describe_drawn(len(models), intervals.seed)
    title, patients = "Classification by prompts", [judged.dataset["patient_id"]]
    notes = [*budget_notes(facts, companion_facts), *judged.notes()]
    frame = report_frame(title, data, config, intervals, device, list(folds), patients, described, notes)
    return note_refused(frame | {"tasks": entries}, refused)


class _JudgedTasks:
    """The rows of all tasks, and the scores of systems on them."""

    def __init__(
        self,
        dataset,
        prompt_sets: list[PromptSet],
        tasks,
        asking: AskingOptions,
        intervals: IntervalOptions,
        batch_size: int,
    ):
        self.dataset, self.prompt_sets, self.tasks = dataset, prompt_sets, tasks
        self.asking, self.intervals, self.batch_size = asking, intervals, batch_size
        # system -> one list of score matrices (a task each) for every seed
        self.scores: dict[str, list[list[np.ndarray]]] = {}
        self.asked: list[list[AskedTexts]] = []  # of each model, a task each

    def add_dual_encoder(self, folder: str, trained: TrainedTexts, device, drawn: int | None) -> None:
        """The scores of one model; and with a seed `drawn` those of its ECG tower drawn anew."""
        model, processor = load_dual_encoder(folder, device)
        texts = TextEmbeddings(model, processor, f"{folder}, texts")
        asked = {
            ensemble: [asked_texts(one, trained, ensemble, self.asking.all_prompts) for one in self.prompt_sets]
            for ensemble in ((False, True) if self.asking.ensemble else (False,))
        }
        if not self.asked:
            log_dropped(asked[False], self.asking.by)
        self.asked.append(asked[False])
        towers = {MODEL: model}
        if drawn is not None:
            towers[RANDOM] = with_random_ecg_tower(model, drawn)
        for name, tower in towers.items():
            embeddings = ecg_embeddings(tower, processor, self.dataset, self.batch_size, f"{folder}, {name}")
            for with_ensemble, groups in asked.items():
                ways = (NAMES,) if with_ensemble else self.asking.by
                each = [
                    scores_by_text(texts, embeddings[rows], one, ways)
                    for one, (_, rows) in zip(groups, self.tasks, strict=True)
                ]
                for way in ways:
                    system = _system(way, name == RANDOM) + ENSEMBLE * with_ensemble
                    self.scores.setdefault(system, []).append([scores[way] for scores in each])

    def add_classifier(self, folder: str, device) -> None:
        model, extractor = load_classifier(folder, device)
        columns = [match_labels(model.config.id2label, list(p.classes), p.label_set) for p in self.prompt_sets]
        logits = classifier_logits(model, extractor, self.dataset, self.batch_size, folder)
        one = [logits[rows][:, picked] for picked, (_, rows) in zip(columns, self.tasks, strict=True)]
        self.scores.setdefault(SUPERVISED, []).append(one)

    def notes(self) -> list[str]:
        """What a reader must know of the texts that the model was asked by."""
        first = self.asked[0]
        notes = []
        if not all(one.known for one in first):
            notes.append("training texts are not in the training facts: whether prompts were among them is not known")
        if any(
            [one.facts(self.asking.by) for one in other] != [one.facts(self.asking.by) for one in first]
            for other in self.asked[1:]
        ):
            notes.append("the models were trained on other texts: the texts listed are those of the first")
        return notes

    def entries(self, words: list, facts: dict) -> list[dict]:
        """A task's entry of the report each, with the intervals of all systems and their differences."""
        order = [name for name in self._order() if name in self.scores]
        pairs = [pair for pair in self._pairs() if set(pair) <= set(order)]
        entries = []
        for number, (prompt_set, (word, class_words)) in enumerate(zip(self.prompt_sets, words, strict=True)):
            judged = {name: self._evaluation(number, [one[number] for one in self.scores[name]]) for name in order}
            asked = self.asked[0][number]
            entry = task_entry(
                prompt_set.name,
                word,
                judged,
                pairs,
                label_set=prompt_set.label_set,
                aggregate=prompt_set.aggregate,
                language=prompt_set.language,
                prompts={name: [group[0] for group in one.prompts] for name, one in asked.classes.items()},
                class_protocols=class_words,
                **asked.facts(self.asking.by),
                **facts,
            )
            entries.append(entry)
        return entries

    def _order(self) -> list[str]:
        ways = self.asking.by
        own = [name for way in ways for name in (_system(way), _system(way) + ENSEMBLE)]
        drawn = [name for way in ways for name in (_system(way, True), _system(way, True) + ENSEMBLE)]
        return [*own, SUPERVISED, *drawn]

    def _pairs(self) -> list[tuple[str, str]]:
        """Each way against its companions, then against the ways before it."""
        pairs = []
        for place, way in enumerate(self.asking.by):
            ours = _system(way)
            pairs += [(ours, SUPERVISED), (ours, _system(way, True))]
            pairs += [(ours, _system(other)) for other in self.asking.by[:place]]
        ours = MODEL + ENSEMBLE
        return [*pairs, (ours, MODEL), (ours, SUPERVISED), (ours, RANDOM + ENSEMBLE)]

    def _evaluation(self, number: int, seeds: list[np.ndarray]):
        labels, rows = self.tasks[number]
        return bootstrap_evaluation(
            labels,
            np.stack(seeds),
            self.dataset.select_columns("patient_id").select(rows)["patient_id"],
            list(self.prompt_sets[number].classes),
            **asdict(self.intervals),
        )


def _system(way: str, drawn: bool = False) -> str:
    """Name of a system in the report: of a model asked in one way, or of its ECG tower drawn anew."""
    if not drawn:
        return SYSTEMS[way]
    return RANDOM if way == NAMES else f"{RANDOM}, {SYSTEMS[way]}"
