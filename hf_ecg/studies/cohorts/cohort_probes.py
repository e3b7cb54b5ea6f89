"""Linear probes of frozen features: a question that cohorts share, and which cohort a record is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.judging.linear_probe import standardised
from ...evaluation.judging.ridge_probe import PENALTIES
from ...evaluation.metrics.classification import weighted_ranking_metrics
from .cohort_rows import CohortRows
from .cohorts_spec import CohortStudy

SPLITS = 3
OWN, OTHERS = PROBES = ("own", "others")
COHORT = "cohort"


@dataclass(frozen=True)
class Cell:
    """One question in one cohort.

    Args:
        task: its name.
        cohort: whose test rows are judged.
        probe: "own": fitted on the cohort's training rows; "others": on those of all other cohorts that know the
            answer.
    """

    task: str
    cohort: str
    probe: str

    @property
    def key(self) -> str:
        """Such as `AF/PTB-XL/own`."""
        return f"{self.task}/{self.cohort}/{self.probe}"


def planned_cells(study: CohortStudy, rows: Mapping[str, CohortRows]) -> list[Cell]:
    """All cells whose training rows hold two positives and two negatives at least."""
    cells = []
    for task, section in study.tasks.items():
        positives = {}
        for cohort, truth in section.truth.items():
            labels, known = rows[cohort].truth(truth)
            chosen = labels[known & rows[cohort].train]
            positives[cohort] = np.array([chosen.sum(), (1 - chosen).sum()])
        for cohort in section.truth:
            others = sum((number for name, number in positives.items() if name != cohort), np.zeros(2))
            counts = {OWN: positives[cohort], OTHERS: others}
            cells += [Cell(task, cohort, probe) for probe in PROBES if counts[probe].min() >= 2]
    return cells


def judged_labels(study: CohortStudy, rows: Mapping[str, CohortRows], cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Labels int (judged rows,) of a cell, and the patients of these rows."""
    of = rows[cell.cohort]
    labels, known = of.truth(study.tasks[cell.task].truth[cell.cohort])
    return labels[known & of.test], of.patients[known & of.test]


def judged_cohorts(rows: Mapping[str, CohortRows]) -> tuple[np.ndarray, np.ndarray]:
    """Number of the cohort of each test row, cohort after cohort, and its patient."""
    numbers = [np.full(int(of.test.sum()), number) for number, of in enumerate(rows.values())]
    return np.concatenate(numbers), np.concatenate([of.patients[of.test] for of in rows.values()])


def probe_scores(
    study: CohortStudy,
    rows: Mapping[str, CohortRows],
    cells: Sequence[Cell],
    features: Mapping[str, np.ndarray],
    seed: int,
) -> dict[str, np.ndarray]:
    """Scores of one encoder.

    Args:
        features: cohort -> float (rows, hidden_size), of all its rows.
        seed: of the splits that choose the penalty.

    Returns:
        Key of a cell -> float64 (judged rows,), and "cohort" -> float64 (test rows of all cohorts, cohorts).
    """
    found = {}
    for cell in cells:
        truth = study.tasks[cell.task].truth
        fitted_on = [cell.cohort] if cell.probe == OWN else [name for name in truth if name != cell.cohort]
        parts = []
        for name in fitted_on:
            labels, known = rows[name].truth(truth[name])
            kept = known & rows[name].train
            parts.append((features[name][kept], labels[kept], rows[name].patients[kept]))
        train = [np.concatenate(each) for each in zip(*parts, strict=True)]
        of = rows[cell.cohort]
        judged = of.truth(truth[cell.cohort])[1] & of.test
        found[cell.key] = grouped_probe(*train, features[cell.cohort][judged], seed)[:, 1]
    numbers = np.concatenate([np.full(int(of.train.sum()), number) for number, of in enumerate(rows.values())])
    train = [(features[name][of.train], of.patients[of.train]) for name, of in rows.items()]
    test = np.concatenate([features[name][of.test] for name, of in rows.items()])
    values, patients = (np.concatenate(each) for each in zip(*train, strict=True))
    found[COHORT] = grouped_probe(values, numbers, patients, test, seed)
    return found


