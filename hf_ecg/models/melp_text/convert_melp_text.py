"""MELP's whole Lightning checkpoint: encoder, text tower, and what writes reports."""

import math
import re
from collections.abc import Mapping

import torch
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..ecg_text.convert_merl import bert_config
from ..melp.convert_melp import (
    UNUSED_OF_THE_ENCODER,
    encoder_config,
    encoder_name,
    melp_feature_extractor,
    split_encoder,
)
from ..shared.conversion import count_of, load_renamed, read_checkpoint, shape_of, unwrap
from ..shared.original_blocks import with_attention_parts
from .configuration_melp_text import MELPTextConfig
from .modeling_melp_text import MELPTextModel

SOURCE = "melp-text"
TOKENIZER = "ncbi/MedCPT-Query-Encoder"
TEXT, ENCODER, DECODER = "lm_model.bert.", "ecg_encoder.", "text_decoder."
# of MedCPT's vocabulary: padding, a word it does not know, [CLS], [SEP], a masked word, and the full stop
PAD, UNKNOWN, CLS, SEP, MASK, FULL_STOP = 0, 1, 2, 3, 4, 18
WORDS, WORDS_AGAIN = f"{TEXT}embeddings.word_embeddings.weight", "lm_model.cls.predictions.decoder.weight"
UNUSED = {
    **{f"{ENCODER}{key}": reason for key, reason in UNUSED_OF_THE_ENCODER.items()},
    "lm_model.cls.": "the language model's own output: reports are written by `text_decoder`",
    f"{TEXT}embeddings.position_ids": "the numbers of positions, which are made anew",
}
_BLOCK = {
    "ln_1": "attention_norm",
    "ln_1_kv": "context_norm",
    "ln_2": "feed_forward_norm",
    "attn.query": "attention.query",
    "attn.key": "attention.key",
    "attn.value": "attention.value",
    "attn.out_proj": "attention.output",
    "mlp.c_fc": "feed_forward.expand",
    "mlp.c_proj": "feed_forward.contract",
}
_MODULES = {
    "proj_t.0": "text_projection.hidden",
    "proj_t.2": "text_projection.output",
    "sent_proj": "sentence_projection",
    f"{DECODER}ln_final": "report_decoder.norm",
}
_STACKS = {"resblocks": "report_blocks", "cross_attn": "ecg_blocks"}
_PARAMETERS = {
    "logit_scale": "logit_scale",
    "logit_bias": "logit_bias",
    f"{DECODER}text_projection": "report_decoder.vocabulary",
}


def melp_text_config(**sizes) -> MELPTextConfig:
    """As released, with the token `[BOS]` that its training adds to MedCPT's vocabulary as the last."""
    text = sizes.get("text_config") or {"model_type": "bert", "vocab_size": 30523, "is_decoder": True}
    begin = (text["vocab_size"] if isinstance(text, dict) else text.vocab_size) - 1
    released = {
        "text_config": text,
        "bos_token_id": begin,
        "eos_token_id": SEP,
        "pad_token_id": PAD,
        "cls_token_id": CLS,
        "sentence_end_token_id": FULL_STOP,
        "special_token_ids": [PAD, UNKNOWN, CLS, SEP, MASK, begin],
        "compat_sentences": True,
        "compat_cls_after_padding": True,
    }
    return MELPTextConfig(**(released | sizes))


def convert_melp_text(source: str, checkpoint) -> tuple[MELPTextModel, ECGFeatureExtractor]:
    """The whole model of a MELP training; its sizes are read from the tensors.

    Args:
        source: name of the source, for errors.
        checkpoint: path or content of the Lightning checkpoint.

    Raises:
        ValueError: an encoder alone, missing or unknown keys (both lists), an unsafe file.
    """
    state = {str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{key} is {type(value).__name__}, wanted a tensor: this is not a checkpoint of {source}")
    lacking = [part for part in (ENCODER, TEXT, DECODER) if not any(key.startswith(part) for key in state)]
    if lacking:
        raise ValueError(
            f"this is not a checkpoint of {source}: it holds no {', '.join(f'{part}*' for part in lacking)}. Of an"
            " encoder alone the source is melp"
        )
    config = _config(state, source)
    with init.no_init_weights():
        model = MELPTextModel(config)
    ours = with_attention_parts(state) | {"logit_bias": torch.tensor(float(config.logit_bias_init_value))}
    # one tensor with two names: where the two differ in a file, the original ends with the later one
    ours[WORDS] = ours.get(WORDS_AGAIN, ours[WORDS])
    load_renamed(model, ours, _our_name, UNUSED, source)
    return model.eval(), melp_feature_extractor()


def _config(state: Mapping[str, torch.Tensor], source: str) -> MELPTextConfig:
    encoder, _ = split_encoder({key: value for key, value in state.items() if key.startswith(ENCODER)}, source)
    hidden, _ = shape_of(state, "proj_t.0.weight", source)
    return melp_text_config(
        ecg_config=encoder_config(encoder, source),
        text_config=bert_config(state, source, TEXT, is_decoder=True),
        projection_dim=shape_of(state, "proj_t.2.weight", source)[0],
        projection_hidden_size=hidden,
        logit_scale_init_value=math.log(1 / 0.07),
        decoder_num_hidden_layers=count_of(state, rf"{re.escape(DECODER)}resblocks\.(\d+)\."),
        decoder_intermediate_size=shape_of(state, f"{DECODER}resblocks.0.mlp.c_fc.weight", source)[0],
    )


def _our_name(key: str) -> str | None:
    if key.startswith(ENCODER):
        name = encoder_name(key.removeprefix(ENCODER))
        return None if name is None else f"ecg_model.{name}"
    if key.startswith(TEXT):
        return f"text_model.{key.removeprefix(TEXT)}"
    if key in _PARAMETERS:
        return _PARAMETERS[key]
    module, _, kind = key.rpartition(".")
    if module in _MODULES:
        return f"{_MODULES[module]}.{kind}"
    match = re.fullmatch(rf"{re.escape(DECODER)}(resblocks|cross_attn)\.(\d+)\.(.+)", module)
    if match is None or match[3] not in _BLOCK:
        return None
    return f"report_decoder.{_STACKS[match[1]]}.{match[2]}.{_BLOCK[match[3]]}.{kind}"
