"""MERL's whole dual encoder as its authors publish it, narrow and with random weights: either trunk, and the text."""

import torch

from tests.models.published_resnet import trunk_state
from tests.models.published_vit import original_state as vit_state

SIZE, WORDS, TEXT_SIZE = 8, 200, 16


def merl_state(trunk="resnet", prefix=""):
    """`*_ckpt.pth`; `prefix` is what data parallelism puts before each key."""
    state = dict(_text())

    def layer(name, *shape, bias=True):
        state[f"{name}.weight"] = torch.randn(*shape) / 2
        if bias:
            state[f"{name}.bias"] = torch.randn(shape[0]) / 2

    if trunk == "resnet":
        width = 2
        state |= {f"ecg_encoder.{key}": value for key, value in trunk_state(12, 10).items()}
        layer("downconv", SIZE, width, 1)
        state["att_pool_head.positional_embedding"] = torch.randn(1, 314, SIZE)
        state["att_pool_head.cls_token"] = torch.randn(1, 1, SIZE)
        state["att_pool_head.mhsa.in_proj_weight"] = torch.randn(3 * SIZE, SIZE)
        state["att_pool_head.mhsa.in_proj_bias"] = torch.randn(3 * SIZE)
        layer("att_pool_head.mhsa.out_proj", SIZE, SIZE)
        layer("att_pool_head.c_proj", SIZE, SIZE)
        width = SIZE
    else:
        width = 8
        state |= {
            key: value for key, value in vit_state(size=width, blocks=2).items() if key.startswith("ecg_encoder")
        }
        for number, size in ((0, width), (3, SIZE)):
            layer(f"proj_e.{number}", SIZE, size)
            norm = f"proj_e.{number + 1}"
            layer(norm, SIZE)
            state |= {f"{norm}.running_mean": torch.randn(SIZE), f"{norm}.running_var": torch.rand(SIZE) + 0.5}
            state[f"{norm}.num_batches_tracked"] = torch.tensor(3)
    layer("linear1", SIZE, width, bias=False)
    layer("linear2", SIZE, width, bias=False)
    layer("proj_t.0", SIZE, TEXT_SIZE)
    layer("proj_t.2", SIZE, SIZE)
    return {prefix + key: value for key, value in state.items()}


def _text():
    """A BERT of one layer."""
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": TEXT_SIZE, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 1}
    tower = BertModel(BertConfig(vocab_size=WORDS, max_position_embeddings=40, **sizes))
    return {f"lm_model.{key}": torch.randn_like(value) / 4 for key, value in tower.state_dict().items()}
