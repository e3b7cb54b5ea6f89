"""What is measured on a run: scores of its test folds, which its training and its choices have not seen."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers.utils import logging

from ...auto import folder_role
from ...clinical.prompts import load_prompts
from ...data.corpus import label_matrix, label_names, load_corpus, target_matrix
from ...data.rows import rows_fingerprint
from ...evaluation.judging.asked_texts import TrainedTexts, asked_texts, log_dropped
from ...evaluation.judging.features import PreparedRows, classifier_logits, ecg_embeddings, ecg_features
from ...evaluation.judging.label_text import TextEmbeddings, added, match_labels, scores_by_text
from ...evaluation.judging.linear_probe import ProbeRows, linear_probe
from ...evaluation.judging.ridge_probe import ridge_probe
from ...evaluation.judging.rule_scores import corpus_margins, described_features, feature_shares, rule_scores
from ...evaluation.judging.supervised import MULTI_LABEL, REGRESSION
from ...evaluation.loading import (
    check_label_sets,
    extractor_of,
    facts_for_evaluation,
    load_classifier,
    load_dual_encoder,
    load_encoder,
)
from ...evaluation.options import DESCRIPTIONS, NAMES
from ...evaluation.protocol import read_training_facts
from ...evaluation.weights import weights_digest
from ...files import DAMAGED_ARRAYS, atomic_file, values_digest
from ...training.finetune import finetuning_recipe
from ...training.prior_runs import train_once
from ...training.recipe import as_override
from ...training.sections import to_plain
from .arm_runs import Run, rotation_overrides, slug
from .comparison_spec import DESCRIPTIONS_AND_RULES, FINETUNE, PROBE, PROMPTS, MeasureSection

logger = logging.get_logger(__name__)


class JudgedRows:
    """All rows of a corpus with what is asked about them.

    Args:
        path, config: of the corpus.
        measures: name -> what is measured.
        dataset: its rows; None loads all of them.

    Raises:
        ValueError: a label set, column or target that the corpus does not have.
    """

    def __init__(
        self, path: str, config: str | None, measures: dict[str, MeasureSection], dataset: Dataset | None = None
    ):
        self.path, self.config = path, config
        self.dataset = load_corpus(path, config=config) if dataset is None else dataset
        columns = self.dataset.select_columns(["fold", "patient_id", "record_id"]).with_format(None)
        self.folds = np.array(columns["fold"][:])
        self.patients = np.array([str(patient) for patient in columns["patient_id"][:]])
        self.records = columns["record_id"][:]
        # name -> (class names, labels (rows, classes) or targets (rows, 1), bool (rows,): can be judged)
        self.truth = {name: self._truth(measure) for name, measure in measures.items()}
        self.measures = measures
        self._prepared: dict[str, PreparedRows] = {}

    def rows(self, folds, measure: str) -> np.ndarray:
        """Numbers of the rows in some folds that a measure can be taken of."""
        return np.flatnonzero(np.isin(self.folds, list(folds)) & self.truth[measure][2])

    def label_set(self, measure: str) -> str:
        """Label set of a classification: its own, or that of its prompts."""
        return _label_set(self.measures[measure])

    def prepared(self, extractor) -> PreparedRows:
        """Inputs of all rows, made once for each extractor."""
        extractor = extractor_of(extractor)
        key = extractor.to_json_string()
        if key not in self._prepared:
            self._prepared = {key: PreparedRows(extractor, self.dataset, cache=True)}  # the last one alone: memory
        return self._prepared[key]

    @cached_property
    def margins(self) -> dict[str, np.ndarray]:
        """What the rules make of all rows, for the features of all prompts that are asked."""
        asked = [load_prompts(one.prompts) for one in self.measures.values() if one.kind == PROMPTS]
        return corpus_margins(self.dataset, described_features(asked), self.path)

    def rule_scores(self, measure: MeasureSection, rows: np.ndarray, shares: dict[str, float] | None) -> np.ndarray:
        """Scores of some rows by the rules alone, float64 (rows, classes); `shares` as `shares` gives them."""
        margins = {text: values[rows] for text, values in self.margins.items()}
        return rule_scores(margins, load_prompts(measure.prompts), shares)[0]

    def shares(self, measure: MeasureSection, folds) -> dict[str, float] | None:
        """Share of the records of some folds that the rules find each feature in; None unless rarity counts."""
        if not measure.rarity:
            return None
        chosen = np.isin(self.folds, list(folds))
        return feature_shares({text: values[chosen] for text, values in self.margins.items()})

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all rows, signals and labels."""
        return rows_fingerprint(self.dataset, self.dataset.column_names)

    def _truth(self, measure: MeasureSection) -> tuple[list[str], np.ndarray, np.ndarray]:
        if measure.target is not None:
            values = target_matrix(self.dataset, [measure.target])
            return [measure.target], values, np.isfinite(values[:, 0])
        if measure.column is not None:
            if measure.column not in self.dataset.column_names:
                raise ValueError(f"the corpus has no column {measure.column!r}, only {self.dataset.column_names}")
            values = self.dataset.select_columns([measure.column]).with_format(None)[measure.column][:]
            names = sorted({value for value in values if value is not None})
            if len(names) < 2:
                raise ValueError(f"column {measure.column} holds {names}, wanted two names or more")
            names = names[1:] if len(names) == 2 else names  # of two, one says it all
            labels = np.array([[value == name for name in names] for value in values], dtype=np.int64)
            return names, labels, np.array([value is not None for value in values])
        label_set = _label_set(measure)
        known = list(label_names(self.dataset, label_set))
        names = list(load_prompts(measure.prompts).classes) if measure.kind == PROMPTS else known
        matrix, annotated = label_matrix(self.dataset, label_set)
        return names, matrix[:, match_labels(dict(enumerate(known)), names, label_set)], annotated


