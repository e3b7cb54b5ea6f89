"""HeartLang: published files become models, and others are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForPreTraining

from hf_ecg import (
    HeartLangForECGClassification,
    HeartLangForPreTraining,
    HeartLangVQHBRForPreTraining,
)
from hf_ecg.convert import convert_checkpoint
from hf_ecg.signals.leads import STANDARD_LEADS
from tests.models.published_heartlang import drawn_beats, finetuned, pretrained, vocabulary
from tests.models.tiny import heartlang, heartlang_vqhbr
from tests.signals.made_beats import every, waveform

LEADS = list(STANDARD_LEADS)


@pytest.fixture
def narrow(monkeypatch):
    heartlang.narrow(monkeypatch)
    heartlang_vqhbr.narrow(monkeypatch)


def test_published_files_become_models(narrow, tmp_path):
    model, extractor = convert_checkpoint("heartlang", {"model": pretrained()})
    assert type(model) is HeartLangForPreTraining and model.config.compat_visible_padding
    tuned, _ = convert_checkpoint("heartlang", {"model": finetuned()})
    assert type(tuned) is HeartLangForECGClassification and tuned.config.num_labels == 3
    state = vocabulary()
    words, _ = convert_checkpoint("heartlang-vqhbr", {"model": state})
    assert torch.equal(words.codebook.vectors, state["quantize.embedding.weight"]) and words.codebook.begun
    inputs = extractor(waveform(every(0.8, 500, 5000), rate=500, samples=5000), 500, LEADS, "mV", return_tensors="pt")
    assert inputs["beat_tokens"].shape == (1, 256, 96) and inputs["beat_mask"].sum() > 100
    for one in (model, tuned, words):
        one.save_pretrained(tmp_path)
        assert all(leaf.isfinite().all() for leaf in tree_leaves(one(**inputs).to_tuple()))
    assert type(AutoModelForPreTraining.from_pretrained(tmp_path)) is HeartLangVQHBRForPreTraining


def test_a_committed_file_gives_what_plain_operations_make_of_it(narrow):
    folder = Path(__file__).parent.parent / "checkpoints" / "heartlang_original_tiny"
    model, _ = convert_checkpoint("heartlang", folder / "checkpoint-200.pth")
    beats, leads, times = drawn_beats()
    with torch.no_grad():
        found = model.encoder(beats, beat_mask=leads > 0, lead_ids=leads, time_ids=times).last_hidden_state
    wanted = torch.from_numpy(np.load(folder / "expected.npz")["states"])
    torch.testing.assert_close(found[:, -256:] * (leads > 0)[..., None], wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("source", "state", "change"),
    [
        ("heartlang", pretrained, {"lm_head.weight": None}),
        ("heartlang", finetuned, {"extra": torch.zeros(1)}),
        ("heartlang-vqhbr", vocabulary, {"encoder.cls_token": None}),
        ("heartlang-vqhbr", pretrained, {}),
        ("heartlang", vocabulary, {}),
    ],
)
def test_other_files_are_refused(narrow, source, state, change):
    state = {key: value for key, value in (state() | change).items() if value is not None}
    with pytest.raises(ValueError, match=f"not a checkpoint of {source}"):
        convert_checkpoint(source, {"model": state})
