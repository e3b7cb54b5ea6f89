"""What models that are trained without labels return."""

from dataclasses import dataclass

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import ModelOutput


class NestedOutput(ModelOutput):
    """An output that holds those of its parts; as a tuple it is a tuple of tuples."""

    def to_tuple(self):
        return tuple(value.to_tuple() if isinstance(value, ModelOutput) else value for value in self.values())


@dataclass
class ECGPreTrainingOutput(NestedOutput):
    """What every pretraining model gives; a family adds fields of its own.

    Args:
        loss: scalar.
        ecg_model_output: of the encoder.
    """

    loss: torch.Tensor | None = None
    ecg_model_output: BaseModelOutputWithPooling | None = None
