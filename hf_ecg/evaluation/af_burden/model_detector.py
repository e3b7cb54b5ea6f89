"""Any classifier that has a class for AF as a detector of AF in windows."""

from collections.abc import Sequence
from copy import copy

import torch

from ...checks import nearest
from ...pipelines import pipeline
from ...trained_on import FACTS_FILE, read_beside
from ..protocol import TrainingFacts
from .window_quality import JudgedWindow

# The names of fibrillation in the corpora here, the first that a model has; AF is flutter in CSN, which has AFIB too.
AF_LABELS = ("AFIB", "AF", "atrial fibrillation", "afib", "af")
NOISE_LABELS = ("noisy", "noise", "~")
NOISE_ANSWER = "noisy, says the model"


class ModelDetector:
    """Scores windows by a classifier's probability of AF.

    Args:
        model: folder, packaged name or Hub id of a classifier.
        label: its class for AF; None finds one of `AF_LABELS`. Where a classifier of several label sets calls it
            "rhythm: AFIB", the part behind the label set is enough.
        device: torch device.
        batch_size: windows at a time.

    Raises:
        ValueError: a model that is not a classifier, or without such a class, or with several of them.
        OSError: it is not there.
    """

    # until one is chosen on validation rows
    threshold = 0.5

    def __init__(self, model: str, label: str | None = None, device: torch.device | None = None, batch_size: int = 64):
        self._classify = pipeline("ecg-classification", model, device=device or torch.device("cpu"))
        self._batch_size = batch_size
        config = self._classify.model.config
        names = list(config.id2label.values())
        self.label = _af_label(names, label, model)
        self.name = f"{model}, class {self.label}"
        single = config.problem_type == "single_label_classification"
        self._noise = next((name for name in NOISE_LABELS if single and name in names), None)
        self.facts: dict = {"classes": names, "problem": config.problem_type}

    def with_threshold(self, threshold: float) -> "ModelDetector":
        """The same with another threshold."""
        other = copy(self)
        other.threshold = threshold
        return other

    def score(self, windows: Sequence[JudgedWindow]) -> list[tuple[float, str]]:
        """The probability of AF of each window, NaN with the reason where the model cannot tell.

        A model that has a class for noise, of which exactly one is true, cannot tell where that one is the likeliest.
        """
        answers: list = []
        for first in range(0, len(windows), self._batch_size):
            answers += self._answers(windows[first : first + self._batch_size])
        return [self._read(answer) for answer in answers]

    def _answers(self, windows: Sequence[JudgedWindow]) -> list:
        ecgs = [
            {
                "array": window.record.to_millivolts(),
                "sampling_rate": window.record.sampling_rate,
                "leads": list(window.record.leads),
                "units": "mV",
            }
            for window in windows
        ]
        options = {"top_k": None, "window": "all"}
        try:
            return list(self._classify(ecgs, batch_size=self._batch_size, **options))
        except ValueError:
            # one that the extractor refuses must not take the others along
            return [self._answer(ecg, options) for ecg in ecgs]

    def _answer(self, ecg: dict, options: dict):
        try:
            return self._classify(ecg, **options)
        except ValueError as error:
            return error

    def _read(self, answer) -> tuple[float, str]:
        if isinstance(answer, ValueError):
            return float("nan"), f"refused by the model: {answer}"
        scores = {one["label"]: one["score"] for one in answer}
        if self._noise is not None and answer[0]["label"] == self._noise:
            return float("nan"), NOISE_ANSWER
        return float(scores[self.label]), ""


def _af_label(names: Sequence[str], label: str | None, model: str) -> str:
    if label is not None and label in names:
        return label
    facts = read_beside(model, FACTS_FILE)
    label_sets = TrainingFacts.from_dict(facts, f"{model}: {FACTS_FILE}").label_sets if facts else ()
    for known in AF_LABELS if label is None else (label,):
        # a name may hold ": " itself, so names are not taken apart
        own = {known, *(f"{label_set}: {known}" for label_set in label_sets)}
        found = [name for name in names if name in own]
        if len(found) > 1:
            raise ValueError(f"{model} has several classes {known!r}: {', '.join(found)}: name one by label")
        if found:
            return found[0]
    if label is not None:
        raise ValueError(f"{model} has no class {label!r}{nearest(label, names)}, only {', '.join(names)}")
    raise ValueError(f"{model} has no class for AF ({', '.join(AF_LABELS[:3])}), only {', '.join(names)}: name it")
