"""What every method that trains a head has: covariates beside the waveform, and environments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from huggingface_hub.dataclasses import strict

from ...checks import nearest
from ...data.environments import EnvironmentNumbers
from ...data.metadata import metadata_matrix
from ...data.mixing import MixedRows
from ...data.row_inputs import Covariates, RowInputs
from ..environment_objective import EnvironmentObjective, ObjectiveOptions
from ..objective import Objective
from .method import Feeding, Method, ViewOptions
from .target_units import target_units


@strict
@dataclass
class HeadOptions(ViewOptions):
    """Args:
    objective: what is minimised over the environments of `data.environments`; null is the model's own loss.
    """

    objective: ObjectiveOptions | None = None


class HeadMethod(Method):
    """ECGs beside what a head is to say of them, and beside the numbers of `data.columns.covariates` that it is told.

    A subclass says in `target_columns` what it reads, and in `outputs` what `head` would say without covariates.
    """

    reads_covariates = True

    def __init__(self, options, data):
        super().__init__(options, data)
        # a survival head has none
        self.asked = options.objective if isinstance(options, HeadOptions) else None
        if self.asked is not None and data.environments is None:
            raise ValueError(f"method.options.objective is {self.asked.name}, which wants data.environments")

    @property
    def target_columns(self) -> list[str]:
        """Columns of what is learned."""
        return []

    @property
    def optional_targets(self) -> list[str]:
        """Columns of `target_columns` that a corpus may lack when another source has them."""
        return self.target_columns

    @property
    def columns(self) -> list[str]:
        told = [] if self.asked is None else self.data.environments.columns
        return list(dict.fromkeys([*self.target_columns, *self.data.columns.covariates, *told]))

    @property
    def optional_columns(self) -> list[str]:
        # a corpus that lacks a covariate has it missing in all its rows
        return list(dict.fromkeys([*self.optional_targets, *self.data.columns.covariates]))

    def outputs(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        """Names of the head's outputs, and what they make its configuration say."""
        raise NotImplementedError

    def head(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        names, told = self.outputs(rows, sources)
        return names, told | covariate_units(sources, self.data.columns.covariates)

    def beside(self, feeding: Feeding, training: bool) -> list[RowInputs]:
        """What the collators make of a row beside waveform and labels.

        Args:
            feeding: with the training rows.
            training: also what the objective reads, which a validation has no use for.
        """
        names = self.data.columns.covariates
        found: list[RowInputs] = []
        if names:
            found.append(Covariates(names))
        if training and self.asked is not None:
            by = self.data.environments
            found.append(EnvironmentNumbers(by, by.order(feeding.sources)))
        return found

    def objective(self, model, sources: Sequence[Dataset]) -> Objective | None:
        if self.asked is None:
            return None
        return EnvironmentObjective(self.asked, model, self.data.environments.order(sources))


def covariate_units(sources: Sequence[Dataset], names: Sequence[str]) -> dict:
    """Covariates with their mean and standard deviation over the rows that know them, as a configuration holds them.

    Raises:
        ValueError: a covariate that no corpus has, that is not a number or a sex, or that is the same in all rows.
    """
    if not names:
        return {}
    known = list(dict.fromkeys(column for source in sources for column in source.column_names))
    for name in names:
        if name not in known:
            raise ValueError(f"data.columns.covariates: no corpus has a column {name!r}{nearest(name, known)}")
    units = target_units(np.concatenate([metadata_matrix(source, names) for source in sources]), names)
    return {
        "covariates": list(names),
        "covariate_mean": units["target_mean"],
        "covariate_scale": units["target_scale"],
    }
