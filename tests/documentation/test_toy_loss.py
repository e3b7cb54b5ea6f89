"""The steps of docs/how_to/add_a_loss.md, followed for a toy: the hinge of a triplet over all wrong pairs."""

import torch
from torch.nn import functional as F

from hf_ecg.losses.pair_targets import check_pairs, in_full_precision, without_autocast
from tests.losses.reference import normalised, parameters


def triplet_loss(ecg_embeds, text_embeds, margin=0.2, *, gather=None):
    """Mean over rows of the sum of max(0, margin - s_ii + s_ij) over the wrong texts j of the whole batch."""
    check_pairs(ecg_embeds, text_embeds, None, "negative")
    with without_autocast(ecg_embeds):
        ecg_embeds, text_embeds = in_full_precision(ecg_embeds, text_embeds)
        texts = text_embeds if gather is None else gather(text_embeds)
        own = (ecg_embeds * text_embeds).sum(dim=1, keepdim=True)
        hinges = F.relu(margin - own + ecg_embeds @ texts.T)
        # the right pair is among the columns, where its hinge is the margin
        return hinges.sum(dim=1).mean() - margin


def loop(ecg, text, margin=0.2):
    total = 0.0
    for i in range(len(ecg)):
        for j in range(len(text)):
            if i != j:
                total = total + F.relu(margin - torch.dot(ecg[i], text[i]) + torch.dot(ecg[i], text[j]))
    return total / len(ecg)


def test_equals_the_double_loop():
    (ecg, text, *_), _ = parameters()
    results = [function(*normalised(ecg, text)) for function in (triplet_loss, loop)]
    torch.testing.assert_close(*results, rtol=1e-9, atol=0)
    gradients = [torch.autograd.grad(result, (ecg, text)) for result in results]
    for ours, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-6, atol=1e-12)


def test_the_mean_over_processes_is_the_loss_of_the_whole_batch():
    """`gather` gives every process all rows; the two halves stand for two processes."""
    (ecg, text, *_), _ = parameters(rows=6)
    ecg, text = normalised(ecg, text)
    halves = [triplet_loss(ecg[part], text[part], gather=lambda _: text) for part in (slice(3), slice(3, 6))]
    torch.testing.assert_close(sum(halves) / 2, triplet_loss(ecg, text), rtol=1e-9, atol=0)


def test_half_precision_inputs_are_computed_in_float32():
    (ecg, text, *_), _ = parameters()
    ecg, text = (part.detach().bfloat16() for part in normalised(ecg, text))
    torch.testing.assert_close(triplet_loss(ecg, text), triplet_loss(ecg.float(), text.float()))
