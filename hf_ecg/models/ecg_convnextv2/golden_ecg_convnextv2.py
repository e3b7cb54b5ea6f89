"""TolerantECG's encoder as a golden case."""

import torch

from ...golden_cases import GoldenCase


def encoder(case: GoldenCase) -> dict:
    """Every stage, pooled outputs before and after the norm, and that of three leads, absent by their mask."""
    model, _ = case.convert("tolerantecg")
    ecg, present = case.inputs["input"], torch.zeros(2, 12, dtype=torch.bool)
    present[:, :3] = True
    with torch.no_grad():
        outputs = model(ecg, output_hidden_states=True)
        three = model(ecg, lead_mask=present).pooler_output
    stages = outputs.hidden_states[1:]
    found = {f"stage{number}_slice": stage.transpose(1, 2) for number, stage in enumerate(stages)}
    return found | {
        "pooled": outputs.last_hidden_state.mean(dim=1),
        "features": outputs.pooler_output,
        "features_leads_I_II_III": three,
    }


GOLDEN = {"tolerantecg-convnextv2": encoder}
