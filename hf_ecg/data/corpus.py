"""Prepared corpora as `datasets` rows: by folds, with label matrices by class name."""

import re
from collections.abc import Iterable, Sequence

import datasets
import numpy as np
import pyarrow.compute
from datasets import Dataset
from datasets.exceptions import DatasetGenerationError
from transformers.utils import logging

from ..cards import CARD_NAME
from ..checks import nearest
from .corpus_card import SUMMARY_NAME, read_summary
from .corpus_files import card_configs, corpus_folder, pick_config, split_files
from .schema import UNUSABLE
from .shard_checks import check_shards

logger = logging.get_logger(__name__)


def load_corpus(
    path,
    config: str | None = None,
    folds: Iterable[int] | None = None,
    split: str | None = None,
    verify: bool = False,
    keep_unusable: bool = False,
) -> Dataset:
    """All splits of a prepared corpus in one, or the rows of some folds.

    Rows that the preparation marked as unusable are left out, and the log says once how many.

    Args:
        path: folder that a script of `dataset_scripts/` wrote, or a Hub id.
        config: configuration; may be left out when there is one.
        folds: folds to keep; None keeps every row.
        split: the one to keep; None keeps all.
        verify: compute the digest of every shard, also of those that were whole when they were last read; see
            `shard_checks.check_shards`.
        keep_unusable: keep the marked rows too; an extractor refuses them.

    Raises:
        ValueError: several configurations and none named, an unknown one, an unknown split, folds without rows,
            folds of rows without `fold` or `patient_id`, a card that is damaged or names files outside of its folder,
            or a shard that is absent, damaged or not of this corpus.
        OSError: the folder is not there, or holds no prepared corpus.

    Example:
        >>> from hf_ecg.data.corpus import load_corpus
        >>> rows = load_corpus("corpus", folds=[9, 10])  # what a script of dataset_scripts/ wrote
        >>> sorted(set(rows["fold"]))
        [9, 10]
    """
    configs = card_configs(corpus_folder(path), path)
    config = pick_config(configs, config, path)
    splits = _splits(path, config, configs[config], verify)
    if split is not None:
        if split not in splits:
            raise ValueError(f"{path} has no split {split!r}, only {list(splits)}")
        splits = {split: splits[split]}
    rows = datasets.concatenate_datasets(list(splits.values()))
    if folds is not None:
        # folds hold patients apart; whose a record is would else be asked after hours
        require_columns(rows, ("fold", "patient_id"), f"{path} cannot be taken by folds: it")
    kept = np.ones(len(rows), dtype=bool) if folds is None else _in_folds(rows, folds, path)
    if UNUSABLE in rows.column_names and not keep_unusable:
        marked = [bool(reason) for reason in rows.select_columns([UNUSABLE]).with_format(None)[UNUSABLE][:]]
        number = int(np.sum(kept & marked))
        if number:
            logger.warning_once(
                "%d of %d rows of %s are left out: its preparation found them unusable (column %r)",
                *(number, int(kept.sum()), path, UNUSABLE),
            )
            kept &= ~np.array(marked)
    return rows if kept.all() else rows.select(np.flatnonzero(kept))


def _in_folds(rows: Dataset, folds: Iterable[int], path) -> np.ndarray:
    folds = sorted({int(fold) for fold in folds})
    column = np.asarray(rows.with_format("numpy", columns=["fold"])["fold"][:])
    absent = [fold for fold in folds if not (column == fold).any()]
    if absent:
        present = sorted({int(fold) for fold in column})
        raise ValueError(f"{path} has no rows in the folds {absent}; it has the folds {present}")
    return np.isin(column, folds)


def find_config(path, config: str | None = None) -> str:
    """The configuration of a prepared corpus that is meant: the one named, or the only one.

    Args:
        path, config: see `load_corpus`.

    Raises:
        ValueError: several configurations and none named, or an unknown one.
        OSError: the folder is not there, or holds no prepared corpus.
    """
    return pick_config(card_configs(corpus_folder(path), path), config, path)


