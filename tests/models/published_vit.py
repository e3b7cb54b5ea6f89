"""What MERL's authors publish of their vision transformers, with blocks of width 16 and random weights."""

import torch


def original_state(prefix="ecg_encoder.", size=16, inner=24, classes=None, blocks=12):
    """A trunk as the original stores it, and parts of the dual encoder; with `classes` as fine-tuning leaves it."""
    state = {"pos_embedding": torch.randn(1, 100, size), "to_patch_embedding.weight": torch.randn(size, 12, 50) / 8}

    def layer(name, *shape):
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(*shape) / 4, torch.randn(shape[0]) / 4

    for number in range(blocks):
        name = f"block{number}"
        layer(f"{name}.attn.norm", size)
        layer(f"{name}.attn.fn.to_qkv", 3 * size, size)
        layer(f"{name}.attn.fn.to_out.0", size, size)
        layer(f"{name}.ff.norm", size)
        layer(f"{name}.ff.fn.net.0", inner, size)
        layer(f"{name}.ff.fn.net.3", size, inner)
    layer("norm", size)
    if classes is not None:
        layer("head", classes, size)
    state = {prefix + key: value for key, value in state.items()}
    if prefix:
        state |= {"proj_e.0.weight": torch.randn(8, size), "lm_model.pooler.dense.bias": torch.randn(3)}
    return state
