"""What a calibrated task is worth on rows that had no part in it, with intervals over patients."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import betabinom

from ..metrics.bootstrap import Interval, mean_of_classes, percentile_interval
from ..metrics.calibration import BINS, probability_figures
from ..metrics.figures import bootstrap_figures
from ..options import IntervalOptions
from .calibrated_tasks import CalibrationOptions
from .calibration_file import PRESENT, UNSURE, CalibratedTask
from .operating_points import capacity_figures, threshold_figures
from .probability_maps import MULTI_LABEL, SINGLE_LABEL

BEFORE, AFTER = "before", "after"
PROBABILITY_FIGURES = ("calibration_error", "log_loss", "auroc")


def judge_task(
    task: CalibratedTask,
    labels: np.ndarray,
    scores: np.ndarray,
    raw: np.ndarray,
    patients: Sequence,
    counted: Sequence[int],
    options: CalibrationOptions,
    intervals: IntervalOptions,
) -> dict:
    """The entry of a report.

    Args:
        task: calibrated on other rows.
        labels, scores: (rows, classes) of the judged rows.
        raw: (rows, classes), probabilities without the calibration.
        counted: places of the classes that figures are told of.

    Returns:
        `figures` ("before", "after", "difference"), `classes` with those of each, `sets`, `answers`, `bins`; each
        figure an interval.
    """
    fitted = task.probabilities(scores)
    in_set, verdicts, abstained = task.in_set(scores), task.verdicts(scores), task.abstained(fitted)
    judged = {BEFORE: raw, AFTER: fitted}
    names = [one.label for one in task.classes]

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        made: dict[str, np.ndarray] = {}
        for when, values in judged.items():
            for key, figure in _probability_figures(task.kind, labels, values, weights, counted).items():
                made[f"{when}|{key}"] = figure
        for key in PROBABILITY_FIGURES:
            made[f"difference|{key}"] = made[f"{AFTER}|{key}"] - made[f"{BEFORE}|{key}"]
        made |= _set_figures(task.kind, labels > 0, in_set, weights, counted)
        made |= _verdict_figures(labels > 0, verdicts, weights, counted)
        made |= _answer_figures(task.kind, labels > 0, fitted, abstained, weights, counted)
        for place in counted:
            made |= _cut_figures(task, place, labels[:, place], scores[:, place], weights, options)
        return made

    found = bootstrap_figures(measure, patients, intervals.replicates, intervals.seed)
    figures = {key: _interval(key, *found.samples[key]) for key in found.samples}
    told = _nested(figures)
    for place in counted:
        entry = told["classes"].setdefault(str(place), {})
        entry |= _facts(task, place, labels[:, place] > 0)
    return {
        "records": len(labels),
        "patients": len(set(patients)),
        **{key: told[key] for key in (BEFORE, AFTER, "difference", "sets", "answers")},
        "classes": {names[place]: told["classes"][str(place)] for place in counted},
        "bins": {
            names[place]: {when: _bins(labels[:, place], values[:, place]) for when, values in judged.items()}
            for place in counted
        },
    }


def judge_methods(
    kind: str,
    labels: np.ndarray,
    found: Mapping[str, np.ndarray],
    patients: Sequence,
    counted: Sequence[int],
    intervals: IntervalOptions,
) -> dict:
    """Calibration error, log loss and AUROC of several probabilities of the same rows, each an interval.

    Args:
        labels: (rows, classes) of the judged rows.
        found: name -> probabilities (rows, classes), `BEFORE` among them.
        counted: places of the classes that figures are told of.

    Returns:
        Name -> its figures, and "difference", each less that of `BEFORE`.
    """

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        made: dict[str, np.ndarray] = {}
        for name, values in found.items():
            told = _probability_figures(kind, labels, values, weights, counted)
            made |= {f"{name}|{key}": told[key] for key in PROBABILITY_FIGURES}
        for name in found:
            made |= {
                f"{name}|difference|{key}": made[f"{name}|{key}"] - made[f"{BEFORE}|{key}"]
                for key in PROBABILITY_FIGURES
            }
        return made

    drawn = bootstrap_figures(measure, patients, intervals.replicates, intervals.seed).samples
    told: dict = {name: {"difference": {}} for name in found}
    for key, sample in drawn.items():
        name, *path = key.split("|")
        place = told[name]["difference"] if len(path) > 1 else told[name]
        place[path[-1]] = vars(_interval("|".join(path), *sample)).copy()
    return told


def _interval(key: str, value: float, drawn: np.ndarray) -> Interval:
    """A percentile interval; of a calibration error about the value itself.

    Rows that are drawn twice agree with themselves, so that the error of nearly every replicate is larger than that of
    the rows: the interval would leave its own value out.
    """
    if not key.endswith(("calibration_error", "top_label_error")):
        return percentile_interval(value, drawn)
    moved = drawn - np.nanmean(drawn) + value
    return percentile_interval(value, moved if key.startswith("difference") else np.maximum(moved, 0))


def _probability_figures(kind: str, labels, values, weights, counted) -> dict[str, np.ndarray]:
    logits = _logit(values)
    made = [probability_figures(labels[:, [place]], logits[:, [place]], weights) for place in counted]
    found = {key: mean_of_classes(np.stack([one[key] for one in made], axis=1)) for key in PROBABILITY_FIGURES}
    if kind == SINGLE_LABEL:
        # of the highest probability alone, as Guo et al. have it
        right = values.argmax(axis=1) == labels.argmax(axis=1)
        top = probability_figures(right[:, None].astype(float), _logit(values.max(axis=1, keepdims=True)), weights)
        found["top_label_error"] = top["calibration_error"]
    for place, one in zip(counted, made, strict=True):
        found |= {f"class {place}|{key}": one[key] for key in PROBABILITY_FIGURES}
    return found


def _set_figures(kind: str, labels, in_set, weights, counted) -> dict[str, np.ndarray]:
    columns = list(counted)
    made = {"sets|size": (weights @ in_set[:, columns].sum(axis=1)) / weights.sum(axis=1)}
    if kind == SINGLE_LABEL:
        covered = (labels & in_set).any(axis=1)
        made["sets|size"] = (weights @ in_set.sum(axis=1)) / weights.sum(axis=1)
        return made | {"sets|coverage": (weights @ covered) / weights.sum(axis=1)}
    shares = []
    for place in columns:
        with np.errstate(invalid="ignore", divide="ignore"):
            shares.append((weights @ (labels[:, place] & in_set[:, place])) / (weights @ labels[:, place]))
        made[f"class {place}|coverage"] = shares[-1]
    pairs = labels[:, columns]
    made["sets|coverage"] = (weights @ (pairs & in_set[:, columns]).sum(axis=1)) / (weights @ pairs.sum(axis=1))
    made["sets|class_coverage"] = np.mean(shares, axis=0)
    return made


def _verdict_figures(labels, verdicts, weights, counted) -> dict[str, np.ndarray]:
    """How often a class that is not there is not called present, and how often a verdict is sure, and wrong then."""
    columns = list(counted)
    absent, sure = ~labels[:, columns], verdicts[:, columns] != UNSURE
    kept = absent & (verdicts[:, columns] != PRESENT)
    wrong = sure & ((verdicts[:, columns] == PRESENT) == absent)
    with np.errstate(invalid="ignore", divide="ignore"):
        made = {
            "sets|absent_coverage": (weights @ kept.sum(axis=1)) / (weights @ absent.sum(axis=1)),
            "sets|sure": (weights @ sure.mean(axis=1)) / weights.sum(axis=1),
            "sets|sure_wrong": (weights @ wrong.sum(axis=1)) / (weights @ sure.sum(axis=1)),
        }
        for number, place in enumerate(columns):
            made[f"class {place}|absent_coverage"] = (weights @ kept[:, number]) / (weights @ absent[:, number])
            made[f"class {place}|sure"] = (weights @ sure[:, number]) / weights.sum(axis=1)
    return made


def _answer_figures(kind: str, labels, found, abstained, weights, counted) -> dict[str, np.ndarray]:
    columns = [0] if kind == SINGLE_LABEL else list(counted)
    made, given, failed = {}, [], []
    for place in columns:
        if kind == SINGLE_LABEL:
            answered, wrong = ~abstained[:, 0], found.argmax(axis=1) != labels.argmax(axis=1)
        else:
            answered, wrong = ~abstained[:, place], (found[:, place] >= 0.5) != labels[:, place]
        number = weights @ answered
        with np.errstate(invalid="ignore", divide="ignore"):
            given.append(number / weights.sum(axis=1))
            failed.append((weights @ (answered & wrong)) / number)
        if kind != SINGLE_LABEL:
            made[f"class {place}|answered"], made[f"class {place}|answered_wrong"] = given[-1], failed[-1]
    made["answers|answered"] = np.mean(given, axis=0)
    # classes that are never answered have no error
    made["answers|wrong"] = mean_of_classes(np.stack(failed, axis=1))
    return made


def _cut_figures(task, place, labels, scores, weights, options) -> dict[str, np.ndarray]:
    cut = task.classes[place].cut_at
    made = capacity_figures(labels, scores, weights, options.capacity)
    found = {f"class {place}|top_{key}": value for key, value in made.items()}
    if cut is not None:
        at = threshold_figures(labels, scores >= cut, weights, options.prevalence)
        found |= {f"class {place}|cut_{key}": value for key, value in at.items()}
    return found


def _facts(task: CalibratedTask, place: int, positive: np.ndarray) -> dict:
    """What is no figure: counts, the map, and where the share of covered positives may lie by chance."""
    one = task.classes[place]
    count = int(positive.sum())
    left_out = int(np.floor((one.positives + 1) * (1 - task.coverage) + 1e-9))
    expected = None
    if task.kind == MULTI_LABEL and one.set_from is not None and count:
        # of positives drawn alike, thresholds and judged rows both by chance
        chance = betabinom(count, one.positives + 1 - left_out, left_out)
        expected = [float(value) / count for value in chance.ppf([0.025, 0.975])]
    cut = None if one.cut_at is None else float(task.probabilities(_row(task, place, one.cut_at))[0, place])
    return {
        "positives": count,
        "prevalence": count / len(positive),
        "fitted_on": one.positives,
        "slope": one.map.slope,
        "intercept": one.map.intercept,
        "method": one.map.method,
        "coverage_by_chance": expected,
        "cut_at_probability": cut if task.kind == MULTI_LABEL else None,
    }


def _row(task: CalibratedTask, place: int, score: float) -> np.ndarray:
    row = np.zeros((1, len(task.classes)))
    row[0, place] = score
    return row


def _bins(labels: np.ndarray, values: np.ndarray) -> list[dict]:
    """Ten bins of as many rows each: mean probability, share of positives, rows."""
    order = np.argsort(values, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    return [
        {"probability": float(values[part].mean()), "share": float(labels[part].mean()), "rows": len(part)}
        for part in parts
    ]


def _logit(values: np.ndarray) -> np.ndarray:
    values = np.clip(values, 1e-12, 1 - 1e-12)
    return np.log(values) - np.log1p(-values)


def _nested(figures: dict[str, Interval]) -> dict:
    """ "before|class 3|auroc" as entries within entries, each interval as a dict."""
    made: dict = {BEFORE: {}, AFTER: {}, "difference": {}, "sets": {}, "answers": {}, "classes": {}}
    for key, interval in figures.items():
        *path, name = key.split("|")
        told = vars(interval).copy()
        group = next((one for one in path if one.startswith("class ")), None)
        if group is None:
            made[path[0]][name] = told
            continue
        entry = made["classes"].setdefault(group.removeprefix("class "), {})
        if path[0] == group:
            entry[name] = told
        else:
            entry.setdefault(path[0], {})[name] = told
    return made
