"""A check of explanations: weights that have learned nothing must give another picture."""

from collections.abc import Mapping, Sequence

import numpy as np

from .explained_record import explained_record
from .explaining import GRADIENTS, explain_score, question
from .explanation import Explanation

# An explanation that still ranks the parts of a record alike shows the record, and not what the model learned.
LARGEST_CORRELATION = 0.5
# Parts that are ranked: shorter than a wave, longer than the model's samples.
PART_S = 0.04


def weights_matter(
    ecg,
    model="ecg-text-small",
    *,
    class_name: str | None = None,
    text: str | None = None,
    method: str = GRADIENTS,
    covariates: Mapping | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    **of_record,
) -> dict:
    """Explains the same record by the model and by ones whose weights are drawn anew, and compares the pictures.

    Args:
        ecg, model, class_name, text, method, covariates, of_record: see `explain`.
        seeds: one for each model that has learned nothing.

    Returns:
        `correlations`, Spearman's of the parts (40 ms of a lead; by occlusion a beat of a lead) with those of each
        random model; `largest`, of their absolute values; `bound`; `passed`, whether it is below.

    Raises:
        ValueError, OSError: see `explain`.

    Source: Adebayo et al. 2018, "Sanity checks for saliency maps", section 3.1.

    Example:
        >>> from hf_ecg.explanation import weights_matter
        >>> weights_matter("record.hea", "ecg-text-small", text="atrial fibrillation", seeds=[0])["passed"]
        True
    """
    from scipy.stats import spearmanr

    score = question(model, class_name=class_name, text=text, covariates=covariates)
    record = explained_record(ecg, score.extractor, score.model, **of_record)
    trained = parts(explain_score(score, record, method))
    found = []
    for seed in seeds:
        drawn = parts(explain_score(score.with_random_weights(seed), record, method))
        correlation = float(spearmanr(trained, drawn).statistic)
        # a picture without differences says nothing, and so nothing of the model
        found.append(1.0 if np.isnan(correlation) else correlation)
    largest = max(map(abs, found))
    return {
        "method": method,
        "correlations": found,
        "largest": largest,
        "bound": LARGEST_CORRELATION,
        "passed": largest < LARGEST_CORRELATION,
    }


def parts(found: Explanation) -> np.ndarray:
    """One number a part, of all leads: sums over `PART_S`, or by occlusion over beats."""
    rate, length = found.record.sampling_rate, found.values.shape[1]
    if found.method == "occlusion":
        start = found.beats[:, 0] - found.beats[0, 0]
        edges = np.unique(np.clip(np.rint(start * rate).astype(int), 0, length - 1))
    else:
        edges = np.arange(0, length, max(1, round(PART_S * rate)))
    return np.add.reduceat(found.values, edges, axis=1).ravel()
