"""Is a stretch of a lead too noisy to read? A detector in JSON: features of 20 s, rules, and a classifier."""

import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...checks import check_one_of, is_finite_number, nearest, shown
from ...files import atomic_file
from ...strict_json import read_json_object
from .._arrays import as_numbers
from .heart_rate_variability import WINDOW_SECONDS
from .noise_features import METHODS, PEAK_RATE, R_PEAKS, NoiseFeatures, noise_features
from .saved_classifiers import SavedClassifier, classifier_from_dict

FORMAT, FORMAT_VERSION = "hf_ecg noise detector", 1
_FOLDER = Path(__file__).parent / "detectors"
_KEYS = (
    "format", "version", "method", "features", "window_seconds", "r_peaks", "threshold", "classifier_name",
    "classifier", "origin",
)  # fmt: skip


@dataclass(frozen=True)
class NoiseReport:
    """What a detector says of every lead; arrays begin with the axes of the signals before their samples.

    Attributes:
        uses: what spoke: method, classifier, R peaks, and what it was trained on, in one line.
        threshold: at and above it a lead or a window is noisy.
        seconds: `(windows, 2)`, where each window begins and ends.
        window_probability: `(..., windows)`, 1 where a rule has spoken.
        rules: `(..., windows)`, the rule: "missing", "flat", "few beats", or "".
        probability: `(...)`, the mean over a lead's windows.
    """

    uses: str
    threshold: float
    seconds: np.ndarray
    window_probability: np.ndarray
    rules: np.ndarray
    probability: np.ndarray

    @property
    def noisy(self) -> np.ndarray:
        """bool `(...)`: leads that are noisy as a whole."""
        return self.probability >= self.threshold

    @property
    def window_noisy(self) -> np.ndarray:
        """bool `(..., windows)`."""
        return self.window_probability >= self.threshold


@dataclass(frozen=True)
class NoiseDetector:
    """A fitted detector.

    Attributes:
        method: "hrv" (R peaks alone) or "hrv_and_waveform".
        classifier_name: of scikit-learn's classifier that was fitted, such as "random_forest".
        classifier: as numbers.
        threshold: of its probability.
        origin: what it was fitted on, by what command, and under what licence; for people.
    """

    method: str
    classifier_name: str
    classifier: SavedClassifier
    threshold: float = 0.5
    origin: dict = field(default_factory=dict)

    def __post_init__(self):
        check_one_of("method", self.method, tuple(METHODS))
        check_threshold(self.threshold)
        if self.classifier.num_features != len(METHODS[self.method]):
            raise ValueError(
                f"the classifier reads {self.classifier.num_features} features, {self.method} has"
                f" {len(METHODS[self.method])}"
            )

    @property
    def uses(self) -> str:
        """The detector in one line."""
        corpora = " and ".join(entry["corpus"] for entry in self.origin.get("corpora", ())) or "an unnamed corpus"
        return (
            f"{self.method}: {self.classifier_name} on {len(METHODS[self.method])} features of {WINDOW_SECONDS:g} s,"
            f" R peaks by {R_PEAKS['detector']} {R_PEAKS['version']} at {PEAK_RATE} Hz, trained on {corpora}"
        )

    def __call__(self, signals, sampling_rate: float, threshold: float | None = None) -> NoiseReport:
        """Judges every lead by itself.

        Args:
            signals: `(..., samples)`, in any unit; NaN where missing.
            sampling_rate: hertz, at least 100.
            threshold: in place of the detector's own.

        Raises:
            ValueError: no sample, a rate too low, a threshold outside of 0 to 1.
        """
        signals = as_numbers(signals)
        check_threshold(self.threshold if threshold is None else threshold)
        shape = signals.shape[:-1]
        rows = signals.reshape(math.prod(shape), signals.shape[-1])  # -1 cannot be told where there is no sample
        found = noise_features(rows, sampling_rate, self.method)
        windows = self.window_probability(found).reshape(*shape, len(found.seconds))
        return NoiseReport(
            uses=self.uses,
            threshold=self.threshold if threshold is None else threshold,
            seconds=found.seconds,
            window_probability=windows,
            rules=found.rules.reshape(windows.shape),
            probability=windows.mean(axis=-1),
        )

    def window_probability(self, features: NoiseFeatures) -> np.ndarray:
        """`(rows, windows)` of features of the detector's method."""
        if features.names != METHODS[self.method]:
            raise ValueError(f"the features are not those of the method {self.method}")
        probability = np.ones(features.rules.shape)
        judged = features.rules == ""
        if judged.any():
            probability[judged] = self.classifier.probability(features.values[judged])
        return probability

    def to_json(self) -> str:
        """The detector as a file's text; equal detectors give equal text."""
        content = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "method": self.method,
            "features": list(METHODS[self.method]),
            "window_seconds": WINDOW_SECONDS,
            "r_peaks": R_PEAKS,
            "threshold": self.threshold,
            "classifier_name": self.classifier_name,
            "origin": self.origin,
            "classifier": self.classifier.to_dict(),
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, path) -> None:
        """Writes the file whole, or not at all."""
        with atomic_file(path) as file:
            file.write(self.to_json())

    @classmethod
    def load(cls, path) -> "NoiseDetector":
        """A detector from its file.

        Raises:
            ValueError: another file, or one made with other features, windows or R peaks.
            OSError: it is not there.
        """
        content = read_json_object(path)
        try:
            return cls.from_dict(content)
        except ValueError as error:
            raise ValueError(f"{path} is not a noise detector of this version: {error}") from error

    @classmethod
    def from_dict(cls, content: dict | str | None) -> "NoiseDetector":
        """A detector from what its file holds, such as a recipe carries.

        Raises:
            ValueError: something else, or one made with other features, windows or R peaks.
        """
        if not isinstance(content, dict):
            raise ValueError(f"it is {shown(content)}, wanted an object")
        if set(content) != set(_KEYS):
            unknown, absent = sorted(set(content) - set(_KEYS)), sorted(set(_KEYS) - set(content))
            raise ValueError(f"it has the unknown keys {unknown} and lacks {absent}")
        check_one_of("method", content["method"], tuple(METHODS))
        wanted = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "features": list(METHODS[content["method"]]),
            "window_seconds": WINDOW_SECONDS,
            "r_peaks": R_PEAKS,
        }
        for name, value in wanted.items():
            # true equals 1
            if content[name] != value or isinstance(content[name], bool):
                raise ValueError(f"{name} is {shown(content[name])}, wanted {shown(value)}")
        if not isinstance(content["classifier_name"], str):
            raise ValueError(f"classifier_name is {shown(content['classifier_name'])}, wanted text")
        _check_origin(content["origin"])
        classifier = classifier_from_dict(content["classifier"])
        return cls(content["method"], content["classifier_name"], classifier, content["threshold"], content["origin"])


