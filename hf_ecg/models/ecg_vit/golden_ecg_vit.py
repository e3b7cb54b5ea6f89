"""MERL's vision transformers as golden cases."""

import torch

from ...golden_cases import GoldenCase
from .convert_ecg_vit import VARIANTS

# hidden state -> name of what is stored of it
BLOCKS = {0: "embed", 1: "block0", 6: "block5", 12: "block11"}


def trunk(case: GoldenCase) -> dict:
    """The patches' tokens, some blocks, and the pooled output."""
    model, _ = case.convert(case.name)
    with torch.no_grad():
        outputs = model(case.inputs["ecg"], output_hidden_states=True)
    states = {name: outputs.hidden_states[number] for number, name in BLOCKS.items()}
    return states | {"encoder_pooled": outputs.pooler_output}


GOLDEN = dict.fromkeys(VARIANTS, trunk)
