"""CLEAR-HUG: published files become models, and others are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForPreTraining

from hf_ecg import (
    AutoModelForECGClassification,
    CLEARForECGClassification,
    CLEARForPreTraining,
)
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.clear.convert_clear import RELEASED
from tests.models.published_clear import original_state
from tests.models.tiny.clear import narrow


def test_files_of_all_stages_become_what_they_are(monkeypatch, tmp_path):
    narrow(monkeypatch)
    state = original_state()
    torch.save({"model": state, "epoch": 3}, tmp_path / "clear.pth")
    folder = write_converted("clear", tmp_path / "clear.pth", tmp_path / "out")
    model = AutoModelForPreTraining.from_pretrained(folder)
    assert type(model) is CLEARForPreTraining and all(getattr(model.config, key) == RELEASED[key] for key in RELEASED)
    query, _, value = state["encoder_transformer.layers.1.self_attn.in_proj_weight"].chunk(3)
    attention = AutoModel.from_pretrained(folder).layers[1].attention
    assert torch.equal(attention.query.weight, query) and torch.equal(attention.value.weight, value)
    card = (folder / "README.md").read_text()
    assert "all rights are reserved" in card and "license: other" in card
    for source, head in (("clear", "linear"), ("clear-hug", "hug")):
        tuned, _ = convert_checkpoint(source, {"model": original_state(head)})
        assert type(tuned) is CLEARForECGClassification and tuned.config.num_labels == 5
        assert (tuned.hug is not None) == (head == "hug")
        tuned.save_pretrained(tmp_path / source)
        again = AutoModelForECGClassification.from_pretrained(tmp_path / source)
        assert all(map(torch.equal, again.state_dict().values(), tuned.state_dict().values()))


def test_the_large_model_keeps_its_sizes():
    model, _ = convert_checkpoint("clear", original_state("linear", size=1024, decoder=16))
    config = model.config
    assert (config.hidden_size, config.num_attention_heads, config.num_hidden_layers) == (1024, 16, 2)
    assert (config.intermediate_size, config.decoder_hidden_size, config.decoder_num_hidden_layers) == (24, 16, 1)


def test_a_committed_file_gives_what_plain_operations_make_of_it(monkeypatch):
    narrow(monkeypatch)
    folder = Path(__file__).parent.parent / "checkpoints" / "clear_original_tiny"
    stored, rng = np.load(folder / "expected.npz"), np.random.default_rng(0)
    beats, times = torch.from_numpy(rng.standard_normal((2, 180, 96), np.float32)), torch.from_numpy(stored["times"])
    model, _ = convert_checkpoint("clear", folder / "clear.pth")
    with torch.no_grad():
        found = model.encoder(beats, time_ids=times.expand(2, -1)).class_states
    torch.testing.assert_close(found, torch.from_numpy(stored["class_states"]), atol=1e-5, rtol=1e-5)


def test_what_is_not_whole_or_not_known_is_refused(monkeypatch):
    narrow(monkeypatch)
    for source, state, message in (
        ("clear-hug", original_state(), "has the tensors of clear, convert it as that"),
        ("clear", original_state("hug"), "has the tensors of clear-hug"),
        ("clear", original_state() | {"pos_embed": torch.ones(1, 257, 16)}, "instead of"),
        ("clear", original_state() | {"lm_head.weight": torch.ones(2, 16)}, "unknown .lm_head.weight"),
        ("clear", original_state() | {"epoch": 3}, "epoch is int, wanted a tensor"),
        ("clear", original_state() | {"norm_layer.weight": 3}, "it holds no norm_layer.weight of 1 axes"),
        (
            "clear",
            original_state() | {"norm_layer.weight": torch.ones(20)},
            "tokens are of 20 numbers, wanted one of 7",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            convert_checkpoint(source, state)
    state = original_state("hug")
    del state["backbone.moe.level3_expert.net.0.bias"]
    with pytest.raises(ValueError, match="1 keys are missing .hug.of_all.bias"):
        convert_checkpoint("clear-hug", state)
