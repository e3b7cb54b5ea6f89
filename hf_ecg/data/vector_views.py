"""Random views of the heart's vector, as 3KG makes them: eight leads as three axes, turned, stretched and put back."""

import math
from collections.abc import Sequence

import torch

from ..signals.leads import CHEST_LEADS, LIMB_LEADS, canonical_leads
from .view_base import Generators, Strength, Waveforms, strength, uniform

VECTOR_LEADS = ("I", "II", *CHEST_LEADS)
# Frank's x (left), y (feet), z (back) of the eight leads: Edenbrandt and Pahlm, J Electrocardiol 21:361 (1988), as
# fairseq-signals rounds it.
INVERSE_DOWER = (
    (0.156, -0.009, -0.172, -0.073, 0.122, 0.231, 0.239, 0.193),
    (-0.227, 0.886, 0.057, -0.019, -0.106, -0.022, 0.040, 0.048),
    (0.021, 0.102, -0.228, -0.310, -0.245, -0.063, 0.054, 0.108),
)
# of the limb leads in the first two
_OF_I_AND_II = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}


def vector_rotation(
    waveforms: Waveforms,
    generator: Generators,
    *,
    max_angle: float = 45.0,
    factor: Strength = (1.0, 1.5),
    leads: Sequence[str],
) -> Waveforms:
    """Turns the heart's vector and stretches its axes: 3KG's view.

    The eight independent leads become three axes by the inverse Dower matrix, are turned by three angles, stretched
    each by a factor of its own, and put back by the matrix's pseudo-inverse; other limb leads follow from I and II.
    Three axes lose what no single vector explains, even where nothing is turned: so does the original.

    A record that lacks one of the eight leads stays as it is.

    Args:
        waveforms: records of unchanged voltages: a normalisation of each lead breaks what the matrix relies on.
        generator: one for the batch, or one per record.
        max_angle: degrees; three angles are drawn evenly from -max_angle to max_angle: about z, then y, then x.
        factor: of each axis, or the range that each is drawn from.
        leads: names of the waveforms' leads, in their order; the feature extractor's own when left out.

    Source:
        3KG, arXiv 2106.04452, section 3; fairseq_signals/data/ecg/perturb_ecg_dataset.py at 6b9e1375.
    """
    values, lead_mask, _ = waveforms
    names = canonical_leads(leads)
    places = [names.index(lead) for lead in VECTOR_LEADS]
    shape = (len(values), 3)
    double = torch.zeros(0, dtype=torch.float64, device=values.device)
    angles = math.radians(max_angle) * (2 * uniform(generator, shape, values.device, torch.float64) - 1)
    turned = strength(generator, factor, shape, double)[:, :, None] * rotation_matrices(angles)
    moved = turn_vector(values, names, turned)
    whole = lead_mask[:, places].all(1)[:, None] & lead_mask
    return waveforms._replace(input_values=torch.where(whole[..., None], moved, values))


def turn_vector(values: torch.Tensor, leads: Sequence[str], matrices: torch.Tensor) -> torch.Tensor:
    """Waveforms of the heart's vector after a linear map.

    Args:
        values: (batch, leads, samples).
        leads: their names: the twelve or some of them, the eight of `VECTOR_LEADS` among them.
        matrices: float64 (batch, 3, 3), acting on x, y, z.
    """
    places = [list(leads).index(lead) for lead in VECTOR_LEADS]
    forward = torch.tensor(INVERSE_DOWER, dtype=torch.float64, device=values.device)
    rows = []
    for lead in leads:
        of_eight = torch.zeros(8, dtype=torch.float64)
        if lead in LIMB_LEADS:
            of_eight[:2] = torch.tensor(_OF_I_AND_II[lead], dtype=torch.float64)
        else:
            of_eight[VECTOR_LEADS.index(lead)] = 1.0
        rows.append(of_eight)
    back = torch.stack(rows).to(values.device) @ torch.linalg.pinv(forward)
    # one matrix a record, so that the samples are met once
    whole = back @ matrices @ forward
    return whole.to(values.dtype) @ values[:, places]


def rotation_matrices(angles: torch.Tensor) -> torch.Tensor:
    """(batch, 3, 3) of angles (batch, 3) in radians about the fixed axes z, then y, then x."""
    about_z, about_y, about_x = (_about(axis, angle) for axis, angle in zip((2, 1, 0), angles.unbind(1), strict=True))
    return about_x @ about_y @ about_z


def _about(axis: int, angle: torch.Tensor) -> torch.Tensor:
    one, other = ((1, 2), (2, 0), (0, 1))[axis]
    matrix = torch.eye(3, dtype=angle.dtype, device=angle.device).repeat(len(angle), 1, 1)
    matrix[:, one, one] = matrix[:, other, other] = angle.cos()
    matrix[:, one, other], matrix[:, other, one] = -angle.sin(), angle.sin()
    return matrix


def lead_time_mask(waveforms: Waveforms, generator: Generators, *, fraction: Strength = 0.5) -> Waveforms:
    """One stretch of every lead becomes zero, another one in each lead; a stretch that reaches the end goes on at the
    beginning. `sample_mask` still counts it as recorded.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        fraction: length of the stretch, of all samples; 3KG has a half.

    Source:
        3KG, arXiv 2106.04452; fairseq_signals/data/ecg/perturb_ecg_dataset.py at 6b9e1375.
    """
    values = waveforms.input_values
    samples = values.shape[-1]
    length = (strength(generator, fraction, (len(values), 1), values) * samples).long()
    chosen = uniform(generator, tuple(values.shape[:2]), values.device, torch.float64)
    start = (chosen * samples).long().clamp(max=samples - 1)
    return waveforms._replace(input_values=values.masked_fill(wrapped_stretch(start, length, samples), 0.0))


def wrapped_stretch(start: torch.Tensor, length: torch.Tensor | int, samples: int) -> torch.Tensor:
    """bool (batch, leads, samples): the `length` (batch, 1) samples from `start` (batch, leads) on, around the end."""
    positions = torch.arange(samples, device=start.device)
    length = length[..., None] if isinstance(length, torch.Tensor) else length
    return (positions - start[..., None]) % samples < length


def check_vector_leads(where: str, leads: Sequence[str] | None) -> None:
    """Raises ValueError when leads of the heart's vector are missing, or there is one that it does not give."""
    if leads is None:
        return
    names = canonical_leads(leads)
    absent = [lead for lead in VECTOR_LEADS if lead not in names]
    strange = [lead for lead in names if lead not in (*LIMB_LEADS, *CHEST_LEADS)]
    if absent or strange:
        raise ValueError(
            f"{where}: the leads are {list(leads)}, wanted leads I, II, V1 to V6 and others of the twelve"
            f" (missing {absent}, not of the twelve {strange})"
        )
