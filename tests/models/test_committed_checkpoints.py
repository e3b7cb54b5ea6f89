"""Checkpoints written by an earlier version give the numbers they gave then. Needs no golden data."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg import AutoModelForECGClassification

FOLDER = Path(__file__).parent.parent / "checkpoints" / "ecg_resnet_tiny"


@pytest.fixture(scope="module")
def expected():
    return np.load(FOLDER / "expected.npz")


@pytest.fixture(scope="module")
def inputs(expected):
    extractor = AutoFeatureExtractor.from_pretrained(FOLDER)
    signals = list(expected["signals"])
    return extractor(signals, sampling_rate=100, leads=["II", "V1", "V5"], units="mV", return_tensors="pt")


def test_the_classifier_gives_its_old_logits(expected, inputs):
    model = AutoModelForECGClassification.from_pretrained(FOLDER).eval()
    with torch.no_grad():
        logits = model(**inputs).logits
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-6, rtol=1e-5)
    assert model.config.id2label == {0: "NORM", 1: "MI"}


def test_its_body_alone_gives_its_old_embedding(expected, inputs):
    model = AutoModel.from_pretrained(FOLDER).eval()
    with torch.no_grad():
        pooled = model(**inputs).pooler_output
    np.testing.assert_allclose(pooled, expected["pooler_output"], atol=1e-5, rtol=1e-5)


def test_the_configuration_has_no_key_that_nobody_reads():
    """A slip in a key would be kept as an attribute without effect: the saved keys are the declared ones."""
    saved = json.loads((FOLDER / "config.json").read_text())
    known = set(AutoModelForECGClassification.from_pretrained(FOLDER).config.__dataclass_fields__)
    assert set(saved) <= known | {"model_type"}


def test_it_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 100_000
