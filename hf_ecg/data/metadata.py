"""What a corpus knows of its patients, as numbers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from datasets import Dataset

from .corpus import target_matrix

SEX_COLUMN, SEX_NUMBERS = "sex", {"female": 0.0, "male": 1.0}


def number(row: Mapping, column: str) -> float:
    """A row's value in a column of numbers, 1 and 0 where true and false; NaN where null.

    Raises:
        ValueError: something else.
    """
    value = row[column]
    if value is None:
        return math.nan
    if not isinstance(value, (int, float)):
        raise ValueError(f"record {row.get('record_id')}: {column} is {value!r}, wanted a number or null")
    return float(value)


def metadata_number(row: Mapping, column: str) -> float:
    """The same, and 0 and 1 for the sexes.

    Raises:
        ValueError: neither a number nor a sex.
    """
    value = row[column]
    if column != SEX_COLUMN or not isinstance(value, str):
        return number(row, column)
    if value not in SEX_NUMBERS:
        raise ValueError(f"record {row.get('record_id')}: sex is {value!r}, wanted one of {list(SEX_NUMBERS)}")
    return SEX_NUMBERS[value]


def metadata_matrix(dataset: Dataset, columns: Sequence[str]) -> np.ndarray:
    """Columns beside each other: float64 (rows, columns), NaN where null or absent from the corpus.

    Raises:
        ValueError: a column that holds neither numbers nor sexes.
    """
    values = np.full((len(dataset), len(columns)), np.nan)
    for place, column in enumerate(columns):
        if column not in dataset.column_names:
            continue
        if column == SEX_COLUMN and getattr(dataset.features[column], "dtype", None) in ("string", "large_string"):
            sexes = dataset.select_columns([column]).with_format(None)[column][:]
            values[:, place] = [metadata_number({column: sex}, column) for sex in sexes]
        else:
            values[:, place] = target_matrix(dataset, [column])[:, 0]
    return values
