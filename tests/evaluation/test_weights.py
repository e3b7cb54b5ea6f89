"""One name for weights: of a loaded model, of its files, and in the keys of what is cached."""

import pytest
import torch
from transformers import AutoModel

from hf_ecg.evaluation.benchmark.model_outputs import judged_models
from hf_ecg.evaluation.benchmark.settings import BenchmarkSettings
from hf_ecg.evaluation.weights import tensors_digest, weights_digest
from tests.evaluation import tiny


@pytest.fixture
def folder(tmp_path):
    tiny.dual_encoder().save_pretrained(tmp_path)
    tiny.processor().save_pretrained(tmp_path)
    return tmp_path


def key(folder):
    return next(judged_models([str(folder)], BenchmarkSettings({"train": [1], "validation": [2], "test": [3]}))).key


def test_a_model_and_its_files_have_the_same_digest(folder, tmp_path):
    model = AutoModel.from_pretrained(folder)
    assert weights_digest(folder) == tensors_digest(model)
    assert weights_digest(tmp_path / "absent") is None and weights_digest("nobody/nothing") is None
    model.save_pretrained(folder, max_shard_size="20kB")
    (folder / "model.safetensors").unlink()
    assert len(list(folder.glob("model-*.safetensors"))) > 1 and weights_digest(folder) == tensors_digest(model)


@pytest.mark.parametrize("size", [0, 5, 100, -10])
def test_files_that_are_cut_off_are_named(folder, size):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match="model.safetensors"):
        weights_digest(folder)


def test_what_a_benchmark_keeps_is_of_these_weights_and_this_configuration(folder):
    first = key(folder)
    assert key(folder) == first
    model = AutoModel.from_pretrained(folder)
    with torch.no_grad():
        model.logit_scale += 1
    model.save_pretrained(folder)
    second = key(folder)
    assert second["weights"] != first["weights"] and second["config"] == first["config"]
    model.config.text_pooling = "mean"
    model.config.save_pretrained(folder)
    assert key(folder)["config"] != second["config"]