def _label_set(measure: MeasureSection) -> str:
    return load_prompts(measure.prompts).label_set if measure.kind == PROMPTS else measure.label_set


def measure_run(run: Run, measures: dict[str, MeasureSection], judged: JudgedRows, rules: bool = False) -> None:
    """Takes the measures of a run that are not there yet; each lies in `scores/NAME.npz` of its folder.

    Args:
        run, judged: what is measured, on which rows.
        measures: name -> what to take.
        rules: the run is of the rules of waveform features, not of a model.

    Raises:
        ValueError: a file there is of another definition of the measure.
    """
    of = values_digest([weights_digest(run.encoder), weights_digest(run.folder), judged.fingerprint])
    missing = {name: measure for name, measure in measures.items() if not _taken(run, name, measure, of)}
    if not missing:
        return
    if not rules:
        facts_for_evaluation([str(run.encoder)], judged.config, list(run.turn.test))
    outputs = _Outputs(run, judged)
    for name, measure in missing.items():
        rows = {split: judged.rows(getattr(run.turn, split), name) for split in ("train", "validation", "test")}
        if rules:
            scores = judged.rule_scores(measure, rows["test"], judged.shares(measure, run.turn.train))
        elif measure.kind == FINETUNE:
            scores = _finetuned(run, name, measure, judged)[rows["test"]]
        elif measure.kind == PROMPTS:
            scores = outputs.prompt_scores(name, measure, rows["test"])
        else:
            scores = _probed(run, name, measure, judged, outputs.features, rows)
        write_scores(run, name, scores, [judged.records[row] for row in rows["test"]], measure, of)


class _Outputs:
    """What a run's model makes of all rows, computed when it is first asked for."""

    def __init__(self, run: Run, judged: JudgedRows):
        self.run, self.judged = run, judged

    @cached_property
    def features(self) -> np.ndarray:
        encoder, extractor = load_encoder(str(self.run.encoder), "cpu")
        return ecg_features(encoder, extractor, self.judged.prepared(extractor), description=f"{self.run}, features")

    @cached_property
    def _embedded(self) -> tuple:
        model, processor = load_dual_encoder(str(self.run.folder), "cpu")
        rows = self.judged.prepared(processor)
        embeddings = ecg_embeddings(model, processor, rows, description=f"{self.run}, embeddings")
        return TextEmbeddings(model, processor), embeddings

    @cached_property
    def _trained(self) -> TrainedTexts:
        return TrainedTexts.of(read_training_facts(self.run.folder))

    @cached_property
    def _classified(self) -> tuple:
        model, extractor = load_classifier(str(self.run.folder), "cpu")
        rows = self.judged.prepared(extractor)
        return model, classifier_logits(model, extractor, rows, description=f"{self.run}, classes")

    def prompt_scores(self, name: str, measure: MeasureSection, rows: np.ndarray) -> np.ndarray:
        """float64 (rows, classes), of these rows alone: what is standardized knows no others.

        A classifier has one answer for a class, however others are asked.
        """
        if is_classifier(self.run):
            model, logits = self._classified
            classes, label_set = self.judged.truth[name][0], self.judged.label_set(name)
            check_label_sets([str(self.run.folder)], [read_training_facts(self.run.folder)], [label_set])
            return logits[rows][:, match_labels(model.config.id2label, classes, label_set)]
        texts, embeddings = self._embedded
        with_rules = measure.by == DESCRIPTIONS_AND_RULES
        by = DESCRIPTIONS if with_rules else measure.by or NAMES
        asked = asked_texts(load_prompts(measure.prompts), self._trained, measure.ensemble, measure.all_prompts)
        log_dropped([asked], [by])
        shares = self.judged.shares(measure, self.run.turn.train)
        asked = asked if shares is None else asked.by_rarity(shares)
        scores = scores_by_text(texts, embeddings[rows], asked, [by])[by]
        if with_rules:
            scores = added(scores, self.judged.rule_scores(measure, rows, shares))
        return scores


