"""MERL's published dual encoder (cheliu-computation/MERL-ICML2024, utils/utils_builder.py), whole."""

import math
import re
from collections.abc import Mapping

import torch
from transformers import BertConfig
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..ecg_resnet import ECGResNetConfig
from ..ecg_resnet.convert_ecg_resnet import our_trunk_name
from ..ecg_vit import ECGViTConfig
from ..ecg_vit.convert_ecg_vit import vit_name, vit_tensors
from ..shared.conversion import count_of, load_renamed, read_checkpoint, shape_of, unwrap
from ..shared.merl import TRUNK, merl_feature_extractor
from ..shared.original_blocks import with_attention_parts
from .configuration_ecg_text import ATTENTION, BATCH_NORM, ECGTextConfig
from .modeling_ecg_text import ECGTextModel

TOKENIZER = "ncbi/MedCPT-Query-Encoder"
TEXT = "lm_model."
HEAD_SIZE = 64  # of both trunks and of BERT
UNUSED = {
    f"{TRUNK}linear.": "a head of 10 classes that the original never used",
    f"{TEXT}embeddings.position_ids": "the numbers of positions, which are made anew",
}
_NAMES = {
    "proj_t.0": "text_projection.hidden",
    "proj_t.2": "text_projection.output",
    "linear1": "views.first",
    "linear2": "views.second",
    # of a vision transformer
    "proj_e.0": "ecg_projection.hidden",
    "proj_e.1": "ecg_projection.hidden_norm",
    "proj_e.3": "ecg_projection.output",
    "proj_e.4": "ecg_projection.output_norm",
    # of a ResNet
    "downconv": "ecg_projection.reduction",
    "att_pool_head.c_proj": "ecg_projection.pooling.output",
    "att_pool_head.mhsa.out_proj": "ecg_projection.pooling.attention.output",
    **{f"att_pool_head.mhsa.{part}": f"ecg_projection.pooling.attention.{part}" for part in ("query", "key", "value")},
}


def merl_config(ecg_config=None, text_config=None, projection_dim: int = 256) -> ECGTextConfig:
    """MERL with its ResNet18 by default, as the released code trains it; see `ECGTextConfig` for where the paper
    differs."""
    ecg_config = ECGResNetConfig() if ecg_config is None else ecg_config
    return ECGTextConfig(
        ecg_config=ecg_config,
        # MedCPT's query encoder is of BERT's base size, with an uncased vocabulary
        text_config=BertConfig() if text_config is None else text_config,
        projection_dim=projection_dim,
        projection_hidden_size=projection_dim,
        ecg_projection_type=ATTENTION if isinstance(ecg_config, ECGResNetConfig) else BATCH_NORM,
        text_pooling="pooler",
        loss_type="softmax",
        view_loss_weight=1.0,
        view_dropout=0.1,
        compat_sum_of_directions=True,
        logit_scale_init_value=math.log(1 / 0.07),
        train_logit_scale=False,
    )


