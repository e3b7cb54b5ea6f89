"""Converted MERL trunks against what the original code computes."""

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

import hf_ecg  # noqa: F401
from hf_ecg.convert import convert_checkpoint, write_converted
from tests.models.golden import golden_case

CASES = ("merl-resnet18", "merl-resnet34", "merl-resnet50")


@pytest.fixture(scope="module", params=CASES)
def case(request, golden_dir):
    return request.param, *golden_case(golden_dir, request.param, "ecg")


# name of a stage's output, and which of its samples are stored
STAGES = (("stem", 2), ("layer1", 2), ("layer2", 1), ("layer3", 1), ("layer4", 1))


def check(model, ecg, expected):
    with torch.no_grad():
        outputs = model(ecg, output_hidden_states=True)
    np.testing.assert_allclose(outputs.pooler_output, expected["encoder_avgpool"], atol=1e-5, rtol=1e-5)
    for states, (name, step) in zip(outputs.hidden_states, STAGES, strict=True):
        stored = states.transpose(1, 2)[:, :8, ::step]
        np.testing.assert_allclose(stored, expected[name], atol=5e-5, rtol=1e-5, err_msg=name)
    assert torch.equal(outputs.hidden_states[-1], outputs.last_hidden_state)


def test_stages_and_pooled_output_are_the_originals(case):
    name, state, ecg, expected = case
    model, extractor = convert_checkpoint(name, state)
    check(model, ecg, expected)
    assert tuple(extractor.leads[4:6]) == ("aVF", "aVL")


def test_from_a_published_file_and_through_the_auto_classes(case, tmp_path):
    name, state, ecg, expected = case
    torch.save({"model_state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "epoch.pth")
    folder = write_converted(name, tmp_path / "epoch.pth", tmp_path / "out")
    check(AutoModel.from_pretrained(folder).eval(), ecg, expected)
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    assert extractor.sampling_rate == 500 and extractor.num_samples == 5000
    assert "mit" in (folder / "README.md").read_text()


# hidden state -> name of what is stored of it
BLOCKS = {0: "embed", 1: "block0", 6: "block5", 12: "block11"}


@pytest.mark.parametrize("source", ["merl-vit-tiny", "merl-vit-small", "merl-vit-base"])
def test_blocks_and_pooled_output_of_the_vision_transformers_are_the_originals(source, golden_dir):
    state, ecg, expected = golden_case(golden_dir, source, "ecg")
    model, _ = convert_checkpoint(source, state)
    with torch.no_grad():
        outputs = model(ecg, output_hidden_states=True)
    np.testing.assert_allclose(outputs.pooler_output, expected["encoder_pooled"], atol=1e-5, rtol=1e-5)
    for number, name in BLOCKS.items():
        found = outputs.hidden_states[number][:, :8]
        np.testing.assert_allclose(found, expected[name], atol=5e-5, rtol=1e-5, err_msg=name)
