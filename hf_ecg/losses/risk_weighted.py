"""CLEF's loss: the more two patients differ in clinical risk, the more they count as negatives of each other."""

import math

import torch

from .pair_targets import Gather, in_full_precision, without_autocast
from .risk_alignment import FORMS, published_alignment
from .risk_distance import DISTANCES
from .risk_terms import MASKED, PATHS, RELEASED, RiskTerms, risk_terms
from .risk_weights import SPREAD_UNITS, WeightSpread
from .view_pairs import ViewPairs, check_views, contrast, view_pairs


def risk_weighted_contrastive_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.07,
    *,
    risk: torch.Tensor,
    missing_rate: torch.Tensor | None = None,
    path: str = "masked",
    distance: str = "squared",
    sharpness: float | WeightSpread = 0.8,
    alignment: str = "published",
    alignment_weight: float = 1.0,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""InfoNCE with weighted negatives, plus an alignment of the similarities of embeddings with those of risks.

    $L=L_{nce}+L_{align}$ with $L_{nce}=-\frac1{2N}\sum_a\log\frac{e^{l_{a,p}}}{e^{l_{a,p}}+\sum_nw_{an}e^{l_{a,n}}}$,
    where a, p, n and l are those of `info_nce_loss`, and $L_{align}$ the mean of
    $(\mathrm{minmax}(\cos)_{ij}-S_{ij})^2$ over all pairs of views, S = 1 - (0.8 D + 0.2) for the risk distance D in
    [0, 1] of two records and S = 1 within a record.

    **What row softmax does to the scale.** Published are weights w = softmax of the row of 1 - S over all 2N views,
    the anchor and its positive among them. They sum to 1: the negatives enter as a weighted *mean*, where InfoNCE has
    their *sum*, each with about 1/(2N) beside a positive of weight 1. That loss is far weaker, is done as soon as the
    positive beats the average negative, and changes with the batch size. With 64 records at T = 0.07, random unit
    vectors of 256 dimensions give 5.29 for InfoNCE and 1.02 for its mean of negatives; once the two views have a
    cosine of 0.3 the gradient norms are 1.28 and 0.036. With equal risks the released loss is close to
    `info_nce_loss(negatives="mean")`; "masked" below has the scale of InfoNCE.

    **Three paths.**

    - "masked", our default: w = (number of negatives) x softmax of `sharpness` x D over the *negatives* alone, so
      that uniform weights are 1 and the loss is InfoNCE exactly. D is scaled over the known pairs of all processes. A
      pair with an unknown risk on either side gets the median of the known distances, neither near nor far, and takes
      no part in the alignment, its min-max included. With every risk unknown the loss and its gradient are InfoNCE's.
    - "paper": the published formula with its mask: D' = 0.8 D + 0.2 times exp(-m_i m_j), D min-max scaled with the
      diagonal; S = 1 - D' and w = softmax(D') over all 2N views; L = (L_nce + L_align) / 2. An unknown risk enters as
      0 with m = 1. The mask acts only where *both* miss something, and then draws them together: a pair of an unknown
      and a fully known patient keeps the distance that the 0 gave it. (That is why it is not our default.)
    - "compat_released_code": the same with the released numerical constants (1e-6 in both ranges, 1e-8 in the
      denominator). The released training never passes the mask (`use_mask = False` in its code), so leave
      `missing_rate` out to train as it did; unknown risks are then 0 as well, the lowest risk of all.

    **Two things that the published form cannot do** (docs/results/clef.md has the figures), for "masked" alone.

    - The weights. Squared risks divided by the largest are nearly all alike: the logarithms of the weights have a
      standard deviation of about 0.1 in a row, where the logits at T = 0.07 have 2 to 4, and hardness decides alone.
      `sharpness=WeightSpread(1.0)` gives the logarithms, row by row, a stated share of the logits' deviation, and
      `WeightSpread(0.5, "absolute")` a stated deviation.
    - The alignment. The gradient towards S is nearly that towards the constant mean of S: it draws all pairs together.
      `alignment="centred"` takes the mean over pairs of different records from both sides, "correlation" asks for
      Pearson's correlation of the two, 1 - r, so that neither level nor scale of S says anything.

    **The missing rate** m is the share of a patient's risk inputs that were filled (`hf_ecg.clinical.score2_risk`);
    the risk itself must be NaN where it is unknown. In "masked" a pair's certainty is exp(-m_i m_j): its distance
    shrinks that far towards the median, and it counts that much in the alignment. Where all risks come from the same
    few inputs (age and sex alone, say), their equal m only flattens the weights: leave it out.

    **One outlier.** Squared distances are scaled by the largest one: a single extreme risk makes all others look
    alike. `distance="rank"` takes the difference of ranks in the batch instead.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record. Risks in any unit; only differences count.
    **Relations**: `sharpness=0, alignment_weight=0` is `info_nce_loss`. Equal risks give weights of 1, while the
    alignment still draws all pairs to S = 0.8. A batch with fewer than two known risks has no alignment. The
    arithmetic is float32 or better whatever the inputs and autocast; no gradient flows to the risks.

    Args:
        first_embeds: (batch, dimensions), unit length.
        second_embeds: (batch, dimensions), unit length.
        temperature: scalar T.
        risk: (batch,), NaN or infinite where unknown; in "masked" also (batch, columns), such as age and sex: D is the
            mean of the columns' distances, and a record is known where all of its columns are.
        missing_rate: (batch,) in [0, 1], NaN taken as 1; None for 0.
        path: "masked", "paper" or "compat_released_code".
        distance: "squared" or "rank"; the published paths know only "squared".
        sharpness: factor of D in the softmax of "masked", published 0.8 (weights differ by up to e^0.8 = 2.2), or a
            `WeightSpread`.
        alignment: "published", "centred" or "correlation".
        alignment_weight: factor of L_align in "masked".
        gather: `gather_with_gradient` to use the records and risks of every process.

    Returns:
        Scalar: a mean over local anchors, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, an unknown option or one that the path does not have, missing rates
            outside [0, 1], a single record; when gathering, processes with different numbers of rows.

    Source:
        CLEF, arXiv 2512.02180; Nokia-Bell-Labs/ecg-foundation-model, clef/lightning/lightning_contrastive.py.

    Example:
        >>> import torch
        >>> from torch.nn.functional import normalize
        >>> from hf_ecg.losses import info_nce_loss, risk_weighted_contrastive_loss
        >>> first, second = normalize(torch.randn(2, 4, 16), dim=-1)  # two views of four records
        >>> risk = torch.tensor([0.02, 0.05, float("nan"), 0.31])  # the third one's is unknown
        >>> loss = risk_weighted_contrastive_loss(first, second, risk=risk)
        >>> unknown = risk_weighted_contrastive_loss(first, second, risk=torch.full((4,), float("nan")))
        >>> torch.allclose(unknown, info_nce_loss(first, second))
        True
    """
    check_views(first_embeds, second_embeds, temperature)
    check_options(path, distance, sharpness, alignment, alignment_weight)
    _check_risk(first_embeds, risk, missing_rate, several=path == "masked")
    with without_autocast(first_embeds):
        first_embeds, second_embeds, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        pairs = view_pairs(first_embeds, second_embeds, gather)
        risk, missing_rate = _all_risks(first_embeds, risk, missing_rate, gather)
        terms = risk_terms(pairs, temperature, risk, missing_rate, path=path, distance=distance, sharpness=sharpness)
        if path != MASKED:
            return _published(pairs, temperature, terms, released=path == RELEASED)
        loss = contrast(pairs, temperature, terms.log_weights)
        if not alignment_weight:
            return loss
        return loss + alignment_weight * _known_alignment(pairs, terms, alignment)


def _known_alignment(pairs: ViewPairs, terms: RiskTerms, form: str) -> torch.Tensor:
    same = torch.eye(len(terms.target), dtype=torch.bool, device=terms.target.device)
    # without a pair of known risks there is nothing to align: every pair counts instead, and then for nothing
    known = (terms.certainty.masked_fill(same, 0) > 0).any()
    counted = torch.where(known, terms.certainty, torch.ones_like(terms.certainty))
    error = FORMS[form](pairs, terms.target, counted)
    return torch.where(known, error, torch.zeros_like(error))


def _published(pairs: ViewPairs, temperature: torch.Tensor, terms: RiskTerms, released: bool) -> torch.Tensor:
    loss = contrast(pairs, temperature, terms.log_weights, added=1e-8 if released else 0)
    aligned = published_alignment(pairs, terms.target, terms.certainty, added=1e-6 if released else 0)
    return (loss + aligned) / 2


def _all_risks(embeds, risk, missing_rate, gather):
    """Risks and missing rates of every process, in the arithmetic of the embeddings and without gradient."""
    values = [risk[:, None] if risk.ndim == 1 else risk]
    if missing_rate is not None:
        values.append(missing_rate.nan_to_num(nan=1.0)[:, None])
    joined = torch.cat([value.detach().to(embeds) for value in values], dim=1)
    joined = joined if gather is None else gather(joined)
    columns = values[0].shape[1]
    return joined[:, :columns], None if missing_rate is None else joined[:, columns]


def _check_risk(
    embeds: torch.Tensor, risk: torch.Tensor, missing_rate: torch.Tensor | None, several: bool = False
) -> None:
    columns = risk[:, 0] if several and risk.ndim == 2 and risk.shape[1] else risk
    for name, values in (("risk", columns), ("missing_rate", missing_rate)):
        if values is not None and values.shape != embeds.shape[:1]:
            raise ValueError(f"{name} has the shape {tuple(values.shape)}, wanted ({len(embeds)},): one a record")
    # a compiled graph cannot look at values
    if missing_rate is None or torch.compiler.is_compiling():
        return
    if bool(((missing_rate < 0) | (missing_rate > 1)).any()):
        raise ValueError(
            f"missing_rate holds {missing_rate.amin().item():g} to {missing_rate.amax().item():g}, wanted shares from"
            " 0 to 1"
        )


def check_options(
    path: str,
    distance: str,
    sharpness: float | WeightSpread,
    alignment: str = "published",
    alignment_weight: float = 1.0,
) -> None:
    """Refuse options that `risk_weighted_contrastive_loss` does not have, or not on this path.

    Raises:
        ValueError: naming the option.
    """
    names = [("path", path, PATHS), ("distance", distance, DISTANCES), ("alignment", alignment, tuple(FORMS))]
    numbers = [("alignment_weight", alignment_weight)]
    if isinstance(sharpness, WeightSpread):
        names.append(("the unit of sharpness", sharpness.unit, SPREAD_UNITS))
        numbers.append(("the spread in sharpness", sharpness.value))
    else:
        numbers.append(("sharpness", sharpness))
    for name, value, known in names:
        if value not in known:
            raise ValueError(f"{name} is {value!r}, wanted one of {known}")
    for name, number in numbers:
        if not 0 <= number < math.inf:
            raise ValueError(f"{name} is {number}, wanted a number of at least 0")
    found = (distance, sharpness, alignment, alignment_weight)
    if path != "masked" and found != ("squared", 0.8, "published", 1.0):
        raise ValueError(
            f"path {path!r} has squared distances, sharpness 0.8 and the published alignment of weight 1; distance"
            f" {distance!r}, sharpness {sharpness}, alignment {alignment!r} and alignment_weight {alignment_weight}"
            " need path 'masked'"
        )
