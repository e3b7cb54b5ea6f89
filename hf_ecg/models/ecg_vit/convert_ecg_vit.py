"""MERL's published vision transformers (cheliu-computation/MERL-ICML2024, utils/utils_builder.py and vit1d.py)."""

import re
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..shared.conversion import load_renamed
from ..shared.merl import UNUSED_OF_A_TRUNK, merl_feature_extractor, trunk_tensors
from ..shared.original_blocks import block_name, with_parts
from .configuration_ecg_vit import ECGViTConfig
from .modeling_ecg_vit import ECGViTForECGClassification, ECGViTModel

VARIANTS: dict[str, dict[str, Any]] = {
    "merl-vit-tiny": {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768},
    "merl-vit-small": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
    "merl-vit-base": {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
}
UNUSED = {"proj_e.": "joint embedding with text, not the trunk"} | UNUSED_OF_A_TRUNK


def merl_vit_config(source: str) -> ECGViTConfig:
    """Of one of `VARIANTS`."""
    return ECGViTConfig(**VARIANTS[source])


def convert_merl_vit(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """The trunk of a MERL checkpoint, as `ECGViTModel`; one that was fine-tuned by the original code, with its `head`,
    as a classifier.

    Args:
        source: one of `VARIANTS`.
        checkpoint: path or content of `*_ckpt.pth` (the whole dual encoder), `*_encoder.pth` (the trunk), or an epoch
            checkpoint.

    Raises:
        ValueError: missing or unknown keys (both lists), another variant's tensors, an unsafe file.
    """
    state = trunk_tensors(checkpoint, source)
    config, head = merl_vit_config(source), state.get("head.weight")
    model: PreTrainedModel
    # every tensor comes from the checkpoint or it is refused: random ones would only cost time
    with init.no_init_weights():
        if head is None:
            model, prefix = ECGViTModel(config), ""
        else:
            config.num_labels = len(head)
            model, prefix = ECGViTForECGClassification(config), "encoder."
    load_renamed(model, vit_tensors(state), lambda key: vit_name(key, prefix), UNUSED, source)
    return model.eval(), merl_feature_extractor()


def vit_tensors(state: dict) -> dict:
    """Tensors that have another shape there than here; names stay the original's."""
    state = with_parts(state)
    shapes = {"pos_embedding": (3, lambda value: value[0]), "to_patch_embedding.weight": (3, lambda v: v.flatten(1))}
    for key, (axes, change) in shapes.items():
        value = state.get(key)
        if isinstance(value, torch.Tensor) and value.ndim == axes:
            state[key] = change(value)
    return state


def vit_name(key: str, prefix: str = "") -> str | None:
    """The model's name; the encoder's tensors begin with `prefix` there."""
    if key in ("pos_embedding", "to_patch_embedding.weight"):
        return f"{prefix}embeddings.{'positions' if key == 'pos_embedding' else 'projection.weight'}"
    if match := re.fullmatch(r"(norm|head)\.(weight|bias)", key):
        return f"{prefix}norm.{match[2]}" if match[1] == "norm" else f"classifier.{match[2]}"
    match = re.fullmatch(r"block(\d+)\.(.+)", key)
    inside = None if match is None else block_name(match[2])
    return None if match is None or inside is None else f"{prefix}layers.{match[1]}.{inside}"
