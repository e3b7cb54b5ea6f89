"""ECG-FM's published checkpoints (wanglab/ecg-fm), in the layout of fairseq-signals."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_ecg_fm import ECGFMConfig
from .modeling_ecg_fm import ECGFMForECGClassification
from .pretraining_ecg_fm import ECGFMForPreTraining

LABELS = (
    "Poor data quality",
    "Sinus rhythm",
    "Premature ventricular contraction",
    "Tachycardia",
    "Ventricular tachycardia",
    "Supraventricular tachycardia with aberrancy",
    "Bradycardia",
    "Infarction",
    "Atrioventricular block",
    "Right bundle branch block",
    "Left bundle branch block",
    "Electronic pacemaker",
    "Atrial fibrillation",
    "Atrial flutter",
    "Accessory pathway",
    "1st degree atrioventricular block",
    "Bifascicular block",
)
PRETRAINED, FINETUNED = "ecg-fm", "ecg-fm-finetuned"
# By each of them: what the model that it becomes has no place for.
UNUSED = {
    "proj.": "the head of a fine-tuning: `ecg-fm-finetuned` has it",
    "mask_emb": "of the pretraining: `ecg-fm` has it",
    "quantizer.": "of the pretraining: `ecg-fm` has it",
    "project_q.": "of the pretraining: `ecg-fm` has it",
    "final_proj.": "of the pretraining: `ecg-fm` has it",
}

_MODULES = {
    "post_extract_proj": "projection",
    "layer_norm": "frame_norm",
    "encoder.layer_norm": "norm",
    "feature_extractor.conv_layers.0.2": "convolutions.layers.0.norm",
}
_BLOCK = {
    "self_attn.q_proj": "attention.query",
    "self_attn.k_proj": "attention.key",
    "self_attn.v_proj": "attention.value",
    "self_attn.out_proj": "attention.output",
    "self_attn_layer_norm": "attention_norm",
    "fc1": "feed_forward.expand",
    "fc2": "feed_forward.contract",
    "final_layer_norm": "feed_forward_norm",
}
# without the encoder's prefix: what stands around it
_AROUND = {
    "quantizer.weight_proj": "quantiser.projection",
    "project_q": "target_projection",
    "final_proj": "output_projection",
    "proj": "classifier",
}
_POSITIONS = {
    "bias": "bias",
    # torch's present form of weight normalisation, and the one before
    "parametrizations.weight.original0": "magnitude",
    "parametrizations.weight.original1": "direction",
    "weight_g": "magnitude",
    "weight_v": "direction",
}
_CFG = {
    "in_d": "num_leads",
    "encoder_layers": "num_hidden_layers",
    "encoder_embed_dim": "hidden_size",
    "encoder_attention_heads": "num_attention_heads",
    "encoder_ffn_embed_dim": "intermediate_size",
    "conv_pos": "position_kernel_size",
    "conv_pos_groups": "position_groups",
    "latent_groups": "num_codebooks",
    "latent_vars": "codebook_size",
    "final_dim": "projection_dim",
}


def convert_ecg_fm(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """The pretrained model, as `ECGFMForPreTraining`, or the fine-tuned one, as `ECGFMForECGClassification`.

    Keys may have the prefix `encoder.` that a fine-tuning adds; the wrapper's `cfg` is looked at where the tensors
    have other sizes than the published ones, everything else beside `model` is left out.

    Args:
        source: "ecg-fm" or "ecg-fm-finetuned".
        checkpoint: path or content of the file.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    content = read_checkpoint(checkpoint)
    state = _our_tensors(_without_prefix(unwrap(content)))
    config = _config(source, state, content.get("cfg"))
    kind: type[PreTrainedModel] = ECGFMForPreTraining if source == PRETRAINED else ECGFMForECGClassification
    # every tensor comes from the checkpoint or it is refused: random ones would only cost time
    with init.no_init_weights():
        model = kind(config)
    if source == PRETRAINED:
        # a training that goes on begins as one from the start: the file does not say how far it had come
        state["quantiser.temperature"] = torch.tensor(float(config.gumbel_temperature_start))
    load_renamed(model, state, ecg_fm_name, UNUSED, source)
    return model.eval(), ecg_fm_feature_extractor()


def ecg_fm_config(source: str = PRETRAINED, **sizes) -> ECGFMConfig:
    """Of the published weights; `sizes` of others."""
    head: dict[str, Any] = {}
    if source == FINETUNED:
        head = {"id2label": dict(enumerate(LABELS)), "problem_type": "multi_label_classification"}
    return ECGFMConfig(**(head | sizes))


