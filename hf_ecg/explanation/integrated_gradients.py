"""Integrated gradients of a score in the waveform that the model sees."""

from collections.abc import Mapping

import numpy as np
import torch

from .asked_score import AskedScore

MAIN = "input_values"
FEWEST_STEPS, MOST_STEPS, BATCH = 32, 512, 32
# Of the difference between the scores of the record and of a flat line: a larger gap is told.
LARGEST_GAP = 0.02


def integrated_gradients(score: AskedScore, inputs: Mapping[str, torch.Tensor]) -> tuple[np.ndarray, float, float]:
    """What each sample adds to the score on the way from a flat line to the record.

    The straight line from zeros to the waveform is followed in steps, whose number is doubled from 32 until the sum
    over all samples is the difference of the scores within 2 %, or there are 512. Masks and all other inputs stay as
    they are, so a lead that is absent has zeros.

    Args:
        score: who is asked.
        inputs: the extractor's tensors of one record, `input_values` (rows, leads, samples); a score of several rows
            is their mean.

    Returns:
        float64 (rows, leads, samples), whose sum over leads and samples is a row's share of the difference, the
        record's score and that of the flat line.

    Raises:
        ValueError: a model that does not read the waveform, or scores that are NaN or infinite.

    Source: Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks", Eq. 1, by the midpoint rule.
    """
    if MAIN not in inputs or score.model.main_input_name != MAIN:
        raise ValueError(
            f"{type(score.model).__name__} reads {score.model.main_input_name}, not the waveform, so there is no"
            " gradient in it: take the method occlusion"
        )
    rows = len(inputs[MAIN])
    with torch.no_grad():
        full = float(score(inputs).mean())
        flat = float(score({**inputs, MAIN: torch.zeros_like(inputs[MAIN])}).mean())
    steps = FEWEST_STEPS
    while True:
        found = torch.stack([_one_row(score, _row(inputs, row), steps) for row in range(rows)]).numpy() / rows
        gap = abs(found.sum() - (full - flat))
        if gap <= LARGEST_GAP * abs(full - flat) or steps >= MOST_STEPS:
            return found, full, flat
        steps *= 2


def _row(inputs: Mapping[str, torch.Tensor], row: int) -> dict[str, torch.Tensor]:
    return {name: values[row : row + 1] for name, values in inputs.items()}


def _one_row(score: AskedScore, inputs: Mapping[str, torch.Tensor], steps: int) -> torch.Tensor:
    """float64 (leads, samples) on the CPU."""
    waveform = inputs[MAIN]
    total = torch.zeros(waveform.shape[1:], dtype=torch.float64)
    places = (torch.arange(steps, dtype=waveform.dtype) + 0.5) / steps
    for some in places.split(BATCH):
        scaled = (some[:, None, None] * waveform).requires_grad_()
        others = {name: values.expand(len(some), *values.shape[1:]) for name, values in inputs.items() if name != MAIN}
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(score({**others, MAIN: scaled}).sum(), scaled)
        total += gradient.double().sum(dim=0).cpu()
    return total * waveform[0].double() / steps
