"""The survival head that every encoder can carry: the probability to outlive each of some intervals of time."""

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ...losses.distributed import gather_with_gradient
from ...losses.survival import survival_at, survival_curve, survival_loss

# 39 intervals of an eighth of a year, in days: numpy.arange(0, 1825, 45.625) of ECG-CLIP's released code
EIGHTHS_OF_A_YEAR = tuple(45.625 * number for number in range(40))


def interval_names(breaks) -> list[str]:
    """Names of a head's outputs: "0 to 45.625"."""
    return [f"{start:g} to {end:g}" for start, end in zip(breaks, breaks[1:], strict=False)]


class SurvivalHeadMixin:
    """An encoder with a linear head: logits of the probability to outlive each interval of `config.survival_breaks`.

    Stands before the family's `XPreTrainedModel`; `encoder_class` is its encoder. A configuration without breaks gets
    those of ECG-CLIP, 39 intervals of 45.625 days.
    """

    role = "survival model"
    config: Any
    encoder_class: type
    training: bool

    def __init__(self, config):
        if config.survival_breaks is None:
            config.survival_breaks = list(EIGHTHS_OF_A_YEAR)
        names = interval_names(config.survival_breaks)
        config.id2label, config.label2id = dict(enumerate(names)), {name: number for number, name in enumerate(names)}
        super().__init__(config)
        self.num_labels = len(names)
        self.encoder = self.encoder_class(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, self.num_labels)
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
            labels: float (batch, 2): the time of the event or when the record was last seen, in the unit of the
                breaks, and 1 for an event, 0 for none; NaN where not known.

        Returns:
            `loss` with labels, `logits` (batch, intervals), and the encoder's `hidden_states` and `attentions` on
            request. `survival_at` makes probabilities of the logits.

        Raises:
            ValueError: labels of another shape, negative times, events other than 0 and 1.
        """
        outputs = self.encoder(input_values, lead_mask=lead_mask, sample_mask=sample_mask, **kwargs)
        logits = self.classifier(self.dropout(outputs.pooler_output))
        loss = None if labels is None else self._loss(logits, labels)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if labels.shape != (len(logits), 2):
            raise ValueError(f"labels have shape {tuple(labels.shape)}, wanted {(len(logits), 2)}: time and event")
        breaks, reduction = self.config.survival_breaks, self.config.survival_reduction or "sum"
        gather = gather_with_gradient if self.training else None
        return survival_loss(logits, labels[:, 0], labels[:, 1], breaks, reduction=reduction, gather=gather)

    def survival_at(self, logits: torch.Tensor, time: float) -> torch.Tensor:
        """The probability of no event until a time, see `hf_ecg.losses.survival_at`.

        Args:
            logits: (batch, intervals), of `forward`.
            time: in the unit of `config.survival_breaks`; days for ECG-CLIP's.

        Returns:
            (batch,).

        Raises:
            ValueError: a time before 0 or after the last break.
        """
        flat = bool(self.config.compat_flat_survival_start)
        return survival_at(logits, time, self.config.survival_breaks, compat_flat_start=flat)

    def survival_curve(self, logits: torch.Tensor) -> torch.Tensor:
        """The probability of no event until each break: (batch, intervals + 1), 1 at first."""
        return survival_curve(logits)
