"""Answers that say how sure they are: `calibration.json` beside a model's weights, applied by the pipelines."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.utils import cached_file

from .models.shared.caught_outputs import caught_embeddings
from .models.shared.roles import ecg_encoder
from .named_sources import may_be_on_hub
from .pipeline_parts import loaded_from, origin_of

if TYPE_CHECKING:
    from .evaluation.calibration.calibration_file import CalibratedTask, Calibration

    _Tasks = Sequence[tuple[CalibratedTask, Sequence[int]]]

CALIBRATION_FILE = "calibration.json"
EMBEDDING = "embedding"


class CalibratedMixin:
    """Stands before a pipeline whose answers may be calibrated.

    Args:
        calibration: None: `calibration.json` beside the weights, where there is one; a path: that file; False: none.

    Raises:
        ValueError: the file is of other weights, or damaged.
        OSError: a named file is not there.
    """

    model: Any
    calibration: "Calibration | None" = None

    def __init__(self, *args, calibration: str | PathLike | bool | None = None, **options):
        super().__init__(*args, **options)
        wanted = False if options.get("calibrated") is False else calibration
        self.calibration = calibration_of(self.model, wanted)

    @property
    def _tells_strange(self) -> bool:
        return self.calibration is not None and self.calibration.outliers is not None

    def _outputs(self, inputs, **options):
        if not self._tells_strange:
            return super()._outputs(inputs, **options)  # type: ignore[misc]
        with caught_embeddings(self.model) as caught:
            answers = super()._outputs(inputs, **options).float()  # type: ignore[misc]
        return torch.cat([answers, caught[0].float().to(answers.device)], dim=1)

    def _forward(self, inputs, crops: str = "mean", **options):
        found = super()._forward(inputs, crops, **options)  # type: ignore[misc]
        if not self._tells_strange:
            return found
        size = ecg_encoder(self.model).config.hidden_size
        values, embedding = found["values"][:, :-size], found["values"][:, -size:]
        # the largest of each number is no embedding of anything
        return found | {"values": values} | ({EMBEDDING: embedding} if crops == "mean" else {})

    def save_pretrained(self, save_directory, **kwargs):
        super().save_pretrained(save_directory, **kwargs)  # type: ignore[misc]
        if self.calibration is not None:
            from .evaluation.calibration.calibration_file import write_calibration

            write_calibration(self.calibration, Path(save_directory) / CALIBRATION_FILE)

    def _sure(
        self, tasks: Sequence[tuple["CalibratedTask", Sequence[int]]], logits: np.ndarray, outputs
    ) -> list[dict]:
        """What a calibration says of every label, in their order.

        Args:
            tasks: each with the place of its classes among the logits.
            logits: (labels,).
            outputs: of the model, with the embedding.

        Returns:
            `score`, `calibrated`, `set`, `verdict` and `abstained` of each, `ood` and `ood_score` where asked for.
        """
        told: list[dict] = [{} for _ in logits]
        every = []
        for task, places in tasks:
            scores = logits[list(places)][None]
            every.append(scores)
            found = task.probabilities(scores)
            abstained, in_set = np.broadcast_to(task.abstained(found), found.shape), task.in_set(scores)
            verdicts = task.verdicts(scores)
            for number, place in enumerate(places):
                told[place] = {
                    "score": float(found[0, number]),
                    "calibrated": task.classes[number].map.method != "identity",
                    "set": bool(in_set[0, number]),
                    "verdict": str(verdicts[0, number]),
                    "abstained": bool(abstained[0, number]),
                }
        for one in told:
            one |= self._strange(tasks[0][0].kind, np.concatenate(every, axis=1), outputs)
        return told

    def _strange(self, kind: str, logits: np.ndarray, outputs) -> dict:
        from .evaluation.calibration.outliers import ENERGY, energy

        outliers = self.calibration.outliers if self.calibration else None
        if outliers is None or (outliers.method != ENERGY and EMBEDDING not in outputs):
            return {}
        if outliers.method == ENERGY:
            score = energy(kind, logits)[0]
        else:
            score = outliers.distance(outputs[EMBEDDING].cpu().numpy().reshape(1, -1))[0]
        return {"ood": bool(score > outliers.threshold), "ood_score": float(score)}


def calibration_of(model, wanted: str | PathLike | bool | None) -> "Calibration | None":
    """The calibration of a loaded model, after a look at its weights; `wanted` as `CalibratedMixin` has it.

    Raises:
        ValueError: it is of other weights, or damaged.
        OSError: a named file is not there.
    """
    if wanted is False:
        return None
    source, revision = origin_of(model)
    path = wanted if isinstance(wanted, (str, PathLike)) else _beside(source, revision)
    if path is None:
        if wanted is True:
            raise FileNotFoundError(f"{source} has no {CALIBRATION_FILE}: hf-ecg calibrate makes one")
        return None
    from .evaluation.calibration.calibration_file import read_calibration
    from .evaluation.weights import tensors_digest, weights_digest

    found = read_calibration(path)
    # a model that somebody made may have other weights by now than the files that it came from
    digest = (weights_digest(source) if loaded_from(model) else None) or tensors_digest(model)
    found.check_weights(digest, source or type(model).__name__, str(path))
    return found


def classifier_tasks(calibration: "Calibration", id2label: Mapping) -> list[tuple["CalibratedTask", list[int]]]:
    """The tasks of a classifier, each with the places of its classes among the logits.

    Raises:
        ValueError: a class that the classifier does not have.
    """
    places = {str(label): int(index) for index, label in id2label.items()}
    found = []
    for name, task in calibration.tasks.items():
        absent = [one.label for one in task.classes if one.label not in places]
        if absent:
            raise ValueError(f"{CALIBRATION_FILE}: the task {name} has the classes {absent}, which the model has not")
        found.append((task, [places[one.label] for one in task.classes]))
    return found


def _beside(source: str, revision: str | None) -> str | None:
    folder = Path(source)
    if source and folder.is_dir():
        path = folder / CALIBRATION_FILE
        return str(path) if path.is_file() else None
    if not source or not may_be_on_hub(source):
        return None
    return cached_file(
        source,
        CALIBRATION_FILE,
        revision=revision,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
