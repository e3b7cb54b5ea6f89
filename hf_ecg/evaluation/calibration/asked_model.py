"""A classifier, or a model of ECGs and texts, as calibration asks it: logits of classes, embeddings beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ...auto import folder_role
from ...models.shared.caught_outputs import caught_embeddings
from ...models.shared.covariates import wanted_covariates
from ...models.shared.roles import ROLE_WORDS, is_dual_encoder
from ..judging.features import PreparedRows, run_model
from ..judging.label_text import TextEmbeddings, class_similarities, scale_and_bias
from ..judging.rows_with_covariates import with_covariates
from ..loading import extractor_of, load_classifier, load_dual_encoder
from ..options import ForwardOptions
from .probability_maps import MULTI_LABEL, SINGLE_LABEL


@dataclass(frozen=True)
class AskedModel:
    """A model that gives answers.

    Args:
        model: in evaluation mode, on its device.
        processor: its feature extractor, with a tokenizer where it reads texts.
        kind: "multi_label" or "single_label".
        lead: for a model of a single lead, the one that it is to see.
    """

    model: nn.Module
    processor: object
    kind: str
    lead: str | None = None

    @property
    def asked_in_words(self) -> bool:
        return is_dual_encoder(self.model)

    def numbers(self, rows, forward: ForwardOptions, title: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What it says of rows of a corpus: logits, or unit-length embeddings in the space of texts; and what its
        encoder made of them: float32 (rows, numbers) and (rows, hidden_size)."""
        prepared = PreparedRows(self.processor, rows, forward.batch_size, lead=self.lead)
        told = prepared if self.asked_in_words else with_covariates(prepared, wanted_covariates(self.model.config))
        both = run_model(self.model, told, self.outputs, title, forward.crops).numpy()
        return self.split(both)

    def outputs(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Answers and embeddings of a batch beside each other; `split` takes them apart."""
        with caught_embeddings(self.model) as caught:
            if self.asked_in_words:
                found = self.model.get_ecg_features(**inputs).pooler_output.float()
                answers = nn.functional.normalize(found, dim=-1)
            else:
                answers = self.model(**inputs).logits.float()
        return torch.cat([answers, caught[0].float().reshape(len(answers), -1)], dim=1)

    def split(self, both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `outputs` put beside each other."""
        config = self.model.config
        size = config.projection_dim if self.asked_in_words else config.num_labels
        answers = both[:, :size]
        if self.asked_in_words:  # the mean of several crops is shorter
            answers = answers / np.maximum(np.linalg.norm(answers, axis=1, keepdims=True), 1e-12)
        return answers, both[:, size:]


def load_asked(folder: str, device, lead: str | None = None) -> AskedModel:
    """The model of a folder.

    Raises:
        ValueError: it gives no classes: a regression, a survival model, an encoder alone; or weights that are NaN.
        OSError: it is not there.
    """
    role = folder_role(folder)
    if role == "dual encoder":
        return AskedModel(*load_dual_encoder(folder, device), MULTI_LABEL, lead)
    if role != "classifier":
        kind, instead = ROLE_WORDS.get(role, ("not a model of ECGs", ""))
        raise ValueError(
            f"{folder} is {kind}, which gives no classes, wanted a classifier or a dual encoder of ECGs and"
            f" texts; {instead}"
        )
    model, extractor = load_classifier(folder, device)
    if model.config.problem_type == "regression":
        raise ValueError(
            f"{folder} is a regression: it gives numbers, and no probabilities of classes, wanted a classifier or a"
            " dual encoder of ECGs and texts"
        )
    single = model.config.problem_type == "single_label_classification"
    return AskedModel(model, extractor, SINGLE_LABEL if single else MULTI_LABEL, lead)


def word_logits(
    model, texts: TextEmbeddings, ecg_embeds: np.ndarray, classes: Mapping[str, Sequence[str]], aggregate: str
) -> np.ndarray:
    """Logits of the classes of a prompt set, float64 (rows, classes): scale * cosine, and the bias where there is one.

    Args:
        texts: of the model.
        ecg_embeds: (rows, projection_dim), unit length.
        classes: class -> its texts.
        aggregate: how the texts of a class become one, see `aggregate_similarities`.
    """
    asked = [text for group in classes.values() for text in group]
    cosines, found = class_similarities(model, ecg_embeds, texts(asked), classes, aggregate)
    return pair_logits(model, cosines, found, aggregate)


def pair_logits(model, cosines: np.ndarray, found: np.ndarray | None, aggregate: str) -> np.ndarray:
    """Logits of what `class_similarities` gave."""
    scale, bias = scale_and_bias(model)
    if aggregate == "noisy_or" and found is not None:
        edge = np.finfo(np.float64).tiny
        return np.log(np.maximum(found, edge)) - np.log(np.maximum(1 - found, 1e-16))
    return scale * cosines + (0.0 if bias is None else bias)


def extractor_inside(asked: AskedModel):
    """Its feature extractor alone."""
    return extractor_of(asked.processor)
