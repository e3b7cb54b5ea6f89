"""Scores of a run on the rows that its recipe selects on, a label set after the other."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset

from ...clinical.prompts import load_prompts
from ...data.corpus import label_names, load_corpus
from ...evaluation.judging.asked_texts import TrainedTexts
from ...evaluation.judging.features import PreparedRows, classifier_logits, ecg_embeddings, ecg_features
from ...evaluation.judging.held_out import prompts_to_choose_by
from ...evaluation.judging.label_text import match_labels, scores_of_embeddings
from ...evaluation.judging.probe_task import ProbeTask, probe_task
from ...evaluation.loading import extractor_of, load_classifier, load_dual_encoder, load_encoder
from ...evaluation.options import IntervalOptions
from ...evaluation.protocol import read_training_facts
from ...training.methods import build_method
from ...training.recipe import Recipe
from ...training.recipe_facts import held_out_statements

# one patient in so many
_CHOOSING = 6
_CPU = torch.device("cpu")
CLASSIFICATION, LABEL_TEXT = "classification", "label_text"


@dataclass(frozen=True)
class TaskScores:
    """What a run says of a label set: `scores` float64 (validation rows, classes), in the order of `class_names`."""

    label_set: str
    class_names: list[str]
    scores: np.ndarray


class SweptRows:
    """The rows of a recipe's training and validation folds; those of other folds are never read.

    Args:
        recipe: of any arm.
        validation: the rows to judge on; None takes those of the validation folds.
    """

    def __init__(self, recipe: Recipe, validation: Dataset | None = None):
        source = recipe.data.only_source("a sweep")
        self.folds = {"train": list(source.folds.train), "validation": list(source.folds.validation)}
        if not self.folds["validation"]:
            raise ValueError("data.sources.0.folds.validation is empty, and a sweep judges on these folds")
        self.path, self.config = source.path, source.config
        self.validation = self._load(self.folds["validation"]) if validation is None else validation
        self._prepared: dict[str, PreparedRows] = {}

    def _load(self, folds: list[int]) -> Dataset:
        return load_corpus(self.path, config=self.config, folds=folds)

    @property
    def patients(self) -> list[str]:
        """Of the validation rows."""
        return list(map(str, self.validation.select_columns("patient_id").with_format(None)["patient_id"][:]))

    def prepared(self, processor) -> PreparedRows:
        """Inputs of the validation rows, made once while the extractor stays the same."""
        extractor = extractor_of(processor)
        key = extractor.to_json_string()
        if key not in self._prepared:
            self._prepared = {key: PreparedRows(extractor, self.validation, cache=True)}
        return self._prepared[key]

    def probe_splits(self) -> dict[str, Dataset]:
        """A probe's rows: every sixth training patient chooses its strength, the validation folds only judge."""
        train = self._load(self.folds["train"])
        patients = train.select_columns("patient_id").with_format(None)["patient_id"][:]
        numbers = {patient: number for number, patient in enumerate(dict.fromkeys(patients))}
        choosing = np.array([numbers[patient] % _CHOOSING == 0 for patient in patients])
        parts = {"train": ~choosing, "validation": choosing}
        return {split: train.select(np.flatnonzero(kept)) for split, kept in parts.items()} | {"test": self.validation}


def check_judged(recipe: Recipe, probe: list[str], where: str) -> None:
    """Raises ValueError when nothing of a recipe would be judged: before an hour of training, not after it."""
    name = None if recipe.validation is None else recipe.validation.name
    if name not in (CLASSIFICATION, LABEL_TEXT) and not probe:
        raise ValueError(
            f"{where}: its validation is {name}, and a sweep judges {CLASSIFICATION} and {LABEL_TEXT}; for others name"
            " label sets under `probe`"
        )


def run_scores(recipe: Recipe, folder: Path, rows: SweptRows) -> dict[str, TaskScores]:
    """Task -> what a finished run says of it: a classifier by its head, a dual encoder by the recipe's prompts.

    Args:
        recipe: of the run.
        folder: of the run.
    """
    section = recipe.validation
    if section is None or section.name not in (CLASSIFICATION, LABEL_TEXT):
        return {}
    found = {}
    if section.name == CLASSIFICATION:
        model, extractor = load_classifier(str(folder), _CPU)
        logits = classifier_logits(model, extractor, rows.prepared(extractor))
        for label_set in section.label_sets:
            names = list(label_names(rows.validation, label_set))
            found[label_set] = TaskScores(
                label_set, names, logits[:, match_labels(model.config.id2label, names, label_set)]
            )
        return found
    model, processor = load_dual_encoder(str(folder), _CPU)
    embeddings = ecg_embeddings(model, processor, rows.prepared(processor))
    # as where an epoch is chosen: by the texts that were trained, and by no label of a statement that was held out
    trained = TrainedTexts.of(read_training_facts(folder))
    held_out = held_out_statements(recipe, build_method(recipe.method, recipe.data))
    for prompts in prompts_to_choose_by(rows.validation, list(map(load_prompts, section.prompts)), held_out):
        scores = scores_of_embeddings(model, processor, embeddings, prompts, trained=trained)
        found[prompts.label_set] = TaskScores(prompts.label_set, list(prompts.classes), scores)
    return found


def probe_scores(
    label_sets: list[str], folder: Path, rows: SweptRows, intervals: IntervalOptions
) -> dict[str, TaskScores]:
    """Name of a probe -> its scores, from the frozen encoder of a run; NaN in rows that are not annotated.

    Args:
        label_sets: to probe.
        folder: of the run.
        intervals: with the seed of the probe, and what a class needs to count.
    """
    if not label_sets:
        return {}
    encoder, extractor = load_encoder(str(folder / "encoder"), _CPU)
    splits, found = rows.probe_splits(), {}
    features = {
        split: ecg_features(encoder, extractor, rows.prepared(extractor) if split == "test" else dataset)
        for split, dataset in splits.items()
    }
    for label_set in label_sets:
        names = list(label_names(rows.validation, label_set))
        task: ProbeTask = probe_task(splits, label_set, names, intervals.minimum)
        chosen = {split: features[split][task.rows[split]] for split in splits}
        scores = np.full((len(rows.validation), len(names)), np.nan)
        scores[task.rows["test"]] = task.fit(chosen, 100, intervals.seed).scores
        found[f"{label_set}, probe"] = TaskScores(label_set, names, scores)
    return found


def encoder_parameters(folder: Path) -> int:
    """Parameters of a run's ECG encoder."""
    encoder, _ = load_encoder(str(folder / "encoder"), _CPU)
    return sum(parameter.numel() for parameter in encoder.parameters())
