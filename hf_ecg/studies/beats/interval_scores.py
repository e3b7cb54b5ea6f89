"""What the intervals around a beat say of its class by themselves, and how that joins a network's answer.

A network that sees waveform and intervals together learns its patients' few supraventricular beats by their waveforms,
and leaves the intervals unused. *inferred*, our own: boosted trees see the intervals alone, and both answers are
multiplied, as if they were independent given the class (naive Bayes).
"""

from pathlib import Path

import numpy as np

from ...data.corpus import label_matrix, load_corpus, target_matrix
from ...data.readers.mit_bih_beats import AAMI, AAMI_SET, COVARIATES

# of a class that no tree has seen
_LEAST = 1e-6


def interval_log_ratios(corpus: Path, splits: tuple[str, ...], seed: int = 0) -> dict[str, np.ndarray]:
    """How much the intervals speak for each class, by boosted trees on the training rows of a corpus of beats.

    Args:
        corpus: folder of beats.
        splits: those whose rows are asked about.
        seed: of the trees.

    Returns:
        Split -> float64 `(rows, classes)`: the logarithm of a class's probability given the intervals, less that of
        its share of the training rows.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = load_corpus(corpus, split="train")
    labels = label_matrix(rows, AAMI_SET)[0].argmax(axis=1)
    trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, learning_rate=0.1, random_state=seed)
    trees.fit(target_matrix(rows, COVARIATES), labels)
    shares = np.log(class_shares(corpus))
    return {split: _told(trees, load_corpus(corpus, split=split)) - shares for split in splits}


def class_shares(corpus: Path) -> np.ndarray:
    """Of each AAMI class in the training rows, float64 `(classes,)`; a millionth where there is none."""
    shares = label_matrix(load_corpus(corpus, split="train"), AAMI_SET)[0].mean(axis=0, dtype=np.float64)
    return np.maximum(shares, _LEAST)


def _told(trees, rows) -> np.ndarray:
    found = np.full((len(rows), len(AAMI)), np.log(_LEAST))
    found[:, trees.classes_] = np.log(trees.predict_proba(target_matrix(rows, COVARIATES)) + _LEAST)
    return found
