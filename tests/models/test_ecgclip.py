"""ECG-CLIP: what is converted and refused, its preparation and its curve. Needs no golden data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg import (
    AutoModelForECGSurvival,
    ECGResNetConfig,
    ECGResNetForECGSurvival,
    ECGResNetModel,
)
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.ecg_resnet.convert_ecg_resnet import our_trunk_name
from hf_ecg.models.ecg_resnet.convert_ecgclip import EIGHT_LEADS, ecgclip_feature_extractor
from hf_ecg.signals import STANDARD_LEADS
from tests.models.published_resnet import ecgclip_state
from tests.models.tiny.ecg_resnet import narrow


@pytest.fixture
def small(monkeypatch):
    narrow(monkeypatch)
    torch.manual_seed(0)


def test_every_tensor_is_where_the_description_has_it(small, tmp_path):
    content = ecgclip_state()
    torch.save(content | {"epoch": 3}, tmp_path / "file.pth")
    model, extractor = convert_checkpoint("ecgclip-resnet18", tmp_path / "file.pth")
    assert type(model) is ECGResNetForECGSurvival and extractor.leads == list(EIGHT_LEADS)
    ours = model.state_dict()
    for key, value in content["state_dict"].items():
        key = key.removeprefix("module.")
        name = f"classifier.{key.removeprefix('linear.')}" if key.startswith("linear.") else None
        assert torch.equal(ours.pop(name or f"encoder.{our_trunk_name(key)}"), value), key
    assert not ours
    assert len(model.config.survival_breaks) == 40 and model.config.survival_breaks[-1] == 1779.375
    assert model.config.id2label[38] == "1733.75 to 1779.38"


def test_the_committed_file_gives_what_plain_convolutions_do(small):
    folder = Path(__file__).parent.parent / "checkpoints" / "ecgclip_original_tiny"
    model, _ = convert_checkpoint("ecgclip-resnet18", folder / "resnet18.pth")
    expected = np.load(folder / "expected.npz")
    with torch.no_grad():
        logits = model(torch.from_numpy(expected["ecg"])).logits
        pooled = model.encoder(torch.from_numpy(expected["ecg"])).pooler_output
    np.testing.assert_allclose(pooled, expected["pooled"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(logits, expected["logits"], rtol=1e-4, atol=1e-4)


def test_a_trunk_without_a_head_is_an_encoder(small):
    state = {key: value for key, value in ecgclip_state()["state_dict"].items() if "linear" not in key}
    model, _ = convert_checkpoint("ecgclip-resnet18", {"state_dict": state})
    assert type(model) is ECGResNetModel


def test_what_is_no_checkpoint_of_it_is_refused(small):
    state = ecgclip_state()["state_dict"]
    with pytest.raises(
        ValueError, match="not a checkpoint of ecgclip-resnet34: 112 keys are missing|not a checkpoint"
    ):
        convert_checkpoint("ecgclip-resnet34", {"state_dict": state})
    with pytest.raises(ValueError, match="0 keys are missing .none. and 1 are unknown .fc.weight"):
        convert_checkpoint("ecgclip-resnet18", {"state_dict": state | {"module.fc.weight": torch.zeros(1)}})
    other = state | {"module.linear.weight": torch.zeros(10, 2), "module.linear.bias": torch.zeros(10)}
    with pytest.raises(ValueError, match=r"classifier.weight \(10, 2\) instead of \(39, 2\)"):
        convert_checkpoint("ecgclip-resnet18", {"state_dict": other})


def test_a_converted_folder_gives_survival_and_the_embedding(small, tmp_path):
    torch.save(ecgclip_state(), tmp_path / "file.pth")
    folder = write_converted("ecgclip-resnet18", tmp_path / "file.pth", tmp_path / "out")
    model, extractor = AutoModelForECGSurvival.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
    signals = np.random.default_rng(0).normal(size=(12, 5000)).cumsum(axis=1) / 50
    inputs = extractor(signals, 500, STANDARD_LEADS, "mV", return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(**inputs).logits
        assert AutoModel.from_pretrained(folder)(**inputs).pooler_output.shape == (1, 2)
    assert 0 < model.survival_at(logits, 365).item() < 1 and model.survival_at(logits, 0).item() == 1
    assert model.survival_curve(logits).shape == (1, 40)
    with pytest.raises(ValueError, match="time is 1825, wanted 0 to 1779.38"):
        model.survival_at(logits, 1825)
    model.config.compat_flat_survival_start = True
    assert model.survival_at(logits, 0).item() == model.survival_at(logits, 45.625).item()
    card = (folder / "README.md").read_text()
    assert "ecg-feature-extraction" in card and "nowhere" not in card.split("---")[1]


def test_four_limb_leads_change_nothing_and_two_of_them_give_the_others():
    signals = np.random.default_rng(0).normal(size=(12, 5000)).cumsum(axis=1) / 50
    first, second = signals[0], signals[1]
    signals[2:6] = second - first, -(first + second) / 2, first - second / 2, second - first / 2
    extract = ecgclip_feature_extractor()
    eight = [STANDARD_LEADS.index(lead) for lead in EIGHT_LEADS]
    wanted = extract(signals[eight], 500, EIGHT_LEADS, "mV")
    assert np.array_equal(extract(signals, 500, STANDARD_LEADS, "mV").input_values, wanted.input_values)
    without = [place for place in range(12) if STANDARD_LEADS[place] not in ("I", "II", "V3")]
    found = extract(signals[without], 500, [STANDARD_LEADS[place] for place in without], "mV")
    assert found.lead_mask.tolist() == [[True, True, True, True, False, True, True, True]]
    np.testing.assert_allclose(found.input_values[:, :2], wanted.input_values[:, :2], atol=1e-6)


def test_other_rates_and_lengths_are_brought_to_ten_seconds():
    noise = np.random.default_rng(0).normal(size=(8, 12_000)).cumsum(axis=1) / 50
    extract = ecgclip_feature_extractor()
    longer = extract(noise, 500, EIGHT_LEADS, "mV", window="recipe")
    assert longer.sample_mask.all()
    np.testing.assert_array_equal(longer.input_values, extract(noise[:, :5000], 500, EIGHT_LEADS, "mV").input_values)
    shorter = extract(noise[:, :500], 100, EIGHT_LEADS, "mV")
    assert shorter.input_values.shape == (1, 8, 4096)
    assert np.flatnonzero(~shorter.sample_mask[0]).tolist() == list(range(48 + 2000, 48 + 4000))
    assert not shorter.input_values[0, :, :48].any() and not shorter.input_values[0, :, 2048:].any()


def test_breaks_and_labels_that_do_not_fit_are_refused():
    for options, message in (
        ({"survival_breaks": [0, 5, 5]}, "rise from 0"),
        ({"survival_breaks": [1, 5]}, "rise from 0"),
        ({"survival_breaks": [0]}, "rise from 0"),
        ({"survival_reduction": "max"}, "survival_reduction is 'max'.*wanted one of sum, mean"),
    ):
        with pytest.raises(StrictDataclassClassValidationError, match=message):
            ECGResNetConfig(**options)
    model = ECGResNetForECGSurvival(ECGResNetConfig(num_leads=1, depths=[1], widths=[4], survival_breaks=[0, 5, 9]))
    values, known = torch.randn(2, 1, 64), torch.tensor([[7.0, 1.0], [torch.nan, 0.0]])
    assert model.num_labels == 2
    loss = model(values, labels=known).loss
    model.config.survival_reduction = "mean"
    torch.testing.assert_close(model(values, labels=known).loss, loss)
    torch.testing.assert_close(model(values, labels=known[:1].repeat(2, 1)).loss.isfinite(), torch.tensor(True))
    with pytest.raises(ValueError, match=r"labels have shape \(2,\), wanted \(2, 2\): time and event"):
        model(values, labels=known[:, 0])
    assert not {"survival_breaks", "compat_flat_survival_start"} & set(ECGResNetConfig().to_dict())