def config_names(path) -> list[str]:
    """Configurations of a prepared corpus, folder or Hub id; raises as `find_config`."""
    return list(card_configs(corpus_folder(path), path))


def split_names(path, config: str) -> list[str]:
    """Splits of a configuration of a prepared corpus, in the order of its card; raises as `find_config`."""
    return list(card_configs(corpus_folder(path), path)[find_config(path, config)])


def _splits(path, config: str, patterns: dict[str, list[str]], verify: bool) -> datasets.DatasetDict:
    """What `datasets` reads of the card's files, once they are known to be inside the folder and whole."""
    wanted = [pattern for paths in patterns.values() for pattern in paths]
    folder = corpus_folder(path, (CARD_NAME, SUMMARY_NAME, *wanted))
    files = split_files(folder, patterns, path)
    summary = read_summary(folder) if (folder / SUMMARY_NAME).is_file() else {}
    digest = check_shards(folder, config, files, summary, path, verify)
    # The files alone, by path and time, and the digest of their content: by its card datasets would cache a folder
    # under its last name, where an earlier version has left no `dataset_info` in it.
    more = {} if digest is None else {"description": digest}
    names = {split: [str(file) for file in paths] for split, paths in files.items()}
    try:
        return datasets.load_dataset("parquet", data_files=names, **more)
    except DatasetGenerationError as error:
        cause = error.__cause__ or error
        if isinstance(cause, OSError):  # its disk is full
            raise OSError(f"{path} cannot be put into {datasets.config.HF_DATASETS_CACHE}: {cause}") from error
        raise ValueError(f"{path} cannot be read: {cause}") from error


def corpus_name(config: str | None) -> str | None:
    """Name of the corpus a configuration belongs to: `ptb_xl_100hz` and `PTB_XL_500Hz` hold the same records."""
    return re.sub(r"_\d+hz$", "", config.lower()) if config else None


def require_columns(rows: Dataset, columns: Sequence[str], where: str) -> None:
    """Raises ValueError for a column that the corpus does not have (the nearest is named)."""
    for column in columns:
        if column not in rows.column_names:
            raise ValueError(f"{where} has no column {column!r}{nearest(column, rows.column_names)}")


def label_names(dataset: Dataset, label_set: str) -> list[str]:
    """Class names of a label set, in the order of their numbers.

    Raises:
        ValueError: the corpus has no such label set.
    """
    if not has_label_set(dataset, label_set):
        known = [name for name in dataset.column_names if has_label_set(dataset, name)]
        raise ValueError(f"the corpus has no label set {label_set!r}{nearest(label_set, known)}, only {known}")
    return list(dataset.info.features[label_set].feature.names)


def has_label_set(dataset: Dataset, column: str) -> bool:
    """Whether a column is there and is a label set: lists of classes with names."""
    # `dataset.features` would be a deep copy of all columns for each question
    kind = dataset.info.features.get(column)
    return isinstance(kind, (datasets.List, datasets.LargeList)) and isinstance(kind.feature, datasets.ClassLabel)


