"""Checkpoints of TolerantECG's training (Fsoft-AIC/TolerantECG): the student's encoder, older and newer."""

import re
from typing import Any

import torch
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_ecg_convnextv2 import ECGConvNeXtV2Config
from .modeling_ecg_convnextv2 import ECGConvNeXtV2Model

# widths and depths are the tiny ConvNeXt V2's; tests make them smaller
SIZES: dict[str, Any] = {"depths": [3, 3, 9, 3], "widths": [96, 192, 384, 768]}
STUDENT = "student_ecg_encoder."
# Of a whole training's file, when the encoder alone is wanted.
UNUSED = {
    "teacher_": "of the momentum teachers",
    "student_mask_dino_head.": "of the self-distillation",
    "student_noise_dino_head.": "of the self-distillation",
    "student_clip_head.": "of the contrast with texts",
    "text_clip_head.": "of the contrast with texts",
    "text_encoder.": "of the contrast with texts",
    "dino_mask_criterion.": "of the self-distillation",
    "dino_noise_criterion.": "of the self-distillation",
    "constrastive_criterion.": "of the contrast with texts",
}
# of cabce7b, where the newest code has nothing
PROJECTION = "head.weight"

_BLOCK = {
    "dwconv": "convolution",
    "norm": "norm",
    "pwconv1": "expand",
    "grn": "response_norm",
    "pwconv2": "contract",
}
_KINDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def tolerantecg_config(pooled_projection: bool = False) -> ECGConvNeXtV2Config:
    """TolerantECG's encoder; with the linear layer that its code had at cabce7b."""
    return ECGConvNeXtV2Config(**SIZES, pooled_projection=pooled_projection)


def tolerantecg_feature_extractor() -> ECGFeatureExtractor:
    """TolerantECG's input: 10 s of twelve leads at 500 Hz in millivolts, absent leads zero.

    The original reads MIMIC-IV-ECG and PTB-XL at their own rate and neither filters nor scales what the encoder is
    given; other rates are resampled here. Missing samples are refused, as the original drops such records.
    """
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(STANDARD_LEADS),
        num_samples=5000,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "resample", "method": "polyphase"},
            {"name": "crop", "position": "start"},
            {"name": "pad", "position": "end"},
        ],
    )


def convert_tolerantecg(source: str, checkpoint) -> tuple[ECGConvNeXtV2Model, ECGFeatureExtractor]:
    """The encoder, from its own file, from one with the prefix of the trainer, or from a whole training's.

    Args:
        source: "tolerantecg".
        checkpoint: path or content.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    state = {str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()}
    state = {key.removeprefix(STUDENT): value for key, value in state.items()}
    with init.no_init_weights():
        model = ECGConvNeXtV2Model(tolerantecg_config(pooled_projection=PROJECTION in state))
    for key, value in state.items():
        if key.endswith((".gamma", ".beta")) and isinstance(value, torch.Tensor):
            state[key] = value.flatten()
    load_renamed(model, state, _our_name, UNUSED, source)
    return model.eval(), tolerantecg_feature_extractor()


def _our_name(key: str) -> str | None:
    if key == PROJECTION:
        return "projection.weight"
    module, _, kind = key.rpartition(".")
    if module == "norm":
        return key
    match = re.fullmatch(r"downsample_layers\.(\d+)\.([01])", module)
    if match is not None:
        number, place = int(match[1]), match[2]
        if number == 0:
            return f"stem.{'patches.convolution' if place == '0' else 'norm'}.{kind}"
        return f"stages.{number}.{'norm' if place == '0' else 'downsample.convolution'}.{kind}"
    match = re.fullmatch(r"stages\.(\d+)\.(\d+)\.(\w+)", module)
    if match is None or match[3] not in _BLOCK or kind not in _KINDS:
        return None
    return f"stages.{match[1]}.blocks.{match[2]}.{_BLOCK[match[3]]}.{_KINDS[kind]}"
