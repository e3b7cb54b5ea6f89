"""Parameters of one number, such as `logit_scale`: of shape () here, and (1,) where FSDP2 or SigLIP wrote them."""

from typing import Any

import torch
from torch import nn
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import ConversionOps, WeightConverter, WeightRenaming


class InShapeOfModel(ConversionOps):
    """A tensor of one element takes the shape that its place in the model has; anything else stays as it is."""

    def convert(
        self, input_dict: dict[str, Any], source_patterns: list[str], target_patterns: list[str], **kwargs
    ) -> dict[str, Any]:
        full_layer_name, model = kwargs["full_layer_name"], kwargs["model"]
        wanted = model.state_dict()[full_layer_name].shape
        return {name: self._reshaped(value, wanted) for name, value in input_dict.items()}

    @property
    def reverse_op(self) -> ConversionOps:
        return self

    @staticmethod
    def _reshaped(value, wanted):
        value = value[0] if isinstance(value, list) else value
        return value.reshape(wanted) if value.numel() == 1 == wanted.numel() else value


def accept_any_shape(model_type: str, *names: str) -> None:
    """Let `from_pretrained` of the family take these parameters of one number in any shape."""
    converters: list[WeightConverter | WeightRenaming] = [
        WeightConverter(name, name, operations=[InShapeOfModel()]) for name in names
    ]
    register_checkpoint_conversion_mapping(model_type, converters, overwrite=True)


def reshape_single_numbers(module: nn.Module, state_dict: dict[str, torch.Tensor], prefix: str, *args) -> None:
    """The same for `load_state_dict`, as a hook before it, of the module's own parameters."""
    for name, parameter in module.named_parameters(recurse=False):
        value = state_dict.get(prefix + name)
        if value is not None and value.numel() == 1 == parameter.numel():
            state_dict[prefix + name] = value.reshape(parameter.shape)
