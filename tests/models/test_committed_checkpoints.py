"""Checkpoints written by an earlier version give the numbers they gave then. Needs no golden data."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel, AutoProcessor

from hf_ecg import AutoModelForECGClassification, ECGForContrastivePreTraining, ECGTextModel

CHECKPOINTS = Path(__file__).parent.parent / "checkpoints"
# classifiers: their folders say the leads of the stored records, and how many samples of each count
CLASSIFIERS = sorted(path.parent for path in CHECKPOINTS.glob("*/records.json"))


@pytest.fixture(scope="module", params=CLASSIFIERS, ids=lambda path: path.name)
def folder(request):
    return request.param


@pytest.fixture(scope="module")
def expected(folder):
    return np.load(folder / "expected.npz")


@pytest.fixture(scope="module")
def inputs(folder, expected):
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    records = json.loads((folder / "records.json").read_text())
    signals = [signal[:, :samples] for signal, samples in zip(expected["signals"], records["samples"], strict=True)]
    rate = extractor.sampling_rate
    return extractor(signals, sampling_rate=rate, leads=records["leads"], units="mV", return_tensors="pt")


def test_the_classifier_gives_its_old_logits(folder, expected, inputs):
    model = AutoModelForECGClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(**inputs).logits
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-6, rtol=1e-5)
    assert model.config.id2label == {0: "NORM", 1: "MI"}


def test_its_body_alone_gives_its_old_embedding(folder, expected, inputs):
    model = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        pooled = model(**inputs).pooler_output
    np.testing.assert_allclose(pooled, expected["pooler_output"], atol=1e-5, rtol=1e-5)


def test_the_configuration_has_no_key_that_nobody_reads(folder):
    """A slip in a key would be kept as an attribute without effect: the saved keys are the declared ones."""
    saved = json.loads((folder / "config.json").read_text())
    known = set(AutoModelForECGClassification.from_pretrained(folder).config.__dataclass_fields__)
    assert set(saved) <= known | {"model_type"}


def close(outputs, expected, names):
    for name in names:
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, rtol=1e-5, err_msg=name)


def test_a_dual_encoder_gives_its_old_logits_and_loss():
    folder = CHECKPOINTS / "ecg_text_tiny"
    expected = np.load(folder / "expected.npz")
    model, processor = AutoModel.from_pretrained(folder).eval(), AutoProcessor.from_pretrained(folder)
    texts, leads = ["sinus rhythm", "atrial fibrillation"], ["II", "V1", "V5"]
    inputs = processor(list(expected["signals"]), texts, 100, leads, "mV", padding=True, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs, return_loss=True)
    close(outputs, expected, ("loss", "logits_per_ecg", "ecg_embeds", "text_embeds"))
    assert type(model) is ECGTextModel and model.text_whitener.abs().max() > 0 and model.text_mean.any()


def test_a_contrastive_model_gives_its_old_embeddings_and_loss():
    folder = CHECKPOINTS / "ecg_contrastive_tiny"
    expected = np.load(folder / "expected.npz")
    model, extractor = AutoModel.from_pretrained(folder).eval(), AutoFeatureExtractor.from_pretrained(folder)
    views = [dict(extractor(list(view), 100, ["II"], "mV", return_tensors="pt")) for view in expected["signals"]]
    inputs = views[0] | {f"second_{key}": value for key, value in views[1].items()}
    with torch.no_grad():
        outputs = model(**inputs, risk=torch.tensor([0.1, 0.3, torch.nan]), return_loss=True)
    close(outputs, expected, ("loss", "embeds", "second_embeds"))
    assert type(model) is ECGForContrastivePreTraining and model.projection is not None


@pytest.mark.parametrize(
    "folder", [path for path in CHECKPOINTS.iterdir() if path.is_dir()], ids=lambda path: path.name
)
def test_it_stays_small(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 120_000
