"""codec v6 of the package openecg (openecg/models/codec_v6.pt): its state dict beside its configuration."""

import re
from collections.abc import Mapping
from typing import Any

from ...checks import shown
from ...processing import ECGFeatureExtractor
from ...signals.leads import STANDARD_LEADS
from ..shared.conversion import load_renamed, read_checkpoint
from ..shared.original_blocks import with_attention_parts
from .configuration_openecg_codec import OpenECGCodecConfig
from .modeling_openecg_codec import OpenECGCodecForECGDelineation

UNUSED = {"head.": "of tokens, from an earlier stage; every track has a layer for samples (`sample_res_frame`)"}
_MODULES = {
    "conv_tok": "encoder.tokens.convolution",
    "refine.0": "encoder.refinement.first",
    "refine.2": "encoder.refinement.second",
    "head_sample": "frame_head",
    "beat_sample": "beat_head",
    "rhythm_sample": "rhythm_head",
}
_OF_A_CONVOLUTION = {"convs": "convolution", "norms": "norm"}
_OF_A_BLOCK = {
    "self_attn.query": "attention.query",
    "self_attn.key": "attention.key",
    "self_attn.value": "attention.value",
    "self_attn.out_proj": "attention.output",
    "linear1": "feed_forward.expand",
    "linear2": "feed_forward.contract",
    "norm1": "attention_norm",
    "norm2": "feed_forward_norm",
}
# what the file says of its own network, and what this conversion was written for
EXPECTED = {
    "arch": "vit_transformer_sample_res_convtok_mh_1ch",
    "tokenizer": "conv",
    "pos_type": "sinusoidal",
    "sample_res_frame": True,
    "use_lead_emb": False,
    "conv_stem": False,
    "n_reg": 0,
    "n_input_channels": 1,
}
SIZES = ("patch_size", "d_model", "mid_split", "lower_kernel", "n_layers", "n_heads", "ff")
_LARGEST = 4096


def _is_size(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST


def convert_openecg_codec(source: str, checkpoint) -> tuple[OpenECGCodecForECGDelineation, ECGFeatureExtractor]:
    """The codec with its three heads for samples, and its preparation.

    Args:
        source: "openecg-codec-v6".
        checkpoint: path or content of the published file: `model_state` and `model_config`.

    Raises:
        ValueError: no `model_state`, another kind of network in `model_config`, missing or unknown keys, tensors of
            another shape, an unsafe file.
    """
    content = read_checkpoint(checkpoint)
    state, settings = content.get("model_state"), content.get("model_config")
    if not isinstance(state, Mapping) or not isinstance(settings, Mapping):
        raise ValueError(
            f"this is not a checkpoint of {source}: it holds {sorted(map(str, content))[:8]}, wanted model_state and"
            " model_config"
        )
    other = {key: settings.get(key) for key, value in EXPECTED.items() if settings.get(key) != value}
    if other:
        wanted = {key: EXPECTED[key] for key in other}
        raise ValueError(f"this is not a checkpoint of {source}: its model_config has {other}, wanted {wanted}")
    wrong = {key: settings.get(key) for key in SIZES if not _is_size(settings.get(key))}
    if wrong:
        raise ValueError(
            f"this is not a checkpoint of {source}: its model_config has {shown(wrong)}, wanted whole numbers from 1"
            f" to {_LARGEST}"
        )
    model = OpenECGCodecForECGDelineation(codec_config(settings))
    state = with_attention_parts(state)
    positions = state.get("pos_enc")
    if positions is not None and positions.ndim == 3:
        state["pos_enc"] = positions[0]
    load_renamed(model, state, our_name, UNUSED, source)
    return model.eval(), codec_feature_extractor()


def our_name(key: str) -> str | None:
    """A tensor's name in `OpenECGCodecForECGDelineation`, after `with_attention_parts`; None where it has none."""
    if key == "pos_enc":
        return "encoder.tokens.positions"
    module, _, kind = key.rpartition(".")
    if module in _MODULES:
        return f"{_MODULES[module]}.{kind}"
    if match := re.fullmatch(r"lower_(convs|norms)\.(\d+)", module):
        return f"encoder.convolutions.{match[2]}.{_OF_A_CONVOLUTION[match[1]]}.{kind}"
    match = re.fullmatch(r"upper_transformer\.layers\.(\d+)\.(.+)", module)
    if match is None or match[2] not in _OF_A_BLOCK:
        return None
    return f"encoder.layers.{match[1]}.{_OF_A_BLOCK[match[2]]}.{kind}"


def codec_config(settings: Mapping[str, Any] | None = None) -> OpenECGCodecConfig:
    """Of the file's `model_config`: its convolutions are the first `mid_split` of its `n_layers`."""
    if settings is None:
        return OpenECGCodecConfig()
    return OpenECGCodecConfig(
        patch_size=settings["patch_size"],
        token_kernel_size=2 * settings["patch_size"],
        hidden_size=settings["d_model"],
        num_convolution_layers=settings["mid_split"],
        convolution_kernel_size=settings["lower_kernel"],
        num_hidden_layers=settings["n_layers"] - settings["mid_split"],
        num_attention_heads=settings["n_heads"],
        intermediate_size=settings["ff"],
        hidden_dropout=settings.get("dropout", 0.0),
        attention_dropout=settings.get("dropout", 0.0),
    )


def codec_feature_extractor() -> ECGFeatureExtractor:
    """Ten seconds of one lead at 500 Hz, each sample by its rank, from -1 to 1."""
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=["II", *(lead for lead in STANDARD_LEADS if lead != "II"), "MLII"],
        num_samples=5000,
        steps=[
            {"name": "pick_lead"},
            {"name": "fill_missing", "method": "linear"},
            {"name": "resample", "method": "polyphase"},
            {"name": "crop", "position": "start"},
            {"name": "normalise", "method": "rank", "over": "lead"},
            {"name": "pad"},
        ],
    )