def ecg_fm_feature_extractor() -> ECGFeatureExtractor:
    """ECG-FM's preparation: each lead of the whole record by its own mean and standard deviation, then segments of
    5 s, to be averaged.

    A constant lead becomes zero. A rest of less than 5 s at the end is left out; a shorter record is padded, and the
    model does not look at the padding.
    """
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(STANDARD_LEADS),
        num_samples=2500,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "resample", "method": "linear", "edges": "aligned"},
            {"name": "normalise", "method": "zscore", "over": "lead", "epsilon": 0.0},
            {"name": "segments"},
            {"name": "pad"},
        ],
    )


def _without_prefix(state: Mapping) -> dict:
    """Names as the pretraining has them: its own `encoder.` is the transformer, that of a fine-tuning the whole."""
    keys = [str(key) for key in state]
    if any(key.startswith(("encoder.encoder.", "encoder.feature_extractor.")) for key in keys):
        return {key.removeprefix("encoder."): value for key, value in zip(keys, state.values(), strict=True)}
    return dict(zip(keys, state.values(), strict=True))


def _our_tensors(state: dict) -> dict:
    """Codes one codebook after the other; names stay the original's."""
    codes, bias = state.get("quantizer.vars"), state.get("quantizer.weight_proj.bias")
    if isinstance(codes, torch.Tensor) and codes.ndim == 3 and isinstance(bias, torch.Tensor):
        state["quantizer.vars"] = codes.flatten(0, 1)
    return state


def _config(source: str, state: Mapping, cfg) -> ECGFMConfig:
    """The published sizes; those of the file's `cfg` where it is one of a model of other sizes."""
    published = ecg_fm_config(source)
    blocks = {match[1] for key in state if (match := re.match(r"encoder\.layers\.(\d+)\.", key))}
    width = state.get("post_extract_proj.bias")
    found = (len(blocks), len(width) if isinstance(width, torch.Tensor) and width.ndim else None)
    told = cfg.get("model") if isinstance(cfg, Mapping) else None
    if found == (published.num_hidden_layers, published.hidden_size) or not isinstance(told, Mapping):
        return published
    sizes = {ours: told[theirs] for theirs, ours in _CFG.items() if told.get(theirs) is not None}
    if told.get("layer_norm_first"):
        raise ValueError(f"the file's cfg says layer_norm_first: {source} has its norms behind each part")
    if "conv_feature_layers" in told:
        values = zip(*_convolutions(told["conv_feature_layers"]), strict=True)
        names = ("convolution_channels", "convolution_kernel_sizes", "convolution_strides")
        sizes |= dict(zip(names, map(list, values), strict=True))
    for name, key in (("code_dim", "quantizer.vars"), ("num_labels", "proj.bias")):
        if isinstance(state.get(key), torch.Tensor) and (source == FINETUNED) == (key == "proj.bias"):
            sizes[name] = state[key].shape[-1]
    if sizes.get("num_labels") == len(LABELS):
        del sizes["num_labels"]
    return ecg_fm_config(source, **sizes)


def _convolutions(text) -> list[tuple[int, int, int]]:
    """Channels, kernel size and stride of each, from fairseq's "[(256, 2, 2)] * 4"; never executed."""
    layers: list[tuple[int, int, int]] = []
    for part in str(text).split("+"):
        match = re.fullmatch(r"\s*\[([\d\s,()]+)\]\s*(?:\*\s*(\d+)\s*)?", part)
        numbers = [int(number) for number in re.findall(r"\d+", match[1])] if match else []
        if not numbers or len(numbers) % 3:
            raise ValueError(f"conv_feature_layers of the file's cfg is {text!r}, wanted such as '[(256, 2, 2)] * 4'")
        own = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
        layers += own * int(match[2] or 1) if match else []
    return layers


def ecg_fm_name(key: str) -> str | None:
    """A tensor's name in `ECGFMForPreTraining` or `ECGFMForECGClassification`; None for what is not theirs."""
    if key in ("mask_emb", "quantizer.vars"):
        return "mask_embedding" if key == "mask_emb" else "quantiser.codes"
    if key == "quantiser.temperature":
        return key
    module, _, kind = key.rpartition(".")
    if module in _AROUND:
        return f"{_AROUND[module]}.{kind}"
    if module in _MODULES:
        return f"encoder.{_MODULES[module]}.{kind}"
    if match := re.fullmatch(r"conv_pos\.pos_conv\.0\.(.+)", key):
        return f"encoder.positions.{_POSITIONS.get(match[1], match[1])}"
    if match := re.fullmatch(r"feature_extractor\.conv_layers\.(\d+)\.0\.weight", key):
        return f"encoder.convolutions.layers.{match[1]}.convolution.weight"
    match = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)", module)
    if match is None or match[2] not in _BLOCK:
        return None
    return f"encoder.layers.{match[1]}.{_BLOCK[match[2]]}.{kind}"
