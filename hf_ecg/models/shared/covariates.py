"""Covariates of a head: numbers such as age and sex that stand beside what the encoder says of the waveform."""

import math
from collections.abc import Sequence
from math import isfinite

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init

# of each covariate: its standardised value, and what only a missing one fills
WIDTH = 2
_WIDEST = 65536


def check_covariates(names, mean, scale, hidden=None) -> None:
    """Raises ValueError for names that are not a list of different names, or statistics or a width that do not fit."""
    if hidden is not None and (names is None or not 1 <= hidden <= _WIDEST):
        raise ValueError(
            f"covariate_hidden_size is {hidden} for the covariates {names}, wanted 1 to {_WIDEST} for some"
        )
    if names is None:
        if mean is not None or scale is not None:
            raise ValueError(f"covariate_mean is {mean}, covariate_scale {scale}, but there are no covariates")
        return
    if not names or len(set(names)) < len(names):
        raise ValueError(f"covariates is {names}, wanted at least one name, each once")
    if mean is None and scale is None:
        return
    wanted = len(names)
    finite = all(map(isfinite, [*(mean or ()), *(scale or ())]))
    if [len(mean or ()), len(scale or ())] != [wanted, wanted] or not finite or min(scale or (1,)) <= 0:
        raise ValueError(
            f"covariate_mean is {mean}, covariate_scale {scale}: wanted {wanted} numbers each, the scales above 0"
        )


class CovariateLinear(nn.Module):
    """A linear layer of a head, `linear`, on the features of a waveform and, for each covariate, two more.

    A known value is `((value - mean) / scale, 0)`. A missing one (NaN) is a learned vector, which begins at 0: without
    a missing value in training it says what the mean says. *inferred*: the paper says only that covariates are given
    to the model (arXiv 2410.19575); how, and what a missing one is, is our own design.

    Args:
        hidden_size: features of a waveform.
        num_labels: outputs.
        names: of the covariates, in their order.
        mean, scale: of each over the training rows; None takes the values as they are.
        hidden: width of a layer, with ReLU, that the covariates go through before; None gives them as they are. The
            head is linear in them without it, and how early a beat comes does not tell its kind linearly.

    Example:
        >>> import torch
        >>> from hf_ecg.models.shared.covariates import CovariateLinear
        >>> layer = CovariateLinear(8, 3, ["age", "sex"], mean=[60.0, 0.5], scale=[15.0, 0.5])
        >>> layer.beside(torch.tensor([[75.0, torch.nan]])).tolist()
        [[1.0, 0.0, 0.0, 0.0]]
        >>> layer(torch.zeros(1, 8), torch.tensor([[75.0, torch.nan]])).shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        hidden_size: int,
        num_labels: int,
        names: Sequence[str],
        mean: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        hidden: int | None = None,
    ):
        super().__init__()
        self.linear = nn.Linear(hidden_size + (hidden or WIDTH * len(names)), num_labels)
        self.names = list(names)
        self.mean = [0.0] * len(self.names) if mean is None else [float(value) for value in mean]
        self.scale = [1.0] * len(self.names) if scale is None else [float(value) for value in scale]
        self.missing = nn.Parameter(torch.zeros(len(self.names), WIDTH))
        self.hidden = None if hidden is None else nn.Linear(WIDTH * len(self.names), hidden)

    def init_covariates(self) -> None:
        init.zeros_(self.missing)
        if self.hidden is not None:
            # as torch does: so few inputs would hardly show behind the small weights of a transformer
            init.kaiming_uniform_(self.hidden.weight, a=math.sqrt(5))

    def forward(self, features: torch.Tensor, covariates: torch.Tensor) -> torch.Tensor:
        """
        Args:
            features: (batch, hidden_size).
            covariates: see `beside`.

        Returns:
            (batch, num_labels).
        """
        beside = self.beside(covariates)
        if self.hidden is not None:
            beside = F.relu(self.hidden(beside))
        return self.linear(torch.cat([features, beside.to(features.dtype)], dim=-1))

    def beside(self, covariates: torch.Tensor) -> torch.Tensor:
        """The covariates as features.

        Args:
            covariates: float (batch, covariates) in their own units, NaN where not known.

        Returns:
            (batch, 2 * covariates), of the weights' type.

        Raises:
            ValueError: another type or shape, or an infinite value.
        """
        if not isinstance(covariates, torch.Tensor) or not covariates.is_floating_point():
            found = covariates.dtype if isinstance(covariates, torch.Tensor) else type(covariates).__name__
            raise ValueError(f"covariates are of type {found}, wanted a float tensor, NaN where not known")
        if covariates.ndim != 2 or covariates.shape[1] != len(self.names):
            raise ValueError(
                f"covariates have shape {tuple(covariates.shape)}, wanted (batch, {len(self.names)}):"
                f" {', '.join(self.names)}"
            )
        # a compiled graph cannot look at values
        if not torch.compiler.is_compiling() and covariates.isinf().any():
            raise ValueError("covariates hold an infinite value, wanted finite numbers, NaN where not known")
        mean, scale = (torch.tensor(values, device=covariates.device) for values in (self.mean, self.scale))
        known = ~covariates.isnan()
        values = ((covariates.nan_to_num() - mean) / scale).to(self.missing.dtype)
        present = torch.stack([values, torch.zeros_like(values)], dim=-1)
        return torch.where(known[..., None], present, self.missing).flatten(1)


def wanted_covariates(config) -> list[str]:
    """Names of the covariates that a head of this configuration wants; none for one of another package."""
    return list(getattr(config, "covariates", None) or [])


def check_given(taker: str, config, covariates) -> None:
    """Raises ValueError when covariates are given to a head that has none, or none to one that has some."""
    wanted = wanted_covariates(config)
    if wanted and covariates is None:
        raise ValueError(f"{taker} wants covariates (batch, {len(wanted)}): {', '.join(wanted)}; NaN where not known")
    if covariates is not None and not wanted:
        raise ValueError(f"{taker} was given covariates, but its configuration names none")
