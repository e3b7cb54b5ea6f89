"""Whitening of text features: measured on the training texts, saved with the model."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModel

from hf_ecg import ECGTextModel
from tests.models.tiny.ecg_text import text_config


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_whitened_text_differs_alike_in_every_direction_of_the_training_texts(tmp_path, power):
    model = ECGTextModel(text_config(standardise_text=True, text_whitening=power)).eval()
    size = model.config.text_config.hidden_size
    generator = torch.Generator().manual_seed(3)
    spread = torch.logspace(0, -1, 6)[:, None] * torch.linalg.qr(torch.randn(size, 6, generator=generator))[0].T
    features = torch.randn(400, 6, generator=generator) @ spread
    before = torch.linalg.svdvals(features - features.mean(0))[:6]
    model.set_text_statistics(features)
    with torch.no_grad():
        model.text_projection.output.weight.copy_(torch.eye(*model.text_projection.output.weight.shape))
        model.text_projection.output.bias.zero_()
    white = ((features - model.text_mean) / model.text_std) @ model.text_whitener
    assert white.std().item() == pytest.approx(1.0, abs=1e-3)
    after = torch.linalg.svdvals(white - white.mean(0))[:6]
    torch.testing.assert_close(after / after[0], (before / before[0]) ** (1 - power), rtol=1e-3, atol=1e-3)
    seen = model.get_text_features(text_features=features).pooler_output
    torch.testing.assert_close(seen, white[:, : seen.shape[1]], rtol=1e-4, atol=1e-4)
    model.save_pretrained(tmp_path)
    assert torch.equal(
        AutoModel.from_pretrained(tmp_path).get_text_features(text_features=features).pooler_output, seen
    )


def test_impossible_whitening_is_refused():
    for options, message in (
        ({"text_whitening": 1.5}, "wanted 0 to 1"),
        ({"text_whitening": 0.5}, "standardise_text"),
    ):
        with pytest.raises(StrictDataclassError, match=message):
            text_config(**options)
