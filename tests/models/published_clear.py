"""What the authors of CLEAR publish, with two narrow blocks and random weights."""

import torch
from torch.nn import functional as F

SIZE, INNER, DECODER = 16, 24, 8


def original_state(head=None, classes=5, size=SIZE, decoder=DECODER):
    """The pretrained file, or with `head` "linear" or "hug" what fine-tuning leaves."""
    state = {}

    def layer(name, *shape):
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(*shape) / 4, torch.randn(shape[0]) / 4

    def block(name, size, inner):
        state[f"{name}.self_attn.in_proj_weight"] = torch.randn(3 * size, size) / 4
        state[f"{name}.self_attn.in_proj_bias"] = torch.randn(3 * size) / 4
        layer(f"{name}.self_attn.out_proj", size, size)
        layer(f"{name}.norm1", size)
        layer(f"{name}.ff.0", inner, size)
        layer(f"{name}.ff.3", size, inner)
        layer(f"{name}.norm2", size)

    state["cls_token"], state["mask_token"] = torch.randn(12, size), torch.randn(1, 1, decoder)
    state["pos_embed"], state["decoder_pos_embed"] = torch.randn(1, 192, size), torch.randn(1, 192, decoder)
    state["token_embed.tokenConv.weight"] = torch.randn(size, 96, 3) / 8
    state["spa_embed.embed.weight"], state["tem_embed.embed.weight"] = torch.randn(16, size), torch.randn(16, size)
    for number in range(2):
        block(f"encoder_transformer.layers.{number}", size, INNER)
    block("decoder_transformer.layers.0", decoder, 12)
    layer("decoder_embed", decoder, size)
    layer("norm_layer", size)
    layer("decoder_norm", decoder)
    layer("decoder_pred", 96, decoder)
    if head is None:
        return state
    if head == "hug":
        for number in range(3):
            layer(f"moe.level1_experts.{number}.net.0", size, size)
            layer(f"moe.level2_experts.{number}.net.0", size, size)
        layer("moe.level3_expert.net.0", size, size)
    state = {f"backbone.{key}": value for key, value in state.items()}
    layer("mlp_head", classes, size)
    return state


def original_class_states(state, beats, times, heads=8):
    """What the released code computes of the pretrained file's tensors, its tokens in order: (batch, 12, size).

    Args:
        beats: (batch, 180, 96), lead after lead.
        times: int64 (180,).
    """
    x = (beats - beats.mean(-1, keepdim=True)) / (beats.var(-1, keepdim=True) + 1e-6).sqrt()
    weight = state["token_embed.tokenConv.weight"]
    x = F.conv1d(F.pad(x.transpose(1, 2), (1, 1), mode="circular"), weight).transpose(1, 2)
    leads = torch.arange(1, 13).repeat_interleave(15)
    x = x + state["spa_embed.embed.weight"][leads] + state["tem_embed.embed.weight"][times]
    x = torch.cat([state["cls_token"].expand(len(beats), -1, -1), x], dim=1) + state["pos_embed"]
    # 1 is added for class token i outside of the places 15 i to 15 i + 14
    added = torch.zeros(192, 192)
    added[:12] = (torch.arange(192) // 15 != torch.arange(12)[:, None]).float()
    for number in range(2):
        name = f"encoder_transformer.layers.{number}"
        layer = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(name)}
        parts = F.linear(x, layer["self_attn.in_proj_weight"], layer["self_attn.in_proj_bias"]).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts)
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + added).softmax(-1)
        mixed = (weights @ value).transpose(1, 2).flatten(2)
        mixed = F.linear(mixed, layer["self_attn.out_proj.weight"], layer["self_attn.out_proj.bias"])
        x = F.layer_norm(x + mixed, x.shape[-1:], layer["norm1.weight"], layer["norm1.bias"])
        inner = F.linear(F.relu(F.linear(x, layer["ff.0.weight"], layer["ff.0.bias"])), layer["ff.3.weight"])
        x = F.layer_norm(x + inner + layer["ff.3.bias"], x.shape[-1:], layer["norm2.weight"], layer["norm2.bias"])
    return F.layer_norm(x, x.shape[-1:], state["norm_layer.weight"], state["norm_layer.bias"])[:, :12]
