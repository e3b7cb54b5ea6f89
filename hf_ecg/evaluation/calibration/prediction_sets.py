"""Sets that hold the truth as often as was asked for, and the answers that are better left out.

Split-conformal: thresholds come from rows that the weights have not seen, and a new record that is drawn as these were
is covered with the chosen probability, whatever the model (Vovk et al., 2005; Sadinle et al., JASA 2019, arXiv
1609.00451). It holds on average over records, not for each patient, and not where patients differ from the rows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

# by which chance the error among the given answers may be above the chosen risk
DOUBT = 0.05
STEPS = 20
# A sequence that starts at rows where one error already ends it would nearly always end there.
ERRORS_AT_START = 2


def set_threshold(true_scores, coverage: float) -> float | None:
    """The score from which a class is in the set.

    Args:
        true_scores: (rows,), scores of the true class: of one class, of the rows that have it.
        coverage: the least probability that the true class of a new record is in the set, such as 0.9.

    Returns:
        None where there are too few rows to leave any class out: the class is then always in the set.

    Raises:
        ValueError: a coverage outside of 0 to 1, or scores that are NaN.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.calibration.prediction_sets import set_threshold
        >>> set_threshold(np.arange(1, 20), 0.9), set_threshold([1.0, 2.0], 0.9)
        (2.0, None)
    """
    scores = np.sort(np.asarray(true_scores, dtype=np.float64))
    check_share("coverage", coverage)
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
    # (n + 1) * (1 - 0.9) is 1.9999999999999996 of 19 rows
    left_out = min(int(np.floor((len(scores) + 1) * (1 - coverage) + 1e-9)), len(scores))
    return float(scores[left_out - 1]) if left_out else None


@dataclass(frozen=True)
class Answering:
    """From which confidence on answers are given.

    Args:
        threshold: least confidence; None: nothing shows that the risk is kept, and no answer is given.
        answered: share of the rows it was chosen on that are answered.
        errors: share of wrong ones among these; None where there are none.
    """

    threshold: float | None
    answered: float = 0.0
    errors: float | None = None


def answer_threshold(confidence, wrong, risk: float) -> Answering:
    """The lowest confidence at which the error among the given answers is shown to be at most `risk`.

    From the surest rows to all of them, in 20 steps: the upper bound of the error (Clopper and Pearson, 95 %) is
    compared with the risk, until it is first above. So the bound holds for what is chosen (fixed sequence testing,
    Angelopoulos et al., arXiv 2110.01052).

    Args:
        confidence: (rows,), probability of the answer.
        wrong: bool (rows,), whether it is wrong.
        risk: the share of wrong answers that is allowed, such as 0.05.

    Raises:
        ValueError: a risk outside of 0 to 1, or shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.calibration.prediction_sets import answer_threshold
        >>> confidence = np.linspace(1, 0.5, 400)
        >>> found = answer_threshold(confidence, np.arange(400) >= 200, risk=0.1)  # wrong below 0.75
        >>> 0.7 < found.threshold < 0.78
        True
    """
    confidence, wrong = np.asarray(confidence, dtype=np.float64), np.asarray(wrong, dtype=bool)
    check_share("risk", risk)
    if confidence.ndim != 1 or confidence.shape != wrong.shape or np.isnan(confidence).any():
        raise ValueError(f"confidence has shape {confidence.shape}, wrong {wrong.shape}, wanted (rows,) without NaN")
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, errors = confidence[order], np.cumsum(wrong[order])
    rows = np.arange(1, len(order) + 1)
    passing = _upper_bound(np.full(len(rows), ERRORS_AT_START), rows) <= risk
    if not passing.any():
        return Answering(None)
    best = Answering(None)
    for number in np.unique(np.linspace(rows[passing][0], len(rows), STEPS).round().astype(int)):
        threshold = sorted_confidence[number - 1]
        # rows of the same confidence are answered together
        count = int((confidence >= threshold).sum())
        found = int(errors[count - 1])
        if _upper_bound(np.array([found]), np.array([count]))[0] > risk:
            break
        best = Answering(float(threshold), count / len(rows), found / count)
    return best


def check_share(name: str, value: float) -> None:
    """Raises ValueError for what is not between 0 and 1."""
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError(f"{name} is {value!r}, wanted a share between 0 and 1")


def _upper_bound(errors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.where(errors >= rows, 1.0, beta.ppf(1 - DOUBT, errors + 1, np.maximum(rows - errors, 1e-9)))
