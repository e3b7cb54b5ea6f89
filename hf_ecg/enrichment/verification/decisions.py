"""From the answers of the verifiers to what becomes of every proposed feature, and the control arms beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...clinical.feature_rules.answers import KEPT, REJECTED, UNDECIDED
from .pairs import FeaturePairs
from .scoring import CrossFittedClep
from .thresholds import FeatureThreshold

MEASURED, CLEP, NONE = "measured", "clep", "none"
VERIFIERS = (NONE, MEASURED, CLEP)
VERDICTS = {UNDECIDED: "undecided", REJECTED: "rejected", KEPT: "kept"}


@dataclass
class Decisions:
    """What became of every pair of record and proposed feature.

    Args:
        pairs: which features were proposed for which rows.
        verifier: int8 (pairs,): the place in `VERIFIERS` of the one that decided.
        state: int8 (pairs,): see `VERDICTS`.
        score: float32 (pairs,): of the verifier that decided, NaN while none has.
    """

    pairs: FeaturePairs
    verifier: np.ndarray
    state: np.ndarray
    score: np.ndarray

    @classmethod
    def open(cls, pairs: FeaturePairs) -> "Decisions":
        """Nothing decided yet."""
        number = len(pairs)
        return cls(pairs, np.zeros(number, np.int8), np.zeros(number, np.int8), np.full(number, np.nan, np.float32))

    @property
    def kept(self) -> np.ndarray:
        """bool (pairs,)."""
        return self.state == KEPT

    def take(self, verifier: str, state: np.ndarray, score: np.ndarray) -> None:
        """Lets a verifier decide what is open and it can decide."""
        mine = (self.state == UNDECIDED) & (state != UNDECIDED)
        self.state[mine], self.score[mine] = state[mine], score[mine]
        self.verifier[mine] = VERIFIERS.index(verifier)


def clep_answers(
    scores: CrossFittedClep,
    pairs: FeaturePairs,
    thresholds: Mapping[int, Sequence[FeatureThreshold]] | None,
    fixed_threshold: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What the dual encoders say of the features asked of each record.

    Args:
        scores: of the same rows; `scores.names` are those of the pairs.
        pairs: what is asked.
        thresholds: fold -> a threshold for each name, see `scoring.calibrate`; a feature without one is undecided,
            and so is one of a record that the model cannot use.
        fixed_threshold: one for all features, in place of `thresholds`.

    Returns:
        int8 (pairs,): `UNDECIDED`, `REJECTED` or `KEPT`; and float64 (pairs,): probabilities.
    """
    found = scores.pair_scores(pairs)
    if fixed_threshold is not None:
        state = np.where(found >= fixed_threshold, KEPT, REJECTED)
        return np.where(np.isnan(found), UNDECIDED, state).astype(np.int8), found
    folds = sorted(thresholds)
    table = np.array([[np.nan if x.threshold is None else x.threshold for x in thresholds[fold]] for fold in folds])
    wanted = table[np.searchsorted(folds, scores.folds[pairs.rows]), pairs.features]
    state = np.where(found >= wanted, KEPT, REJECTED)
    return np.where(np.isnan(wanted) | np.isnan(found), UNDECIDED, state).astype(np.int8), found


def keep_random(pairs: FeaturePairs, kept: np.ndarray, folds: np.ndarray, seed: int) -> np.ndarray:
    """A control: of every feature in every fold as many proposals as were kept, but which ones is drawn.

    The texts then hold the same features as often, with no help from the signal.

    Args:
        pairs: what was proposed.
        kept: bool (pairs,).
        folds: (rows,).
        seed: of the draw.

    Returns:
        bool (pairs,).
    """
    group = folds[pairs.rows].astype(np.int64) * len(pairs.names) + pairs.features
    _, group = np.unique(group, return_inverse=True)
    order = np.lexsort((np.random.default_rng(seed).random(len(pairs)), group))
    sizes, wanted = np.bincount(group), np.bincount(group, weights=kept)
    rank = np.arange(len(pairs)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    drawn = np.zeros(len(pairs), dtype=bool)
    drawn[order] = rank < wanted[group[order]]
    return drawn
