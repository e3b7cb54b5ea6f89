"""Figures that rank no class: accuracy and F1 where a record has one class, errors where it has a number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..protocol import SUPERVISED
from .bootstrap import CONFIDENCE, MAXIMUM_WEIGHTS, REPLICATES, Interval, patient_index, patient_weights
from .bootstrap import percentile_interval as interval_of
from .interval_text import interval_text

# Metric -> whether more of it is better.
SINGLE_LABEL_METRICS = {"accuracy": True, "macro_f1": True}
REGRESSION_METRICS = {"mae": False, "rmse": False, "r2": True}
UNITS = {"age": "years"}
# What stands beside a regression for comparison: nothing that was trained.
TRAINING_MEAN = "mean of the training rows"
TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "c_index": "concordance",
    **{f"bleu_{number}": f"BLEU-{number}" for number in range(1, 5)},
    "rouge_l": "ROUGE-L",
    "words": "words",
    "true_named": "true statements named",
    "named_true": "named statements true",
    "statements_f1": "F1 of statements",
}


@dataclass(frozen=True)
class Figures:
    """Metrics of one model with their intervals; `samples` is what a paired difference needs."""

    records: int
    patients: int
    intervals: dict[str, Interval]
    confidence: float
    samples: dict = field(repr=False)
    rows_key: tuple = field(repr=False)


def single_label_figures(labels, scores, weights=None, counted: Sequence[int] | None = None) -> dict[str, np.ndarray]:
    """Accuracy, and the mean over classes of F1, of the highest score.

    Args:
        labels: int (rows,), the class of each row.
        scores: (rows, classes).
        weights: (replicates, rows), how often each row counts; None counts each once.
        counted: classes that the F1 is a mean of; None takes all. One that a replicate holds neither truly nor by
            prediction leaves its mean.

    Returns:
        "accuracy" and "macro_f1", float64 (replicates,).
    """
    labels, scores = np.asarray(labels), np.asarray(scores)
    if labels.shape != scores.shape[:1] or scores.ndim != 2:
        raise ValueError(f"labels have shape {labels.shape}, scores {scores.shape}: wanted (rows,), (rows, classes)")
    weights = np.ones((1, len(labels))) if weights is None else np.asarray(weights, dtype=np.float64)
    predicted = scores.argmax(axis=1)
    f1 = []
    for number in range(scores.shape[1]) if counted is None else counted:
        true, found = labels == number, predicted == number
        both = weights @ (true & found)
        total = weights @ true + weights @ found
        f1.append(np.divide(2 * both, total, out=np.full(len(weights), np.nan), where=total > 0))
    accuracy = (weights @ (labels == predicted)) / weights.sum(axis=1)
    present = np.isfinite(f1)
    mean = np.where(present, f1, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return {"accuracy": accuracy, "macro_f1": np.where(present.any(axis=0), mean, np.nan)}


def regression_figures(targets, predictions, weights=None) -> dict[str, np.ndarray]:
    """Mean absolute error, root of the mean squared error, and the share of the variance explained.

    Args:
        targets, predictions: float (rows,) in the target's unit.
        weights: (replicates, rows), how often each row counts; None counts each once.

    Returns:
        "mae", "rmse" and "r2", float64 (replicates,); R² is NaN where all targets are the same.
    """
    targets, predictions = (np.asarray(values, dtype=np.float64) for values in (targets, predictions))
    if targets.ndim != 1 or targets.shape != predictions.shape:
        raise ValueError(f"targets have shape {targets.shape}, predictions {predictions.shape}, wanted (rows,) twice")
    if not (np.isfinite(targets).all() and np.isfinite(predictions).all()):
        raise ValueError("targets or predictions are NaN or infinite; leave rows without a target out")
    weights = np.ones((1, len(targets))) if weights is None else np.asarray(weights, dtype=np.float64)
    rows = weights.sum(axis=1)
    errors = predictions - targets
    squared = weights @ errors**2
    centred = targets - targets.mean()
    spread = weights @ centred**2 - (weights @ centred) ** 2 / rows
    share = np.divide(squared, spread, out=np.full(len(rows), np.nan), where=spread > 1e-12 * rows)
    return {"mae": (weights @ np.abs(errors)) / rows, "rmse": np.sqrt(squared / rows), "r2": 1 - share}


def bootstrap_figures(
    measure: Callable[[np.ndarray], dict[str, np.ndarray]],
    patients,
    replicates: int = REPLICATES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Figures:
    """Figures with percentile intervals over patients, drawn as in `bootstrap_evaluation`.

    Args:
        measure: from weights (replicates, rows) to metrics (replicates,), such as `regression_figures` of a model.
        patients: (rows,) identifiers.

    Example:
        >>> from functools import partial
        >>> import numpy as np
        >>> from hf_ecg.evaluation.metrics.figures import bootstrap_figures, regression_figures
        >>> ages = np.linspace(20, 80, 100)
        >>> figures = bootstrap_figures(partial(regression_figures, ages, ages + 5), range(100), replicates=50)
        >>> round(figures.intervals["mae"].value, 6)
        5.0
    """
    patients = list(patients)
    index, number = patient_index(patients, len(patients))
    full = measure(np.ones((1, len(index))))
    drawn = patient_weights(number, replicates, np.random.default_rng([seed, 0]))
    step = max(1, MAXIMUM_WEIGHTS // len(index))
    parts = [measure(drawn[start : start + step][:, index]) for start in range(0, replicates, step)]
    samples = {key: (float(full[key][0]), np.concatenate([part[key] for part in parts])) for key in full}
    intervals = {key: interval_of(*values, confidence) for key, values in samples.items()}
    return Figures(len(index), number, intervals, confidence, samples, (tuple(index), replicates, seed))


def figure_difference(first: Figures, second: Figures) -> dict[str, Interval]:
    """First minus second on the same rows and the same resampled patients.

    Raises:
        ValueError: other rows, replicates or seed.
    """
    if first.rows_key != second.rows_key:
        raise ValueError(f"a paired difference needs the same rows, found {first.records} and {second.records}")
    return {
        key: interval_of(*(a - b for a, b in zip(values, second.samples[key], strict=True)), first.confidence)
        for key, values in first.samples.items()
    }


def figure_entries(systems: dict[str, Figures], differences: Sequence[tuple[str, str]]) -> dict:
    """The keys `figures` and `figure_differences` of a report's task."""
    return {
        "figures": {name: _intervals(figures.intervals) for name, figures in systems.items()},
        "figure_differences": [
            {"first": a, "second": b, **_intervals(figure_difference(systems[a], systems[b]))} for a, b in differences
        ],
    }


