"""Which pairs (ECG i, text j) of a batch belong together, and which take no part: shared by the contrastive losses."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from .distributed import rank

IDENTICAL_TEXT = ("negative", "mask", "positive")
TEXT_WEIGHTING = ("row", "distinct")

Gather = Callable[[torch.Tensor], torch.Tensor]


class PairTargets(NamedTuple):
    """What each pair of a local row and one of all columns is.

    `positive` bool (rows, columns): the pair belongs together. `counted` bool (rows, columns): the pair takes part in
    the loss; None when all do. The own pairs, on the diagonal, are always positive and counted.
    """

    positive: torch.Tensor
    counted: torch.Tensor | None


def pair_targets(
    num_rows: int,
    num_columns: int,
    *,
    num_texts: int | None = None,
    text_ids: torch.Tensor | None = None,
    identical_text: str = "negative",
    true_text_ids: torch.Tensor | None = None,
    unknown_text_ids: torch.Tensor | None = None,
    gather: Gather | None = None,
    device: torch.device | None = None,
) -> PairTargets:
    """Targets of the local rows against the columns of all processes.

    Args:
        num_rows: local ECGs.
        num_columns: texts of all processes; this process's own ones stand at its rank.
        num_texts: local texts: the rows' own ones first, then texts that belong to no row; None = one a row.
        text_ids: integers (num_texts,), equal exactly where texts are equal.
        identical_text: what an off-diagonal pair with an equal text is: "negative" like any other (as published),
            "mask" left out, "positive".
        true_text_ids: integers (num_rows, k), ids of all texts known to be true of a row's ECG, any number repeated:
            with "mask" and "positive" these are treated as an equal text is.
        unknown_text_ids: integers (num_rows, m), ids of texts of which nobody knows whether they are true of a row's
            ECG, any number repeated: these pairs are left out, but those that are positive all the same.
        gather: brings `text_ids` of all processes together.
        device: of the result.

    Raises:
        ValueError: see `check_pairs`, or the own rows are not among the columns.
    """
    num_texts = num_rows if num_texts is None else num_texts
    start = rank() * num_texts
    if start + num_texts > num_columns:
        raise ValueError(
            f"gather returned {num_columns} rows, but rank {rank()} with {num_texts} rows needs {start + num_texts}"
        )
    rows = torch.arange(start, start + num_rows, device=device)
    diagonal = rows[:, None] == torch.arange(num_columns, device=device)
    if identical_text == "negative" and unknown_text_ids is None:
        return PairTargets(diagonal, None)
    option = "unknown_text_ids" if identical_text == "negative" else f"identical_text={identical_text!r}"
    text_ids = _needed(text_ids, option).to(diagonal.device)
    all_ids = text_ids if gather is None else gather(text_ids)
    if len(all_ids) != num_columns:
        raise ValueError(f"gather returned {len(all_ids)} text_ids and {num_columns} embeddings")
    positive, counted = diagonal, None
    if identical_text != "negative":
        same_text = text_ids[:num_rows, None] == all_ids
        if true_text_ids is not None:
            same_text = same_text | _named(true_text_ids.to(diagonal.device), all_ids)
        if identical_text == "mask":
            counted = diagonal | ~same_text
        else:
            positive = diagonal | same_text
    if unknown_text_ids is not None:
        known = positive | ~_named(unknown_text_ids.to(diagonal.device), all_ids)
        counted = known if counted is None else counted & known
    return PairTargets(positive, counted)


def cross_entropies(logits: torch.Tensor, targets: PairTargets) -> torch.Tensor:
    """Of each row, whose target is spread evenly over its positives: -1/|P| times the sum of their log probabilities.

    Args:
        logits: (rows, columns).
        targets: of the same pairs; those that do not count stand in no denominator.

    Returns:
        (rows,).
    """
    possible = logits if targets.counted is None else logits.masked_fill(~targets.counted, float("-inf"))
    positive = targets.positive.to(logits.dtype)
    expected = (positive * logits).sum(dim=1) / positive.sum(dim=1)
    return possible.logsumexp(dim=1) - expected


def _named(ids: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """bool (rows, columns): whether a column's id is among those of the row, given (rows, k) and (columns,)."""
    # by search: comparing all with all costs five times as much for a hundred texts that are true of each row
    distinct, inverse = columns.unique(return_inverse=True)
    places = torch.searchsorted(distinct, ids).clamp(max=len(distinct) - 1)
    places = torch.where(distinct[places] == ids, places, len(distinct))
    named = torch.zeros(len(ids), len(distinct) + 1, dtype=torch.bool, device=ids.device)
    return named.scatter_(1, places, True)[:, inverse]


