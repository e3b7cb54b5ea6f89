"""ECGs as callers hand them to a pipeline, one or many, and several of them as one batch."""

import sys
from collections.abc import Iterable, Mapping, Sequence, Sized
from os import PathLike
from types import GeneratorType

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers.pipelines.pt_utils import KeyDataset

from .signals import Record


def as_base_class_takes_them(inputs, columns: Sequence[str] = ()):
    """One ECG as it is; many as a list, a data set of torch, or a generator: the base class takes all else for one.

    `columns` are those that a data set's rows are to have beside the signal's.
    """
    datasets = sys.modules.get("datasets")  # who has a data set of it has imported it
    if datasets is not None and isinstance(inputs, (datasets.DatasetDict, datasets.IterableDatasetDict)):
        raise ValueError(f"the data set has the splits {list(inputs)}, wanted one of them")
    if datasets is not None and isinstance(inputs, datasets.Dataset):
        from .data.rows import SIGNAL_COLUMNS, RowDataset

        return RowDataset(inputs, [*SIGNAL_COLUMNS, *columns])
    if isinstance(inputs, KeyDataset) and not isinstance(inputs.dataset, Sized):
        return (row[inputs.key] for row in inputs.dataset)
    if isinstance(inputs, (np.ndarray, torch.Tensor)):
        return list(inputs) if inputs.ndim == 3 else inputs
    if isinstance(inputs, tuple):
        return list(inputs)
    one = isinstance(inputs, (str, bytes, bytearray, PathLike, Mapping, Record))
    if one or isinstance(inputs, (list, Dataset, GeneratorType)) or not isinstance(inputs, Iterable):
        return inputs
    return (ecg for ecg in inputs)
