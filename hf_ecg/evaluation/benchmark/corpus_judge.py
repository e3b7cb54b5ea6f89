"""One corpus of the benchmark: every task with its prompts, ensemble and probes, as a report that a card can carry."""

import json
from dataclasses import asdict

import numpy as np

from ...files import ArrayStore, values_digest
from ...progress import progress_bar
from ..judging.averaged_windows import averaged_windows_notes
from ..judging.features import classifier_logits
from ..judging.label_text import match_labels, scores_of_embeddings
from ..judging.probe_task import SPLITS, ProbeTask, probe_entry, probe_name, probe_pairs, probe_task, untrained_notes
from ..loading import budget_notes, describe_drawn, describe_seeds, load_classifier
from ..metrics.bootstrap import Evaluation, bootstrap_evaluation
from ..metrics.classification import NothingToJudge
from ..protocol import SUPERVISED, TrainingFacts, task_protocol
from ..reports.evaluation_report import report_frame, task_entry
from .model_outputs import Judged, ModelOutputs
from .settings import CLASSIFIER, ENSEMBLE, MODEL, PROBE, PROMPTS, RANDOM, BenchmarkSettings
from .tasks import ROWS, STATEMENTS, BenchmarkCorpus, BenchmarkTask, task_prompts

PROBE_TITLE = "linear probe"


