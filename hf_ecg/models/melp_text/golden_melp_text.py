"""MELP's three levels as a golden case."""

import math

import torch
from torch.nn import functional as F

from ...golden_cases import GoldenCase
from .convert_melp_text import SOURCE


def whole(case: GoldenCase) -> dict:
    """Records, beats, sentences and tokens, and the losses at the scale that the original was given."""
    model, _ = case.convert(SOURCE)
    ecg = case.inputs["ecg"]
    tokens = torch.from_numpy(case.stored("in.input_ids", whole_numbers=True)).long()
    model.logit_scale.data.fill_(math.log(1 / 0.07))
    with torch.no_grad():
        outputs = model(ecg, input_ids=tokens, attention_mask=(tokens != 0).long(), return_loss=True)
        probe = model.ecg_model(ecg).pooler_output
    own = [sentences[mask] for sentences, mask in zip(outputs.sentence_embeds, outputs.sentence_mask, strict=True)]
    return {
        "ecg_latent": outputs.ecg_embeds,
        "text_latent": outputs.text_embeds,
        "beat_tokens": outputs.ecg_model_output.beat_embeds,
        "decoder_logits": outputs.logits[:, :-1],
        "labels": tokens[:, 1:],
        "text_token_emb": outputs.text_model_output.last_hidden_state[:, :-1],
        **{f"sent{number}": sentences for number, sentences in enumerate(own)},
        "encode_ecg": F.normalize(outputs.ecg_model_output.pooler_output, dim=-1),
        "ext_ecg_emb": probe,
        "beat_loss_unweighted": outputs.beat_loss,
        "clip_loss": outputs.contrastive_loss,
        "caption_loss_weighted2": model.config.caption_weight * outputs.caption_loss,
        "total_loss": outputs.loss,
    }


GOLDEN = {"melp-full": whole}