def _check_origin(origin) -> None:
    corpora = origin.get("corpora", []) if isinstance(origin, dict) else None
    named = isinstance(corpora, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("corpus"), str) for entry in corpora
    )
    if not named:
        raise ValueError(f"origin is {shown(origin)}, wanted an object, and of each of its corpora the name")


def check_threshold(threshold) -> None:
    """Raises ValueError for what is not a probability."""
    if not is_finite_number(threshold) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {shown(threshold)}, wanted a number from 0 to 1")


def noise_detector_names() -> list[str]:
    """The detectors inside the package, sorted.

    Example:
        >>> from hf_ecg.signals.quality import noise_detector_names
        >>> noise_detector_names()
        ['hrv', 'hrv_and_waveform']
    """
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def load_noise_detector(name: str) -> NoiseDetector:
    """A detector of the package by its name, or one from a file that ends in `.json`.

    Raises:
        ValueError: an unknown name, or a file that is not a detector.
        OSError: the file is not there.
    """
    if str(name).endswith(".json"):
        return NoiseDetector.load(name)
    known = noise_detector_names()
    if name not in known:
        raise ValueError(
            f"the package holds no noise detector {name!r}{nearest(str(name), known)}, only {', '.join(known)};"
            " a file ends in .json"
        )
    return _in_package(name)


@lru_cache(maxsize=8)
def _in_package(name: str) -> NoiseDetector:
    return NoiseDetector.load(_FOLDER / f"{name}.json")


def detect_noise(
    signals, sampling_rate: float, detector: str = "hrv_and_waveform", threshold: float | None = None
) -> NoiseReport:
    """Which leads are too noisy to read, judged in windows of 20 s.

    Each lead is judged by itself. What counts as noisy is what the detector was fitted on, see
    `docs/results/noise_detection.md`; a window that is half missing, half constant, or has fewer than three beats is
    noisy by rule.

    Args:
        signals: `(..., samples)`, in any unit; NaN where missing.
        sampling_rate: hertz, at least 100.
        detector: "hrv" (R peaks alone), "hrv_and_waveform", or a JSON file that `hf-ecg study noise` wrote.
        threshold: of the mean probability of a lead's windows, in place of the detector's own.

    Raises:
        ValueError: an unknown detector, no sample, a rate too low.
        OSError: the file is not there.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import detect_noise
        >>> time = np.arange(5000) / 250
        >>> heart = sum(np.exp(-(((time - beat) / 0.02) ** 2)) for beat in np.arange(0.5, 20, 0.8))
        >>> noise = np.random.default_rng(0).normal(size=5000).cumsum() / 5
        >>> detect_noise(np.stack([heart, heart + noise]), 250).noisy.tolist()
        [False, True]
    """
    return load_noise_detector(detector)(signals, sampling_rate, threshold)
