"""The built-in detector of AF: a logistic regression of how irregular the intervals between beats are.

Its numbers lie beside it in `rr_detector.json`, with what they were fitted on; `tests/benchmarks/rr_detector.py` fits
them. Intervals before and behind ventricular beats are left out. It looks at no P wave, so that other rhythms as
irregular (frequent atrial premature beats, multifocal tachycardia) are AF to it, and regular ones (atrial flutter with
a fixed block) are not.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from ...checks import is_finite_number
from ...files import atomic_file
from ...signals.rr_irregularity import RR_FEATURES, rr_features
from ...strict_json import read_json_object
from .ventricular_beats import of_another_shape
from .window_quality import FEW_BEATS, JudgedWindow

RR = "rr"
PACKAGED = Path(__file__).with_name("rr_detector.json")
# of the penalty on standardised features, the inverse of scikit-learn's C; chosen by nothing
_PENALTY_INVERSE = 0.1
# Why a window has no score whose intervals nearly all begin or end at such a beat.
VENTRICULAR = "too few intervals without ventricular beats"


@dataclass(frozen=True)
class RRDetector:
    """Scores windows by their beats.

    Args:
        features: names, those of `RR_FEATURES` in their order.
        mean, scale: of the features, to standardise them.
        weights, intercept: of the logistic regression.
        threshold: of the score, from which on a window is AF.
        facts: what it was fitted on.

    Raises:
        ValueError: other features, or numbers that do not fit them.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float
    facts: dict = field(default_factory=dict, compare=False)

    def __post_init__(self):
        if tuple(self.features) != RR_FEATURES:
            raise ValueError(f"the features are {list(self.features)}, wanted {list(RR_FEATURES)}")
        numbers = [*self.mean, *self.scale, *self.weights, self.intercept, self.threshold]
        lengths = {len(self.mean), len(self.scale), len(self.weights)}
        if lengths != {len(RR_FEATURES)} or not all(map(is_finite_number, numbers)) or min(self.scale) <= 0:
            raise ValueError(f"mean, scale and weights want {len(RR_FEATURES)} finite numbers each, scales above 0")

    @property
    def name(self) -> str:
        return "irregularity of RR intervals, logistic regression"

    def score(self, windows: Sequence[JudgedWindow]) -> list[tuple[float, str]]:
        """The probability of AF of each window, as in its training rows, and why there is none."""
        return [self._scored(window) for window in windows]

    def _scored(self, window: JudgedWindow) -> tuple[float, str]:
        if rr_features(window.beats) is None:
            return float("nan"), FEW_BEATS
        found = window_features(window)
        return (float("nan"), VENTRICULAR) if found is None else (self.probability(found), "")

    def probability(self, features: np.ndarray) -> float:
        """Of AF, from the features of a window, float64 (8,), see `window_features`."""
        standard = (features - np.array(self.mean)) / np.array(self.scale)
        return float(1 / (1 + np.exp(-(standard @ np.array(self.weights) + self.intercept))))

    def with_threshold(self, threshold: float) -> "RRDetector":
        """The same with another threshold."""
        return replace(self, threshold=threshold)

    def save(self, path) -> None:
        """Writes it as JSON; an atomic write."""
        with atomic_file(path) as file:
            file.write(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path=PACKAGED) -> "RRDetector":
        """The packaged one, or one that was saved.

        Raises:
            ValueError: not such a file.
            OSError: it is not there.
        """
        stored = read_json_object(path)
        names = ("features", "mean", "scale", "weights", "intercept", "threshold", "facts")
        if set(stored) != set(names):
            raise ValueError(f"{path} has {sorted(stored)}, wanted {sorted(names)}")
        of_lists = {name: tuple(stored[name]) for name in names[:4]}
        return cls(**of_lists, intercept=stored["intercept"], threshold=stored["threshold"], facts=stored["facts"])


def window_features(window: JudgedWindow) -> np.ndarray | None:
    """What the detector looks at: `rr_features` without the intervals around beats of another shape."""
    return rr_features(window.beats, of_another_shape(window))


def fit_rr_detector(features: np.ndarray, is_af: np.ndarray, threshold: float = 0.5, facts=None) -> RRDetector:
    """A logistic regression on standardised features; both classes weigh the same.

    Args:
        features: (windows, 8), see `window_features`.
        is_af: bool (windows,).
        threshold: of the score.
        facts: see `RRDetector`.

    Raises:
        ValueError: one class alone.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(is_af)) < 2:
        raise ValueError(f"{len(is_af)} windows of one class, wanted AF and others")
    mean, scale = features.mean(axis=0), features.std(axis=0)
    model = LogisticRegression(C=_PENALTY_INVERSE, class_weight="balanced", max_iter=1000)
    model.fit((features - mean) / scale, is_af)
    return RRDetector(
        RR_FEATURES,
        tuple(mean.round(6).tolist()),
        tuple(scale.round(6).tolist()),
        tuple(model.coef_[0].round(6).tolist()),
        float(model.intercept_[0].round(6)),
        threshold,
        facts or {},
    )
