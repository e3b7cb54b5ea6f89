"""Which way from scores to probabilities suits a task: each is judged on patients that its maps have not seen."""

from collections.abc import Mapping, Sequence

import numpy as np

from .probability_maps import (
    IDENTITY,
    METHODS,
    MULTI_LABEL,
    ProbabilityMap,
    fit_map,
    fit_single_label,
    probabilities,
)

# of the calibration rows, so that no row chooses by a map that it had part in
PARTS = 5
_FEWEST_ROWS = 20


def fit_maps(kind: str, labels, scores, method: str, minimum: int) -> tuple[ProbabilityMap, ...]:
    """The maps of a task's classes; "identity" of those with fewer than `minimum` positives or negatives.

    Args:
        kind: "multi_label" or "single_label".
        labels, scores: (rows, classes).
    """
    if kind != MULTI_LABEL:
        return fit_single_label(method, labels.argmax(axis=1), scores)
    enough = classes_with_maps(kind, labels, minimum)
    return tuple(
        fit_map(method, labels[:, place], scores[:, place]) if place in enough else ProbabilityMap(IDENTITY)
        for place in range(labels.shape[1])
    )


def classes_with_maps(kind: str, labels, minimum: int) -> list[int]:
    """Places of the classes that get a map of their own."""
    if kind != MULTI_LABEL:
        return list(range(labels.shape[1]))
    return np.flatnonzero(np.minimum(labels.sum(axis=0), len(labels) - labels.sum(axis=0)) >= minimum).tolist()


def held_out_probabilities(kind: str, labels, scores, patients: Sequence, method: str, minimum: int) -> np.ndarray:
    """(rows, classes): probabilities of each row by maps that were fitted without a fifth of the patients, its own
    among them."""
    found = probabilities(kind, fit_maps(kind, labels, scores, method, minimum), scores)
    _, patient = np.unique([str(one) for one in patients], return_inverse=True)
    # numbers of patients are in the order of their names, which may be that of time
    part = np.random.default_rng(0).permutation(int(patient.max()) + 1)[patient] % PARTS
    for number in range(PARTS):
        left_out = part == number
        if not left_out.any() or (~left_out).sum() < _FEWEST_ROWS:
            continue
        own = fit_maps(kind, labels[~left_out], scores[~left_out], method, max(1, minimum // 2))
        found[left_out] = probabilities(kind, own, scores[left_out])
    return found


def held_out_losses(kind: str, labels, scores, patients: Sequence, minimum: int) -> dict[str, float]:
    """Log loss of each method on patients that its maps were fitted without, the mean over classes with maps.

    Returns:
        Nothing where no class has a map.
    """
    counted = classes_with_maps(kind, labels, minimum)
    if not counted:
        return {}
    found = {method: held_out_probabilities(kind, labels, scores, patients, method, minimum) for method in METHODS}
    return {method: log_loss(kind, labels, values, counted) for method, values in found.items()}


def log_loss(kind: str, labels, found, counted: Sequence[int]) -> float:
    """Of probabilities (rows, classes): the mean over classes, or of the true class where they exclude each other."""
    true = labels > 0
    sure = np.clip(np.where(true, found, 1 - found), 1e-12, 1)
    loss = -np.log(sure)
    return float(loss[true].mean() if kind != MULTI_LABEL else loss[:, list(counted)].mean())


def best_method(losses: Mapping[str, float], usual: str) -> str:
    """The method of the least loss; `usual` where nothing could be compared."""
    return min(losses, key=lambda method: losses[method]) if losses else usual
