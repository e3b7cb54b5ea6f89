"""ST-MEM's published checkpoints (bakqui/ST-MEM): the encoder, and the whole masked autoencoder."""

import re
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from ..shared.original_blocks import block_name, with_parts
from .configuration_st_mem import STMEMConfig
from .modeling_st_mem import STMEMForECGClassification, STMEMForPreTraining, STMEMModel

SIZES: dict[str, dict[str, Any]] = {
    "base": {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
    "small": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
}
ENCODERS = {"st-mem-vit-base": "base", "st-mem-vit-small": "small"}
AUTOENCODERS = {"st-mem-mae": "base"}
# Of the whole file, when the encoder alone is wanted.
UNUSED = {
    "mask_embedding": "of the pretraining's decoder",
    "decoder_": "of the pretraining's decoder",
    "to_decoder_embedding.": "of the pretraining's decoder",
}

_EMBEDDINGS = {
    "to_patch_embedding.1": "patch_norm",
    "to_patch_embedding.2": "projection",
    "to_patch_embedding.3": "norm",
}
_DECODER = {"to_decoder_embedding": "embedding", "decoder_norm": "norm", "decoder_head": "head"}


def st_mem_config(source: str) -> STMEMConfig:
    """Of one of `ENCODERS` or `AUTOENCODERS`."""
    return STMEMConfig(**SIZES[(ENCODERS | AUTOENCODERS)[source]])


def convert_st_mem_encoder(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """The encoder, as `STMEMModel`; one that was fine-tuned by the original code, with its `head`, as a classifier.

    Args:
        source: one of `ENCODERS`.
        checkpoint: path or content of the encoder's file, or of the whole autoencoder's, whose decoder is left out.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    state = {key.removeprefix("encoder."): value for key, value in _tensors(checkpoint, source).items()}
    config, head = st_mem_config(source), state.get("head.weight")
    # every tensor comes from the checkpoint or it is refused: random ones would only cost time
    model: PreTrainedModel
    with init.no_init_weights():
        if head is None:
            model, prefix = STMEMModel(config), ""
        else:
            config.num_labels = len(head)
            model, prefix = STMEMForECGClassification(config), "encoder."
    load_renamed(model, _our_tensors(state), lambda key: _our_name(key, prefix), UNUSED, source)
    return model.eval(), st_mem_feature_extractor()


def convert_st_mem_autoencoder(source: str, checkpoint) -> tuple[STMEMForPreTraining, ECGFeatureExtractor]:
    """The whole masked autoencoder.

    Args:
        source: one of `AUTOENCODERS`.
        checkpoint: path or content of the whole file.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    state = _tensors(checkpoint, source)
    bare = sorted(key for key in state if not key.startswith(("encoder.", *UNUSED)))
    if bare:
        raise ValueError(f"this is not a checkpoint of {source}, whose encoder is `encoder.*`: it holds {bare[:5]}")
    state = {key.removeprefix("encoder."): value for key, value in state.items()}
    with init.no_init_weights():
        model = STMEMForPreTraining(st_mem_config(source))
    load_renamed(model, _our_tensors(state), lambda key: _our_name(key, "encoder."), {}, source)
    return model.eval(), st_mem_feature_extractor()


def st_mem_feature_extractor() -> ECGFeatureExtractor:
    """ST-MEM's preparation for evaluation (util/transforms.py): three crops of 9 s a record, to be averaged.

    Resampling in the frequency domain, then the crops, and each crop filtered and standardised by itself. A record
    with missing samples is refused, as the original drops it. Shorter records are padded, which the
    original does not know; the model does not look at padding.
    """
    return ECGFeatureExtractor(
        sampling_rate=250,
        leads=list(STANDARD_LEADS),
        num_samples=2250,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "resample", "method": "fft", "edges": "periodic"},
            {"name": "multi_crop", "count": 3},
            *filter_steps(),
            {"name": "pad"},
        ],
    )


def filter_steps() -> list[dict]:
    """What comes after the crop: high-pass, low-pass, one z-score over all leads."""
    shape = {"order": 5, "form": "sos", "zero_phase": True}
    return [
        {"name": "filter", "filter": {"name": "highpass", "low_hz": 0.67} | shape},
        {"name": "filter", "filter": {"name": "lowpass", "high_hz": 40.0} | shape},
        {"name": "normalise", "method": "zscore", "over": "record", "epsilon": 0.0},
    ]


def _tensors(checkpoint, source: str) -> dict:
    """The state dict; of two names for the patch embedding, as whole files have them, one."""
    state = {str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()}
    for alias in [key for key in state if key.startswith("to_patch_embedding.") and f"encoder.{key}" in state]:
        if not torch.equal(state.pop(alias), state[f"encoder.{alias}"]):
            raise ValueError(f"this is not a checkpoint of {source}: {alias} and encoder.{alias} differ")
    return state


def _our_tensors(state: dict) -> dict:
    """Tensors that are joint or apart there and the other way round here; names stay the original's."""
    state = with_parts(state)
    leads = [key for key in state if re.fullmatch(r"lead_embeddings\.\d+", key)]
    ordered = [f"lead_embeddings.{number}" for number in range(len(leads))]
    if leads and set(leads) == set(ordered):
        state["lead_embeddings"] = torch.stack([state.pop(key) for key in ordered])
    for key in list(state):
        value = state[key]
        if not isinstance(value, torch.Tensor):
            continue
        if key in ("pos_embedding", "decoder_pos_embed"):
            state[key] = value.squeeze(0)
        elif key == "mask_embedding":
            state[key] = value.flatten()
    return state


def _our_name(key: str, prefix: str) -> str | None:
    """The model's name; the encoder's tensors begin with `prefix` there."""
    plain = {"pos_embedding": "positions", "sep_embedding": "separator", "lead_embeddings": "leads"}
    if key in plain:
        return f"{prefix}embeddings.{plain[key]}"
    if key in ("decoder_pos_embed", "mask_embedding"):
        return "decoder.positions" if key == "decoder_pos_embed" else "decoder.mask_token"
    module, _, kind = key.rpartition(".")
    if module in _EMBEDDINGS:
        return f"{prefix}embeddings.{_EMBEDDINGS[module]}.{kind}"
    if module in _DECODER:
        return f"decoder.{_DECODER[module]}.{kind}"
    if module in ("norm", "head"):
        return f"{prefix}norm.{kind}" if module == "norm" else f"classifier.{kind}"
    match = re.fullmatch(r"(decoder_)?block(?:s\.)?(\d+)\.(.+)", key)
    inside = None if match is None else block_name(match[3])
    if match is None or inside is None:
        return None
    return f"{'decoder.' if match[1] else prefix}layers.{match[2]}.{inside}"