def is_classifier(run: Run) -> bool:
    """Whether a run was trained on labels: the supervised companion of arms that are asked by prompts."""
    return folder_role(run.folder) == "classifier"


def scores_path(run: Run, measure: str) -> Path:
    """File of a run's scores for one measure."""
    return run.folder / "scores" / f"{slug(measure)}.npz"


def read_scores(run: Run, measure: str, records: list[str]) -> np.ndarray:
    """Scores of a run's test rows, float64 (rows, classes).

    Raises:
        ValueError: they are of other records than these.
    """
    path = scores_path(run, measure)
    with np.load(path) as content:
        if content["records"].tolist() != list(records):
            raise ValueError(f"{path} holds scores of other records than the corpus has: remove it to measure anew")
        return content["scores"]


def definition(measure: MeasureSection) -> str:
    """What scores depend on: neither the arms it is asked of, nor the words beside it.

    A key of a later version is left out at its default, so that scores of before are known again.
    """
    told = {key: value for key, value in to_plain(measure).items() if key not in ("arms", "note")}
    return json.dumps(
        {key: value for key, value in told.items() if value or key not in ("by", "all_prompts", "fraction", "rarity")}
    )


def _taken(run: Run, name: str, measure: MeasureSection, of: str) -> bool:
    """Whether a measure is there, of these weights and rows."""
    path = scores_path(run, name)
    if not path.is_file():
        return False
    try:
        with np.load(path) as content:
            found, before = str(content["definition"]), str(content["of"]) if "of" in content else None
    except DAMAGED_ARRAYS as error:
        logger.warning("%s is torn and is measured again: %s", path, error)
        return False
    if found != definition(measure):
        raise ValueError(
            f"{path} was measured as {found}, the comparison now says {definition(measure)}: give the measure another"
            " name, or remove its files"
        )
    if before != of:
        logger.warning("%s was measured of other weights or rows: it is measured again", path)
    return before == of


def write_scores(
    run: Run, name: str, scores: np.ndarray, records: list[str], measure: MeasureSection, of: str
) -> None:
    """Writes a run's scores for one measure; `of` tells what was measured."""
    path = scores_path(run, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"definition": np.array(definition(measure)), "of": np.array(of)}
    with atomic_file(path, "wb") as file:
        np.savez(file, scores=scores.astype(np.float64), records=np.array(records), **told)


def _probed(run, name, measure, judged, features, rows) -> np.ndarray:
    names, truth, _ = judged.truth[name]
    if measure.kind != PROBE:
        known = [(features[rows[split]], truth[rows[split], 0]) for split in ("train", "validation")]
        return ridge_probe(*known[0], *known[1], features[rows["test"]])[:, None]
    train, validation = (
        ProbeRows(features[rows[split]], truth[rows[split]], judged.patients[rows[split]])
        for split in ("train", "validation")
    )
    fraction = measure.fraction or 1.0
    return linear_probe(train, validation, features[rows["test"]], names, fraction, seed=run.seed).scores


def _finetuned(run, name, measure, judged) -> np.ndarray:
    problem = REGRESSION if measure.target is not None else MULTI_LABEL
    labels, targets = ([measure.label_set], []) if measure.target is None else ([], [measure.target])
    given = [as_override("data.sources.0.path", judged.path), as_override("data.sources.0.config", judged.config)]
    given += rotation_overrides(run)
    recipe = finetuning_recipe(str(run.encoder), problem, labels, targets, overrides=[*measure.overrides, *given])
    folder = run.folder / slug(name)
    train_once(recipe, folder)
    model, extractor = load_classifier(str(folder), "cpu")
    logits = classifier_logits(model, extractor, judged.prepared(extractor), description=f"{run}, {name}")
    return logits[:, match_labels(model.config.id2label, judged.truth[name][0], name)]
