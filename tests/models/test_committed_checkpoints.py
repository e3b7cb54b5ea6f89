"""Checkpoints written by an earlier version give the numbers they gave then. Needs no golden data."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg import AutoModelForECGClassification

CHECKPOINTS = Path(__file__).parent.parent / "checkpoints"
# the leads of the stored records, and the samples of the second one
RECORDS = {"ecg_resnet_tiny": (["II", "V1", "V5"], 230), "ecg_resnext_tiny": (["II"], 177)}


@pytest.fixture(scope="module", params=RECORDS)
def folder(request):
    return CHECKPOINTS / request.param


@pytest.fixture(scope="module")
def expected(folder):
    return np.load(folder / "expected.npz")


@pytest.fixture(scope="module")
def inputs(folder, expected):
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    leads, samples = RECORDS[folder.name]
    first, second = expected["signals"]
    return extractor([first, second[:, :samples]], sampling_rate=100, leads=leads, units="mV", return_tensors="pt")


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


def test_it_stays_small(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100_000
