"""Sigmoid contrastive loss: every pair of an ECG and a text is a yes-or-no question of its own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from .pair_targets import Gather, check_pairs, column_weights, in_full_precision, pair_targets, without_autocast


def sigmoid_contrastive_loss(
    ecg_embeds: torch.Tensor,
    text_embeds: torch.Tensor,
    scale: torch.Tensor | float,
    bias: torch.Tensor | float,
    *,
    text_ids: torch.Tensor | None = None,
    identical_text: str = "negative",
    true_text_ids: torch.Tensor | None = None,
    unknown_text_ids: torch.Tensor | None = None,
    text_weighting: str = "row",
    text_kinds: torch.Tensor | None = None,
    kind_weights: Sequence[float] = (),
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""SigLIP's loss: $-\frac1B\sum_i\sum_j\log\sigma(z_{ij}(t\,e_i\cdot t_j+b))$, $z=1$ for positive pairs, else -1.

    The sum over columns is not divided by their number. This is the term L_sig of CLEP: the FG-CLEP paper (arXiv
    2505.11939) prints $1/(1+e^{-z(-t\,sim+b)})$, a slip in the sign of $t$ (similar pairs would get a *low*
    probability, and with b = -10 nothing could be learnt), and the ECG embedding on both sides of the similarity.
    Here it is $\sigma(z(t\,sim+b))$ with $sim$ between ECG and text, which is SigLIP's own convention.

    **Identical texts.** As printed, L_sig takes ECGs with word-for-word equal reports as negatives of each other's
    text (in PTB-XL half the rows of a batch have such a twin), while CLEP's mitigation term L_fnm pulls the same pairs
    together. `identical_text` decides: "negative" as published; "mask" leaves these off-diagonal pairs out;
    "positive" makes them positives (z = 1). A text may also be known to be true of an ECG without being its pair (one
    statement of its report, say): `true_text_ids` names such texts, which are then treated as identical ones are.
    With common texts a batch asks the same question many times; `text_weighting="distinct"` counts it once.

    **Extra texts.** A small batch holds few of a corpus's statements, and an ECG is rarely asked about the rare ones.
    Where `true_text_ids` says what is true of each ECG, further texts may follow the pairs' own.

    **What is not known.** A text that a report does not mention may be true all the same: of the waveform features
    that a signal shows, texts mention some 40 %. `unknown_text_ids` names the texts of which nobody knows; these pairs
    are left out. Every other pair is a negative.

    **Kinds of text.** Statements are true of few ECGs, waveform features of any share, and there may be more of the
    one than of the other. `text_kinds` tells them apart: `scale` and `bias` may be given for each text (those of its
    kind, and the log odds of its prior), and `kind_weights` says what all texts of a kind count together.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors is a pair, texts after the last pair are extra; `scale` is exp(t'), not t'.
    SigLIP starts at t' = log 10, b = -10.
    **Relations**: unlike `softmax_contrastive_loss` each pair counts for itself, so batch composition matters less.
    The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        ecg_embeds: (batch, dimensions), unit length.
        text_embeds: (texts, dimensions), unit length; the first `batch` of them are the ECGs' own.
        scale: t, already exponentiated: scalar, or one for each of this process's texts (texts,).
        bias: b, likewise.
        text_ids: integers (texts,), equal exactly where texts are equal; needed unless `identical_text` is "negative".
        identical_text: "negative", "mask" or "positive".
        true_text_ids: integers (batch, k): ids of all texts known to be true of a row's ECG. Without effect on
            "negative".
        unknown_text_ids: integers (batch, m): ids of texts of which it is not known whether they are true of a row's
            ECG; needs `text_ids`. What `true_text_ids` names also is true.
        text_weighting: "row" as published, or "distinct": every distinct text of the batch counts the same.
        text_kinds: integers (texts,) from 0; None = all of one kind. Extra texts of a kind above 0 are to be the same
            on every process: each column of such a kind counts alike.
        kind_weights: of the kinds from 1 on, see `pair_targets.column_weights`.
        gather: `gather_with_gradient` to take the texts of every process as columns.

    Returns:
        Scalar: the mean over local rows, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, an unknown `identical_text`, missing `text_ids`; when gathering,
            processes with different numbers of rows.

    Source:
        SigLIP, arXiv 2303.15343, algorithm 1; big_vision trainers/proj/image_text/siglip.py; open_clip loss.py.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import sigmoid_contrastive_loss
        >>> embeds = torch.eye(4)  # four pairs: each ECG lies where its text lies, and apart from the others
        >>> round(sigmoid_contrastive_loss(embeds, embeds, scale=10.0, bias=-10.0).item(), 4)
        0.6933
    """
    truth: dict[str, Any] = {"text_ids": text_ids, "identical_text": identical_text, "true_text_ids": true_text_ids}
    truth["unknown_text_ids"] = unknown_text_ids
    weighting: dict[str, Any] = {"text_ids": text_ids, "text_weighting": text_weighting, "text_kinds": text_kinds}
    check_pairs(ecg_embeds, text_embeds, extra_texts=True, **(truth | weighting))
    with without_autocast(ecg_embeds):
        ecg_embeds, text_embeds, scale, bias = in_full_precision(ecg_embeds, text_embeds, scale, bias)
        all_texts = text_embeds if gather is None else gather(text_embeds)
        rows, columns = len(ecg_embeds), len(all_texts)
        targets = pair_targets(
            rows, columns, num_texts=len(text_embeds), gather=gather, device=ecg_embeds.device, **truth
        )
        scale, bias = (_of_columns(value, len(text_embeds), gather) for value in (scale, bias))
        logits = scale * (ecg_embeds @ all_texts.T) + bias
        losses = -F.logsigmoid(torch.where(targets.positive, logits, -logits))
        if targets.counted is not None:
            losses = losses.masked_fill(~targets.counted, 0.0)
        weights = column_weights(columns, num_rows=rows, kind_weights=kind_weights, gather=gather, **weighting)
        if weights is not None:
            losses = losses * weights.to(losses)
        return losses.sum() / rows


def _of_columns(value: torch.Tensor, num_texts: int, gather: Gather | None) -> torch.Tensor:
    """A scale or bias of all processes' texts: a scalar as it is, one for each local text gathered."""
    if value.shape == (num_texts,):
        return value if gather is None else gather(value)
    if value.numel() > 1:
        raise ValueError(
            f"scale or bias has shape {tuple(value.shape)}, wanted a scalar or one for each of {num_texts} texts"
        )
    return value
