"""ConvNeXt V2: what is converted and refused, what masks keep to. Needs no golden data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import set_seed

from hf_ecg import ECGConvNeXtV2Config, ECGConvNeXtV2Model
from hf_ecg.convert import convert_checkpoint
from hf_ecg.models.ecg_convnextv2.modeling_ecg_convnextv2 import ECGGlobalResponseNorm
from tests.models.published_tolerantecg import original_embedding, original_state
from tests.models.tiny.ecg_convnextv2 import ecg_convnextv2_config, narrow


@pytest.fixture
def small(monkeypatch):
    narrow(monkeypatch)


def build(**options):
    """With response norms as trained: they begin as nothing."""
    set_seed(0)
    model = ECGConvNeXtV2Model(ecg_convnextv2_config(**options)).eval()
    for module in model.modules():
        if isinstance(module, ECGGlobalResponseNorm):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias, std=0.3)
    return model


@pytest.mark.parametrize("layout", [{}, {"prefix": "student_ecg_encoder."}, {"head": True}, {"whole": True}])
def test_a_file_of_the_training_gives_the_originals_numbers(layout, small):
    torch.manual_seed(1)
    state, values = original_state(**layout), torch.randn(2, 12, 637)
    model, extractor = convert_checkpoint("tolerantecg", state)
    assert (model.projection is not None) == layout.get("head", False) and extractor.sampling_rate == 500
    plain = {key.removeprefix("student_ecg_encoder."): value for key, value in state.items()}
    torch.testing.assert_close(model(values).pooler_output, original_embedding(plain, values), atol=1e-4, rtol=1e-4)


def test_the_committed_file_of_the_originals_layout_gives_its_numbers(small):
    folder = Path(__file__).parent.parent / "checkpoints/tolerantecg_original_tiny"
    model, _ = convert_checkpoint("tolerantecg", folder / "TolerantECG_encoder.pth")
    expected = np.load(folder / "expected.npz")
    with torch.no_grad():
        found = model(torch.from_numpy(expected["ecg"])).pooler_output
    np.testing.assert_allclose(found, expected["embedding"], atol=1e-5, rtol=1e-5)


def test_what_is_not_whole_or_not_known_is_refused(small):
    state = original_state()
    del state["stages.1.1.grn.gamma"]
    with pytest.raises(ValueError, match="1 keys are missing .stages.1.blocks.1.response_norm.weight"):
        convert_checkpoint("tolerantecg", state)
    with pytest.raises(ValueError, match="unknown .stages.4.0.norm.bias"):
        convert_checkpoint("tolerantecg", original_state() | {"stages.4.0.norm.bias": torch.ones(16)})
    with pytest.raises(ValueError, match=r"stem.patches.convolution.weight \(8, 8, 4\) instead of \(8, 12, 4\)"):
        convert_checkpoint("tolerantecg", original_state() | {"downsample_layers.0.0.weight": torch.ones(8, 8, 4)})


def test_any_subset_of_leads_is_what_zeros_in_their_place_are():
    model, values, present = build(), torch.randn(3, 12, 160), torch.rand(3, 12) < 0.5
    present[:, 0], present[2] = True, False
    zeroed = model(values * present[..., None]).pooler_output
    values[~present] = float("nan")
    assert torch.equal(model(values, lead_mask=present).pooler_output, zeroed)
    assert not torch.equal(zeroed[0], zeroed[1]) and zeroed.isfinite().all()


def test_padding_is_in_no_sum_of_the_response_norm():
    """A record of 100 samples fills 25 patches and 12 pairs of them: the 4 samples over are left out either way."""
    model, values, mask = build(), torch.randn(2, 12, 160), torch.ones(2, 160, dtype=torch.bool)
    mask[0, 100:] = False
    outputs = model(values, sample_mask=mask)
    alone = model(values[:1, :, :100])
    torch.testing.assert_close(outputs.pooler_output[:1], alone.pooler_output, atol=1e-6, rtol=1e-5)
    assert alone.last_hidden_state.shape[1] == 12
    torch.testing.assert_close(outputs.last_hidden_state[:1, :12], alone.last_hidden_state, atol=1e-6, rtol=1e-5)
    assert model.position_mask(mask).sum(1).tolist() == [12, 20] and not outputs.last_hidden_state[0, 12:].any()


@pytest.mark.parametrize("samples", [1, 3, 7, 500, 6000])
def test_records_of_any_length_are_taken(samples):
    model = build()
    outputs = model(torch.randn(1, 12, samples))
    assert outputs.pooler_output.isfinite().all()
    assert outputs.last_hidden_state.shape[1] == max(1, max(1, samples // 4) // 2)
    flat = model(torch.zeros(1, 12, samples)).pooler_output
    assert flat.isfinite().all()


def test_one_lead_and_records_of_5_and_60_seconds_are_prepared_and_missing_samples_refused(small):
    model, extractor = convert_checkpoint("tolerantecg", original_state())
    second = np.sin(np.arange(500) / 20)[None]
    given = {"sampling_rate": 500, "leads": ["II"], "units": "mV"}
    for seconds, rows in ((5, 1), (60, 6)):
        inputs = extractor(np.tile(second, seconds), **given, window="all", return_tensors="pt")
        assert inputs["lead_mask"].sum() == rows and inputs["input_values"].shape == (rows, 12, 5000)
        assert inputs["sample_mask"].sum() == seconds * 500
        inputs.pop("record_index", None)
        assert model(**inputs).pooler_output.isfinite().all()
    broken = np.tile(second, 10)
    broken[0, 30] = np.nan
    with pytest.raises(ValueError, match="missing|NaN"):
        extractor(broken, **given)
    flat = extractor(np.zeros((1, 5000)), **given, return_tensors="pt")
    assert model(**flat).pooler_output.isfinite().all()


def test_the_response_norm_begins_as_nothing_and_makes_the_larger_channel_larger():
    norm = ECGGlobalResponseNorm(2, eps=1e-6)
    values = torch.tensor([[[3.0, 0.0], [4.0, 1.0]]])  # sizes 5 and 1, their mean 3
    assert torch.equal(norm(values), values)
    torch.nn.init.ones_(norm.weight)
    wanted = values * torch.tensor([1 + 5 / 3, 1 + 1 / 3])
    torch.testing.assert_close(norm(values), wanted, atol=1e-5, rtol=1e-5)


def test_its_gradient_is_that_of_the_formula():
    norm = ECGGlobalResponseNorm(3, eps=1e-6).double()
    torch.nn.init.normal_(norm.weight)
    values = torch.randn(2, 5, 3, dtype=torch.float64)
    values[1, :, 2] = 0  # a channel of nothing
    values.requires_grad_()

    def plain(values, weight, bias):
        size = (values.square().sum(1, keepdim=True) + 1e-300).sqrt()
        return weight * values * size / (size.mean(2, keepdim=True) + 1e-6) + bias + values

    leaves = (values, norm.weight, norm.bias)
    target = torch.randn(2, 5, 3, dtype=torch.float64)
    found, wanted = norm(values), plain(*leaves)
    torch.testing.assert_close(found, wanted)
    with torch.no_grad():
        torch.testing.assert_close(norm(values), wanted)
    gradients = [torch.autograd.grad((made * target).sum(), leaves) for made in (found, wanted)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depths": [1]}, r"depths \[1\] and widths \[8, 16\] must be as many"),
        ({"widths": [8, 0]}, "must be as many positive numbers"),
        ({"widths": [8, 10**9]}, "wanted at most 1000 blocks and 65536 channels"),
        ({"kernel_size": 4}, "kernel_size is 4, wanted an odd number"),
        ({"stem_patch_size": 0}, "stem_patch_size is 0, wanted 1 to"),
        ({"hidden_size": 8}, "hidden_size is 8, these widths give 16"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        ecg_convnextv2_config(**values)


def test_the_published_size():
    with torch.device("meta"):
        assert ECGConvNeXtV2Model(ECGConvNeXtV2Config()).num_parameters() == 26_814_144
        whole = ECGConvNeXtV2Model(ECGConvNeXtV2Config(pooled_projection=True))
    assert whole.num_parameters() == 26_814_144 + 768 * 768
