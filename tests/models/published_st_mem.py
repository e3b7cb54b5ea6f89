"""What the authors of ST-MEM publish, with two narrow blocks and random weights."""

import torch


def original_state(whole=False, classes=None, size=16, inner=24):
    """The encoder's file, or the whole autoencoder's; with `classes` as fine-tuning leaves it, with a head."""
    state = {}

    def layer(name, *shape):
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(*shape) / 4, torch.randn(shape[0]) / 4

    def block(name, size, inner):
        layer(f"{name}.attn.norm", size)
        layer(f"{name}.attn.fn.to_qkv", 3 * size, size)
        layer(f"{name}.attn.fn.to_out.0", size, size)
        layer(f"{name}.ff.norm", size)
        layer(f"{name}.ff.fn.net.0", inner, size)
        layer(f"{name}.ff.fn.net.3", size, inner)

    layer("to_patch_embedding.1", 75)
    layer("to_patch_embedding.2", size, 75)
    layer("to_patch_embedding.3", size)
    state["pos_embedding"], state["sep_embedding"] = torch.randn(1, 32, size), torch.randn(size)
    state |= {f"lead_embeddings.{number}": torch.randn(size) for number in range(12)}
    for number in range(2):
        block(f"block{number}", size, inner)
    layer("norm", size)
    if classes is not None:
        layer("head", classes, size)
    if not whole:
        return state
    alias = {key: value for key, value in state.items() if key.startswith("to_patch_embedding.")}
    state = {f"encoder.{key}": value for key, value in state.items()} | alias
    state["mask_embedding"], state["decoder_pos_embed"] = torch.randn(1, 1, 256), torch.randn(1, 32, 256)
    layer("to_decoder_embedding", 256, size)
    for number in range(4):
        block(f"decoder_blocks.{number}", 256, 1024)
    layer("decoder_norm", 256)
    layer("decoder_head", 75, 256)
    return state
