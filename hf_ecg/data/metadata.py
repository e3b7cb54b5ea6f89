"""What a corpus knows of its patients, as numbers."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset

from .corpus import require_columns, target_matrix
from .row_numbers import SEX_COLUMN, metadata_number


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


def covariate_matrix(dataset: Dataset, names: Sequence[str]) -> np.ndarray:
    """The covariates of all rows of a corpus: float64 (rows, covariates), NaN where null.

    Raises:
        ValueError: the corpus lacks one of the columns, or one holds neither numbers nor sexes.
    """
    require_columns(dataset, names, "the corpus, for a model with covariates,")
    return metadata_matrix(dataset, names)
