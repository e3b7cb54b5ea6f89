"""What the authors of HeartLang publish, with narrow blocks and random weights."""

import torch

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "head_size": 4,
    "intermediate_size": 24,
}
WORDS = {"decoder_num_hidden_layers": 1, "codebook_size": 12, "code_size": 6}


def transformer(prefix="", beat=96, depth=2, size=16, inner=8, between=24):
    """An encoder or decoder of the original, whose names begin with `prefix`."""
    state = {
        "cls_token": torch.randn(size),
        "pos_embed": torch.randn(1, 257, size),
        "mask_token": torch.randn(1, 1, size),
        "token_embed.tokenConv.weight": torch.randn(size, beat, 3) / 8,
        "spa_embed.embed.weight": torch.randn(16, size),
        "tem_embed.embed.weight": torch.randn(16, size),
    }
    for number in range(depth):
        layer = f"transformer.layers.{number}"
        state[f"{layer}.0.to_qkv.weight"] = torch.randn(3 * inner, size) / 4
        for name, *shape in (
            ("0.norm", size),
            ("0.to_out.0", size, inner),
            ("1.net.0", size),
            ("1.net.1", between, size),
            ("1.net.4", size, between),
        ):
            state |= affine(f"{layer}.{name}", *shape)
    state |= affine("norm_layer", size)
    return {prefix + key: value for key, value in state.items()}


def affine(name, *shape):
    return {f"{name}.weight": torch.randn(*shape) / 4, f"{name}.bias": torch.randn(shape[0]) / 4}


def pretrained(words=12):
    """`heartlang_base/checkpoint-200.pth`."""
    return transformer() | affine("lm_head", words, 16)


def finetuned(classes=3):
    """As the original's fine-tuning leaves it."""
    state = {f"backbone.{key}": value for key, value in pretrained(words=10).items()}
    return state | affine("mlp_head", classes, 16)


def vocabulary(words=12, width=6):
    """`vqhbr/MIMIC-IV/checkpoint-100.pth`."""
    state = transformer("encoder.") | transformer("decoder.", beat=width, depth=1)
    for name, out in (("encode_task_layer", width), ("decode_task_layer", 96)):
        state |= affine(f"{name}.0", 16, 16) | affine(f"{name}.2", out, 16)
    return state | {
        "quantize.cluster_size": torch.rand(words),
        "quantize.embedding.weight": torch.nn.functional.normalize(torch.randn(words, width), dim=1),
        "quantize.embedding.cluster_size": torch.zeros(words),
        "quantize.embedding.embed_avg": torch.randn(words, width),
        "quantize.embedding.initted": torch.ones(1),
    }
