"""What MELP's authors publish, and what their training leaves, with narrow layers and random weights."""

import numpy as np
import torch

from tests.models.published_ecg_fm import original_state as ecg_fm_state

COMMITTED_LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
WORDS = 160  # the last one is [BOS]


def committed_signals():
    """What the committed checkpoints were shown, millivolts at 500 Hz."""
    return np.random.default_rng(0).normal(size=(12, 5000)).cumsum(-1).astype(np.float32) / 20


def original_state(whole=False, prefix="", generator=None, words=WORDS):
    """The encoder's tensors behind a prefix, or those of the whole Lightning checkpoint."""

    def tensor(*shape):
        return torch.randn(shape, generator=generator) / 4

    def layer(name, *shape):
        state[f"{name}.weight"], state[f"{name}.bias"] = tensor(*shape), tensor(shape[0])

    state = {f"ecg_encoder.{key}": value for key, value in ecg_fm_state(generator=generator).items()}
    state |= {"proj_contrast": tensor(16, 16), "logit_scale": tensor()}
    for name, number, size in (("contrast", 3, 16), ("caption", 5, 24)):
        pool = f"attn_pool_{name}"
        state |= {f"{pool}.query": tensor(number, size), f"{pool}.attn.in_proj_bias": tensor(3 * size)}
        for part, seen in (("q", size), ("k", 16), ("v", 16)):
            state[f"{pool}.attn.{part}_proj_weight"] = tensor(size, seen)
        layer(f"{pool}.attn.out_proj", size, size)
        layer(f"{pool}.ln_q", size)
        layer(f"{pool}.ln_k", 16)
        layer(f"ln_{name}", size)
    state |= {"bn.running_mean": tensor(16), "bn.running_var": tensor(16), "bn.num_batches_tracked": torch.tensor(3)}
    if not whole:
        return {f"{prefix}{key}": value for key, value in state.items()}
    state = {f"ecg_encoder.{key}": value for key, value in state.items()}
    _text_tower(state, tensor, layer, words)
    state["logit_scale"], state["text_decoder.text_projection"] = tensor(), tensor(24, words)
    layer("proj_t.0", 16, 24)
    layer("proj_t.2", 16, 16)
    layer("sent_proj", 16, 24)
    layer("text_decoder.ln_final", 24)
    for block in (f"text_decoder.{stack}.{number}" for stack in ("resblocks", "cross_attn") for number in range(2)):
        state |= {f"{block}.attn.in_proj_weight": tensor(72, 24), f"{block}.attn.in_proj_bias": tensor(72)}
        layer(f"{block}.attn.out_proj", 24, 24)
        layer(f"{block}.mlp.c_fc", 32, 24)
        layer(f"{block}.mlp.c_proj", 24, 32)
        for norm in ("ln_1", "ln_2", *(["ln_1_kv"] if "cross" in block else [])):
            layer(f"{block}.{norm}", 24)
    return state


def _text_tower(state, tensor, layer, number):
    """A BERT with the output of a language model, whose words are the same tensor as those of its input."""
    words = tensor(number, 24)
    state |= {
        "lm_model.bert.embeddings.word_embeddings.weight": words,
        "lm_model.cls.predictions.bias": tensor(number),
    }
    state |= {
        "lm_model.cls.predictions.decoder.weight": words,
        "lm_model.cls.predictions.decoder.bias": tensor(number),
    }
    state["lm_model.bert.embeddings.position_embeddings.weight"] = tensor(20, 24)
    state["lm_model.bert.embeddings.token_type_embeddings.weight"] = tensor(2, 24)
    layer("lm_model.bert.embeddings.LayerNorm", 24)
    layer("lm_model.cls.predictions.transform.dense", 24, 24)
    layer("lm_model.cls.predictions.transform.LayerNorm", 24)
    for block in (f"lm_model.bert.encoder.layer.{number}" for number in range(2)):
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            layer(f"{block}.attention.{part}", 24, 24)
        layer(f"{block}.intermediate.dense", 32, 24)
        layer(f"{block}.output.dense", 24, 32)
        for part in ("attention.output", "output"):
            layer(f"{block}.{part}.LayerNorm", 24)
