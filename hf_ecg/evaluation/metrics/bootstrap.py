"""Percentile bootstrap over patients, with seeds as a second level, and paired differences between models."""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from .classification import METRICS, MINIMUM_COUNT, check_task, counted_classes, weighted_ranking_metrics

REPLICATES = 1000  # the package's evaluation protocol
CONFIDENCE = 0.95
MAXIMUM_WEIGHTS = 4_000_000  # replicates x rows held at once (32 MB)


@dataclass(frozen=True)
class Interval:
    """A value on all rows and its percentile interval; None where it does not exist."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ClassIntervals:
    """One class: counts of rows, prevalence (the AUPRC of random scores) and metrics with intervals."""

    name: str
    positives: int
    negatives: int
    prevalence: float
    counted: bool
    auroc: Interval
    auprc: Interval


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one model (or of several seeds of it) on one task.

    Args:
        classes: all classes in the order evaluated; those with `counted` make the macro.
        macro: "auroc" and "auprc" over the counted classes; None values when no class is counted.
        seeds: macro of each seed, by metric; empty lists when no class is counted.
    """

    records: int
    patients: int
    classes: dict[str, ClassIntervals]
    macro: dict[str, Interval]
    seeds: dict[str, list[float]]
    num_seeds: int
    replicates: int
    confidence: float
    # What a paired difference needs: (values on all rows, values per replicate), and what must agree to pair.
    samples: dict = field(repr=False, default_factory=dict)
    rows_key: str = field(repr=False, default="")

    @property
    def counted(self) -> list[str]:
        """Names of the classes in the macro."""
        return [name for name, entry in self.classes.items() if entry.counted]


