"""openecg's codec: what is converted and refused, its tracks, its loss and its recipe."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from hf_ecg import AutoModelForECGDelineation, OpenECGCodecConfig, OpenECGCodecForECGDelineation, OpenECGCodecModel
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.openecg_codec.convert_openecg_codec import codec_feature_extractor, our_name
from hf_ecg.models.shared.original_blocks import with_attention_parts
from tests.models.published_openecg_codec import original_content, original_logits

TINY = Path(__file__).parent.parent / "checkpoints" / "openecg_codec_original_tiny"
TRACKS = ("frame", "beat", "rhythm")


@pytest.fixture(scope="module")
def content():
    torch.manual_seed(0)
    return original_content()


@pytest.fixture(scope="module")
def model(content):
    return convert_checkpoint("openecg-codec-v6", content)[0]


def test_every_tensor_is_where_the_graph_has_it(content, model):
    ours = dict(model.state_dict())
    for key, value in with_attention_parts(content["model_state"]).items():
        if not key.startswith("head."):
            found = ours.pop(our_name(key))
            assert torch.equal(found, value[0] if key == "pos_enc" else value), key
    assert not ours


def test_the_committed_file_gives_what_plain_operations_do(tmp_path):
    expected = np.load(TINY / "expected.npz")
    folder = write_converted("openecg-codec-v6", TINY / "codec.pt", tmp_path / "out")
    model = AutoModelForECGDelineation.from_pretrained(folder).eval()
    encoder, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert type(encoder) is OpenECGCodecModel and not any(info.values())
    with torch.no_grad():
        outputs = model(torch.from_numpy(expected["ecg"])[:, None])
    for name in TRACKS:
        np.testing.assert_allclose(outputs[f"{name}_logits"], expected[name], rtol=1e-4, atol=1e-5)
    card = (folder / "README.md").read_text()
    assert "license: apache-2.0" in card and "4caf710737c4b9024b5b2b79b897af04" in card and "LUDB" in card


def test_what_is_no_checkpoint_of_it_is_refused(content):
    state, settings = content["model_state"], content["model_config"]

    def refused(message, state=state, settings=settings):
        with pytest.raises(ValueError, match=message):
            convert_checkpoint("openecg-codec-v6", {"model_state": state, "model_config": settings})

    refused(r"it holds .*wanted model_state and model_config", state=None)
    refused("model_config has .'d_model': None.", settings={k: v for k, v in settings.items() if k != "d_model"})
    refused("wanted whole numbers from 1 to 4096", settings=settings | {"d_model": 10**9})
    refused("wanted whole numbers", settings=settings | {"n_layers": "4"})
    refused(
        r"has \{'pos_type': 'learned'\}, wanted \{'pos_type': 'sinusoidal'\}",
        settings=settings | {"pos_type": "learned"},
    )
    refused("1 are unknown .lead_emb.weight", state=state | {"lead_emb.weight": torch.zeros(1)})
    refused("1 keys are missing .beat_head.bias", state={k: v for k, v in state.items() if k != "beat_sample.bias"})
    refused("another shape .*frame_head.weight", state=state | {"head_sample.weight": torch.zeros(5, 8)})


@pytest.mark.parametrize(("samples", "first"), [(200, 0), (203, 0), (203, 7), (9, 1)])
def test_positions_line_up_with_the_waveform_wherever_it_stands(content, model, samples, first):
    ecg = torch.rand(1, 1, 250) * 2 - 1
    mask = torch.zeros(1, 250, dtype=torch.bool)
    mask[:, first : first + samples] = True
    with torch.no_grad():
        outputs, alone = model(ecg, sample_mask=mask), model(ecg[..., first : first + samples])
    assert outputs.frame_logits.shape == (1, 250, 4)
    for name in TRACKS:
        found = outputs[f"{name}_logits"][:, first : first + samples]
        torch.testing.assert_close(found, alone[f"{name}_logits"], atol=1e-5, rtol=1e-4)
    assert not outputs.ecg_model_output.last_hidden_state[~mask].any()
    torch.testing.assert_close(outputs.rhythm_probabilities, alone.rhythm_probabilities)
    if samples == 200:
        for found, wanted in zip(TRACKS, original_logits(content["model_state"], ecg[0, :, :200]), strict=True):
            torch.testing.assert_close(alone[f"{found}_logits"], wanted, atol=1e-5, rtol=1e-4)


def test_beats_are_none_outside_qrs(model):
    with torch.no_grad():
        outputs = model(torch.rand(2, 1, 300))
    outputs.frame_logits[:, :100, 2] += 100
    outputs.frame_logits[:, 100:, 0] += 100
    tracks = model.tracks(outputs)
    assert torch.equal(tracks["beat"][:, :100], outputs.beat_logits.argmax(2)[:, :100])
    assert not tracks["beat"][:, 100:].any() and (tracks["frame"][:, :100] == 2).all()


def test_its_loss_is_that_of_known_samples_alone(model):
    ecg, mask = torch.rand(2, 1, 60), torch.ones(2, 60, dtype=torch.bool)
    mask[1, 40:] = False
    frame, rhythm = torch.randint(4, (2, 60)), torch.full((2, 60), -100)
    frame[0, :10] = -100
    outputs = model(ecg, sample_mask=mask, frame_labels=frame, rhythm_labels=rhythm)
    known = mask & (frame >= 0)
    wanted = torch.nn.functional.cross_entropy(outputs.frame_logits[known], frame[known])
    torch.testing.assert_close(outputs.loss, wanted)
    with pytest.raises(ValueError, match=r"beat_labels have shape \(2, 59\), wanted \(2, 60\)"):
        model(ecg, beat_labels=torch.zeros(2, 59, dtype=torch.long))
    with pytest.raises(ValueError, match="5121 samples, wanted at most 5120"):
        model(torch.zeros(1, 1, 5121))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token_kernel_size": 15}, "token_kernel_size is 15, wanted patch_size, 10, and an even number more"),
        ({"num_samples": 6000}, "num_samples is 6000, wanted at most"),
        ({"beat_classes": ["a", "a"]}, "beat_classes are"),
        ({"refine_kernel_size": 4}, "refine_kernel_size is 4"),
    ],
)
def test_impossible_configurations_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        OpenECGCodecConfig(**options)


def test_its_recipe_ranks_the_samples_of_one_lead():
    ecg = np.random.default_rng(0).normal(size=(2, 2000)).cumsum(axis=1) / 50
    inputs = codec_feature_extractor()(ecg, 500, ["I", "II"], "mV", lead="II", return_tensors="pt")
    ranks = ecg[1].argsort().argsort() / 1999 * 2 - 1
    np.testing.assert_allclose(inputs.input_values[0, 0, :2000], ranks, atol=1e-6)
    assert inputs.sample_mask.sum() == 2000 and inputs.input_values.shape == (1, 1, 5000)
    assert type(AutoModelForECGDelineation.from_config(OpenECGCodecConfig())) is OpenECGCodecForECGDelineation
