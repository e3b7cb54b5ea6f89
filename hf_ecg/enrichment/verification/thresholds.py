"""From which probability on a learned verifier may keep a feature: a threshold for each, found on validation rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

# A choice, tuned on no data: nine of ten sentences added are to be right. The statements are not exhaustive, so the
# precision that it is held against is a lower bound.
TARGET_PRECISION = 0.9
MINIMUM_POSITIVES = 20
# A verifier that orders the rows by chance meets a run of positives at the top now and then.
CHANCE = 0.01


@dataclass(frozen=True)
class FeatureThreshold:
    """Where a feature is kept, and what that rests on.

    Args:
        threshold: keep at this probability and above; None = never.
        rows, positives: of the validation.
        kept, precision, recall: of the validation rows at and above the threshold; None without one.
        reason: in words.
    """

    feature: str
    threshold: float | None
    rows: int
    positives: int
    kept: int | None
    precision: float | None
    recall: float | None
    reason: str


def feature_threshold(
    feature: str,
    positive: Sequence[bool],
    scores: Sequence[float],
    target_precision: float = TARGET_PRECISION,
    minimum_positives: int = MINIMUM_POSITIVES,
) -> FeatureThreshold:
    """The lowest threshold whose precision on validation rows reaches the target.

    A threshold counts only when chance (the share of positives in all rows) brings as many hits among the rows that it
    keeps so seldom that over all the thresholds tried it happens in less than 1 % of cases: a verifier that cannot see
    a feature must not certify it on the strength of a few lucky rows.

    Args:
        feature: its text.
        positive: (rows,): whether a statement of the record implies the feature. Statements are not exhaustive:
            features that are there and not stated count against the verifier, and the precision is a lower bound.
        scores: (rows,), of a model that was trained on none of these rows.
        target_precision: of the rows kept.
        minimum_positives: with fewer the feature is never kept.

    Raises:
        ValueError: a target outside 0 to 1, lengths that differ, scores that are not finite.
    """
    if not 0 < target_precision <= 1:
        raise ValueError(f"target_precision is {target_precision}, wanted above 0 and at most 1")
    if minimum_positives < 1:
        raise ValueError(f"minimum_positives is {minimum_positives}, wanted at least 1")
    positive, scores = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=np.float64)
    if positive.shape != scores.shape or positive.ndim != 1:
        raise ValueError(f"{feature!r}: found labels {positive.shape} and scores {scores.shape}, wanted one of each")
    if not np.isfinite(scores).all():
        raise ValueError(f"{feature!r}: {int((~np.isfinite(scores)).sum())} scores are not finite")
    rows, positives = len(positive), int(positive.sum())

    def never(reason: str) -> FeatureThreshold:
        return FeatureThreshold(feature, None, rows, positives, None, None, None, reason)

    if positives < minimum_positives:
        return never(f"{positives} validation positives, wanted at least {minimum_positives}")
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    # tied rows are kept together or not at all
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    kept = ends + 1
    hits = np.cumsum(positive[order])[ends]
    precision = hits / kept
    reached = precision >= target_precision
    if not reached.any():
        return never(f"no threshold reaches a precision of {target_precision:g} (best {precision.max():.2f})")
    beyond_chance = binom.sf(hits - 1, kept, positives / rows) < CHANCE / len(kept)
    if not (reached & beyond_chance).any():
        return never(f"a precision of {target_precision:g} is reached only where chance may have brought it")
    last = int(np.flatnonzero(reached & beyond_chance)[-1])
    return FeatureThreshold(
        feature,
        float(ordered[ends[last]]),
        rows,
        positives,
        int(kept[last]),
        float(precision[last]),
        float(hits[last] / positives),
        f"the lowest with a precision of at least {target_precision:g}",
    )
