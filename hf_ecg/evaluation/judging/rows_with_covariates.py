"""Batches of rows for a head that is also told numbers of the patient."""

from collections.abc import Iterator, Sequence

import torch

from ...data.metadata import covariate_matrix
from ...data.row_inputs import COVARIATES


class RowsWithCovariates:
    """Batches as `PreparedRows` gives them, with `covariates`: those of a record beside each of its crops.

    Args:
        rows: `PreparedRows`.
        names: of the covariates.

    Raises:
        ValueError: the rows lack one of the columns, or one holds neither numbers nor sexes.
    """

    def __init__(self, rows, names: Sequence[str]):
        self.rows = rows
        self.values = torch.from_numpy(covariate_matrix(rows.dataset, names)).float()

    @property
    def num_records(self) -> int:
        return self.rows.num_records

    def __iter__(self) -> Iterator[dict]:
        start = 0
        for batch in self.rows:
            records = torch.as_tensor(batch["record_index"]) + start
            yield batch | {COVARIATES: self.values[records]}
            start += batch["num_records"]


def with_covariates(rows, names: Sequence[str]):
    """The rows themselves for a model without covariates."""
    return RowsWithCovariates(rows, names) if names else rows
