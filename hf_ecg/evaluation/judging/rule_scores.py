"""The rules of waveform features as a classifier that no model and no label has part in: what a model must add to."""

from collections.abc import Iterable, Mapping, Sequence

import datasets
import numpy as np
from scipy.stats import rankdata

from ...clinical.descriptions import describe
from ...clinical.feature_rules import feature_margins
from ...clinical.prompts import PromptSet
from ...data.corpus_card import read_summary
from ...data.feature_texts import MOST_COMMON, RAREST
from ...data.measured_rows import MEASUREMENT_NAMES_FACT, MEASUREMENTS, measured_rows
from .label_text import combine_statements, weighted_mean

# A feature that fewer of the judged records decide is not asked for: nearly all of them would be in the middle.
MINIMUM_DECIDED = 0.3


def described_features(prompt_sets: Iterable[PromptSet]) -> list[str]:
    """Features that tell the statements of the classes of some prompt sets, each once.

    Raises:
        ValueError: no class has any.
    """
    prompt_sets = list(prompt_sets)
    codes = [code for one in prompt_sets for name in one.classes for code in one.codes(name)]
    found = list(dict.fromkeys(text for description in describe(codes) for text, _ in description.features))
    if not found:
        raise ValueError(
            f"the table of waveform features tells of no class of {', '.join(one.name for one in prompt_sets)}: there"
            " are no rules to ask; `statements` of a prompt set says which SCP statements its classes are"
        )
    return found


def corpus_margins(
    dataset: datasets.Dataset, features: Sequence[str], data=None, progress: bool = True
) -> dict[str, np.ndarray]:
    """How far each record's numbers lie on the side of each feature: feature -> float64 (rows,), NaN where undecided.

    Args:
        dataset: rows of a corpus.
        features: of the table.
        data: the corpus, whose summary says what its column `measurements` holds; None measures the signals.
        progress: show a progress bar where signals are measured.
    """
    held = data is not None and MEASUREMENTS in dataset.column_names
    names = read_summary(data).get(MEASUREMENT_NAMES_FACT) if held else None
    margins = feature_margins(measured_rows(dataset, progress=progress, names=names), features)
    return dict(zip(features, margins.T, strict=True))


def percentile_ranks(values: np.ndarray) -> np.ndarray:
    """Place of each value among those that are not NaN, between 0 and 1; NaN is in the middle.

    Args:
        values: (rows,).

    Example:
        >>> percentile_ranks(np.array([3.0, np.nan, 1.0])).tolist()
        [0.75, 0.5, 0.25]
    """
    ranks, known = np.full(len(values), 0.5), np.isfinite(values)
    if known.any():
        ranks[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return ranks


def feature_shares(margins: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Share of the decided rows that the rules find each feature in, of at least 0.5 and at most 99.5 percent.

    Args:
        margins: feature -> (rows,), see `corpus_margins`. A feature that the rules decide nowhere is left out.

    Example:
        >>> feature_shares({"long PR": np.array([0.2, -1.0, -2.0, np.nan, -0.1])})
        {'long PR': 0.25}
    """
    decided = {text: values[np.isfinite(values)] for text, values in margins.items()}
    shares = {text: float((values > 0).mean()) for text, values in decided.items() if len(values)}
    return {text: min(max(share, RAREST), MOST_COMMON) for text, share in shares.items()}


def rule_scores(
    margins: Mapping[str, np.ndarray], prompt_set: PromptSet, shares: Mapping[str, float] | None = None
) -> tuple[np.ndarray, dict[str, list[str]]]:
    """Scores of the classes by the rules alone.

    For each statement of a class the weighted mean of its features' percentile ranks among these rows, combined as
    the descriptions of a model are; 0.5 for a class of which the rules decide nothing.

    Args:
        margins: feature -> (rows,), of the judged rows, see `corpus_margins`.
        prompt_set: whose classes are asked for.
        shares: feature -> share of records that have it: rare features weigh more, see `Description.by_rarity`.

    Returns:
        float64 (rows, classes); class -> features that are asked for, none where the rules decide nothing.
    """
    ranks = {
        text: percentile_ranks(values)
        for text, values in margins.items()
        if np.isfinite(values).mean() > MINIMUM_DECIDED
    }
    rows = len(next(iter(margins.values()), ()))
    scores, used = [], {}
    for name in prompt_set.classes:
        told = [one.only(ranks) for one in describe(prompt_set.codes(name))]
        told = [one for one in told if one.features]
        used[name] = list(dict.fromkeys(text for one in told for text, _ in one.features))
        means = [weighted_mean(ranks, one if shares is None else one.by_rarity(shares)) for one in told]
        scores.append(combine_statements(means) if told else np.full(rows, 0.5))
    return np.stack(scores, axis=1), used
