"""The runs of the study of beats: corpora, trainings, and what each model says of the rows that judge it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...data.builder import prepare_corpus
from ...data.corpus import label_matrix, load_corpus
from ...data.readers.mit_bih_beats import AAMI, AAMI_SET, COVARIATES, mit_bih_beats_corpus
from ...data.readers.mit_bih_records import COMPAT_DS1_DS2, LEAKY
from ...evaluation.judging.features import classifier_logits
from ...evaluation.loading import load_head, pick_device
from ...files import atomic_file
from ...recipes_found import find_recipe
from ...signals.high_quality_beats import DOWNSAMPLED_HZ
from ...training.prior_runs import train_once
from ...training.recipe import as_override, load_recipe
from ...training.run_folder import check_same_recipe
from .interval_scores import class_shares, interval_log_ratios

RECIPE = "mit_bih_beats"
CLASSES = list(AAMI)
STORED_HZ = 360
TRAIN, JUDGED = "train", ("validation", "test")
_STORED = ("labels", "scores", "patients")
INTERVALS = (NONE, LINEAR, HIDDEN, BOOSTED, ALONE) = ("none", "linear", "hidden", "boosted", "alone")
_ARMS = {
    NONE: "waveform",
    LINEAR: "waveform and intervals",
    HIDDEN: "waveform and intervals through a layer",
    BOOSTED: "waveform times boosted intervals",
    ALONE: "boosted intervals alone, no waveform",
}
_HIDDEN_SIZE, _HEAD_FACTOR = 64, 5.0
# A class of eight beats would otherwise count thousands of times.
_HEAVIEST = 10.0


@dataclass(frozen=True)
class BeatRun:
    """One training.

    Args:
        splitting: "compat_ds1_ds2", between patients, or "leaky", of single beats.
        intervals: how the model is told of the intervals around a beat, and of its amplitude: "none"; "linear" or
            "hidden", by the head or by a layer with ReLU before it; or "boosted", by trees whose answer is multiplied
            with that of the network on waveforms (`interval_scores`); or "alone", those trees without a waveform.
        weighted: whether rare classes count more in the loss, by the square root of how rare they are.
        rate: of the beats, in hertz.
        seed: of weights and order.
    """

    splitting: str = COMPAT_DS1_DS2
    intervals: str = NONE
    weighted: bool = False
    rate: int = DOWNSAMPLED_HZ
    seed: int = 0

    @property
    def between_patients(self) -> bool:
        """Whether no beat of a patient who judges was trained on, but for the man of 201 and 202."""
        return self.splitting != LEAKY

    @property
    def arm(self) -> str:
        """What the model is, in words."""
        return _ARMS[self.intervals] + (", weighted classes" if self.weighted else "")

    @property
    def name(self) -> str:
        """Of its folder."""
        arm = re.sub(r"\W+", "_", self.arm)
        return "_".join([self.splitting, arm, f"{self.rate}hz", f"seed{self.seed}"])


@dataclass(frozen=True)
class Answers:
    """What a model says of the rows that judge it.

    Args:
        labels: `(rows,)`, numbers of AAMI classes.
        scores: `(rows, classes)`, log-probabilities up to a constant a row; the highest is the answer.
        patients: `(rows,)` identifiers.
    """

    labels: np.ndarray
    scores: np.ndarray
    patients: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return self.scores.argmax(axis=1)


def beats_folder(output_dir: Path, splitting: str, rate: int) -> Path:
    """Where the corpus of beats lies."""
    return output_dir / "corpora" / f"{splitting}_{rate}hz"


def prepared_beats(data_dir, output_dir: Path, splitting: str, rate: int) -> Path:
    """The corpus of beats, made where it is not there yet; paced records are in none."""
    folder = beats_folder(output_dir, splitting, rate)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        prepare_corpus(mit_bih_beats_corpus(data_dir, splitting, rate, paced=False), folder, progress=False)
    return folder


def run_recipe(run: BeatRun, corpus: Path, overrides: Sequence[str] = ()):
    """The recipe of a run: that of `mit_bih_beats`, with what the run says, and `overrides` last."""
    given: dict = {
        "data.sources.0.path": str(corpus),
        "data.sources.0.config": None,
        "model.config.num_samples": run.rate,
        "model.config.sampling_rate": run.rate,
        "processor.feature_extractor.num_samples": run.rate,
        "processor.feature_extractor.sampling_rate": run.rate,
        "run.seed": run.seed,
    }
    if run.intervals != NONE:
        given["data.columns.covariates"] = list(COVARIATES)
    if run.intervals == HIDDEN:
        given["model.config.covariate_hidden_size"] = _HIDDEN_SIZE
        # a layer of so few inputs learns slower than the network
        given["optimizer.groups"] = [{"parameters": ["classifier"], "lr_factor": _HEAD_FACTOR}]
    if run.weighted:
        given["model.config.class_weights"] = class_weights(corpus)
    lines = [as_override(key, value) for key, value in given.items()]
    return load_recipe(find_recipe(RECIPE), [*lines, *overrides])


def class_weights(corpus: Path) -> list[float]:
    """Of each AAMI class: the square root of the commonest class's beats by its own, ten at most, in training rows."""
    counts = np.maximum(label_matrix(load_corpus(corpus, split=TRAIN), AAMI_SET)[0].sum(axis=0), 1)
    return [round(float(weight), 3) for weight in np.minimum(np.sqrt(counts.max() / counts), _HEAVIEST)]


