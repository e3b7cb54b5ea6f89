"""The pipeline "zero-shot-ecg-classification": how well texts fit an ECG; see `pipelines`."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from transformers.utils import logging

from .models.ecg_text.text_tower import limit_texts
from .models.shared.task_names import ZERO_SHOT
from .pipeline_calibration import CalibratedMixin
from .pipeline_labels import highest, label_texts, read_as
from .pipelines import ECGPipeline
from .processing import ECGTextProcessor

if TYPE_CHECKING:
    from .evaluation.calibration.calibration_file import CalibratedTask

logger = logging.get_logger(__name__)


class ZeroShotECGClassificationPipeline(CalibratedMixin, ECGPipeline):
    """Task "zero-shot-ecg-classification": a dual encoder's `[{"label", "score", "cosine"}, ...]`, the highest first.

    Whether a label is truly zero-shot depends on the texts that the model was trained on.

    Options: `candidate_labels`, a list of texts, or a dict from label to its texts, the best of which counts;
    `hypothesis_template` (default "{}") that each text is put into; `top_k`, `threshold`. The score is the probability
    that ECG and text are a pair, for each label by itself, when the model was trained with a sigmoid loss, and the
    softmax over the labels otherwise. Texts are encoded once, not for each ECG. Labels whose texts are those of a
    calibrated prompt set have calibrated scores (`calibrated=False`: not).
    """

    _reads_text = True
    task_name = ZERO_SHOT
    # (texts, their embeddings) of the last call, one object: another thread sees both or neither
    _texts: tuple = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        limit_texts(self.tokenizer, self.model.max_text_tokens)

    def model_outputs(self, inputs):
        return nn.functional.normalize(self.model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)

    def postprocess(
        self,
        outputs,
        candidate_labels=None,
        hypothesis_template: str = "{}",
        top_k: int | None = None,
        threshold: float | None = None,
        calibrated: bool | None = None,
    ):
        from .evaluation.calibration.asked_model import pair_logits
        from .evaluation.judging.label_text import class_similarities

        classes = label_texts(candidate_labels, hypothesis_template)
        record = nn.functional.normalize(outputs["values"], dim=-1).cpu().numpy()
        fitted = None if calibrated is False else self._task_of(classes)
        aggregate = (fitted and fitted.aggregate) or "max"
        cosines, probabilities = class_similarities(self.model, record, self._embedded(classes), classes, aggregate)
        logits = pair_logits(self.model, cosines, probabilities, aggregate)[0]
        if probabilities is None:
            scale = float(self.model.logit_scale.detach().exp())
            probabilities = torch.from_numpy(scale * cosines).softmax(-1).numpy()
        rows = zip(classes, probabilities[0].tolist(), cosines[0].tolist(), strict=True)
        read = read_as(outputs["windows"])
        found = [{"label": label, "score": score, "cosine": cosine, **read} for label, score, cosine in rows]
        if fitted is not None:
            sure = self._sure([(fitted, range(len(found)))], logits, outputs)
            found = [one | more for one, more in zip(found, sure, strict=True)]
        return highest(found, top_k, threshold)

    def _task_of(self, classes: dict[str, list[str]]) -> "CalibratedTask | None":
        """The calibrated task that these labels are of, with its classes in their order."""
        if self.calibration is None:
            return None
        found = self.calibration.task_of_texts(classes)
        if found is None:
            logger.warning_once(
                "the texts of %s are not those of a calibrated prompt set (%s): their scores are not calibrated",
                ", ".join(classes),
                ", ".join(self.calibration.tasks),
            )
            return None
        task, places = found
        return replace(task, classes=tuple(task.classes[place] for place in places))

    def _embedded(self, classes: dict[str, list[str]]) -> np.ndarray:
        from .evaluation.judging.features import ecg_text_embeddings

        texts = tuple(text for group in classes.values() for text in group)
        kept = self._texts
        if not kept or kept[0] != texts:
            processor = ECGTextProcessor(self.feature_extractor, self.tokenizer)
            kept = (texts, ecg_text_embeddings(self.model, processor, texts))
            self._texts = kept
        return kept[1]
