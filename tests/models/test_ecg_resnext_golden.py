"""Converted CLEF and ECGFounder checkpoints against what the original code computes."""

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg import AutoModelForECGClassification
from hf_ecg.convert import convert_checkpoint, write_converted
from tests.models.golden import golden_case

# The published layouts: a Lightning file, and a training checkpoint with what else the training kept.
LAYOUTS = {
    "clef": lambda state: {
        "state_dict": {f"backbone.{key}": value for key, value in state.items()},
        "epoch": 99,
        "pytorch-lightning_version": "2.5.0",
        "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-4}]}],
        "hyper_parameters": {"temperature": 0.07},
    },
    "ecgfounder": lambda state: {
        "epoch": 4,
        "step": 1000,
        "val_auroc": np.float64(0.95),
        "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]},
        "state_dict": state,
    },
}
ENDINGS = {"clef": "ckpt", "ecgfounder": "pth"}
# Needs 4 GB of memory, 4 GB of disk and a minute or two: pytest -m large
LARGE = pytest.param("clef-large", marks=pytest.mark.large)


@pytest.mark.parametrize("source", ["clef-small", "clef-medium", LARGE, "ecgfounder-12lead", "ecgfounder-1lead"])
def test_stages_features_and_logits_are_the_originals(source, golden_dir, tmp_path):
    family = source.partition("-")[0]
    state, ecg, expected = golden_case(golden_dir, source, "input")
    file = tmp_path / f"published.{ENDINGS[family]}"
    torch.save(LAYOUTS[family](state), file)
    del state
    # converts the file, saves; what is checked has been through from_pretrained
    folder = write_converted(source, file, tmp_path / "out")
    if family == "ecgfounder":
        model = AutoModelForECGClassification.from_pretrained(folder).eval()
        with torch.no_grad():
            np.testing.assert_allclose(model(ecg).logits, expected["output"], atol=1e-5, rtol=1e-5)
        assert model.config.id2label[5] == "ATRIAL FIBRILLATION" and len(model.config.id2label) == 150
        model = model.encoder
    else:
        model = AutoModel.from_pretrained(folder).eval()
    check_encoder(model, ecg, expected)
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    assert extractor.sampling_rate == 500


def test_the_encoder_of_a_classifiers_folder_and_the_conversion_itself(golden_dir, tmp_path):
    """Before any saving, and `AutoModel` on the folder of a head."""
    state, ecg, expected = golden_case(golden_dir, "ecgfounder-1lead", "input")
    model, _ = convert_checkpoint("ecgfounder-1lead", state)
    check_encoder(model.encoder, ecg, expected)
    model.save_pretrained(tmp_path)
    check_encoder(AutoModel.from_pretrained(tmp_path).eval(), ecg, expected)


def check_encoder(model, ecg, expected):
    with torch.no_grad():
        outputs = model(ecg, output_hidden_states=True)
    np.testing.assert_allclose(outputs.pooler_output, expected["pooled"], atol=1e-5, rtol=1e-5)
    names = ["stem", *(f"stage{number}" for number in range(len(model.stages)))]
    for states, name in zip(outputs.hidden_states, names, strict=True):
        states, stored = states.transpose(1, 2).numpy(), expected[name]
        if f"{name}.stats" in expected:
            summary = [states.mean(), states.std(), states.min(), states.max()]
            np.testing.assert_allclose(summary, expected[f"{name}.stats"], atol=1e-5, rtol=1e-4, err_msg=name)
        step = states.shape[-1] // stored.shape[-1]
        np.testing.assert_allclose(states[:, : stored.shape[1], ::step], stored, atol=1e-5, rtol=1e-5, err_msg=name)
    assert torch.equal(outputs.hidden_states[-1], outputs.last_hidden_state)