def label_matrix(dataset: Dataset, label_set: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels as zeros and ones.

    Returns:
        float32 (rows, classes), and bool (rows,): whether the row was annotated for this task. Rows that were not are
        zeros, and no negatives.
    """
    names = label_names(dataset, label_set)
    column = dataset.select_columns([label_set]).with_format(None)[label_set][:]
    matrix = np.zeros((len(column), len(names)), dtype=np.float32)
    for row, labels in enumerate(column):
        matrix[row, labels or []] = 1.0
    return matrix, np.array([labels is not None for labels in column], dtype=bool)


def single_class_rows(dataset: Dataset, label_set: str) -> Dataset:
    """Rows with exactly one class of a label set; the log says how many have none, several, or no annotation."""
    names = label_names(dataset, label_set)
    column = dataset.select_columns([label_set]).with_format(None)[label_set][:]
    kept = [row for row, labels in enumerate(column) if labels is not None and len(set(labels)) == 1]
    if len(kept) < len(column):
        unknown = sum(labels is None for labels in column)
        none = sum(labels is not None and not labels for labels in column)
        several = len(column) - len(kept) - unknown - none
        logger.warning(
            "%d of %d rows are left out, which do not have exactly one of the %d classes of %s: %d have several, %d"
            " none, %d are not annotated",
            *(len(column) - len(kept), len(column), len(names), label_set, several, none, unknown),
        )
    return dataset.select(kept)


def target_matrix(dataset: Dataset, targets: Sequence[str]) -> np.ndarray:
    """Columns of numbers beside each other: float64 (rows, targets), NaN where null; true is 1 and false is 0.

    Raises:
        ValueError: no column of that name, or one that holds no numbers.
    """
    columns = []
    for target in targets:
        feature = dataset.features.get(target)
        if getattr(feature, "dtype", "") == "null":
            raise ValueError(f"the column {target!r} of the corpus is missing in every row")
        if not _holds_numbers(feature):
            numbers = [name for name, feature in dataset.features.items() if _holds_numbers(feature)]
            raise ValueError(f"the corpus has no column of numbers {target!r}, only {numbers}")
        values = dataset.select_columns([target]).with_format(None)[target][:]
        columns.append(np.array([np.nan if value is None else value for value in values], dtype=np.float64))
    return np.stack(columns, axis=1)


def _holds_numbers(feature) -> bool:
    return getattr(feature, "dtype", "").rstrip("0123456789") in ("int", "uint", "float", "bool")


def non_empty_text(dataset: Dataset, column: str) -> Dataset:
    """Rows whose text says something; the log says how many do not.

    Raises:
        ValueError: the column holds no texts.
    """
    kind = dataset.features[column]
    if getattr(kind, "dtype", None) not in ("string", "large_string"):
        raise ValueError(f"column {column!r} holds {kind}, wanted texts")
    texts = dataset.select_columns([column]).with_format(None)[column][:]
    kept = [row for row, text in enumerate(texts) if text and text.strip()]
    if len(kept) < len(texts):
        logger.warning("%d of %d rows have an empty %s and are left out", len(texts) - len(kept), len(texts), column)
    return dataset.select(kept)


def distinct_texts(dataset: Dataset, column: str) -> list[str]:
    """The texts of a column, each once, without empty ones."""
    texts = pyarrow.compute.unique(dataset.select_columns([column]).with_format("arrow")[:].column(column))
    return [text for text in texts.to_pylist() if text and text.strip()]


def shuffle_across_patients(dataset: Dataset, columns: Sequence[str], seed: int) -> Dataset:
    """A control: every record gets what another patient has in these columns, so that there is nothing to learn.

    Args:
        dataset: rows of a corpus.
        columns: such as the text; all of them come from the same other record.
        seed: of the order of the patients.

    Raises:
        ValueError: no columns, or one patient has half of the records or more.
    """
    if not columns:
        raise ValueError("there is no column to shuffle")
    patients = np.asarray(dataset.select_columns(["patient_id"]).with_format(None)["patient_id"][:])
    names, places, counts = np.unique(patients, return_inverse=True, return_counts=True)
    largest = int(counts.max())
    if 2 * largest > len(patients):
        raise ValueError(f"a patient has {largest} of {len(patients)} records: no other patient's for each")
    ranks = np.random.default_rng(seed).permutation(len(names))
    # patients in a random order, rolled by the most records a patient has: nobody keeps anything of their own
    order = np.argsort(ranks[places], kind="stable")
    donors = np.empty(len(order), dtype=int)
    donors[order] = np.roll(order, largest)
    for column in columns:
        values = dataset.select_columns([column]).with_format(None)[column][:]
        feature = dataset.features[column]
        shuffled = [values[donor] for donor in donors]
        dataset = dataset.remove_columns(column).add_column(column, shuffled, feature=feature)
    return dataset
