"""A prepared corpus with what its signals measure, and the waveform features that follow from it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from huggingface_hub import DatasetCard

from ..clinical.waveform_features import FEATURE_TEXTS, features_without
from ..cores import default_processes
from ..files import values_digest
from ..locks import output_lock
from ..owned_folders import claim
from .builder import Corpus, check_output, prepare_corpus
from .corpus_card import CorpusCard
from .extended_corpus import extended_corpus, old_words, open_corpus
from .feature_truth import MEASURED, feature_states, truth_columns, truth_facts, truth_features, truth_notes
from .measured_rows import MEASUREMENTS, measured_values, measurement_store
from .rows import rows_fingerprint


@dataclass(frozen=True)
class TruthOfRows:
    """Columns of `feature_truth` by the number of a row; see `truth_columns`.

    Args:
        states: int8 (rows, features).
        values: float64 (rows, `MEASUREMENT_NAMES`), or None.
        names: the features' texts.
    """

    states: np.ndarray
    values: np.ndarray | None
    names: Sequence[str]

    def __call__(self, number: int, row: dict) -> dict:
        return truth_columns(self.states[number], None if self.values is None else self.values[number], self.names)


def prepare_measured(
    path,
    output_dir,
    config: str | None = None,
    num_proc: int | None = None,
    overwrite: bool = False,
    measurements=None,
    progress: bool = True,
) -> dict:
    """Writes `measured_corpus`; killed at any moment, the same call goes on.

    Args:
        path, config: as of `measured_corpus`.
        output_dir: folder to make.
        num_proc: processes that measure and write; None takes one a core, eight at most.
        overwrite: replace a corpus that is there.
        measurements: folder that keeps what is measured, for corpora of the same signals; None keeps it until the
            corpus is written.
        progress: show progress bars.

    Returns:
        The summary.

    Raises:
        ValueError: the corpus has these columns already.
        OSError: `output_dir` is there, or the corpus cannot be read.
    """
    output_dir = Path(output_dir).absolute()
    num_proc = default_processes(num_proc)
    with output_lock(output_dir):
        check_output(output_dir, overwrite, [path])
        work = output_dir.with_name(f".{output_dir.name}.measurement")
        claim(work, "measurement in the making")
        corpus = measured_corpus(path, config, num_proc, measurements or work / MEASUREMENTS, progress)
        summary = prepare_corpus(corpus, output_dir, num_proc, overwrite=overwrite, progress=progress)
        shutil.rmtree(work, ignore_errors=True)
    return summary


def measured_corpus(path, config: str | None = None, num_proc: int = 1, kept_in=None, progress: bool = True) -> Corpus:
    """The corpus to write: the same rows, at any rate and with any leads, and three columns that need no labels.

    `measurements` are the numbers of `signals.delineation.MEASUREMENT_NAMES`. `true_features` and `false_features` are
    label sets whose classes are the texts of the table of waveform features, less those that state what the corpus
    holds out of its texts; a feature in neither is undecided, as all are that need a lead which is not there.

    Args:
        path: prepared corpus, a folder or a Hub id.
        config: its configuration; may be left out when there is one.
        num_proc: processes that measure.
        kept_in: folder that keeps what is measured; a corpus with the same signals finds it there.
        progress: show a progress bar.

    Raises:
        ValueError: the corpus has these columns already.
        OSError: it cannot be read.
    """
    opened = open_corpus(path, config, keep_unusable=True)
    names = features_without(opened.hold_out)
    left_out = sorted(set(FEATURE_TEXTS) - set(names))
    added = truth_features(names)
    taken = sorted(set(added) & set(opened.rows.column_names))
    if taken:
        raise ValueError(f"{path} has the columns {taken} already")
    values = measured_values(opened.rows, num_proc, measurement_store(kept_in, opened.rows), progress)
    states = feature_states(values, names)
    facts = truth_facts(states, names, left_out, [MEASURED])
    fingerprint = values_digest([values, states, list(names)]) + rows_fingerprint(
        opened.rows, opened.rows.column_names
    )
    card = partial(_card, tuple(opened.summary.get("classes", ())))
    return extended_corpus(opened, added, TruthOfRows(states, values, names), facts, card, fingerprint)


def _card(label_sets: Sequence[str], old: DatasetCard, summary: dict) -> CorpusCard:
    words = old_words(old, summary)
    return CorpusCard(
        **words | {"title": f"{words['title']}, measured"},
        script="hf-ecg prepare measurements",
        label_sets=[name for name in label_sets if name in summary["classes"]],
        notes=truth_notes(summary),
    )
