"""Numbers of the patient beside the ECGs that callers hand to a pipeline, for a classifier with covariates."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from .checks import nearest
from .data.row_inputs import COVARIATES, Covariates
from .models.shared.covariates import wanted_covariates
from .processing import Output

OUTPUT = Output(COVARIATES, (COVARIATES,))


class CovariateInputMixin:
    """Stands before a pipeline whose model may be told covariates: each crop of a record has the record's."""

    model: Any

    @property
    def covariates(self) -> list[str]:
        return wanted_covariates(self.model.config)

    def preprocess(self, ecg, covariates: Mapping | None = None, **options) -> dict[str, torch.Tensor]:
        ecg, covariates = without_covariates(ecg, covariates)
        told = covariate_values(ecg, covariates, self.covariates)
        inputs = super().preprocess(ecg, **options)  # type: ignore[misc]
        if told:
            crops = len(next(iter(inputs.values())))
            inputs[COVARIATES] = torch.tensor([told]).repeat(crops, 1)
        return inputs


def without_covariates(ecg, given: Mapping | None):
    """A dict with `array` may hold `covariates` of its own: the dict without them, and those that count."""
    if isinstance(ecg, Mapping) and "array" in ecg and COVARIATES in ecg:
        return {key: value for key, value in ecg.items() if key != COVARIATES}, ecg[COVARIATES]
    return ecg, given


def covariate_values(ecg, given: Mapping | None, names: Sequence[str]) -> list[float]:
    """What a head is told of one ECG.

    Args:
        ecg: a row of a corpus has the columns itself; every other input has none.
        given: name -> number, a sex as "female" or "male", None where not known; it counts before a row's columns.
        names: that the head wants.

    Raises:
        ValueError: covariates where the head takes none, none where it wants some, an unknown name, or one that is
            left out.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"covariates is {given!r}, wanted a dict such as {{'age': 61, 'sex': 'female'}}")
    if not names:
        if given is not None:
            raise ValueError(f"covariates are {dict(given)}, but the model takes none")
        return []
    if given is None and not (isinstance(ecg, Mapping) and "array" not in ecg):
        told = ", ".join(f"{name!r}: ..." for name in names)
        raise ValueError(f"the model also wants {', '.join(names)}: say covariates={{{told}}}, None where not known")
    values = dict(ecg if given is None else given)
    if given is not None:
        for name in given:
            if name not in names:
                raise ValueError(f"covariates has {name!r}{nearest(name, names)}; the model takes {', '.join(names)}")
        for name in names:
            if name not in given:
                raise ValueError(f"covariates has no {name!r}, which the model wants: None where not known")
    return Covariates(names)([values])[COVARIATES][0].tolist()
