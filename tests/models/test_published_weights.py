"""Published weights that are openly licensed: from the authors' file to their own numbers, a card, and the Hub."""

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel, pipeline

from hf_ecg import AutoModelForECGClassification, AutoModelForECGDelineation
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


@pytest.fixture(scope="module")
def codec(published_weights_dir, tmp_path_factory):
    """The converted folder, the paths of the six records, and what the original computed of their lead II."""
    source, folder = published_weights_dir / "openecg-codec-v6", tmp_path_factory.mktemp("codec") / "out"
    call("convert", ["openecg-codec-v6", str(source / "codec_v6.pt"), str(folder)])
    expected = np.load(source / "reference_outputs.npz")
    records = published_weights_dir.parent / "data" / "ptb-xl" / "records500" / "00000"
    return folder, [records / f"{name}.hea" for name in expected["record"]], expected


def test_codec_gives_its_own_tracks_and_logits(codec):
    folder, paths, expected = codec
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModelForECGDelineation.from_pretrained(folder).eval()
    inputs = extractor(paths, lead="II", return_tensors="pt")
    np.testing.assert_allclose(inputs.input_values[0, 0], expected["input"], atol=1e-6)
    with torch.no_grad():
        outputs = model(**inputs)
    for name, stored in (("frame", "frame"), ("beat", "beat_ungated"), ("rhythm", "rhythm")):
        logits = outputs[f"{name}_logits"]
        np.testing.assert_allclose(logits[0], expected[f"{name}_logits"], atol=1e-3)
        # ties of float32 aside, all 30,000
        assert (logits.argmax(2).numpy() == expected[stored]).mean() > 0.9999


def test_codec_agrees_with_its_int8_twin(codec, published_weights_dir):
    onnxruntime = pytest.importorskip("onnxruntime")
    folder, paths, expected = codec
    session = onnxruntime.InferenceSession(published_weights_dir / "openecg-codec-v6" / "codec_v6_int8.onnx")
    frame, *_ = session.run(None, {"signal": expected["input"][None]})
    model = AutoModelForECGDelineation.from_pretrained(folder).eval()
    with torch.no_grad():
        ours = model(torch.from_numpy(expected["input"])[None, None]).frame_logits[0].numpy()
    assert (frame[0].argmax(1) == ours.argmax(1)).mean() > 0.995 and np.abs(frame[0] - ours).max() < 0.9


def test_codec_goes_from_the_file_to_embeddings_and_the_hub(codec, hub, api):  # noqa: F811
    folder, paths, _ = codec
    card = (folder / "README.md").read_text()
    assert "license: apache-2.0" in card and "LUDB" in card
    found = pipeline("ecg-feature-extraction", model=str(folder), device="cpu")(paths[0], lead="II")
    assert np.shape(found)[-1] == 128 and np.isfinite(found).all()
    push_run(folder, "me/openecg-codec", api=api)
    assert WHOLE <= set(hub.files("me/openecg-codec"))
