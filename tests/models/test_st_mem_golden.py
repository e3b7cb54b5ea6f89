"""Converted ST-MEM checkpoints against what the original code computes."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from hf_ecg import AutoModelForECGClassification, ECGFeatureExtractor, STMEMForPreTraining, STMEMModel
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.golden_check import check_conversion
from hf_ecg.models.st_mem.convert_st_mem import filter_steps, st_mem_feature_extractor
from hf_ecg.signals import STANDARD_LEADS
from tests.models.golden import golden_case, golden_input


def close(found, wanted, tolerance=1e-5):
    np.testing.assert_allclose(found.detach().numpy(), wanted, atol=tolerance, rtol=1e-5)


@pytest.mark.parametrize("source", ["st-mem-vit-base", "st-mem-vit-small"])
def test_blocks_features_and_logits_are_the_originals(source, golden_dir, tmp_path):
    state, ecg, expected = golden_case(golden_dir, source, "input")
    if source.endswith("small"):
        # through a file and from_pretrained
        torch.save({"model": state, "epoch": 7}, tmp_path / "published.pth")
        folder = write_converted(source, tmp_path / "published.pth", tmp_path / "out")
        model = AutoModelForECGClassification.from_pretrained(folder).eval()
        encoder = AutoModel.from_pretrained(folder).eval()
    else:
        model, _ = convert_checkpoint(source, state)
        encoder = model.encoder
    with torch.no_grad():
        close(model(ecg).logits, expected["logits"])
    embeddings = encoder.embeddings
    with torch.no_grad():
        outputs = encoder(ecg, output_hidden_states=True)
        patches = embeddings.norm(embeddings.projection(embeddings.patch_norm(ecg.unflatten(-1, (-1, 75)))))
        close(patches[:, :, ::10, :64], expected["patch_embedding_slice"])
        for block in (0, 5, 11):
            close(outputs.hidden_states[block + 1][:, ::16, :64], expected[f"block{block}_slice"], 5e-5)
        close(outputs.pooler_output, expected["features"])
        close(encoder(ecg[..., :1125]).pooler_output, expected["features_short_1125"])


@pytest.fixture(scope="module")
def published(golden_dir):
    """The whole file, which holds the patch embedding twice."""
    state, ecg, expected = golden_case(golden_dir, "st-mem-mae", "input")
    alias = {key.removeprefix("encoder."): value for key, value in state.items() if "to_patch_embedding" in key}
    return {"model": state | alias}, ecg, golden_input(golden_dir, "st-mem-mae", "noise"), expected


@pytest.fixture(scope="module")
def autoencoder(published):
    return convert_checkpoint("st-mem-mae", published[0])[0]


def test_masks_predictions_loss_and_gradients_are_the_originals(autoencoder, published):
    model, (_, ecg, noise, expected) = autoencoder, published
    assert isinstance(model, STMEMForPreTraining)
    outputs = model(ecg, mask_noise=noise)
    np.testing.assert_array_equal(outputs.removed.float(), expected["mask"])
    latent = model.encoder.norm(outputs.ecg_model_output.last_hidden_state)
    close(latent[:, ::6, :128], expected["latent_slice"], 5e-5)
    close(outputs.prediction[:, :, ::3, :25], expected["pred_slice"], 5e-5)
    close(outputs.loss, expected["loss"])
    outputs.loss.backward()
    close(model.decoder.embedding.weight.grad[:16, :64], expected["grad_to_decoder_embedding_weight_slice"])
    close(model.decoder.mask_token.grad, expected["grad_mask_embedding"].squeeze((0, 1)))
    close(model.encoder.layers[0].attention.query.weight.grad[:16, :64], expected["grad_block0_qkv_weight_slice"])
    model.zero_grad()
    model.config.normalise_patches = False
    close(model(ecg, mask_noise=noise).loss, expected["loss_no_norm_pix"])
    model.config.normalise_patches = True


def test_the_encoder_alone_is_taken_from_the_whole_file(autoencoder, published):
    state, ecg, _, _ = published
    model, _ = convert_checkpoint("st-mem-vit-base", state)
    assert type(model) is STMEMModel
    with torch.no_grad():
        assert torch.equal(model(ecg).pooler_output, autoencoder.encoder(ecg).pooler_output)


def test_the_preparation_is_the_originals(golden_dir):
    ecg = golden_input(golden_dir, "st-mem-preprocess", "ecg").numpy().astype(np.float64).cumsum(axis=-1) * 0.02
    expected = np.load(golden_dir / "st-mem-preprocess" / "expected_seed0.npz")

    def prepared(steps, samples):
        before = [{"name": "select_leads"}, {"name": "resample", "method": "fft", "edges": "periodic"}]
        extractor = ECGFeatureExtractor(250, list(STANDARD_LEADS), samples, [*before, *steps])
        return extractor(ecg, 500, STANDARD_LEADS, "mV").input_values

    np.testing.assert_allclose(prepared([], 2500)[0, :, ::5], expected["resampled_slice"], atol=1e-5)
    centre, filters = {"name": "crop", "position": "center"}, filter_steps()
    for number, name in enumerate(("highpass_slice", "lowpass_slice", "standardized_slice"), start=1):
        found = prepared([centre, *filters[:number]], 2250)
        np.testing.assert_allclose(found[0, :, ::5], expected[name], atol=2e-5, err_msg=name)
    crops = prepared([{"name": "multi_crop", "count": 3}], 2250)
    np.testing.assert_allclose(crops[:, :, 0], expected["ncrop_first"], atol=1e-5)
    whole = st_mem_feature_extractor()(ecg, 500, STANDARD_LEADS, "mV")
    assert whole.input_values.shape == (3, 12, 2250) and whole["record_index"].tolist() == [0, 0, 0]
    np.testing.assert_allclose(whole.input_values[1], prepared([centre, *filters], 2250)[0], atol=1e-5)


def test_the_check_of_the_command_line_takes_its_cases(golden_dir):
    found = check_conversion("st-mem-vit-small", golden_dir / "st-mem-vit-small")
    assert [one.output for one in found] == ["features", "logits"] and all(one.agrees for one in found)
