"""Published weights that are openly licensed: from the authors' file to their own numbers, a card, and the Hub."""

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel, pipeline

from hf_ecg import AutoModelForECGClassification
from hf_ecg.cli import call
from hf_ecg.hub import push_run
from tests.hub.conftest import api, hub  # noqa: F401

WHOLE = {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"}


@pytest.fixture(scope="module")
def ahus(published_weights_dir, tmp_path_factory):
    """The converted folder, the paths of the twenty records, and what the original computed of them."""
    source, folder = published_weights_dir / "ahus-chagas", tmp_path_factory.mktemp("ahus") / "out"
    call("convert", ["ahus-chagas", str(source / "val_fold_0_checkpoint_000005.pt"), str(folder)])
    expected = np.load(source / "reference_outputs.npz")
    records = published_weights_dir.parent / "data" / "code15-chagas" / "records"
    return folder, [records / f"{name}.hea" for name in expected["record"]], expected


def test_ahus_gives_its_own_features_and_logits(ahus):
    folder, paths, expected = ahus
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModelForECGClassification.from_pretrained(folder).eval()
    encoder = AutoModel.from_pretrained(folder).eval()
    inputs = extractor(paths, return_tensors="pt")
    assert inputs.input_values.shape[:2] == (20, 8)
    with torch.no_grad():
        features = encoder(**inputs).pooler_output
        logits = model.classifier(features)[:, 0]
        samples = extractor(paths[0], return_tensors="pt").input_values
        middle = samples.shape[2] // 2
        centre = model(samples[:, :, middle - 400 : middle + 400]).logits.item()
    np.testing.assert_allclose(features, expected["features"], atol=1e-4)
    np.testing.assert_allclose(logits, expected["logit"], atol=1e-4)
    assert centre == pytest.approx(expected["logit_centre_800"][0], abs=1e-4)


def test_ahus_goes_from_the_file_to_answers_and_the_hub(ahus, hub, api):  # noqa: F811
    folder, paths, expected = ahus
    card = (folder / "README.md").read_text()
    assert "license: mit" in card and "CODE-15" in card and "Ahus-AIM/physionet-challenge-2025" in card
    (answer,) = pipeline("ecg-classification", model=str(folder), device="cpu")(paths[0])
    assert answer["label"] == "Chagas disease"
    assert answer["score"] == pytest.approx(1 / (1 + np.exp(-expected["logit"][0])), abs=1e-5)
    push_run(folder, "me/ahus-chagas", api=api)
    assert WHOLE <= set(hub.files("me/ahus-chagas"))
