"""Layers of ours that stand for one of torch's: the same arguments, weights and numbers as their parents."""

import importlib
import pkgutil

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import hf_ecg.models
from hf_ecg import ECGResNetModel
from hf_ecg.models.shared.convolution import ECGConv1d
from tests.models.tiny.ecg_resnet import resnet_config

OPTIONS = [
    {},
    {"bias": False, "padding": 2},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 3},
    {"groups": 2, "stride": 3},
    {"groups": 4, "padding": "same"},
    {"padding": "same", "dilation": 3},
    {"padding": "valid", "stride": 2},
    {"padding": 2, "padding_mode": "circular"},
    {"padding": 3, "padding_mode": "reflect", "dilation": 2, "groups": 2},
    {"dtype": torch.float64, "padding": 1},
]


def layers_of_ours():
    """Every class of the models that derives from a layer of torch."""
    for module in pkgutil.walk_packages(hf_ecg.models.__path__, "hf_ecg.models."):
        importlib.import_module(module.name)
    known = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.Embedding)
    found = [child for parent in known for child in parent.__subclasses__()]
    return [child for child in found if child.__module__.startswith("hf_ecg.")]


def test_convolutions_are_the_only_layers_of_that_kind():
    assert layers_of_ours() == [ECGConv1d]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("channels", [(4, 8), (1, 6)])
@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_it_gives_what_its_parent_gives(options, channels, size):
    if channels[0] == 1 and options.get("groups", 1) > 1:
        pytest.skip("one channel has no groups")
    torch.manual_seed(0)
    ours, parent = ECGConv1d(*channels, size, **options), nn.Conv1d(*channels, size, **options)
    parent.load_state_dict(ours.state_dict())
    values = torch.randn(3, channels[0], 31, dtype=parent.weight.dtype)
    for given in (values, values.transpose(1, 2).contiguous().transpose(1, 2), values[0]):
        outputs = [layer(given) for layer in (ours, parent)]
        torch.testing.assert_close(*outputs, atol=1e-6, rtol=1e-5)
        gradients = [
            torch.autograd.grad(output.square().sum(), [*layer.parameters()])
            for output, layer in zip(outputs, (ours, parent), strict=True)
        ]
        for gradient, wanted in zip(*gradients, strict=True):
            torch.testing.assert_close(gradient, wanted, atol=1e-4, rtol=1e-4)
            assert gradient.stride() == wanted.stride(), "DDP's buckets want the strides of the weight"


def test_channels_last_go_through_without_a_copy():
    layer, values = ECGConv1d(4, 8, 3, padding=1), torch.randn(3, 20, 4)
    assert layer(values.transpose(1, 2)).transpose(1, 2).is_contiguous()


def with_norms_as_trained(model):
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in ((module.running_mean, -1), (module.running_var, 0.5), (module.weight.data, 0.5)):
                tensor.uniform_(low, 1.5)
    return model.eval()


def test_a_norm_is_folded_into_its_convolution_exactly():
    torch.manual_seed(0)
    model = with_norms_as_trained(ECGResNetModel(resnet_config())).double()
    values = torch.randn(2, 12, 160, dtype=torch.float64)
    wanted = model(values).pooler_output
    model.stem.convolution = fuse_conv_bn_eval(model.stem.convolution, model.stem.norm)
    model.stem.norm = nn.Identity()
    torch.testing.assert_close(model(values).pooler_output, wanted, atol=1e-12, rtol=1e-12)


def test_models_are_stacked_by_vmap():
    torch.manual_seed(0)
    models = [with_norms_as_trained(ECGResNetModel(resnet_config(depths=[1, 1], widths=[4, 8]))) for _ in range(2)]
    stacked, buffers = torch.func.stack_module_state(models)
    values = torch.randn(3, 12, 160)

    def pooled(parameters, buffers):
        return torch.func.functional_call(models[0], (parameters, buffers), (values,)).pooler_output

    found = torch.func.vmap(pooled)(stacked, buffers)
    wanted = torch.stack([model(values).pooler_output for model in models])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
