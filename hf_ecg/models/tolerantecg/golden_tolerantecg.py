"""The head of TolerantECG's self-distillation, as a golden case; its losses stand in `hf_ecg.losses.golden_dino`."""

import torch

from ...golden_cases import GoldenCase
from ..shared.self_distillation import ECGDistillationHead


def head(case: GoldenCase) -> dict:
    """The case's weights have lengths of their own, where training keeps them at 1."""
    state = case.state_dict
    made = ECGDistillationHead(768, 256, 768)
    made.load_state_dict(
        {
            "hidden.weight": state["mlp.weight"],
            "hidden.bias": state["mlp.bias"],
            "directions": state["last_layer.weight_v"],
        }
    )
    with torch.no_grad():
        return {"dino_head": made(case.inputs["head_input"]) * state["last_layer.weight_g"].flatten()}


GOLDEN = {"tolerantecg-loss": head}
