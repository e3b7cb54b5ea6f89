"""The threshold of a detector, chosen on validation rows of a labelled corpus; the rows that judge have no part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...data.corpus import label_matrix, load_corpus
from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ...processing.inputs import read_row
from ...signals.record import Record
from ...signals.window import DROP, window_spans
from ..metrics.classification import weighted_ranking_metrics
from .model_detector import AF_LABELS, NOISE_LABELS
from .window_quality import JudgedWindow, judge_windows


@dataclass(frozen=True)
class LabelledWindow:
    """A window of a corpus's row; `patient` is whose it is, `noisy` whether the corpus calls it so."""

    window: JudgedWindow
    is_af: bool
    noisy: bool
    patient: str


def labelled_windows(
    path, folds: Sequence[int], window_seconds: float, config: str | None = None
) -> Iterator[LabelledWindow]:
    """The windows of the rows of a prepared corpus that are annotated for AF.

    A row gives windows side by side; one that is shorter than a window is one. A row of a class for noise has no
    rhythm: it is given too, as `noisy`.

    Args:
        path, config, folds: see `load_corpus`.
        window_seconds: of a window.

    Raises:
        ValueError: no label set with a class for AF; see `load_corpus`.
        OSError: it is not there.
    """
    rows = load_corpus(path, config, folds)
    label_set, classes, column = _af_class(rows, path)
    matrix, annotated = label_matrix(rows, label_set)
    noise = [place for place, name in enumerate(classes) if name in NOISE_LABELS]
    signals = RowDataset(rows, SIGNAL_COLUMNS)
    patients = rows.select_columns("patient_id")["patient_id"][:]
    for number in np.flatnonzero(annotated).tolist():
        row = signals[number]
        found = read_row(row, str(row["record_id"]))
        record = Record(
            str(row["record_id"]), found.values, found.gain, found.baseline, found.leads, found.sampling_rate
        )
        spans = window_spans(record.num_samples, round(window_seconds * record.sampling_rate), rest=DROP)
        for window in judge_windows([record.cut(*span) for span in spans]):
            is_af, noisy = bool(matrix[number, column]), bool(matrix[number, noise].any())
            yield LabelledWindow(window, is_af, noisy, patients[number])


def _af_class(rows, path) -> tuple[str, list[str], int]:
    """Label set, its classes, and the place of AF among them."""
    for name, feature in rows.features.items():
        classes = getattr(getattr(feature, "feature", None), "names", None)
        for known in AF_LABELS if classes else ():
            if known in classes:
                return name, list(classes), classes.index(known)
    raise ValueError(f"{path} has no label set with a class for AF ({', '.join(AF_LABELS[:3])})")


def validation_threshold(detector, path, folds: Sequence[int], window_seconds: float) -> tuple[float, dict]:
    """The threshold of a detector by `choose_threshold`, and what it gives on the same rows.

    Args:
        detector: see `burden_run.Detector`.
        path, folds, window_seconds: see `labelled_windows`; rows that the corpus calls noisy have no part.

    Raises:
        ValueError: see `labelled_windows` and `choose_threshold`.
        OSError: the corpus is not there.
    """
    kept = [one for one in labelled_windows(path, folds, window_seconds) if not one.window.reason and not one.noisy]
    scores = np.array([score for score, _ in detector.score([one.window for one in kept])])
    is_af = np.array([one.is_af for one in kept])[np.isfinite(scores)]
    scores = scores[np.isfinite(scores)]
    threshold = choose_threshold(scores, is_af)
    found = scores >= threshold
    auroc, _ = weighted_ranking_metrics(is_af, scores, np.ones((1, len(scores))))
    return threshold, {
        "windows": len(is_af),
        "af": int(is_af.sum()),
        "auroc": float(auroc[0]),
        "sensitivity": float(found[is_af].mean()),
        "specificity": float((~found[~is_af]).mean()),
    }


def choose_threshold(scores: np.ndarray, is_af: np.ndarray) -> float:
    """The threshold with the largest sum of sensitivity and specificity (Youden), in the middle of its gap.

    A burden errs by both, in proportion to what the recording holds, which is not known: so neither weighs more.

    Args:
        scores: (windows,) finite.
        is_af: bool (windows,).

    Raises:
        ValueError: one class alone.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.af_burden.validation import choose_threshold
        >>> choose_threshold(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True]))
        0.4
    """
    scores, is_af = np.asarray(scores, float), np.asarray(is_af, bool)
    if is_af.all() or not is_af.any():
        raise ValueError(f"{len(is_af)} validation windows of one class, wanted AF and others")
    order = np.argsort(scores, kind="stable")
    scores, is_af = scores[order], is_af[order]
    # of a threshold behind the how many-th score
    missed, passed = np.cumsum(is_af) / is_af.sum(), np.cumsum(~is_af) / (~is_af).sum()
    gain = passed - missed
    gain[:-1][scores[1:] == scores[:-1]] = -np.inf
    best = int(np.argmax(gain[:-1]))
    return float((scores[best] + scores[best + 1]) / 2)
