"""MERL's joint space with text as golden cases; the families of its trunks compare those."""

import torch

from ...golden_cases import GoldenCase
from .configuration_ecg_text import ATTENTION

CASES = tuple(f"merl-{trunk}" for trunk in ("resnet18", "resnet34", "resnet50", "vit-tiny", "vit-small", "vit-base"))
SOURCE = "merl"


def whole(case: GoldenCase) -> dict:
    """Both projections, the views and the losses; of a ResNet the pooling by attention and where it looks."""
    model, _ = case.convert(SOURCE)
    ecg = case.inputs["ecg"]
    tokens = {
        name: torch.from_numpy(case.stored(f"in.{name}", whole_numbers=True))
        for name in ("input_ids", "attention_mask")
    }
    model.set_attn_implementation("eager")
    with torch.no_grad():
        outputs = model(ecg, **tokens, return_loss=True)
        tower = model.ecg_model(ecg)
        joint, features = model.ecg_projection(tower, None)
        first, second = model.views(features)
        text = model.encode_text(**tokens)
        model.config.view_loss_weight = 0.0
        alignment = model(ecg, **tokens, return_loss=True).loss
    found = {
        "ext_ecg_emb": joint,
        "ecg_emb1": first,
        "ecg_emb2": second,
        "proj_ecg_emb": outputs.ecg_embeds,
        "proj_text_emb": outputs.text_embeds,
        "text_pooler_output": text,
        "cma_loss": alignment,
        "uma_loss": outputs.loss - alignment,
    }
    if model.config.ecg_projection_type == ATTENTION:
        found |= _attention(model.ecg_projection, tower.last_hidden_state) | {"att_pool": joint}
    return found


@torch.no_grad()
def _attention(projection, hidden_states: torch.Tensor) -> dict:
    """The positions before the pooling, and the mean over heads of its weights, without the token's own."""
    found: dict[str, torch.Tensor] = {}
    attention = projection.pooling.attention
    hook = attention.register_forward_hook(lambda _, inputs, outputs: found.update(weights=outputs[1]))
    reduced = projection.reduction(hidden_states)
    projection.pooling(reduced)
    hook.remove()
    return {"downconv": reduced.transpose(1, 2), "att_map": found["weights"].mean(dim=1)[:, 0, 1:]}


GOLDEN = dict.fromkeys(CASES, whole)