class CorpusJudge:
    """Tasks of one corpus, their rows and prompts; made first, so that mistakes show before a model is loaded.

    Args:
        corpus: see `tasks.open_corpora`.
        settings: of the benchmark.

    Raises:
        ValueError: classes without prompts, a patient in two splits.
    """

    def __init__(self, corpus: BenchmarkCorpus, settings: BenchmarkSettings):
        self.corpus, self.settings = corpus, settings
        self.prompts = {
            task.name: task_prompts(task, corpus.class_names(task), settings.prompts.get(task.name, STATEMENTS))
            for task in corpus.tasks
        }
        # (task, which records) -> rows; where all records carry a label the two are the same, and asked once
        self.rows: dict[tuple[BenchmarkTask, str], ProbeTask] = {}
        self.same_rows: list[str] = []
        self.not_run: list[dict] = []
        for task in corpus.tasks:
            for which, words in ROWS.items():
                try:
                    found = self._rows(task, which)
                except NothingToJudge as error:
                    self.not_run.append({"benchmark": task.name, "rows": words, "reason": str(error)})
                    continue
                first = self.rows.get((task, next(iter(ROWS))))
                if first is not None and all(len(found.rows[s]) == len(first.rows[s]) for s in SPLITS):
                    self.same_rows.append(task.name)
                else:
                    self.rows[task, which] = found
        self.scores: dict[tuple[str, str], dict[str, list[np.ndarray]]] = {}
        self.probes: list[dict] = []

    def add(self, judged: Judged, settings: BenchmarkSettings, parts: ArrayStore) -> None:
        """Scores of one model for every task; `settings.parts` are those that it can answer."""
        outputs = ModelOutputs(judged, self.corpus, settings, parts)
        title = f"{judged.folder}, {judged.kind}: {self.corpus.name}"
        for (task, which), rows in progress_bar(self.rows.items(), desc=title, unit="task", leave=False):
            scores = self.scores.setdefault((task.name, which), {})
            test = rows.rows["test"]
            for kind in (PROMPTS, ENSEMBLE):
                if kind in settings.parts:
                    found = scores_of_embeddings(
                        judged.model,
                        judged.processor,
                        outputs.embeddings()[test],
                        self.prompts[task.name],
                        kind == ENSEMBLE,
                        judged.text,
                    )
                    scores.setdefault(f"{judged.kind} {kind}", []).append(found)
            if PROBE in settings.parts:
                for percentage in sorted(settings.percentages, reverse=True):
                    system = probe_name(f"{judged.kind} {PROBE}", percentage)
                    found, entry = self._probe(task, which, outputs, percentage, system, parts)
                    scores.setdefault(system, []).append(found)
                    self.probes.append(entry | {"task": task.name, "rows": ROWS[which]})

    def add_classifiers(self, folders: list[str], facts: list[TrainingFacts | None]) -> None:
        """Scores of supervised classifiers, for the tasks whose labels they were trained on."""
        for folder, fact in zip(folders, facts, strict=True):
            asked = [task for task in self.corpus.tasks if _was_taught(fact, task, self.corpus)]
            if not asked:
                continue
            model, extractor = load_classifier(folder, self.settings.device)
            test = self.corpus.splits["test"]
            title = f"{folder}: {self.corpus.name}"
            size, crops = self.settings.forward.batch_size, self.settings.forward.crops
            logits = classifier_logits(model, extractor, test, size, title, crops)
            for task in asked:
                found = logits[:, match_labels(model.config.id2label, self.corpus.class_names(task), task.label_set)]
                for (other, which), rows in self.rows.items():
                    if other == task:
                        scores = self.scores.setdefault((task.name, which), {})
                        scores.setdefault(CLASSIFIER, []).append(found[rows.rows["test"]])

    def report(self, models, companions, facts, companion_facts) -> dict:
        """A report as `train/zero_shot.py` writes it; each task by prompts and by probe, for both choices of rows."""
        settings, corpus = self.settings, self.corpus
        entries = [
            entry
            for (task, which), rows in progress_bar(self.rows.items(), desc=f"{corpus.name}: intervals", unit="task")
            for entry in self._entries(task, which, rows, facts)
        ]
        patients = [corpus.splits[split].select_columns("patient_id")["patient_id"][:] for split in SPLITS]
        described = {MODEL: describe_seeds(models, facts)}
        if settings.random:
            described[RANDOM] = describe_drawn(len(models), settings.seed)
        if companions:
            described[CLASSIFIER] = describe_seeds(companions, companion_facts)
        notes = budget_notes(facts, companion_facts) + settings.forward.notes()
        notes += averaged_windows_notes([*models, *companions], corpus.splits["test"], settings.forward.crops)
        for probe in self.probes:  # what the random encoder's lack is in `probes`
            if probe["system"].startswith(MODEL):
                notes += [f"{probe['task']}, {probe['rows']}: {note}" for note in untrained_notes([probe])]
        notes += [
            f"{name}: every record carries a label: all records are the labelled ones" for name in self.same_rows
        ]
        # how long records were cut, and what is wrong with labels as released
        notes += [
            note for note in (corpus.summary.get("window_rule"), *corpus.summary.get("merl_problems", ())) if note
        ]
        if recordings := corpus.cut_recordings():
            notes.append(
                f"what is called a record here is a window: the {len(corpus.splits['test'])} test rows are of"
                f" {recordings} recordings. Each is asked by itself, with the labels of its recording, so that long"
                " recordings count more often; intervals are over patients"
            )
        title = f"Benchmark on {corpus.name}"
        frame = report_frame(
            title,
            corpus.path,
            corpus.config,
            settings.intervals,
            settings.device,
            settings.folds,
            patients,
            described,
            notes,
        )
        return frame | {"probes": self.probes, "not_run": self.not_run, "tasks": entries}

    def _rows(self, task: BenchmarkTask, which: str) -> ProbeTask:
        names, minimum = self.corpus.class_names(task), self.settings.intervals.minimum
        return probe_task(self.corpus.splits, task.label_set, names, minimum, which)

    def _probe(self, task, which, outputs: ModelOutputs, percentage, system, parts) -> tuple[np.ndarray, dict]:
        rows, settings = self.rows[task, which], self.settings
        seed = settings.seed + outputs.judged.index
        key = {
            "features": [outputs.split_key(split) for split in SPLITS],
            "labels": [rows.labels[split] for split in SPLITS],
            "rows": [rows.rows[split] for split in SPLITS],
            "settings": [percentage, seed, list(settings.strengths), settings.intervals.minimum],
        }

        def fit() -> dict[str, np.ndarray]:
            features = {split: outputs.features(split)[rows.rows[split]] for split in SPLITS}
            result = rows.fit(features, percentage, seed, settings.strengths)
            entry = probe_entry(system, outputs.judged.folder, seed, result)
            return {"scores": result.scores, "entry": np.array(json.dumps(entry))}

        name = f"{task.name}-{which}-{system.replace(' ', '_').replace('%', 'percent')}"
        made = parts.make(f"{name}-{values_digest(key)}", fit)
        return made["scores"], json.loads(str(made["entry"])) | {"folder": outputs.judged.folder}

    def _entries(self, task: BenchmarkTask, which: str, rows: ProbeTask, facts) -> list[dict]:
        scores, settings = self.scores[task.name, which], self.settings
        options = asdict(settings.intervals)
        evaluated = {
            name: bootstrap_evaluation(
                rows.labels["test"], np.stack(seeds), rows.patients["test"], rows.class_names, **options
            )
            for name, seeds in scores.items()
        }
        shared = {"label_set": task.label_set, "unannotated": which, "benchmark": task.name, "rows": ROWS[which]}
        suffix = "" if which == next(iter(ROWS)) else f", {ROWS[which]}"
        entries = []
        prompted = _ordered(evaluated, [f"{kind} {part}" for kind in (MODEL, RANDOM) for part in (PROMPTS, ENSEMBLE)])
        if prompted:
            prompt_set = self.prompts[task.name]
            word, words = task_protocol(facts, prompt_set, self.corpus.config)
            about = {key: getattr(prompt_set, key) for key in ("aggregate", "language")}
            about |= {"prompts": prompt_set.classes, "class_protocols": words}
            pairs = _prompt_pairs(prompted)
            entries.append(task_entry(f"{task.name}{suffix}", word, prompted, pairs, **shared, **about))
        probes = [probe_name(f"{kind} {PROBE}", p) for kind in (MODEL, RANDOM) for p in _descending(settings)]
        probed = _ordered(evaluated, probes)
        if any(name.startswith(MODEL) for name in probed):
            names = f"{MODEL} {PROBE}", f"{RANDOM} {PROBE}"
            pairs = probe_pairs(list(probed), settings.percentages, *names, CLASSIFIER)
            name = f"{task.name}, {PROBE_TITLE}{suffix}"
            entries.append(task_entry(name, SUPERVISED, probed, pairs, **shared))
        return entries


