"""3KG's augmentation as a golden case."""

import torch

from ..golden_cases import GoldenCase
from ..signals.leads import STANDARD_LEADS
from .vector_views import rotation_matrices, turn_vector, wrapped_stretch


def three_kg(case: GoldenCase) -> dict:
    """Both views without a mask, nothing but the projection, and the masks by themselves."""
    angles, scales = (torch.from_numpy(case.stored(name)).double().reshape(2, 3) for name in ("angles", "scales"))
    starts = torch.from_numpy(case.stored("mask_starts", whole_numbers=True)).long().reshape(2, 12)
    ecg = case.inputs["input"].double()
    one, two = ecg[0], ecg[1]
    ecg[2:6] = torch.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    samples = ecg.shape[1]
    hidden = wrapped_stretch(starts, int(samples * case.spec["config"]["mask_ratio"]), samples)
    turned = scales[..., None] * rotation_matrices(torch.deg2rad(angles))
    still = torch.eye(3, dtype=torch.float64)[None]
    found = {"identity_slice": turn_vector(ecg[None], STANDARD_LEADS, still)[0]}
    for view in range(2):
        moved = turn_vector(ecg[None], STANDARD_LEADS, turned[view : view + 1])
        found[f"view{view + 1}_slice"] = moved[0]
        found[f"mask{view + 1}"] = (~hidden[view]).to(torch.uint8)
    return found


GOLDEN = {"3kg-augment": three_kg}
NOT_COMPARED: dict[str, dict[str, str]] = {}