def patient_weights(num_patients: int, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """How often each patient is drawn in each replicate: (replicates, patients), each row a draw of all patients."""
    draws = generator.integers(num_patients, size=(replicates, num_patients))
    draws += num_patients * np.arange(replicates)[:, None]
    counts = np.bincount(draws.ravel(), minlength=replicates * num_patients)
    return counts.reshape(replicates, num_patients).astype(np.float64)


def bootstrap_evaluation(
    labels,
    scores,
    patients,
    class_names,
    replicates: int = REPLICATES,
    seed: int = 0,
    minimum: int = MINIMUM_COUNT,
    confidence: float = CONFIDENCE,
    paired_seeds: bool = False,
) -> Evaluation:
    """Evaluates scores with intervals from resampled patients, and from resampled seeds when there are several.

    The value is the mean over seeds of the metric on all rows. A replicate draws patients with replacement (all rows
    of a patient together, the same patients for all seeds and models) and seeds with replacement, independently of
    the patients. The classes of the macro are those counted on all rows; a replicate that happens to hold no positive
    of a class leaves that class out of its own mean.

    Args:
        labels: (rows, classes) of 0 and 1.
        scores: (rows, classes), or (seeds, rows, classes).
        patients: (rows,) identifiers.
        minimum: positives and negatives that a class needs to be counted.
        confidence: mass of the percentile interval.
        paired_seeds: seed by seed, this model and those it is compared with share first weights and order of records:
            then they share the resampled seeds too. All of them need as many, in one order.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite scores, an absent patient, fewer than two patients.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation import bootstrap_evaluation
        >>> random = np.random.default_rng(0)
        >>> labels = random.integers(0, 2, size=(200, 1))
        >>> scores = labels + random.normal(size=(200, 1))
        >>> patients = [f"p{row // 2}" for row in range(200)]  # two records each
        >>> macro = bootstrap_evaluation(labels, scores, patients, ["AFIB"], replicates=200).macro["auroc"]
        >>> macro.low < macro.value < macro.high
        True
    """
    labels, scores, class_names = check_task(labels, scores, class_names)
    if replicates < 1 or not 0 < confidence < 1:
        raise ValueError(f"wanted replicates of at least 1 and confidence in (0, 1), found {replicates}, {confidence}")
    stack = scores if scores.ndim == 3 else scores[None]
    index, num_patients = patient_index(patients, len(labels))
    weights = patient_weights(num_patients, replicates, np.random.default_rng([seed, 0]))
    full = metrics_of_draws(labels, stack, np.ones((1, num_patients)), index)
    drawn = metrics_of_draws(labels, stack, weights, index)
    # Else seeds of two models are drawn independently: seed 0 of one has nothing in common with seed 0 of another.
    seed_draws = seed_shares(len(stack), replicates, seed, None if paired_seeds else stack)
    counted = set(counted_classes(labels, class_names, minimum))
    columns = [name in counted for name in class_names]
    per_class, macro, seeds, samples = {}, {}, {}, {}
    for metric in METRICS:
        values = full[metric][:, 0]  # (seeds, classes)
        per_class[metric] = (values.mean(axis=0), np.einsum("rs,src->rc", seed_draws, drawn[metric]))
        macro_values, macro_drawn = mean_of_classes(values[:, columns]), mean_of_classes(drawn[metric][:, :, columns])
        seeds[metric] = [float(value) for value in macro_values] if counted else []
        samples[metric] = (macro_values.mean(), np.einsum("rs,sr->r", seed_draws, macro_drawn), *per_class[metric])
        macro[metric] = percentile_interval(*samples[metric][:2], confidence)
    positives = labels.sum(axis=0)
    classes = {}
    for i, name in enumerate(class_names):
        intervals = (percentile_interval(per_class[m][0][i], per_class[m][1][:, i], confidence) for m in METRICS)
        count = int(positives[i])
        rest = len(labels) - count
        classes[name] = ClassIntervals(name, count, rest, count / len(labels), name in counted, *intervals)
    settings = (replicates, seed, minimum, len(stack)) if paired_seeds else (replicates, seed, minimum)
    key = _digest(labels, index, class_names, settings)
    return Evaluation(
        len(labels), num_patients, classes, macro, seeds, len(stack), replicates, confidence, samples, key
    )


def paired_difference(first: Evaluation, second: Evaluation) -> dict[str, dict[str, Interval]]:
    """First minus second on the same rows and the same resampled patients.

    Returns:
        `{"macro": {"auroc": Interval, "auprc": Interval}, CLASS: {...}}`.

    Raises:
        ValueError: the two were not evaluated on the same rows, classes, replicates and bootstrap seed.
    """
    if first.rows_key != second.rows_key:
        raise ValueError(
            "a paired difference needs the same rows, labels, classes, replicates and bootstrap seed: "
            f"found {first.records} rows of {first.patients} patients and {second.records} of {second.patients}, "
            f"classes {list(first.classes)} and {list(second.classes)}"
        )
    result: dict[str, dict[str, Interval]] = {"macro": {}, **{name: {} for name in first.classes}}
    for metric in METRICS:
        macro, macro_drawn, values, drawn = (
            a - b for a, b in zip(first.samples[metric], second.samples[metric], strict=True)
        )
        result["macro"][metric] = percentile_interval(macro, macro_drawn, first.confidence)
        for i, name in enumerate(first.classes):
            result[name][metric] = percentile_interval(values[i], drawn[:, i], first.confidence)
    return result


def percentile_interval(value: float, drawn: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """The value with the central `confidence` mass of the finite replicates."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(drawn) == 0:
        return Interval(None, None, None)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return Interval(float(value), float(low), float(high))


def patient_index(patients, rows: int) -> tuple[np.ndarray, int]:
    """Each row's patient as a number, and how many there are.

    Raises:
        ValueError: another number of rows, an absent patient, fewer than two patients.
    """
    patients = list(patients)
    if len(patients) != rows:
        raise ValueError(f"found {len(patients)} patients for {rows} rows")
    absent = sum(p is None or p == "" or p != p for p in patients)
    if absent:
        raise ValueError(f"{absent} of {rows} rows have no patient_id; the bootstrap resamples patients")
    numbers = {patient: number for number, patient in enumerate(dict.fromkeys(patients))}
    if len(numbers) < 2:
        raise ValueError(f"all {rows} rows belong to one patient; the bootstrap resamples patients")
    return np.array([numbers[patient] for patient in patients]), len(numbers)


def metrics_of_draws(labels, stack, weights, index) -> dict[str, np.ndarray]:
    """Metric -> (seeds, replicates, classes)."""
    shape = (len(stack), len(weights), labels.shape[1])
    result = {metric: np.empty(shape) for metric in METRICS}
    step = max(1, MAXIMUM_WEIGHTS // len(labels))
    for start in range(0, len(weights), step):
        part = slice(start, start + step)
        rows = weights[part][:, index]
        for s, scores in enumerate(stack):
            for c in range(labels.shape[1]):
                auroc, auprc = weighted_ranking_metrics(labels[:, c], scores[:, c], rows)
                result["auroc"][s, part, c], result["auprc"][s, part, c] = auroc, auprc
    return result


def mean_of_classes(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the finite values; NaN where there are none."""
    finite = np.isfinite(values)
    number = finite.sum(axis=-1)
    total = np.where(finite, values, 0.0).sum(axis=-1)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def seed_shares(num_seeds: int, replicates: int, seed: int, stack: np.ndarray | None) -> np.ndarray:
    """Share of each seed in each replicate: (replicates, seeds), rows sum to one; a model's own with its scores."""
    if num_seeds == 1:
        return np.ones((replicates, 1))
    scores = b"" if stack is None else np.ascontiguousarray(stack).tobytes()
    own = int.from_bytes(hashlib.blake2b(scores, digest_size=8).digest(), "little")
    generator = np.random.default_rng([seed, 1, own])
    return patient_weights(num_seeds, replicates, generator) / num_seeds


def _digest(labels: np.ndarray, index: np.ndarray, class_names: list[str], settings: tuple) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in (np.ascontiguousarray(labels).tobytes(), index.astype(np.int64).tobytes()):
        digest.update(part)
    digest.update(repr((class_names, settings)).encode())
    return digest.hexdigest()
