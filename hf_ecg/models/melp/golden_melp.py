"""MELP's encoder as a golden case."""

import torch

from ...golden_cases import GoldenCase
from .convert_melp import SOURCE


def encoder(case: GoldenCase) -> dict:
    """The body's frames, both pools, and the probe's features."""
    model, _ = case.convert(SOURCE)
    found: dict[str, torch.Tensor] = {}
    hook = model.beat_pooling.register_forward_hook(lambda _, inputs, outputs: found.update(raw=outputs[0]))
    with torch.no_grad():
        outputs = model(case.inputs["ecg"])
    hook.remove()
    return {
        "transformer_out": outputs.frame_states,
        "contrast_tokens_raw": found["raw"],
        "beat_tokens": outputs.beat_embeds,
        "pooled": outputs.beat_embeds.mean(dim=1),
        "caption_tokens": outputs.caption_states,
        "ext_ecg_emb": outputs.pooler_output,
    }


GOLDEN = {"melp-ecg-encoder": encoder}
