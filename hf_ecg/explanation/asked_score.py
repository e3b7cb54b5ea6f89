"""The one number of a model that is explained: a class of a classifier, or a text that a dual encoder is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from ..checks import nearest
from ..evaluation.judging.features import ecg_text_embeddings, random_model, with_random_ecg_tower
from ..evaluation.judging.label_text import scale_and_bias
from ..evaluation.loading import extractor_of
from ..models.shared.covariates import wanted_covariates
from ..models.shared.roles import ROLE_WORDS, ecg_encoder, is_dual_encoder, model_role
from ..pipeline_covariates import COVARIATES, covariate_values
from ..processing import ECGFeatureExtractor

SINGLE_LABEL = "single_label_classification"
LOG_ODDS, SCALED_COSINE, VALUE = "log-odds", "scaled cosine", "value"


@dataclass(frozen=True)
class AskedScore:
    """A model that is asked one thing.

    Args:
        model: in evaluation mode.
        extractor: what prepares records for it.
        asked: the class or text, in words; "" when nothing is asked.
        unit: of the score.
        of: from (model, inputs) to a score a row.
        told: covariates of the patient, for a head that wants them.
    """

    model: Any
    extractor: ECGFeatureExtractor
    asked: str = ""
    unit: str = ""
    of: Callable[[Any, Mapping], torch.Tensor] | None = None
    told: tuple[float, ...] = ()

    def __call__(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(rows,): the score of each row of the extractor's tensors; it may be differentiated.

        Raises:
            ValueError: scores that are NaN or infinite.
        """
        check_asked(self)
        inputs = {key: value.to(self.device) for key, value in inputs.items() if key != "record_index"}
        if self.told:
            rows = len(next(iter(inputs.values())))
            inputs[COVARIATES] = torch.tensor([self.told], device=self.device).repeat(rows, 1)
        scores = self.of(self.model, inputs).double()  # type: ignore[misc]
        if not scores.isfinite().all():
            raise ValueError(f"{type(self.model).__name__} gives NaN or infinite values for an ECG without them")
        return scores

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def encoder(self) -> Any:
        return ecg_encoder(self.model)

    def probability(self, score: float) -> float | None:
        """Of a score in log-odds; None of others."""
        return float(torch.tensor(score, dtype=torch.float64).sigmoid()) if self.unit == LOG_ODDS else None

    def with_random_weights(self, seed: int) -> "AskedScore":
        """The same question to a model that has learned nothing.

        Of a dual encoder the ECG tower alone is drawn anew: the text stays what it means.
        """
        draw = with_random_ecg_tower if is_dual_encoder(self.model) else random_model
        return replace(self, model=draw(self.model, seed))


def check_asked(score: AskedScore) -> None:
    """Raises ValueError when the model is asked nothing."""
    if score.of is None:
        raise ValueError(
            f"{type(score.model).__name__} is {_words(model_role(score.model))} and has no score to explain: wanted a"
            " classifier, or a dual encoder and a text; the method attention explains what an encoder looks at"
        )


def _words(role: str) -> str:
    return ROLE_WORDS.get(role, ("not a model of ECGs", ""))[0]


def asked_score(
    model, processor, class_name: str | None, text: str | None, covariates: Mapping | None, asks: bool = True
) -> AskedScore:
    """What a model is asked by the class of a classifier or a text for a dual encoder; nothing of an encoder.

    Without `asks` a classifier may be asked nothing, too.

    Raises:
        ValueError: a class that the classifier does not have, a text for a model without texts, no text for a dual
            encoder, a class for one, covariates that do not fit, a model of another role.
    """
    extractor = extractor_of(processor)
    told = tuple(covariate_values(None, covariates, wanted_covariates(model.config)))
    role = model_role(model)
    if text is not None and role != "dual encoder":
        raise ValueError(f"text is for dual encoders of ECGs and texts, and the model is {_words(role)}")
    if class_name is not None and role != "classifier":
        hint = "; ask it in words, by text" if role == "dual encoder" else ""
        raise ValueError(f"class_name is for classifiers, and the model is {_words(role)}{hint}")
    if role == "dual encoder":
        return AskedScore(model, extractor) if text is None else _of_text(model, processor, extractor, text)
    if role == "classifier" and (asks or class_name is not None):
        return AskedScore(model, extractor, *_of_class(model, class_name), told)
    if role == "classifier":
        return AskedScore(model, extractor, told=told)
    if role != "encoder":
        raise ValueError(f"the model is {_words(role)}, wanted a classifier, a dual encoder or an encoder")
    return AskedScore(model, extractor)


def _of_text(model, processor, extractor, text: str) -> AskedScore:
    (embedded,) = torch.from_numpy(ecg_text_embeddings(model, processor, [text]))
    scale, bias = scale_and_bias(model)

    def score(model, inputs):
        found = nn.functional.normalize(model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)
        return scale * (found @ embedded.to(found.device)) + (bias or 0.0)

    return AskedScore(model, extractor, text, SCALED_COSINE if bias is None else LOG_ODDS, score)


def _of_class(model, name: str | None) -> tuple[str, str, Callable]:
    labels = [str(model.config.id2label[place]) for place in range(len(model.config.id2label))]
    if name is None and len(labels) > 1:
        raise ValueError(f"wanted the class to explain, one of {', '.join(labels)}")
    found = [place for place, label in enumerate(labels) if name is None or label.casefold() == name.casefold()]
    if len(found) != 1:
        raise ValueError(f"the classifier has no class {name!r}{nearest(str(name), labels)}, only {', '.join(labels)}")
    (place,) = found
    kind = model.config.problem_type

    def score(model, inputs):
        logits = model(**inputs).logits.float()
        if kind != SINGLE_LABEL:
            return logits[:, place]
        # log-odds of the class against all others, so that its sigmoid is what the softmax gives
        others = logits[:, [other for other in range(logits.shape[1]) if other != place]]
        return logits[:, place] - others.logsumexp(dim=1)

    return labels[place], VALUE if kind == "regression" else LOG_ODDS, score