def column_weights(
    num_columns: int,
    *,
    num_rows: int | None = None,
    text_ids: torch.Tensor | None = None,
    text_weighting: str = "row",
    text_kinds: torch.Tensor | None = None,
    kind_weights: Sequence[float] = (),
    gather: Gather | None = None,
) -> torch.Tensor | None:
    """How much each column (a text) counts; None when all count the same.

    Args:
        num_columns: texts of all processes.
        num_rows: local ECGs, whose own texts come first on each process; None = every text is one's own.
        text_ids: integers (local texts,), equal exactly where texts are equal.
        text_weighting: "row": every column counts 1. "distinct": every *distinct* text of the batch counts the same,
            however many rows carry it. The weights sum to the number of ECGs and of distinct extra texts: an extra
            text that several processes bring is no more than one. (Only with "mask" does a row's own pair weigh less
            when its text is also among the extra ones.)
        text_kinds: integers (local texts,), None = all of kind 0. Texts of kind 0 count as they would alone.
        kind_weights: what all texts of kind 1, 2 ... together count, relative to all of kind 0. Within a kind above 0
            every column counts the same. Left out, a kind counts 1.
        gather: brings `text_ids` and `text_kinds` of all processes together.

    Returns:
        (num_columns,) or None.
    """
    if text_weighting == "row" and text_kinds is None:
        return None
    if text_kinds is None:
        text_kinds = torch.zeros_like(_needed(text_ids, f"text_weighting={text_weighting!r}"))
    all_kinds = text_kinds if gather is None else gather(text_kinds)
    first = all_kinds == 0
    weights = first.double()
    if text_weighting != "row":
        text_ids = _needed(text_ids, f"text_weighting={text_weighting!r}")
        all_ids = text_ids if gather is None else gather(text_ids)
        extra = torch.arange(num_columns, device=all_ids.device) % len(text_ids) >= (num_rows or len(text_ids))
        weights[first] = _distinct_weights(all_ids[first], extra[first])
    counts = torch.bincount(all_kinds, minlength=len(kind_weights) + 1)
    shares = weights.new_ones(len(counts))
    shares[1 : len(kind_weights) + 1] = weights.new_tensor(kind_weights)
    return torch.where(first, weights, (shares * weights.sum() / counts)[all_kinds])


def _distinct_weights(ids: torch.Tensor, extra: torch.Tensor) -> torch.Tensor:
    """Weights by which every distinct text counts the same."""
    _, places, counts = ids.unique(return_inverse=True, return_counts=True)
    total = int((~extra).sum()) + len(ids[extra].unique())
    return total / (len(counts) * counts[places].double())


def check_pairs(
    ecg_embeds: torch.Tensor,
    text_embeds: torch.Tensor,
    text_ids: torch.Tensor | None = None,
    identical_text: str = "negative",
    true_text_ids: torch.Tensor | None = None,
    text_weighting: str = "row",
    unknown_text_ids: torch.Tensor | None = None,
    text_kinds: torch.Tensor | None = None,
    extra_texts: bool = False,
) -> None:
    """Refuse what no contrastive loss can work with.

    Args:
        extra_texts: after the rows' own texts there may be more, given `true_text_ids` and an `identical_text` that
            uses them: which ECGs such texts are true of is not known otherwise.

    Raises:
        ValueError: embeddings that are not two (rows, dimensions) tensors of one shape and device, with at least one
            row; extra texts where none may be; an unknown `identical_text` or `text_weighting`; `text_ids` that are
            missing where needed, or not one integer per text; `true_text_ids` or `unknown_text_ids` that are not
            integers (rows, k); `text_kinds` that are not one integer per text.
    """
    if text_weighting not in TEXT_WEIGHTING:
        raise ValueError(f"text_weighting is {text_weighting!r}, wanted one of {TEXT_WEIGHTING}")
    if text_weighting != "row":
        _needed(text_ids, f"text_weighting={text_weighting!r}")
    for name, ids in (("true_text_ids", true_text_ids), ("unknown_text_ids", unknown_text_ids)):
        if ids is not None and (ids.ndim != 2 or len(ids) != len(ecg_embeds) or ids.is_floating_point()):
            raise ValueError(
                f"{name} is {ids.dtype} of shape {tuple(ids.shape)}, wanted integers of shape ({len(ecg_embeds)}, k)"
            )
    for name, embeds in (("ecg_embeds", ecg_embeds), ("text_embeds", text_embeds)):
        if embeds.ndim != 2 or not embeds.is_floating_point():
            raise ValueError(
                f"{name} is {embeds.dtype} of shape {tuple(embeds.shape)}, wanted floats of shape (batch, dimensions)"
            )
    extra_texts = extra_texts and true_text_ids is not None and identical_text != "negative"
    paired = text_embeds[: len(ecg_embeds)] if extra_texts else text_embeds
    if ecg_embeds.shape != paired.shape:
        raise ValueError(
            f"ecg_embeds {tuple(ecg_embeds.shape)} and text_embeds {tuple(text_embeds.shape)} must have one shape:"
            " row i of both is one pair"
            + ("" if extra_texts else "; more texts need true_text_ids and identical_text 'mask' or 'positive'")
        )
    if not len(ecg_embeds):
        raise ValueError("ecg_embeds and text_embeds have no rows")
    if identical_text not in IDENTICAL_TEXT:
        raise ValueError(f"identical_text is {identical_text!r}, wanted one of {IDENTICAL_TEXT}")
    if identical_text != "negative":
        _needed(text_ids, f"identical_text={identical_text!r}")
    for name, ids in (("text_ids", text_ids), ("text_kinds", text_kinds)):
        if ids is not None and (ids.shape != (len(text_embeds),) or ids.is_floating_point()):
            raise ValueError(
                f"{name} is {ids.dtype} of shape {tuple(ids.shape)}, wanted integers of shape ({len(text_embeds)},)"
            )


def _needed(text_ids: torch.Tensor | None, option: str) -> torch.Tensor:
    if text_ids is None:
        raise ValueError(f"{option} needs text_ids: which texts of the batch are equal")
    return text_ids


def in_full_precision(first: torch.Tensor, *others: torch.Tensor | float) -> list[torch.Tensor]:
    """The tensors on the first one's device, in one floating type of at least float32.

    Logits of -10 and sums over thousands of pairs do not survive the 8 bits of bfloat16.
    """
    dtype, tensors = torch.float32, (first, *others)
    for tensor in tensors:
        if isinstance(tensor, torch.Tensor):
            dtype = torch.promote_types(dtype, tensor.dtype)
    return [torch.as_tensor(tensor, dtype=dtype, device=first.device) for tensor in tensors]


def without_autocast(tensor: torch.Tensor) -> torch.autocast:
    """Context in which matrix products keep the type of their operands."""
    return torch.autocast(tensor.device.type, enabled=False)
