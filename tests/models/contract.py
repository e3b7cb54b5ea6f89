"""What the contract checks share: a tiny model with its inputs, padding, and what makes it give a loss."""

import inspect

import pytest
import torch
from transformers import set_seed

from hf_ecg import AutoModelForECGClassification, AutoModelForECGSurvival
from tests.models.tiny import CASES


def build(name, rows=3):
    model_class, config, inputs, key = CASES[name]
    set_seed(0)
    return model_class(config()), inputs(rows, torch.Generator().manual_seed(1)), key


HEADS = {"classifier": AutoModelForECGClassification, "survival model": AutoModelForECGSurvival}


def gives(auto, config):
    return auto._model_mapping[type(config)] if type(config) in auto._model_mapping else None


def has_attention(model):
    return any("Attention" in type(module).__name__ for module in model.modules())


def with_norms_as_trained(model):
    """Batch norms whose statistics are those of a training: a zero is not a zero after them."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            scale = module.weight.data if module.affine else torch.empty(0)
            for tensor, low in ((module.running_mean, -1), (module.running_var, 0.5), (scale, 0.5)):
                tensor.uniform_(low, 1.5)
    return model.eval()


def waveforms_of(inputs):
    """Of models that read beats instead, `test_beat_models.py` asks the same."""
    if "input_values" not in inputs:
        pytest.skip("the model reads no waveform")
    return inputs["input_values"]


def padded(inputs, real, total, before, filling):
    """`real` samples of each record from sample `before` of `total`, beside `filling` that is masked."""
    mask = torch.zeros(len(inputs["input_values"]), total, dtype=torch.bool)
    mask[:, before : before + real] = True
    inputs = dict(inputs)
    for prefix in ("", "second_"):
        if f"{prefix}input_values" in inputs:
            values = torch.full((*inputs[f"{prefix}input_values"].shape[:2], total), filling)
            values[:, :, before : before + real] = inputs[f"{prefix}input_values"][:, :, :real]
            inputs |= {f"{prefix}input_values": values, f"{prefix}sample_mask": mask}
    return inputs


def wants_a_loss(model, inputs):
    """What makes the model give a loss, beside its inputs."""
    rows = len(inputs[model.main_input_name])
    if model.role == "classifier":
        return {"labels": torch.eye(rows, model.config.num_labels)}
    if model.role == "survival model":
        return {"labels": torch.tensor([[200.0, 1.0]]).repeat(rows, 1)}
    if model.role == "delineation":
        labels = torch.ones(rows, inputs["input_values"].shape[2], dtype=torch.long)
        return {f"{track}_labels": labels for track in ("frame", "beat", "rhythm")}
    return {"return_loss": True} if "return_loss" in inspect.signature(model.forward).parameters else {}


def a_loss(model, inputs):
    """The model's own loss; of an encoder, which has none, the distance to something made up."""
    if model.role == "encoder":
        shape = (len(inputs[model.main_input_name]), model.config.hidden_size)
        target = torch.randn(shape, generator=torch.Generator().manual_seed(2))
        return (model(**inputs).pooler_output - target).pow(2).mean()
    return model(**inputs, **wants_a_loss(model, inputs)).loss


def states_of(model, outputs, key):
    """What was recorded of the part of the model that the compared output comes from."""
    if model.role in ("encoder", "classifier", "survival model"):
        return outputs
    return outputs.text_model_output if key == "text_embeds" else outputs.ecg_model_output
