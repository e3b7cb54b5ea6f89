"""The vision transformer: what it computes and refuses, what is converted. Needs no golden data."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from torch.nn import functional as F
from transformers import AutoModel, set_seed

from hf_ecg import ECGViTForECGClassification, ECGViTModel
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.ecg_vit.convert_ecg_vit import merl_vit_config
from hf_ecg.models.shared.positions import stretched_positions
from tests.models.published_resnet import original_state as resnet_state
from tests.models.published_vit import original_state
from tests.models.tiny.ecg_vit import narrow, vit_config
from tests.models.tiny.inputs import waveforms


@pytest.fixture
def small(monkeypatch):
    narrow(monkeypatch)


def build(kind=ECGViTModel, **options):
    set_seed(0)
    return kind(vit_config(**options)).eval()


def some(rows=2, seed=0):
    return waveforms(rows, torch.Generator().manual_seed(seed))["input_values"]


def original_pooled(state, ecg, heads=2):
    """The original on its own tensors."""

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    def linear(x, name):
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    x = F.conv1d(ecg, state["to_patch_embedding.weight"], stride=50).transpose(1, 2) + state["pos_embedding"]
    for number in range(12):
        name = f"block{number}"
        parts = linear(norm(x, f"{name}.attn.norm"), f"{name}.attn.fn.to_qkv").chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts)
        weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
        x = x + linear((weights @ value).transpose(1, 2).flatten(2), f"{name}.attn.fn.to_out.0")
        inner = F.gelu(linear(norm(x, f"{name}.ff.norm"), f"{name}.ff.fn.net.0"))
        x = x + linear(inner, f"{name}.ff.fn.net.3")
    return norm(x.mean(dim=1), "norm")


@pytest.mark.parametrize("prefix", ["ecg_encoder.", "module.ecg_encoder.", ""])
def test_the_converted_trunk_computes_what_the_original_does(prefix, small, tmp_path):
    torch.manual_seed(0)
    state, ecg = original_state(prefix), torch.rand(2, 12, 5000)
    content = state
    if prefix.startswith("module."):
        content = {key if key.startswith("module.") else f"module.{key}": value for key, value in state.items()}
        content = {"model_state_dict": content, "epoch": 3}
    torch.save(content, tmp_path / "file.pth")
    folder = write_converted("merl-vit-tiny", tmp_path / "file.pth", tmp_path / "out")
    model = AutoModel.from_pretrained(folder).eval()
    assert type(model) is ECGViTModel
    wanted = original_pooled({key.removeprefix(prefix): value for key, value in state.items()}, ecg)
    with torch.no_grad():
        torch.testing.assert_close(model(ecg).pooler_output, wanted, atol=1e-5, rtol=1e-5)


def test_a_file_of_the_fine_tuning_becomes_a_classifier(small):
    state = original_state("", classes=5)
    model, extractor = convert_checkpoint("merl-vit-small", state)
    assert type(model) is ECGViTForECGClassification and model.config.num_labels == 5
    assert torch.equal(model.classifier.weight, state["head.weight"])
    assert extractor.leads[4:6] == ["aVF", "aVL"] and extractor.num_samples == 5000


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("block3.attn.fn.to_qkv.bias", None, "layers.3.attention.key.bias"),
        ("pos_embedding", torch.zeros(1, 99, 16), r"embeddings.positions \(99, 16\) instead of \(100, 16\)"),
        ("pos_embedding", torch.zeros(100, 16, 1, 1), r"instead of \(100, 16\)"),
        ("block12.attn.norm.weight", torch.ones(16), "unknown .block12.attn.norm.weight"),
        ("to_patch_embedding.weight", torch.zeros(16, 1, 50), r"projection.weight \(16, 50\) instead of \(16, 600\)"),
        ("epoch", 3, "epoch is int, wanted a tensor"),
    ],
)
def test_what_is_not_whole_or_not_known_is_refused(key, value, message, small):
    state = original_state("")
    state[key] = value
    if value is None:
        del state[key]
    with pytest.raises(ValueError, match=message):
        convert_checkpoint("merl-vit-tiny", state)


def test_a_resnet_is_refused_by_name(small):
    with pytest.raises(ValueError, match="not a checkpoint of merl-vit-base: 196 keys are missing"):
        convert_checkpoint("merl-vit-base", resnet_state())


def test_the_pooled_output_is_the_norm_of_the_mean():
    model = build()
    outputs = model(some())
    torch.testing.assert_close(outputs.pooler_output, model.norm(outputs.last_hidden_state.mean(dim=1)))


def test_what_is_absent_or_padded_is_not_looked_at():
    model, values = build(interpolate_positions=False), some(3)
    leads, samples = torch.ones(3, 12, dtype=torch.bool), torch.ones(3, 160, dtype=torch.bool)
    plain = model(values).pooler_output
    assert torch.equal(model(values, leads, samples).pooler_output, plain)
    leads[0, [2, 7]], samples[1, 96:] = False, False
    masked = model(values, leads, samples).pooler_output
    assert not torch.allclose(masked[:2], plain[:2], atol=1e-3)
    torch.testing.assert_close(masked[2], plain[2])
    changed = values.clone()
    changed[0, [2, 7]] += 5
    changed[1, :, 96:] -= 3
    torch.testing.assert_close(model(changed, leads, samples).pooler_output, masked, atol=0, rtol=0)
    # an absent lead is a lead of zeros
    values[0, [2, 7]] = 0
    torch.testing.assert_close(model(values).pooler_output[0], masked[0], atol=1e-6, rtol=1e-5)
    assert model(values, sample_mask=torch.zeros_like(samples)).pooler_output.isfinite().all()


def test_another_length_is_an_error_or_stretches_the_positions():
    strict, free, values = build(interpolate_positions=False), build(), some(2)
    assert torch.equal(strict(values).pooler_output, free(values).pooler_output)
    for samples in (96, 320):
        with pytest.raises(ValueError, match=f"{samples} samples, wanted 160: .*interpolate_positions=True"):
            strict(torch.zeros(1, 12, samples))
        other = torch.randn(1, 12, samples)
        tokens = free.embeddings.projection(other.unflatten(2, (-1, 16)).transpose(1, 2).flatten(2))
        positions = F.interpolate(free.embeddings.positions.T[None], samples // 16, mode="linear")[0].T
        found = free(other, output_hidden_states=True).hidden_states[0]
        torch.testing.assert_close(found, tokens + positions, atol=1e-5, rtol=1e-5)
    for mask in (None, torch.ones(1, 150, dtype=torch.bool)):
        with pytest.raises(ValueError, match="150 samples, wanted a multiple of the patch size, 16"):
            free(torch.zeros(1, 12, 150), sample_mask=mask)


def test_each_record_has_the_positions_of_its_own_length():
    positions = torch.randn(10, 4)
    found = stretched_positions(positions, 7, torch.tensor([7, 3, 0]))
    for row, length in enumerate((7, 3)):
        torch.testing.assert_close(found[row, :length], stretched_positions(positions, length))
    assert found.shape == (3, 7, 4) and stretched_positions(positions, 10) is positions
    torch.testing.assert_close(stretched_positions(positions, 10, torch.tensor([10]))[0], positions)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"patch_size": 33}, "patch_size is 33, wanted at least 2 and a divisor of num_samples, 160"),
        ({"num_attention_heads": 3}, "hidden_size is 16, wanted a multiple of the 3 heads"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, wanted 1 to 1000"),
        ({"intermediate_size": 10**9}, "intermediate_size is 1000000000, wanted 1 to 65536"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        vit_config(**values)


@pytest.mark.parametrize(("size", "parameters"), [("tiny", 5_473_152), ("small", 21_563_136), ("base", 85_593_600)])
def test_the_published_sizes(size, parameters):
    with torch.device("meta"):
        assert ECGViTModel(merl_vit_config(f"merl-vit-{size}")).num_parameters() == parameters
