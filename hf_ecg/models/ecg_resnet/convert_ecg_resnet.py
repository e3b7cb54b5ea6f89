"""MERL's published ResNet trunks (cheliu-computation/MERL-ICML2024, utils/utils_builder.py and utils/resnet1d.py)."""

import re
from typing import Any

from ...processing import ECGFeatureExtractor
from ..shared.conversion import load_renamed
from ..shared.merl import UNUSED_OF_A_TRUNK, merl_feature_extractor, trunk_tensors
from .configuration_ecg_resnet import ECGResNetConfig
from .modeling_ecg_resnet import ECGResNetModel

VARIANTS: dict[str, dict[str, Any]] = {
    "merl-resnet18": {"block_type": "basic", "depths": [2, 2, 2, 2]},
    "merl-resnet34": {"block_type": "basic", "depths": [3, 4, 6, 3]},
    "merl-resnet50": {"block_type": "bottleneck", "depths": [3, 4, 6, 3]},
}
UNUSED = {
    "linear.": "a head of 10 classes that the original never used",
    "downconv.": "joint embedding with text, not the trunk",
    "att_pool_head.": "joint embedding with text, not the trunk",
} | UNUSED_OF_A_TRUNK


def convert_merl_resnet(source: str, checkpoint) -> tuple[ECGResNetModel, ECGFeatureExtractor]:
    """The trunk of a MERL checkpoint and the preprocessing it was trained with.

    Args:
        source: one of `VARIANTS`.
        checkpoint: path or content of `*_ckpt.pth` (the whole dual encoder), `*_encoder.pth` (the trunk), or an epoch
            checkpoint.

    Raises:
        ValueError: missing or unknown keys, another variant's tensors, an unsafe file.
    """
    state = trunk_tensors(checkpoint, source)
    model = ECGResNetModel(merl_config(source))
    load_renamed(model, state, our_trunk_name, UNUSED, source)
    return model.eval(), merl_feature_extractor()


def merl_config(source: str) -> ECGResNetConfig:
    """Of one of `VARIANTS`."""
    return ECGResNetConfig(**VARIANTS[source])


def our_trunk_name(key: str) -> str | None:
    """The name that a tensor of the originals' trunk has in `ECGResNetModel`; None when it is not of the trunk."""
    if key == "conv1.weight":
        return "stem.convolution.weight"
    if match := re.fullmatch(r"bn1\.(\w+)", key):
        return f"stem.norm.{match[1]}"
    match = re.fullmatch(r"layer(\d)\.(\d+)\.(.+)", key)
    if match is None:
        return None
    block, inside = f"stages.{int(match[1]) - 1}.blocks.{match[2]}", match[3]
    if part := re.fullmatch(r"conv(\d)\.weight", inside):
        return f"{block}.convolutions.{int(part[1]) - 1}.weight"
    if part := re.fullmatch(r"bn(\d)\.(\w+)", inside):
        return f"{block}.norms.{int(part[1]) - 1}.{part[2]}"
    if inside == "shortcut.0.weight":
        return f"{block}.shortcut.weight"
    if part := re.fullmatch(r"shortcut\.1\.(\w+)", inside):
        return f"{block}.shortcut_norm.{part[1]}"
    return None
