"""What an encoder looks at: its attention, followed through the layers, and laid on the waveform."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from .asked_score import AskedScore
from .integrated_gradients import MAIN


def attention_shares(score: AskedScore, inputs: Mapping[str, torch.Tensor]) -> np.ndarray:
    """Share of an encoder's attention that each sample of each lead gets.

    Attention is rolled out: the mean over heads, with half of it for the token itself, multiplied from the first layer
    to the last; then the mean over the tokens. A token is laid on the samples that it is made of, each by the size of
    the gradient of the first hidden state in it, so that no family has to say where its tokens lie. Tokens that are
    made of no sample (a class token) are left out. No class and no text has a part in it.

    Args:
        score: whose encoder is looked at.
        inputs: the extractor's tensors of one record.

    Returns:
        float64 (rows, leads, samples), which sum to 1 over all.

    Raises:
        ValueError: an encoder without attention, or whose layers have other tokens than its first hidden state.

    Source: Abnar, Zuidema 2020, "Quantifying attention flow in transformers", section 3.
    """
    encoder = score.encoder
    if encoder.main_input_name != MAIN:
        raise ValueError(f"{type(encoder).__name__} reads {encoder.main_input_name}, not the waveform: take occlusion")
    rows = []
    how = encoder.config._attn_implementation
    try:
        encoder.set_attn_implementation("eager")
        for row in range(len(inputs[MAIN])):
            one = {
                name: values[row : row + 1].to(score.device)
                for name, values in inputs.items()
                if name != "record_index"
            }
            rows.append(_one_row(encoder, one))
    finally:
        encoder.set_attn_implementation(how)
    return np.stack(rows) / len(rows)


def rollout(attentions: Sequence[torch.Tensor]) -> torch.Tensor:
    """(tokens,) of one record: how much of the last layer comes from each token of the first.

    Args:
        attentions: of each layer (1, heads, tokens, tokens).
    """
    tokens = attentions[0].shape[-1]
    own = torch.eye(tokens, dtype=torch.float64)
    flow = own
    for layer in attentions:
        flow = (layer[0].detach().double().mean(dim=0).cpu() + own) / 2 @ flow
    return flow.mean(dim=0)


def _one_row(encoder, inputs: dict[str, torch.Tensor]) -> np.ndarray:
    waveform = inputs[MAIN].detach().requires_grad_()
    with torch.enable_grad():
        outputs = encoder(**{**inputs, MAIN: waveform}, output_attentions=True, output_hidden_states=True)
        attentions = getattr(outputs, "attentions", None)
        if not attentions:
            raise ValueError(
                f"{type(encoder).__name__} has no attention: take the method integrated_gradients or occlusion"
            )
        first = outputs.hidden_states[0]
        shares = rollout(attentions)
        if first.ndim != 3 or first.shape[1] != len(shares):
            raise ValueError(
                f"{type(encoder).__name__} has {len(shares)} tokens in its attention, and its first hidden state has"
                f" the shape {tuple(first.shape)}: they cannot be laid on the waveform"
            )
        found = torch.zeros(waveform.shape[1:], dtype=torch.float64)
        # the size of each token: a sum of squares has a gradient in all that the token is made of
        sizes = first[0].double().square().sum(dim=1)
        for token, share in enumerate(shares.tolist()):
            (gradient,) = torch.autograd.grad(sizes[token], waveform, retain_graph=True, allow_unused=True)
            total = 0.0 if gradient is None else float(gradient.abs().sum())
            if total > 0:
                found += share * gradient[0].double().abs().cpu() / total
    return (found / found.sum().clamp_min(1e-12)).numpy()
