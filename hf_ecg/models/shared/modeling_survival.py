"""The survival head that every encoder can carry: the probability to outlive each of some intervals of time."""

import torch

from ...losses.distributed import gather_with_gradient
from ...losses.survival import survival_at, survival_curve, survival_loss
from .modeling_classification import LinearHeadMixin

# 39 intervals of an eighth of a year, in days: numpy.arange(0, 1825, 45.625) of ECG-CLIP's released code
EIGHTHS_OF_A_YEAR = tuple(45.625 * number for number in range(40))


def interval_names(breaks) -> list[str]:
    """Names of a head's outputs: "0 to 45.625"."""
    return [f"{start:g} to {end:g}" for start, end in zip(breaks, breaks[1:], strict=False)]


class SurvivalHeadMixin(LinearHeadMixin):
    """An encoder with a linear head: logits of the probability to outlive each interval of `config.survival_breaks`.

    Stands before the family's `XPreTrainedModel`; `encoder_class` is its encoder. A configuration without breaks gets
    those of ECG-CLIP, 39 intervals of 45.625 days. The outputs are named by the intervals, whatever `id2label` says.
    """

    role = "survival model"
    training: bool

    def __init__(self, config):
        if config.survival_breaks is None:
            config.survival_breaks = list(EIGHTHS_OF_A_YEAR)
        names = interval_names(config.survival_breaks)
        config.id2label, config.label2id = dict(enumerate(names)), {name: number for number, name in enumerate(names)}
        super().__init__(config)

    def head_loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The negative log-likelihood, see `hf_ecg.losses.survival_loss`.

        Args:
            logits: (batch, intervals).
            labels: float (batch, 2): the time of the event or when the record was last seen, in the unit of the
                breaks; and 1 for an event, 0 for none. NaN where not known.

        Raises:
            ValueError: labels of another shape, negative times, events other than 0 and 1.
        """
        if labels.shape != (len(logits), 2):
            raise ValueError(f"labels have shape {tuple(labels.shape)}, wanted {(len(logits), 2)}: time and event")
        breaks, reduction = self.config.survival_breaks, self.config.survival_reduction or "sum"
        # a validation asks each process about its own rows
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