def answers(run: BeatRun, data_dir, output_dir: Path, overrides: Sequence[str] = ()) -> dict[str, Answers]:
    """Trains a run where it is not trained yet, and asks it about the rows that choose and those that judge.

    Returns:
        "validation" and "test".

    Raises:
        ValueError: it was trained by another recipe, such as with other overrides.
    """
    corpus = prepared_beats(data_dir, output_dir, run.splitting, run.rate)
    if run.intervals in (BOOSTED, ALONE):
        told = answers(replace(run, intervals=NONE), data_dir, output_dir, overrides)
        beside = interval_log_ratios(corpus, JUDGED, run.seed)
        if run.intervals == ALONE:
            shares = np.log(class_shares(corpus))
            return {split: replace(one, scores=beside[split] + shares) for split, one in told.items()}
        return {split: replace(one, scores=one.scores + beside[split]) for split, one in told.items()}
    kept, folder = output_dir / "runs" / f"{run.name}.npz", output_dir / "runs" / run.name
    recipe = run_recipe(run, corpus, overrides)
    check_same_recipe(recipe, folder)
    if not kept.is_file():
        train_once(recipe, folder)
        model, extractor = load_head(str(folder), pick_device(None), "classifier")
        found = {}
        for split in JUDGED:
            rows = load_corpus(corpus, split=split)
            found[f"{split}_labels"] = label_matrix(rows, AAMI_SET)[0].argmax(axis=1)
            found[f"{split}_scores"] = classifier_logits(model, extractor, rows, batch_size=512)
            found[f"{split}_patients"] = np.array(rows.select_columns("patient_id")["patient_id"][:])
        with atomic_file(kept, mode="wb") as file:
            np.savez_compressed(file, **found)
    with np.load(kept) as stored:
        return {split: Answers(*(stored[f"{split}_{key}"] for key in _STORED)) for split in JUDGED}


def planned_arms(seed: int) -> list[BeatRun]:
    """The arms among which the validation records choose, between patients at the down-sampled rate."""
    ways = [(NONE, False), (NONE, True), (LINEAR, False), (HIDDEN, False), (HIDDEN, True)]
    ways.append((BOOSTED, False))
    return [BeatRun(intervals=intervals, weighted=weighted, seed=seed) for intervals, weighted in ways]


def planned_runs(chosen: BeatRun, seeds: Sequence[int]) -> list[BeatRun]:
    """What is judged beside the arms: the intervals without a waveform; the chosen arm from other seeds; and waveforms
    alone, as published, with the leaky splitting and at the rate of the records."""
    plain = BeatRun(seed=chosen.seed)
    runs = [
        replace(plain, intervals=ALONE),
        *(replace(chosen, seed=seed) for seed in seeds if seed != chosen.seed),
        replace(plain, splitting=LEAKY),
        replace(plain, rate=STORED_HZ),
    ]
    return list(dict.fromkeys(runs))
