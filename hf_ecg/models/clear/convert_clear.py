"""The checkpoints of CLEAR and CLEAR-HUG (Ashespt/CLEAR-HUG): pretrained, and fine-tuned with either head."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..shared.beat_embedding import convolution_as_linear
from ..shared.conversion import count_of, load_renamed, read_checkpoint, shape_of, unwrap
from .configuration_clear import HUG, LINEAR, CLEARConfig
from .modeling_clear import CLEARForECGClassification
from .preparation_clear import clear_feature_extractor
from .pretraining_clear import CLEARForPreTraining

# What the published weights were trained with.
RELEASED: dict[str, Any] = {
    "embedding_kernel_size": 3,
    "compat_additive_mask": True,
    "compat_circular_convolution": True,
    "compat_unmasked_padding": True,
    "compat_standardised_input": True,
}
# Of encoder and decoder, by the encoder's width: CLEAR's and CLEAR_large's. No tensor tells how many there are.
ATTENTION_HEADS = {768: (8, 16), 1024: (16, 16)}
HEADS = {"clear": LINEAR, "clear-hug": HUG}
BACKBONE = "backbone."
# Of a fine-tuned file.
UNUSED = {
    "decoder_": "of the pretraining's decoder, which fine-tuning keeps in its files and does not use",
    "mask_token": "of the pretraining's decoder, which fine-tuning keeps in its files and does not use",
}

_TABLES = {
    "cls_token": "embeddings.class_tokens",
    "pos_embed": "embeddings.positions",
    "token_embed.tokenConv.weight": "embeddings.beats.projection.weight",
    "spa_embed.embed.weight": "embeddings.beats.leads",
    "tem_embed.embed.weight": "embeddings.beats.times",
    "norm_layer.weight": "norm.weight",
    "norm_layer.bias": "norm.bias",
}
_DECODER = {
    "mask_token": "decoder.mask_token",
    "decoder_pos_embed": "decoder.positions",
    **{f"decoder_embed.{kind}": f"decoder.embedding.{kind}" for kind in ("weight", "bias")},
    **{f"decoder_norm.{kind}": f"decoder.norm.{kind}" for kind in ("weight", "bias")},
    **{f"decoder_pred.{kind}": f"decoder.head.{kind}" for kind in ("weight", "bias")},
}
_INSIDE = {
    "self_attn.query": "attention.query",
    "self_attn.key": "attention.key",
    "self_attn.value": "attention.value",
    "self_attn.out_proj": "attention.output",
    "norm1": "attention_norm",
    "ff.0": "feed_forward.expand",
    "ff.3": "feed_forward.contract",
    "norm2": "feed_forward_norm",
}
_HUG = {
    r"moe\.level1_experts\.(\d+)\.net\.0\.(\w+)": r"hug.of_groups.\1.\2",
    r"moe\.level2_experts\.(\d+)\.net\.0\.(\w+)": r"hug.of_pairs.\1.\2",
    r"moe\.level3_expert\.net\.0\.(\w+)": r"hug.of_all.\1",
}


def clear_config(source: str) -> CLEARConfig:
    """Of one of `HEADS`, with the released arithmetic."""
    return CLEARConfig(head=HEADS[source], **RELEASED)


def convert_clear(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """The pretrained model, CLEAR or CLEAR_large, as `CLEARForPreTraining`; a file of the original's fine-tuning,
    whose names begin with `backbone.`, as `CLEARForECGClassification` with the head of the source.

    Args:
        source: one of `HEADS`; what is not fine-tuned is "clear".
        checkpoint: path or content of the file, its tensors under `model`.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file, a pretrained file
            where CLEAR-HUG is wanted, or one of the other head.
    """
    state = {str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()}
    tuned = any(key.startswith(BACKBONE) for key in state)
    has_hug = any(key.startswith(f"{BACKBONE}moe.") for key in state)
    if has_hug != (HEADS[source] == HUG):
        other = "clear-hug" if has_hug else "clear"
        raise ValueError(f"this is not a checkpoint of {source}: it has the tensors of {other}, convert it as that")
    state = our_tensors(state)
    config = CLEARConfig(head=HEADS[source], **RELEASED, **_sizes(state, source))
    model: PreTrainedModel
    head = state.get("mlp_head.weight")
    if tuned and isinstance(head, torch.Tensor):
        config.num_labels = len(head)
    with init.no_init_weights():
        model = CLEARForECGClassification(config) if tuned else CLEARForPreTraining(config)
    load_renamed(model, state, _our_name, UNUSED if tuned else {}, source)
    return model.eval(), clear_feature_extractor()


def _sizes(state: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Read from the tensors, which are named as `our_tensors` leaves them."""
    width = shape_of(state, "norm_layer.weight", source, 1)[0]
    if width not in ATTENTION_HEADS:
        raise ValueError(
            f"this is not a checkpoint of {source}: its tokens are of {width} numbers, wanted one of"
            f" {', '.join(map(str, ATTENTION_HEADS))}"
        )
    heads = dict(zip(("num_attention_heads", "decoder_num_attention_heads"), ATTENTION_HEADS[width], strict=True))
    sizes: dict[str, Any] = {"hidden_size": width, **heads}
    for ours, theirs in (("", "encoder"), ("decoder_", "decoder")):
        layers = f"{theirs}_transformer.layers"
        sizes[f"{ours}num_hidden_layers"] = count_of(state, rf"{layers}\.(\d+)\.")
        sizes[f"{ours}intermediate_size"] = shape_of(state, f"{layers}.0.ff.0.weight", source)[0]
    sizes["decoder_hidden_size"] = shape_of(state, "decoder_norm.weight", source, 1)[0]
    return sizes


def our_tensors(state: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors that are joint or of another shape there; names stay the original's, without `backbone.`."""
    ours: dict[str, Any] = {}
    for full, value in state.items():
        key = full.removeprefix(BACKBONE)
        if not isinstance(value, torch.Tensor):
            ours[key] = value
            continue
        joint = re.fullmatch(r"(.+\.self_attn)\.in_proj_(weight|bias)", key)
        if joint is not None:
            parts = zip(("query", "key", "value"), value.chunk(3), strict=False)
            ours |= {f"{joint[1]}.{name}.{joint[2]}": part for name, part in parts}
        elif key in ("pos_embed", "decoder_pos_embed") and value.ndim == 3:
            ours[key] = value.squeeze(0)
        elif key == "mask_token":
            ours[key] = value.flatten()
        elif key == "token_embed.tokenConv.weight" and value.ndim == 3:
            ours[key] = convolution_as_linear(value)
        else:
            ours[key] = value
    return ours


def _our_name(key: str) -> str | None:
    if key in _TABLES:
        return f"encoder.{_TABLES[key]}"
    if key in _DECODER:
        return _DECODER[key]
    if key in ("mlp_head.weight", "mlp_head.bias"):
        return key.replace("mlp_head", "classifier")
    for pattern, name in _HUG.items():
        match = re.fullmatch(pattern, key)
        if match is not None:
            return match.expand(name)
    layer = re.fullmatch(r"(encoder|decoder)_transformer\.layers\.(\d+)\.(.+)\.(weight|bias)", key)
    if layer is None or layer[3] not in _INSIDE:
        return None
    return f"{layer[1]}.layers.{layer[2]}.{_INSIDE[layer[3]]}.{layer[4]}"
