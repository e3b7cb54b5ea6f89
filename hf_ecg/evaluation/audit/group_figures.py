"""A model group by group, and each group beside all other records: with intervals, and a count of the comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ..calibration.operating_points import sensitivity_threshold
from ..metrics.bootstrap import mean_of_classes
from ..metrics.patient_draws import Measured, PatientDraws
from ..options import IntervalOptions

AUROC, FOUND, ALARMS = MEASURES = ("auroc", "true_positive_rate", "false_positive_rate")
WORDS = {AUROC: "AUROC", FOUND: "true-positive rate", ALARMS: "false-positive rate"}
# a sign of the interval is not yet one of a gap where many are looked at
CONFIDENT = 0.05


@dataclass(frozen=True)
class JudgedRows:
    """The rows of a task.

    Args:
        names: of the classes.
        labels, scores: (rows, classes).
        cuts: (classes,), one threshold for everybody, from which a class counts as found.
        patients: (rows,).
    """

    names: Sequence[str]
    labels: np.ndarray
    scores: np.ndarray
    cuts: np.ndarray
    patients: Sequence


def common_cuts(labels: np.ndarray, scores: np.ndarray, sensitivity: float) -> np.ndarray:
    """The score of each class from which so many positives are found; infinite where there is none."""
    return np.array(
        [
            sensitivity_threshold(label, score, sensitivity) if label.any() else np.inf
            for label, score in zip(labels.T, scores.T, strict=True)
        ]
    )


def audit_groups(rows: JudgedRows, groups: dict[str, Sequence], intervals: IntervalOptions) -> dict:
    """Figures of each group, and its gap to all others whose group is known.

    Args:
        rows: of a task.
        groups: attribute -> (rows,) names of groups, None where not known.
        intervals: replicates, seed, and the positives and negatives that a class needs in a group and beside it.

    Returns:
        `groups`: a list of entries with `attribute`, `group`, `records`, `patients`, `classes`, and for each of
        `MEASURES` an interval and its `gap`; or `reason`. `comparisons`: how many gaps there are, of two groups one.
        `gaps`: those whose
        interval leaves zero out, the largest first, with the p-value after Holm's correction for all of them.
    """
    draws = PatientDraws(rows.patients, intervals.replicates, intervals.seed)
    entries = []
    for attribute, values in groups.items():
        names = np.array([one if one is not None else "" for one in values], dtype=object)
        known = names != ""
        for name in sorted(set(names[known].tolist()), key=_in_order):
            inside, outside = known & (names == name), known & (names != name)
            entry = {"attribute": attribute, "group": name, "records": int(inside.sum())}
            entry["patients"] = len({str(rows.patients[row]) for row in np.flatnonzero(inside)})
            entries.append(entry | _group(rows, inside, outside, draws, intervals.minimum))
    mirrored = {
        (attribute, sorted(set(values) - {None}, key=_in_order)[1])
        for attribute, values in groups.items()
        if len(set(values) - {None}) == 2
    }
    gaps = [
        (entry, measure)
        for entry in entries
        for measure in MEASURES
        if "gap" in entry.get(measure, {}) and (entry["attribute"], entry["group"]) not in mirrored
    ]
    return {"groups": entries, "comparisons": len(gaps), "gaps": _largest(gaps)}


def _group(rows: JudgedRows, inside, outside, draws: PatientDraws, minimum: int) -> dict:
    labels = rows.labels > 0
    counted = [
        place
        for place in range(labels.shape[1])
        if min(_rarest(labels[inside, place]), _rarest(labels[outside, place])) >= minimum
    ]
    if not counted:
        return {"reason": f"no class has {minimum} positives and negatives in it and beside it"}
    told: dict = {"classes": [rows.names[place] for place in counted]}
    sides = [_measured(rows, np.flatnonzero(side), counted, draws) for side in (inside, outside)]
    for measure in MEASURES:
        own, others = (side[measure] for side in sides)
        difference = own - others
        told[measure] = own.interval() | {"others": others.value, "gap": difference.interval()}
        # a rate of 1 in every replicate says that there are few rows, not that it is known
        spread = min(float(np.nanstd(one.drawn)) for one in (own, others)) and float(np.nanstd(difference.drawn))
        told[measure]["p"] = float(2 * norm.sf(abs(difference.value) / spread)) if spread > 0 else 1.0
    return told


def _measured(
    rows: JudgedRows, places: np.ndarray, counted: Sequence[int], draws: PatientDraws
) -> dict[str, Measured]:
    labels, scores = rows.labels[places][:, counted] > 0, rows.scores[places][:, counted]
    positive = scores >= rows.cuts[list(counted)]
    found = {AUROC: draws.macro_auroc(labels, scores[None], places)}
    every = np.ones((1, draws.weights.shape[1]))
    for measure, wanted in ((FOUND, labels), (ALARMS, ~labels)):
        parts = []
        for weights in (every, draws.weights):
            own = weights[:, draws.index[places]]
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(mean_of_classes((own @ (wanted & positive)) / (own @ wanted)))
        found[measure] = Measured(float(parts[0][0]), parts[1])
    return found


def _largest(gaps: list) -> list[dict]:
    """Those that leave zero out, by size, with Holm's p-values (Scandinavian Journal of Statistics 6:65, 1979)."""
    order = sorted(range(len(gaps)), key=lambda number: gaps[number][0][gaps[number][1]]["p"])
    adjusted, largest = {}, 0.0
    for rank, number in enumerate(order):
        entry, measure = gaps[number]
        largest = max(largest, min(1.0, (len(gaps) - rank) * entry[measure]["p"]))
        adjusted[number] = largest
    made = []
    for number, (entry, measure) in enumerate(gaps):
        gap = entry[measure]["gap"]
        if gap["value"] is None or gap["low"] <= 0 <= gap["high"]:
            continue
        told = {"attribute": entry["attribute"], "group": entry["group"], "measure": measure, "gap": gap}
        told |= {"records": entry["records"], "classes": entry["classes"]}
        made.append(told | {"p_holm": adjusted[number]})
    return sorted(made, key=lambda one: -abs(one["gap"]["value"]))


def _rarest(column: np.ndarray) -> int:
    return int(min(column.sum(), len(column) - column.sum()))


def _in_order(name: str) -> tuple:
    """Young before old, and below before above."""
    first = {"under": 0, "below": 0, "above": 2}.get(name.split(" ")[0], 1)
    return first, name