def grouped_probe(
    features: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    test_features: np.ndarray,
    seed: int,
    penalties: Sequence[float] = PENALTIES,
) -> np.ndarray:
    """Linear probe by ridge regression on the classes; training rows choose its penalty among themselves, by patient.

    `linear_probe` chooses on validation folds, of which a cohort of a hundred records has none to spare. Here every
    penalty scores each third of the training patients by what the others say. The best AUROC (of several classes:
    the best mean recall) is taken, of equal ones the largest penalty. Every class weighs the same.

    Args:
        features: float (rows, hidden_size).
        labels: int (rows,), 0 and 1 or the number of a class; two rows of each at least.
        patients: (rows,) identifiers.
        test_features: float (test rows, hidden_size).
        seed: of the thirds.
        penalties: factors of the number of training rows.

    Returns:
        float64 (test rows, classes).

    Raises:
        ValueError: labels of one kind.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.studies.cohorts.cohort_probes import grouped_probe
        >>> features = np.random.default_rng(0).normal(size=(60, 3))
        >>> labels = (features[:, 0] > 0).astype(int)
        >>> scores = grouped_probe(features[:40], labels[:40], np.arange(40), features[40:], seed=0)[:, 1]
        >>> bool(scores[labels[40:] == 1].mean() > scores[labels[40:] == 0].mean())
        True
    """
    classes = len(np.unique(labels))
    if classes < 2:
        raise ValueError(f"all {len(labels)} training rows are of one class, wanted two")
    parts = _thirds(labels, patients, seed)
    penalties = sorted(penalties, reverse=True)
    scores = np.full((len(penalties), len(labels), classes), np.nan)
    for left in range(SPLITS):
        fitted = parts != left
        if len(np.unique(labels[fitted])) == classes and not fitted.all():
            scores[:, ~fitted] = _ridge(features[fitted], labels[fitted], features[~fitted], penalties)
    judged = np.isfinite(scores[0, :, 0])
    quality = [_quality(labels[judged], one[judged]) for one in scores]
    best = penalties[int(np.argmax(quality))]  # of equal ones the first, which is the largest
    (found,) = _ridge(features, labels, test_features, [best])
    return found


def _thirds(labels: np.ndarray, patients: np.ndarray, seed: int) -> np.ndarray:
    """Part of each row, the same for all rows of a patient; patients with rare classes are dealt out first, evenly."""
    names, places = np.unique(patients, return_inverse=True)
    rarity = np.full(len(names), np.inf)
    np.minimum.at(rarity, places, np.bincount(labels)[labels])
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(rarity[shuffled], kind="stable")]
    part = np.empty(len(names), dtype=np.int64)
    part[order] = np.arange(len(names)) % SPLITS
    return part[places]


def _ridge(features, labels, others, penalties: Sequence[float]) -> np.ndarray:
    """Scores float64 (penalties, other rows, classes): least squares on -1 and 1, every class with the same weight."""
    train, rest = standardised(features, others)
    targets = np.where(labels[:, None] == np.unique(labels), 1.0, -1.0)
    weights = (1 / np.bincount(labels))[labels] * len(labels) / len(np.unique(labels))
    means = (weights @ train / len(labels), weights @ targets / len(labels))
    train, rest, targets = train - means[0], rest - means[0], targets - means[1]
    values, vectors = np.linalg.eigh((train * weights[:, None]).T @ train / len(labels))
    moments = vectors.T @ ((train * weights[:, None]).T @ targets / len(labels))
    turned = rest @ vectors
    return np.stack([turned @ (moments / (values + penalty)[:, None]) + means[1] for penalty in penalties])


def _quality(labels: np.ndarray, scores: np.ndarray) -> float:
    if not len(labels):
        return 0.0  # nothing could be tried: the largest penalty is taken
    if scores.shape[1] > 2:
        return float(recalls(labels, scores)[0])
    return float(weighted_ranking_metrics(labels, scores[:, 1], np.ones((1, len(labels))))[0][0])


def recalls(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean over classes of the share of its rows whose highest score is its own, (replicates,); by chance 1/classes.

    Args:
        labels: int (rows,).
        scores: (rows, classes).
        weights: (replicates, rows), how often each row counts; None counts each once.
    """
    weights = np.ones((1, len(labels))) if weights is None else weights
    right = scores.argmax(axis=1) == labels
    found = []
    for number in range(scores.shape[1]):
        of_class, nobody = labels == number, np.full(len(weights), np.nan)
        total = weights @ of_class
        found.append(np.divide(weights @ (of_class & right), total, out=nobody, where=total > 0))
    return np.nanmean(found, axis=0)
