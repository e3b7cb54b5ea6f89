"""Ahus AIM's network: what is converted and refused, its recipe, and the published weights' own numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

import hf_ecg
from hf_ecg import AutoModelForECGClassification, ECGInceptionConfig
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.ecg_inception.convert_ecg_inception import AHUS_LEADS, ahus_feature_extractor, our_name
from tests.models.published_inception import PREFIX, original_outputs, original_state
from tests.models.tiny.ecg_inception import narrow

TINY = Path(__file__).parent.parent / "checkpoints" / "ahus_original_tiny"


@pytest.fixture
def small(monkeypatch):
    narrow(monkeypatch)
    torch.manual_seed(0)


def test_every_tensor_is_where_the_description_has_it(small):
    state = original_state()
    model, extractor = convert_checkpoint("ahus-chagas", state)
    ours = model.state_dict()
    for key, value in state.items():
        assert torch.equal(ours.pop(our_name(key.removeprefix(PREFIX), 3)), value), key
    assert list(ours) == ["classifier.bias"] and not ours["classifier.bias"].any()
    assert extractor.leads == list(AHUS_LEADS) and extractor.num_samples is None


def test_the_committed_file_gives_what_plain_convolutions_do(small, tmp_path):
    expected = np.load(TINY / "expected.npz")
    folder = write_converted("ahus-chagas", TINY / "val_fold_0.pt", tmp_path / "out")
    model, encoder = AutoModelForECGClassification.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(expected["ecg"])).logits
        features = encoder.eval()(torch.from_numpy(expected["ecg"])).pooler_output
    np.testing.assert_allclose(features, expected["features"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(logits[:, 0], expected["logit"], rtol=1e-5, atol=1e-6)
    card = (folder / "README.md").read_text()
    assert "license: mit" in card and "3134d7f1421316932bbc735ebb5fdd4ad53b4b9e" in card and "CODE-15" in card


def test_what_is_no_checkpoint_of_it_is_refused(small):
    state = original_state()
    lacking = {key: value for key, value in state.items() if "blocks.4.convs.1" not in key}
    with pytest.raises(ValueError, match=r"1 keys are missing .encoder.groups.1.blocks.1.branches.1.weight"):
        convert_checkpoint("ahus-chagas", lacking)
    other = {f"{PREFIX}inception_network.blocks.0.bottleneck.bias": torch.zeros(4)}
    with pytest.raises(ValueError, match=r"1 are unknown .inception_network.blocks.0.bottleneck.bias"):
        convert_checkpoint("ahus-chagas", state | other)
    with pytest.raises(ValueError, match=r"have another shape .encoder.stem.0.convolution.weight \(4, 12, 5\)"):
        convert_checkpoint("ahus-chagas", original_state(leads=12))
    with pytest.raises(ValueError, match="checkpoint is a tuple"):
        convert_checkpoint("ahus-chagas", ())


@pytest.mark.parametrize("samples", [5, 13, 14, 15, 61])
def test_a_short_or_padded_record_gives_what_it_gives_alone(small, samples):
    state = original_state()
    model, _ = convert_checkpoint("ahus-chagas", state)
    ecg, mask = torch.randn(1, 8, 80), torch.arange(80)[None] < samples
    with torch.no_grad():
        alone, padded = model.encoder(ecg[..., :samples]), model.encoder(ecg, sample_mask=mask)
        counted = model.encoder.position_mask(mask)
    torch.testing.assert_close(padded.pooler_output, alone.pooler_output)
    assert counted.sum() == alone.last_hidden_state.shape[1]
    if samples >= 13:
        torch.testing.assert_close(alone.pooler_output, original_outputs(state, ecg[..., :samples])[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_sizes": [4]}, r"kernel_sizes is \[4\], wanted odd"),
        ({"stem_widths": []}, r"stem_widths is \[\]"),
        ({"hidden_size": 12}, "hidden_size is 12, these branches give 128"),
        ({"num_groups": 0}, "num_groups is 0"),
    ],
)
def test_impossible_configurations_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        ECGInceptionConfig(**options)


def test_its_recipe_takes_the_last_eight_leads_by_their_own_spread():
    signals = np.random.default_rng(0).normal(size=(12, 900)).cumsum(axis=1) / 20
    first, second = signals[0], signals[1]
    signals[2:6] = second - first, -(first + second) / 2, first - second / 2, second - first / 2
    extract = ahus_feature_extractor()
    inputs = extract(signals, 400, hf_ecg.signals.STANDARD_LEADS, "mV", return_tensors="pt")
    values = torch.from_numpy(signals[4:])
    wanted = (values - values.mean(1, keepdim=True)) / values.std(1, keepdim=True)
    torch.testing.assert_close(inputs.input_values[0], wanted.float())
    without = [0, 1, *range(6, 12)]
    leads = [hf_ecg.signals.STANDARD_LEADS[place] for place in without]
    derived = extract(signals[without], 400, leads, "mV", return_tensors="pt")
    torch.testing.assert_close(derived.input_values, inputs.input_values)