def convert_merl(source: str, checkpoint) -> tuple[ECGTextModel, ECGFeatureExtractor]:
    """The dual encoder of a MERL checkpoint, text tower included; its sizes are read from the tensors.

    Args:
        source: name of the source, for errors.
        checkpoint: path or content of `*_ckpt.pth`, or an epoch checkpoint.

    Raises:
        ValueError: a trunk alone, missing or unknown keys (both lists), an unsafe file.
    """
    state = {str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{key} is {type(value).__name__}, wanted a tensor: this is not a checkpoint of {source}")
    lacking = [part for part in (TRUNK, TEXT, "proj_t.") if not any(key.startswith(part) for key in state)]
    if lacking:
        raise ValueError(
            f"this is not a checkpoint of {source}: it holds no {', '.join(f'{part}*' for part in lacking)}. The whole"
            " dual encoder is `*_ckpt.pth`; for a trunk alone, `*_encoder.pth`, take one of the sources merl-resnet18"
            " to merl-vit-base"
        )
    trunk = {key.removeprefix(TRUNK): value for key, value in state.items() if key.startswith(TRUNK)}
    heads = {key: value for key, value in state.items() if not key.startswith(TRUNK)}
    is_resnet = "conv1.weight" in trunk
    ecg_config = resnet_config(trunk, source) if is_resnet else vit_config(trunk, source)
    config = merl_config(ecg_config, bert_config(state, source), shape_of(state, "proj_t.2.weight", source)[0])
    trunk = trunk if is_resnet else vit_tensors(trunk)
    # every tensor comes from the checkpoint or it is refused: random ones would only cost time
    with init.no_init_weights():
        model = ECGTextModel(config)
    # fixed there, and not part of the file
    fixed = {name: torch.tensor(float(vars(config)[f"{name}_init_value"])) for name in ("logit_scale", "logit_bias")}
    ours = _our_tensors(heads) | {TRUNK + key: value for key, value in trunk.items()} | fixed
    load_renamed(model, ours, lambda key: key if key in fixed else _our_name(key, is_resnet), UNUSED, source)
    return model.eval(), merl_feature_extractor()


def resnet_config(trunk: Mapping[str, torch.Tensor], source: str) -> ECGResNetConfig:
    """Of the ResNet whose tensors these are."""
    depths = [count_of(trunk, rf"layer{layer}\.(\d+)\.") for layer in range(1, 1 + count_of(trunk, r"layer(\d+)\."))]
    convolutions = [f"layer{layer}.0.conv1.weight" for layer in range(1, 1 + len(depths))]
    return ECGResNetConfig(
        num_leads=shape_of(trunk, "conv1.weight", source, 3)[1],
        block_type="bottleneck" if "layer1.0.conv3.weight" in trunk else "basic",
        depths=depths,
        widths=[shape_of(trunk, key, source, 3)[0] for key in convolutions],
    )


def vit_config(trunk: Mapping[str, torch.Tensor], source: str) -> ECGViTConfig:
    """Of the vision transformer whose tensors these are."""
    size, leads, patch_size = shape_of(trunk, "to_patch_embedding.weight", source, 3)
    return ECGViTConfig(
        num_leads=leads,
        num_samples=patch_size * shape_of(trunk, "pos_embedding", source, 3)[1],
        patch_size=patch_size,
        hidden_size=size,
        num_hidden_layers=count_of(trunk, r"block(\d+)\."),
        num_attention_heads=max(size // HEAD_SIZE, 1),
        intermediate_size=shape_of(trunk, "block0.ff.fn.net.0.weight", source)[0],
    )


def bert_config(state: Mapping[str, torch.Tensor], source: str, prefix: str = TEXT, **options) -> BertConfig:
    """Of the text tower whose tensors these are, behind `prefix`; `options` are what tensors do not say."""
    words, positions, types = (
        shape_of(state, f"{prefix}embeddings.{kind}_embeddings.weight", source)
        for kind in ("word", "position", "token_type")
    )
    return BertConfig(
        vocab_size=words[0],
        max_position_embeddings=positions[0],
        type_vocab_size=types[0],
        hidden_size=words[1],
        num_hidden_layers=count_of(state, rf"{re.escape(prefix)}encoder\.layer\.(\d+)\."),
        num_attention_heads=max(words[1] // HEAD_SIZE, 1),
        intermediate_size=shape_of(state, f"{prefix}encoder.layer.0.intermediate.dense.weight", source)[0],
        **options,
    )


def _our_tensors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The heads' tensors in our shapes; names stay the original's."""
    state = with_attention_parts(state)
    for layer, norm in (("proj_e.0", "proj_e.1"), ("proj_e.3", "proj_e.4")):
        # a norm takes the bias before it away: here there is none
        if f"{norm}.running_mean" in state and f"{layer}.bias" in state:
            state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] - state.pop(f"{layer}.bias")
    if (value := state.get("downconv.weight")) is not None:
        state["downconv.weight"] = value.flatten(1)
    places, token = (state.get(f"att_pool_head.{name}") for name in ("positional_embedding", "cls_token"))
    if places is not None and token is not None and places.ndim == token.ndim == 3:
        # the token's place, which it is given twice, is part of the token here
        state["att_pool_head.cls_token"] = (token[0, 0] + 2 * places[0, 0]).clone()
        state["att_pool_head.positional_embedding"] = places[0, 1:].clone()
    return state


def _our_name(key: str, is_resnet: bool) -> str | None:
    if key.startswith(TRUNK):
        inside = key.removeprefix(TRUNK)
        name = our_trunk_name(inside) if is_resnet else vit_name(inside)
        return None if name is None else f"ecg_model.{name}"
    if key.startswith(TEXT):
        return f"text_model.{key.removeprefix(TEXT)}"
    places = {"cls_token": "token", "positional_embedding": "positions"}
    if key.removeprefix("att_pool_head.") in places:
        return f"ecg_projection.pooling.{places[key.removeprefix('att_pool_head.')]}"
    module, _, kind = key.rpartition(".")
    return f"{_NAMES[module]}.{kind}" if module in _NAMES else None