def _ordered(evaluated: dict[str, Evaluation], names: list[str]) -> dict[str, Evaluation]:
    """Those of the names that were evaluated, the classifier behind the model's; empty without the model's."""
    found = [name for name in names if name in evaluated]
    models = [name for name in found if name.startswith(MODEL)]
    if not models:
        return {}
    classifier = [CLASSIFIER] if CLASSIFIER in evaluated else []
    return {name: evaluated[name] for name in [*models, *classifier, *found[len(models) :]]}


def _prompt_pairs(systems: dict[str, Evaluation]) -> list[tuple[str, str]]:
    prompts, ensemble = f"{MODEL} {PROMPTS}", f"{MODEL} {ENSEMBLE}"
    pairs = [(ensemble, prompts)]
    for part in (PROMPTS, ENSEMBLE):
        pairs += [(f"{MODEL} {part}", other) for other in (CLASSIFIER, f"{RANDOM} {part}")]
    return [pair for pair in pairs if set(pair) <= set(systems)]


def _descending(settings: BenchmarkSettings) -> list[float]:
    return sorted(settings.percentages, reverse=True)


def _was_taught(facts: TrainingFacts | None, task: BenchmarkTask, corpus: BenchmarkCorpus) -> bool:
    """Whether a classifier has the task's classes; one that says nothing of its training is asked everything."""
    if facts is None or not facts.label_sets:
        return True
    return any(task.label_set in source.label_sets for source in facts.of(corpus.config))