def figures_task(
    name: str, target: str, systems: dict[str, Figures], differences: Sequence[tuple[str, str]], **facts
) -> dict:
    """One task of a report that has figures and no macro over classes: a number, or survival.

    Args:
        target: column of the corpus, whose unit stands beside the figures; or the name of the task.
        systems: name -> figures on the same rows.
        differences: pairs of systems to subtract, second from first.
    """
    first = next(iter(systems.values()))
    task = {"name": name, "protocol": SUPERVISED, "label_set": target, "classes": [], "rare": {}}
    task |= {"records": first.records, "patients": first.patients, "systems": {}, "differences": [], **facts}
    return task | {"unit": UNITS.get(target)} | figure_entries(systems, differences)


def figure_lines(task: dict) -> list[str]:
    """Markdown tables of `figure_entries`; a task's `untrained` names systems that no seed was drawn for."""
    figures, unit = task["figures"], task.get("unit")
    names = list(next(iter(figures.values())))
    titles = [f"{TITLES[name]} ({unit})" if unit and name in ("mae", "rmse") else TITLES[name] for name in names]
    lines = ["", f"| system | {' | '.join(titles)} |", f"|{' --- |' * (len(names) + 1)}"]
    # the bootstrap of these figures draws patients alone, also where they are means over seeds
    seeds = len(task.get("seeds") or [0])
    for key, entry in figures.items():
        runs = None if key in (TRAINING_MEAN, *task.get("untrained", ())) else seeds
        cells = " | ".join(interval_text(entry[name], False, runs, seeds_resampled=False) for name in names)
        lines.append(f"| {key} | {cells} |")
    if task["figure_differences"]:
        lines += ["", f"| paired difference | {' | '.join(titles)} |", f"|{' --- |' * (len(names) + 1)}"]
    for entry in task["figure_differences"]:
        cells = " | ".join(interval_text(entry[name], True, seeds, seeds_resampled=False) for name in names)
        lines.append(f"| {entry['first']} - {entry['second']} | {cells} |")
    return lines


def _intervals(intervals: dict[str, Interval]) -> dict[str, dict]:
    return {key: {"value": one.value, "low": one.low, "high": one.high} for key, one in intervals.items()}
