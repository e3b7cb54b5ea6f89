"""CLEP's second term: an ECG should be as close to every text as its own report is."""

from typing import Any

import torch

from .pair_targets import Gather, check_pairs, column_weights, in_full_precision, pair_targets, without_autocast


def false_negative_mitigation_loss(
    ecg_embeds: torch.Tensor,
    text_embeds: torch.Tensor,
    *,
    text_ids: torch.Tensor | None = None,
    true_text_ids: torch.Tensor | None = None,
    unknown_text_ids: torch.Tensor | None = None,
    text_weighting: str = "row",
    gather: Gather | None = None,
    detach_report_similarity: bool = True,
) -> torch.Tensor:
    r"""L_fnm of FG-CLEP: $\frac1B\sum_i\sum_j|e_i\cdot t_j-S_{ij}|$, the reports' similarity $S_{ij}=t_i\cdot t_j$.

    CLEP is `sigmoid_contrastive_loss` + 0.5 x this. The two disagree about reports that say the same: L_sig as printed
    keeps them negatives (that formula's sign slip, and its correction to z(t sim + b), are told there), while this
    term pulls the ECG to a similarity of 1 with each of them. `identical_text` of the sigmoid loss resolves this; it
    changes nothing here.

    **What is known to be true.** The paper's texts are whole reports. Where a record shows one sentence of its report
    at a time, two sentences that are both true of an ECG are hardly similar, and S pulls the ECG away from a text that
    L_sig pulls it to (16 % of the other pairs of a batch of 32 from PTB-XL, 65 % of the true ones). Given
    `true_text_ids`, S is 1 for such a text, as it is for the ECG's own: what is true of one ECG is then a whole report
    again. (Leaving these pairs out would leave the ECG nothing that keeps it near what is true of it but L_sig.) Given
    `unknown_text_ids`, pairs of which nobody knows are left out. Without both, S is the published one.

    **Requirements**: unit-length embeddings after projection; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors is a pair.
    **Relations**: alone it has a trivial minimum (all embeddings equal), so it only accompanies a contrastive loss.
    The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        ecg_embeds: (batch, dimensions), unit length.
        text_embeds: (batch, dimensions), unit length.
        text_ids: integers (batch,), equal exactly where texts are equal; needed for `text_weighting` "distinct"
            and for what is true or unknown.
        true_text_ids: integers (batch, k): ids of all texts known to be true of a row's ECG.
        unknown_text_ids: integers (batch, m): ids of texts of which it is not known whether they are.
        text_weighting: "row" as published, or "distinct": see `sigmoid_contrastive_loss`.
        gather: `gather_with_gradient` to take the texts of every process as columns.
        detach_report_similarity: take S as given. The paper does not say; with a gradient, texts moving together would
            lower the loss too.

    Returns:
        Scalar: the mean over local rows, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, or processes with different numbers of rows.

    Source:
        FG-CLEP, arXiv 2505.11939 (named L_fnm and L_fnn there); no public code.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import false_negative_mitigation_loss
        >>> embeds = torch.eye(4)  # four pairs: each ECG lies where its text lies, and apart from the others
        >>> false_negative_mitigation_loss(embeds, embeds).item()
        0.0
    """
    truth: dict[str, Any] = {"text_ids": text_ids, "true_text_ids": true_text_ids}
    truth["unknown_text_ids"] = unknown_text_ids
    truth["identical_text"] = "negative" if true_text_ids is None else "positive"
    check_pairs(ecg_embeds, text_embeds, text_weighting=text_weighting, **truth)
    with without_autocast(ecg_embeds):
        ecg_embeds, text_embeds = in_full_precision(ecg_embeds, text_embeds)
        all_texts = text_embeds if gather is None else gather(text_embeds)
        similarity = text_embeds @ all_texts.T
        if detach_report_similarity:
            similarity = similarity.detach()
        targets = pair_targets(len(ecg_embeds), len(all_texts), gather=gather, device=ecg_embeds.device, **truth)
        if true_text_ids is not None:
            similarity = similarity.masked_fill(targets.positive, 1.0)
        distances = (ecg_embeds @ all_texts.T - similarity).abs()
        if targets.counted is not None:
            distances = distances.masked_fill(~targets.counted, 0.0)
        weights = column_weights(len(all_texts), text_ids=text_ids, text_weighting=text_weighting, gather=gather)
        if weights is not None:
            distances = distances * weights.to(distances)
        return distances.sum() / len(ecg_embeds)
