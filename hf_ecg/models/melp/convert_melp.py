"""MELP's published encoder (fuyingw/MELP_Encoder), and the encoder of its whole Lightning checkpoint."""

import re
from collections.abc import Mapping

import torch
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..ecg_fm import ECGFMConfig
from ..ecg_fm.convert_ecg_fm import ecg_fm_name
from ..shared.conversion import count_of, load_renamed, read_checkpoint, shape_of, unwrap
from ..shared.merl import MIMIC_LEADS
from ..shared.original_blocks import with_attention_parts
from .configuration_melp import MELPConfig
from .modeling_melp import MELPModel

SOURCE = "melp"
HEAD_SIZE = 64  # of the body
ANCHOR = "attn_pool_contrast.query"
BODY = "ecg_encoder."
# of the encoder: what nothing of it uses
UNUSED_OF_THE_ENCODER = {
    f"{BODY}mask_emb": "of the body's own pretraining",
    f"{BODY}quantizer.": "of the body's own pretraining",
    f"{BODY}project_q.": "of the body's own pretraining",
    f"{BODY}final_proj.": "of the body's own pretraining",
    "logit_scale": "of the contrast, where there is a text tower",
    "bn.": "a batch norm that the original never uses",
}
# of the whole checkpoint, beside the encoder
UNUSED_BESIDE = {
    "lm_model.": "the text tower: `melp-text` has it",
    "proj_t.": "of the text tower: `melp-text` has it",
    "sent_proj.": "of the text tower: `melp-text` has it",
    "text_decoder.": "what writes reports: `melp-text` has it",
    "logit_scale": "of the contrast with the text tower",
}
_MODULES = {
    "ln_contrast": "beat_norm",
    "ln_caption": "caption_norm",
    **{
        f"attn_pool_{theirs}.{part}": f"{ours}_pooling.{name}"
        for theirs, ours in (("contrast", "beat"), ("caption", "caption"))
        for part, name in (
            ("ln_q", "query_norm"),
            ("ln_k", "context_norm"),
            ("attn.query", "attention.query"),
            ("attn.key", "attention.key"),
            ("attn.value", "attention.value"),
            ("attn.out_proj", "attention.output"),
        )
    },
}
_PARAMETERS = {
    "proj_contrast": "beat_projection",
    "attn_pool_contrast.query": "beat_pooling.queries",
    "attn_pool_caption.query": "caption_pooling.queries",
}


def convert_melp(source: str, checkpoint) -> tuple[MELPModel, ECGFeatureExtractor]:
    """The encoder; its sizes are read from the tensors.

    The names of all the encoder's tensors may begin with the same words, such as `ecg_encoder.` in the whole
    checkpoint or `model.`: how those of the published file begin was not known when this was written.

    Args:
        source: name of the source, for errors.
        checkpoint: path or content of the encoder's `model.safetensors`, or of the Lightning checkpoint.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    state = unwrap(read_checkpoint(checkpoint))
    encoder, others = split_encoder({str(key): value for key, value in state.items()}, source)
    # every tensor comes from the checkpoint or it is refused: random ones would only cost time
    with init.no_init_weights():
        model = MELPModel(encoder_config(encoder, source))
    unused = UNUSED_OF_THE_ENCODER | {f"beside the encoder: {key}": reason for key, reason in UNUSED_BESIDE.items()}
    beside = {f"beside the encoder: {key}": value for key, value in others.items()}
    load_renamed(model, encoder | beside, encoder_name, unused, source)
    return model.eval(), melp_feature_extractor()


def melp_feature_extractor() -> ECGFeatureExtractor:
    """MELP's preparation: the whole record to 0..1, leads in the order of MIMIC-IV-ECG's files.

    Missing samples are refused. An absent lead is zero behind the scaling, as one that the pretraining leaves out.
    """
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(MIMIC_LEADS),
        num_samples=5000,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "normalise", "method": "minmax", "over": "record", "epsilon": 1e-8},
        ],
    )


def split_encoder(state: Mapping[str, torch.Tensor], source: str) -> tuple[dict, dict]:
    """The encoder's tensors without the words that all their names begin with, and the others.

    Raises:
        ValueError: no encoder, or more than one.
    """
    found = [key for key in state if key == ANCHOR or key.endswith(f".{ANCHOR}")]
    if len(found) != 1:
        raise ValueError(
            f"this is not a checkpoint of {source}: {len(found)} of its {len(state)} keys end in {ANCHOR}, wanted one"
        )
    prefix = found[0].removesuffix(ANCHOR)
    encoder = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    others = {key: value for key, value in state.items() if not key.startswith(prefix)}
    return with_attention_parts(encoder), others


def encoder_config(state: Mapping[str, torch.Tensor], source: str) -> MELPConfig:
    """Of the encoder whose tensors these are."""
    layers = range(count_of(state, rf"{BODY}feature_extractor\.conv_layers\.(\d+)\."))
    shapes = [shape_of(state, f"{BODY}feature_extractor.conv_layers.{n}.0.weight", source, 3) for n in layers]
    if not shapes:
        raise ValueError(f"this is not a checkpoint of {source}: it holds no {BODY}feature_extractor.conv_layers")
    positions = next((key for key in state if re.search(r"pos_conv\.0\..*(original1|weight_v)$", key)), "")
    width, per_group, kernel_size = shape_of(state, positions, source, 3)
    queries, size = shape_of(state, ANCHOR, source)
    tokens, caption_size = shape_of(state, "attn_pool_caption.query", source)
    body = ECGFMConfig(
        num_leads=shapes[0][1],
        num_samples=5000,
        convolution_channels=[shape[0] for shape in shapes],
        convolution_kernel_sizes=[shape[2] for shape in shapes],
        convolution_strides=[shape[2] for shape in shapes],
        hidden_size=width,
        num_hidden_layers=count_of(state, rf"{BODY}encoder\.layers\.(\d+)\."),
        num_attention_heads=max(width // HEAD_SIZE, 1),
        intermediate_size=shape_of(state, f"{BODY}encoder.layers.0.fc1.weight", source)[0],
        position_kernel_size=kernel_size,
        position_groups=max(width // per_group, 1),
    )
    return MELPConfig(
        body_config=body,
        hidden_size=size,
        num_beat_queries=queries,
        num_caption_queries=tokens,
        caption_size=caption_size,
    )


def encoder_name(key: str) -> str | None:
    """A tensor's name in `MELPModel`, after `split_encoder`."""
    if key.startswith(BODY):
        name = ecg_fm_name(key.removeprefix(BODY))
        return f"body_model.{name.removeprefix('encoder.')}" if name and name.startswith("encoder.") else None
    if key in _PARAMETERS:
        return _PARAMETERS[key]
    module, _, kind = key.rpartition(".")
    return f"{_MODULES[module]}.{kind}" if module in _MODULES else None
