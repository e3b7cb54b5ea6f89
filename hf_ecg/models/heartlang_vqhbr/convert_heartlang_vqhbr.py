"""The published vocabulary of HeartLang (PKUDigitalHealth/HeartLang)."""

from typing import Any

import torch
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..shared.beat_transformer_names import transformer_name, transformer_tensors
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_heartlang_vqhbr import HeartLangVQHBRConfig
from .modeling_heartlang_vqhbr import HeartLangVQHBRForPreTraining
from .preparation_heartlang import heartlang_feature_extractor

# the configuration's defaults
SIZES: dict[str, Any] = {}
UNUSED = {
    "encoder.mask_token": "the vocabulary masks nothing",
    "decoder.mask_token": "the vocabulary masks nothing",
    "quantize.embedding.cluster_size": "a copy of quantize.cluster_size that the original does not move",
    "quantize.embedding.embed_avg": "sums that the original does not move",
}
_LAYERS = {"encode_task_layer": "to_code", "decode_task_layer": "to_beat"}
_BUFFERS = {
    "quantize.embedding.weight": "codebook.vectors",
    "quantize.cluster_size": "codebook.usage",
    "quantize.embedding.initted": "codebook.begun",
}


def heartlang_vqhbr_config(source: str = "heartlang-vqhbr") -> HeartLangVQHBRConfig:
    """With the released arithmetic."""
    return HeartLangVQHBRConfig(compat_visible_padding=True, **SIZES)


def convert_heartlang_vqhbr(source: str, checkpoint) -> tuple[HeartLangVQHBRForPreTraining, ECGFeatureExtractor]:
    """The whole vocabulary.

    Args:
        source: "heartlang-vqhbr".
        checkpoint: path or content of the file, its tensors under `model`.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    state = transformer_tensors({str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()})
    begun = state.get("quantize.embedding.initted")
    if isinstance(begun, torch.Tensor) and begun.numel() == 1:
        state["quantize.embedding.initted"] = (begun.reshape(()) != 0).long()
    with init.no_init_weights():
        model = HeartLangVQHBRForPreTraining(heartlang_vqhbr_config(source))
    load_renamed(model, state, _our_name, UNUSED, source)
    model.codebook.forget()
    return model.eval(), heartlang_feature_extractor()


def _our_name(key: str) -> str | None:
    if key in _BUFFERS:
        return _BUFFERS[key]
    part, _, inside = key.partition(".")
    if part in _LAYERS:
        return f"{_LAYERS[part]}.{inside}"
    name = transformer_name(inside)
    if part not in ("encoder", "decoder") or name is None:
        return None
    return f"encoder.transformer.{name}" if part == "encoder" else f"decoder.{name}"
