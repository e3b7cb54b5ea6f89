"""What dual encoders, rules and classifiers make of the classes of prompt sets, on the same rows."""

from dataclasses import asdict

import numpy as np

from ...clinical.prompts import PromptSet
from ..loading import load_classifier, load_dual_encoder
from ..metrics.bootstrap import bootstrap_evaluation
from ..options import DESCRIPTIONS, NAMES, NAMES_AND_DESCRIPTIONS, AskingOptions, ForwardOptions, IntervalOptions
from ..reports.evaluation_report import task_entry
from .asked_texts import AskedTexts, TrainedTexts, asked_texts, log_dropped
from .features import classifier_logits, ecg_embeddings, with_random_ecg_tower
from .label_text import TextEmbeddings, added, match_labels, scores_by_text
from .rule_scores import corpus_margins, described_features, rule_scores

MODEL, SUPERVISED, RANDOM = "prompts", "BCE classifier", "random encoder"
RULES, WITH_RULES = "rules, no model", "descriptions and rules"
ENSEMBLE = " ensemble"  # ends the name of a system
SYSTEMS = {NAMES: MODEL, DESCRIPTIONS: "descriptions", NAMES_AND_DESCRIPTIONS: "names and descriptions"}


class JudgedTasks:
    """The rows of all tasks, and the scores of systems on them.

    Args:
        dataset: rows that some task judges.
        prompt_sets: a task each.
        tasks: labels and numbers of the judged rows of each, see `validation.task_labels`.
        asking: in which words models are asked.
        intervals, forward: of the figures, and of the models.
    """

    def __init__(
        self,
        dataset,
        prompt_sets: list[PromptSet],
        tasks,
        asking: AskingOptions,
        intervals: IntervalOptions,
        forward: ForwardOptions,
    ):
        self.dataset, self.prompt_sets, self.tasks = dataset, prompt_sets, tasks
        self.asking, self.intervals, self.forward = asking, intervals, forward
        # system -> one list of score matrices (a task each) for every seed
        self.scores: dict[str, list[list[np.ndarray]]] = {}
        self.asked: list[list[AskedTexts]] = []  # of each model, a task each
        self.ruled: list[dict[str, list[str]]] = []  # of each task, features that rules decide by class
        self.decided: np.ndarray | None = None  # of each row, share of the features that rules decide

    def add_dual_encoder(self, folder: str, trained: TrainedTexts, device, drawn: int | None) -> None:
        """The scores of one model; and with a seed `drawn` those of its ECG tower drawn anew."""
        model, processor = load_dual_encoder(folder, device)
        # texts and ECGs are embedded once, however many ways there are to ask
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
            shown, (size, crops) = f"{folder}, {name}", (self.forward.batch_size, self.forward.crops)
            embeddings = ecg_embeddings(tower, processor, self.dataset, size, shown, crops)
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
        size, crops = self.forward.batch_size, self.forward.crops
        logits = classifier_logits(model, extractor, self.dataset, size, folder, crops)
        one = [logits[rows][:, picked] for picked, (_, rows) in zip(columns, self.tasks, strict=True)]
        self.scores.setdefault(SUPERVISED, []).append(one)

    def add_rules(self, data=None) -> None:
        """The scores of the rules; and what the models added so far make of them by descriptions, both together.

        Args:
            data: the corpus, for what it holds measured.
        """
        features = described_features(self.prompt_sets)
        margins = corpus_margins(self.dataset, features, data)
        self.decided = np.isfinite(np.stack(list(margins.values()), axis=1)).mean(axis=1)
        rules = []
        for prompt_set, (_, rows) in zip(self.prompt_sets, self.tasks, strict=True):
            scores, used = rule_scores({text: values[rows] for text, values in margins.items()}, prompt_set)
            rules.append(scores)
            self.ruled.append(used)
        self.scores[RULES] = [rules]
        told = self.scores.get(SYSTEMS[DESCRIPTIONS], [])
        both = [[added(one, rule) for one, rule in zip(seed, rules, strict=True)] for seed in told]
        if both:
            self.scores[WITH_RULES] = both

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

    def entries(self, words: list, facts: dict, kept: np.ndarray | None = None) -> list[dict]:
        """A task's entry of the report each, with the intervals of all systems and their differences.

        Args:
            words: the protocol of each task, and of each of its classes.
            facts: further keys of every entry.
            kept: bool (rows of the data set,); figures are of these rows alone. None takes all.
        """
        order = [name for name in self._order() if name in self.scores]
        pairs = [pair for pair in self._pairs() if set(pair) <= set(order)]
        entries = []
        for number, (prompt_set, (word, class_words)) in enumerate(zip(self.prompt_sets, words, strict=True)):
            seeds = {name: np.stack([one[number] for one in self.scores[name]]) for name in order}
            judged = {name: self._evaluation(number, stack, kept) for name, stack in seeds.items()}
            asked = self.asked[0][number]
            ruled = {"rules": self.ruled[number]} if self.ruled else {}
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
                **ruled,
                **facts,
            )
            entries.append(entry)
        return entries

    def _order(self) -> list[str]:
        ways = self.asking.by
        own = [name for way in ways for name in (_system(way), _system(way) + ENSEMBLE)]
        drawn = [name for way in ways for name in (_system(way, True), _system(way, True) + ENSEMBLE)]
        return [*own, WITH_RULES, RULES, SUPERVISED, *drawn]

    def _pairs(self) -> list[tuple[str, str]]:
        """Each way against its companions, then against the ways before it."""
        pairs = []
        for place, way in enumerate(self.asking.by):
            ours = _system(way)
            pairs += [(ours, SUPERVISED), (ours, _system(way, True)), (ours, RULES)]
            pairs += [(ours, _system(other)) for other in self.asking.by[:place]]
        pairs += [(WITH_RULES, RULES), (WITH_RULES, SYSTEMS[DESCRIPTIONS])]
        ours = MODEL + ENSEMBLE
        return [*pairs, (ours, MODEL), (ours, SUPERVISED), (ours, RANDOM + ENSEMBLE)]

    def _evaluation(self, number: int, stack: np.ndarray, kept: np.ndarray | None):
        labels, rows = self.tasks[number]
        chosen = np.flatnonzero(np.ones(len(rows), dtype=bool) if kept is None else kept[rows])
        patients = self.dataset.select_columns("patient_id").select(rows[chosen])["patient_id"][:]
        names = list(self.prompt_sets[number].classes)
        return bootstrap_evaluation(labels[chosen], stack[:, chosen], patients, names, **asdict(self.intervals))


def _system(way: str, drawn: bool = False) -> str:
    """Name of a system in the report: of a model asked in one way, or of its ECG tower drawn anew."""
    if not drawn:
        return SYSTEMS[way]
    return RANDOM if way == NAMES else f"{RANDOM}, {SYSTEMS[way]}"
