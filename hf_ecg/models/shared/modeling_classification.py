"""The head that every encoder can carry: dropout and a linear layer on the pooled output."""

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from .modeling_ecg import classification_loss, in_target_units


class LinearHeadMixin:
    """An encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Stands before the family's `XPreTrainedModel`; `encoder_class` is its encoder. A head that reads another output of
    the encoder than the pooled one names it in `reads`, and makes (batch, hidden_size) of it in `features`.
    """

    role = "classifier"
    config: Any
    encoder_class: type
    reads = "pooler_output"

    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.encoder = self.encoder_class(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> SequenceClassifierOutput:
        """
        Args:
            input_values: float (batch, leads, samples).
            lead_mask: bool (batch, leads).
            sample_mask: bool (batch, samples).
            labels: what `head_loss` takes.

        Returns:
            `loss` with labels, `logits` (batch, num_labels), and the encoder's `hidden_states` and `attentions` on
            request.

        Raises:
            ValueError: inputs of another shape or type than the configuration says, or labels that do not fit.
        """
        outputs = self.encoder(input_values, lead_mask=lead_mask, sample_mask=sample_mask, **kwargs)
        return self.answer(outputs, labels)

    def features(self, read: torch.Tensor) -> torch.Tensor:
        """What the linear layer sees, (batch, hidden_size), of the encoder's output that the head reads."""
        return read

    def answer(self, outputs, labels: torch.Tensor | None) -> SequenceClassifierOutput:
        """Logits of the encoder's outputs, and the loss with labels."""
        features = self.features(getattr(outputs, self.reads))
        logits = in_target_units(self.config, self.classifier(self.dropout(features)))
        loss = None if labels is None else self.head_loss(logits, labels)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )

    def head_loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean over annotated labels, see `classification_loss`.

        Args:
            logits: (batch, num_labels).
            labels: multi-label and regression (batch, num_labels), NaN where not annotated; single-label (batch,).
        """
        return classification_loss(self.config, logits, labels)
