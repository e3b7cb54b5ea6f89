"""The head that every encoder can carry: dropout and a linear layer on the pooled output, and on covariates."""

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from .covariates import CovariateLinear, check_given
from .modeling_ecg import classification_loss, in_target_units


class LinearHeadMixin:
    """An encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    With `config.covariates` the linear layer also sees numbers such as age and sex, see `CovariateLinear`.

    Stands before the family's `XPreTrainedModel`; `encoder_class` is its encoder. A head that reads another output of
    the encoder than the pooled one names it in `reads`, and makes (batch, hidden_size) of it in `features`.
    """

    role = "classifier"
    config: Any
    main_input_name: str
    device: torch.device
    encoder_class: type
    reads = "pooler_output"

    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.encoder = self.encoder_class(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        size, count = config.hidden_size, config.num_labels
        if config.covariates is None:
            self.classifier = nn.Linear(size, count)
        else:
            mean, scale = config.covariate_mean, config.covariate_scale
            self.classifier = CovariateLinear(
                size, count, config.covariates, mean, scale, config.covariate_hidden_size
            )
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        covariates: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> SequenceClassifierOutput:
        """
        Args:
            input_values: float (batch, leads, samples).
            lead_mask: bool (batch, leads).
            sample_mask: bool (batch, samples).
            labels: what `head_loss` takes.
            covariates: float (batch, num_covariates) in the order of `config.covariates`, NaN where not known.

        Returns:
            `loss` with labels, `logits` (batch, num_labels), and the encoder's `hidden_states` and `attentions` on
            request.

        Raises:
            ValueError: inputs of another shape or type than the configuration says, labels that do not fit, or
                covariates where the head has none, or none where it has some.
        """
        outputs = self.encoder(input_values, lead_mask=lead_mask, sample_mask=sample_mask, **kwargs)
        return self.answer(outputs, labels, covariates)

    def features(self, read: torch.Tensor) -> torch.Tensor:
        """What the linear layer sees, (batch, hidden_size), of the encoder's output that the head reads."""
        return read

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        """What `forward` takes; of every covariate nothing is known."""
        inputs = super().dummy_inputs  # type: ignore[misc]
        if self.config.covariates is None:
            return inputs
        shape = (len(inputs[self.main_input_name]), self.config.num_covariates)
        return inputs | {"covariates": torch.full(shape, torch.nan, device=self.device)}

    def answer(
        self, outputs, labels: torch.Tensor | None, covariates: torch.Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Logits of the encoder's outputs and the covariates, and the loss with labels."""
        features = self.dropout(self.features(getattr(outputs, self.reads)))
        check_given(type(self).__name__, self.config, covariates)
        read = (features,) if covariates is None else (features, covariates)
        logits = in_target_units(self.config, self.classifier(*read))
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
