"""Figures of written reports beside the true ones: overlap of words, length, and statements named."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...clinical.report_statements import codes_of_report
from .text_overlap import LONGEST, bleu, bleu_counts, rouge_l


@dataclass(frozen=True)
class ReportCounts:
    """What the figures of written reports are made of, for each record.

    Args:
        overlap: (records, 10), see `bleu_counts`.
        rouge: (records,).
        statements: (records, 3): those that the true report makes, that the written one makes, and that both make. All
            zero where the true report makes none that our reader knows: nobody can tell then whether a named one is
            true.
    """

    overlap: np.ndarray
    rouge: np.ndarray
    statements: np.ndarray

    @property
    def read(self) -> int:
        """Records whose true report makes a statement."""
        return int((self.statements[:, 0] > 0).sum())


def count_reports(written: Sequence[str], references: Sequence[str]) -> ReportCounts:
    """Counts of written reports beside the true ones.

    Statements are read by `codes_of_report`, in English, German and Swedish, so that the two may differ in language.

    Args:
        written, references: a text for each record.

    Raises:
        ValueError: another number of texts than of references.
    """
    overlap, rouge = bleu_counts(written, references), rouge_l(written, references)
    statements = []
    for one, other in zip(written, references, strict=True):
        named, true = set(codes_of_report(one)), set(codes_of_report(other))
        statements.append([len(true), len(named), len(named & true)] if true else [0, 0, 0])
    return ReportCounts(overlap, rouge, np.array(statements, dtype=np.float64).reshape(-1, 3))


def report_figures(counts: ReportCounts, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of a corpus, for `bootstrap_figures`.

    Args:
        counts: of the records.
        weights: (replicates, records), how often each counts.

    Returns:
        float64 (replicates,) each: "true_named", the share of the true reports' statements that are named;
        "named_true", the share of the named statements that are true; "statements_f1" of these two (NaN where there
        are none to take a share of); "bleu_1" to "bleu_4"; "rouge_l", the mean over records; "words", the mean number
        that is written.

    Example:
        >>> import numpy as np
        >>> counts = count_reports(["sinus rhythm. left bundle branch block"], ["sinus rhythm. normal ECG"])
        >>> figures = report_figures(counts, np.ones((1, 1)))
        >>> figures["true_named"].tolist(), figures["named_true"].tolist(), figures["words"].tolist()
        ([0.5], [0.5], [6.0])
    """
    overlap, (true, named, both) = weights @ counts.overlap, (weights @ counts.statements).T
    records = weights.sum(axis=1)
    found = {"true_named": _share(both, true), "named_true": _share(both, named)}
    found["statements_f1"] = _share(2 * both, true + named)
    found |= {f"bleu_{number + 1}": values for number, values in enumerate(bleu(overlap).T[:LONGEST])}
    return found | {"rouge_l": weights @ counts.rouge / records, "words": overlap[:, -2] / records}


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
