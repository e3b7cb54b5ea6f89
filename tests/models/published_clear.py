"""What the authors of CLEAR publish, with two narrow blocks and random weights."""

import torch

SIZE, INNER, DECODER = 16, 24, 8


def original_state(head=None, classes=5):
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

    state["cls_token"], state["mask_token"] = torch.randn(12, SIZE), torch.randn(1, 1, DECODER)
    state["pos_embed"], state["decoder_pos_embed"] = torch.randn(1, 192, SIZE), torch.randn(1, 192, DECODER)
    state["token_embed.tokenConv.weight"] = torch.randn(SIZE, 96, 3) / 8
    state["spa_embed.embed.weight"], state["tem_embed.embed.weight"] = torch.randn(16, SIZE), torch.randn(16, SIZE)
    for number in range(2):
        block(f"encoder_transformer.layers.{number}", SIZE, INNER)
    block("decoder_transformer.layers.0", DECODER, 12)
    layer("decoder_embed", DECODER, SIZE)
    layer("norm_layer", SIZE)
    layer("decoder_norm", DECODER)
    layer("decoder_pred", 96, DECODER)
    if head is None:
        return state
    if head == "hug":
        for number in range(3):
            layer(f"moe.level1_experts.{number}.net.0", SIZE, SIZE)
            layer(f"moe.level2_experts.{number}.net.0", SIZE, SIZE)
        layer("moe.level3_expert.net.0", SIZE, SIZE)
    state = {f"backbone.{key}": value for key, value in state.items()}
    layer("mlp_head", classes, SIZE)
    return state
