"""The ResNeXt against a plain writing of its description, and what padding, sizes and initial weights keep to."""

import math

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from torch.nn import functional as F

from hf_ecg import ECGResNeXtConfig, ECGResNeXtForECGClassification, ECGResNeXtModel
from hf_ecg.models.ecg_resnext import SIZES
from tests.models.reference_resnext import pooled
from tests.models.tiny.ecg_resnext import resnext_config

# the original's counts without its BatchNorm and its head
SIZES_OF_PAPERS = [
    ("small", 1, 443_184),
    ("medium", 1, 30_587_632),
    ("medium", 12, 30_598_896),
    ("large", 1, 296_301_312),
]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ECGResNeXtModel(resnext_config(num_leads=1, widths=[8, 8, 16, 16], depths=[1, 2, 1, 2])).eval()


@pytest.mark.parametrize("samples", [1, 2, 3, 77, 160, 163, 250])
def test_it_computes_what_the_description_says(model, samples):
    ecg = torch.randn(3, 1, samples)
    with torch.no_grad():
        torch.testing.assert_close(model(ecg).pooler_output, pooled(model, ecg), atol=2e-6, rtol=1e-5)


def test_with_and_without_a_gradient_it_computes_the_same(model):
    ecg = torch.randn(2, 1, 131)
    with torch.no_grad():
        wanted = model(ecg).pooler_output
    torch.testing.assert_close(model(ecg).pooler_output, wanted, atol=0, rtol=0)


def test_gradients_are_those_of_the_description(model):
    ecg, gradients = torch.randn(2, 1, 131), []
    for forward in (lambda: model(ecg).pooler_output, lambda: pooled(model, ecg)):
        model.zero_grad()
        forward().pow(3).sum().backward()
        gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-6, rtol=1e-4, msg=name)


@pytest.mark.parametrize("samples", [1, 130, 131, 200])
@pytest.mark.parametrize("padding", [1, 2, 37, 300])
def test_a_record_padded_at_its_end_gives_what_it_gives_alone(model, samples, padding):
    ecg, other = torch.randn(1, 1, samples), torch.randn(1, 1, samples + padding)
    # what the padding holds does not matter
    batch = torch.cat([F.pad(ecg, (0, padding), value=3.0), other])
    mask = torch.ones(2, samples + padding, dtype=torch.bool)
    mask[0, samples:] = False
    with torch.no_grad():
        together = model(batch, sample_mask=mask, output_hidden_states=True)
        alone, unpadded = model(ecg, output_hidden_states=True), model(other)
    torch.testing.assert_close(together.pooler_output[:1], alone.pooler_output, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(together.pooler_output[1:], unpadded.pooler_output, atol=1e-6, rtol=1e-5)
    for ours, theirs in zip(together.hidden_states, alone.hidden_states, strict=True):
        torch.testing.assert_close(ours[:1, : theirs.shape[1]], theirs, atol=1e-6, rtol=1e-5)
        assert not ours[0, theirs.shape[1] :].any()


def test_padding_in_front_and_a_record_without_a_sample_stay_finite(model):
    mask = torch.zeros(2, 160, dtype=torch.bool)
    mask[0, 150:] = True
    with torch.no_grad():
        pooled_output = model(torch.randn(2, 1, 160), sample_mask=mask).pooler_output
    assert pooled_output.isfinite().all() and pooled_output[0].abs().max() > 0 and not pooled_output[1].any()


def test_an_exported_graph_sees_the_mask_too(model):
    ecg, mask = torch.randn(2, 1, 160), torch.ones(2, 160, dtype=torch.bool)
    exported = torch.export.export(model, (ecg,), {"sample_mask": mask}, strict=False).module()
    for end in (160, 99):
        mask[1, end:] = False
        with torch.no_grad():
            wanted = model(ecg, sample_mask=mask).pooler_output
            torch.testing.assert_close(exported(ecg, sample_mask=mask).pooler_output, wanted)


@pytest.mark.parametrize(("size", "leads", "parameters"), SIZES_OF_PAPERS)
def test_the_published_sizes(size, leads, parameters):
    with torch.device("meta"):
        model = ECGResNeXtModel(ECGResNeXtConfig(num_leads=leads, **SIZES[size]))
    assert model.num_parameters() == parameters
    assert ECGResNeXtConfig().to_dict() == ECGResNeXtConfig(**SIZES["small"]).to_dict()


def test_the_small_encoder_takes_less_than_two_megabytes(tmp_path):
    ECGResNeXtModel(ECGResNeXtConfig(**SIZES["small"])).save_pretrained(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2_000_000


def test_weights_begin_where_pytorch_begins():
    torch.manual_seed(0)
    model = ECGResNeXtForECGClassification(resnext_config(num_labels=5, widths=[32, 64, 64]))
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv1d, nn.Linear)):
            bound = 1 / math.sqrt(module.weight[0].numel())
            assert module.weight.abs().max() <= bound and module.bias.abs().max() <= bound, name
            assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15), name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widths": [8, 4], "depths": [1, 1]}, "fall"),
        ({"widths": [8, 8], "depths": [1]}, "as many positive numbers"),
        ({"widths": [6], "depths": [1], "bottleneck_ratio": 1.5, "group_width": 3}, "9 channels .* 2 groups"),
        ({"widths": [10**9], "depths": [1]}, "at most 1000 blocks, and 65536 channels"),
        ({"widths": [8], "depths": [5000]}, "at most 1000 blocks"),
        ({"widths": [1], "depths": [1], "group_width": 1}, "1 channels, too few"),
        ({"group_width": 0}, "group_width is 0"),
        ({"group_width": 33}, "0 groups"),
        ({"bottleneck_ratio": float("inf")}, "bottleneck_ratio is inf"),
        ({"bottleneck_ratio": -1.0}, "bottleneck_ratio is -1"),
        ({"kernel_size": 1}, "kernel_size is 1"),
        ({"hidden_size": 100}, "these widths give 256"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        ECGResNeXtConfig(**values)


def test_another_number_of_leads_and_a_mask_of_another_shape_are_refused(model):
    with pytest.raises(ValueError, match=r"shape \(2, 12, 50\), wanted \(batch, 1, samples\)"):
        model(torch.zeros(2, 12, 50))
    with pytest.raises(ValueError, match=r"sample_mask has shape \(2, 49\), wanted \(2, 50\)"):
        model(torch.zeros(2, 1, 50), sample_mask=torch.ones(2, 49, dtype=torch.bool))
