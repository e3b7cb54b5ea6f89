"""Detectors of noise: trained on one corpus and judged on another, and the ones that are inside the package."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...checks import check_one_of, check_positive_integer
from ...data.readers.splits import fold_of
from ...evaluation.noise_detection.noise_corpora import NoiseWindows
from ...evaluation.noise_detection.noise_figures import called_noisy, noise_figures
from ...evaluation.noise_detection.noise_report import noise_row, window_probability
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...signals.quality.noise_detector import NoiseDetector
from ...signals.quality.noise_features import METHODS
from ...signals.quality.saved_classifiers import SavedClassifier
from .fitting import CLASSIFIERS, fit_classifier

OUT_OF_FOLD, OTHER_CORPUS = "out of fold", "other corpus"
# A detector of the package is to be small: support vectors are not.
_MOST_BYTES = 300_000


@dataclass(frozen=True)
class NoiseStudyOptions:
    """What is compared.

    Args:
        methods: of features.
        classifiers: names of `fitting.CLASSIFIERS`.
        folds: of the figures out of fold; subjects are dealt by a hash.
        seed: of the folds and of the classifiers.
        threshold: at and above it a unit is called noisy. Both classes weigh the same in training, so that 0.5 is
            where both are equally likely, whatever their shares; nothing is chosen on the rows that judge.
        intervals: of all figures.

    Raises:
        ValueError: an unknown method or classifier, none, or fewer than two folds.
    """

    methods: Sequence[str] = tuple(METHODS)
    classifiers: Sequence[str] = tuple(CLASSIFIERS)
    folds: int = 5
    seed: int = 0
    threshold: float = 0.5
    intervals: IntervalOptions = DEFAULT_INTERVALS

    def __post_init__(self):
        for name in self.methods:
            check_one_of("method", name, tuple(METHODS))
        for name in self.classifiers:
            check_one_of("classifier", name, tuple(CLASSIFIERS))
        check_positive_integer("folds", self.folds)
        if not self.methods or not self.classifiers or self.folds < 2:
            raise ValueError("wanted one method and one classifier at least, and two folds")


def study_noise(
    corpora: Sequence[NoiseWindows], options: NoiseStudyOptions
) -> tuple[list[dict], dict[str, NoiseDetector]]:
    """Every method and classifier, trained on each corpus and on all together, judged on each.

    Where a corpus is judged that was trained on, it is judged out of fold: by classifiers that have seen none of the
    subject's windows.

    Args:
        corpora: their names differ. One without any noisy unit is not trained on: of it the report has the share
            that the detectors returned call noisy.
        options: see there.

    Returns:
        Rows of the table, and for each method a detector that is trained on the first corpus: with the classifier of
        the highest AUROC out of fold on it, among those of at most 300 kB. The other corpora have no part in that.

    Raises:
        ValueError: a corpus without noisy or without clean windows.
    """
    rows: list[dict] = []
    detectors = {}
    clean = [corpus for corpus in corpora if not (corpus.noisy == 1).any()]
    corpora = [corpus for corpus in corpora if (corpus.noisy == 1).any()]
    trainings = [[corpus] for corpus in corpora] + ([list(corpora)] if len(corpora) > 1 else [])
    for method in options.methods:
        best = -1.0
        for name in options.classifiers:
            for training in trainings:
                rows += _judged(method, name, training, corpora, options)
            value = rows[-len(trainings) * len(corpora)]["figures"]["auroc"]["value"]
            if value <= best:
                continue
            fitted = _fitted(method, name, [(corpora[0], np.ones(len(corpora[0].noisy), bool))], options)
            detector = NoiseDetector(method, name, fitted, options.threshold)
            if len(detector.to_json()) <= _MOST_BYTES:
                best, detectors[method] = value, detector
    for corpus in clean:
        for method, own in detectors.items():
            found = called_noisy(corpus, window_probability(corpus, method, own.classifier), own.threshold)
            rows.append(noise_row(method, own.classifier_name, [corpora[0].corpus], OTHER_CORPUS, found))
    return rows, detectors


def _judged(
    method: str, name: str, training: Sequence[NoiseWindows], corpora, options: NoiseStudyOptions
) -> list[dict]:
    """A row for each corpus, in the order of `corpora`."""
    folds = {corpus.corpus: _folds(corpus, options) for corpus in training}
    scores = {corpus.corpus: np.ones(len(corpus.rules)) for corpus in training}
    for fold in range(1, options.folds + 1):
        fitted = _fitted(method, name, [(corpus, folds[corpus.corpus] != fold) for corpus in training], options)
        for corpus in training:
            held_out = folds[corpus.corpus][corpus.unit] == fold
            scores[corpus.corpus][held_out] = window_probability(corpus, method, fitted)[held_out]
    others = [corpus for corpus in corpora if corpus.corpus not in scores]
    if others:
        fitted = _fitted(method, name, [(corpus, np.ones(len(corpus.noisy), bool)) for corpus in training], options)
        scores |= {corpus.corpus: window_probability(corpus, method, fitted) for corpus in others}
    return [
        noise_row(
            method,
            name,
            [own.corpus for own in training],
            OUT_OF_FOLD if corpus.corpus in folds else OTHER_CORPUS,
            noise_figures(corpus, scores[corpus.corpus], options.threshold, options.intervals),
        )
        for corpus in corpora
    ]


def _folds(corpus: NoiseWindows, options: NoiseStudyOptions) -> np.ndarray:
    """`(units,)`, 1 to the number of folds."""
    return np.array([fold_of(subject, options.seed, options.folds) for subject in corpus.subject])


def _fitted(method: str, name: str, parts, options: NoiseStudyOptions) -> SavedClassifier:
    """A classifier of the windows of some units; corpora weigh by their windows, classes the same."""
    features, noisy = [], []
    for corpus, units in parts:
        kept = (units & corpus.judged)[corpus.unit] & (corpus.rules == "")
        features.append(corpus.of_method(method)[kept])
        noisy.append(corpus.noisy[corpus.unit[kept]] == 1)
    return fit_classifier(name, np.concatenate(features), np.concatenate(noisy), options.seed)


def window_counts(corpora: Sequence[NoiseWindows]) -> list[dict]:
    """What each corpus has, for a detector's origin: no paths, no dates."""
    return [
        {
            "corpus": corpus.corpus,
            "licence_of_the_records": corpus.source,
            "subjects": len(set(corpus.subject.tolist())),
            "windows_trained_on": int((corpus.judged[corpus.unit] & (corpus.rules == "")).sum()),
            "of_them_noisy": int(((corpus.noisy == 1)[corpus.unit] & (corpus.rules == "")).sum()),
        }
        for corpus in corpora
    ]


def save_detectors(
    detectors: Mapping[str, NoiseDetector], corpora: Sequence[NoiseWindows], options: NoiseStudyOptions, folder: Path
) -> dict[str, Path]:
    """Writes each detector with its origin; the same corpora, options and versions give the same bytes.

    Returns:
        Method -> file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origin = {
        "corpora": window_counts(corpora[:1]),
        "command": f"hf-ecg study noise {corpora[0].option} --seed {options.seed} --output_dir OUT",
        "licence": "Apache-2.0",
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }
    files = {}
    for method, detector in detectors.items():
        files[method] = folder / f"{method}.json"
        replace(detector, origin=origin).save(files[method])
    return files
