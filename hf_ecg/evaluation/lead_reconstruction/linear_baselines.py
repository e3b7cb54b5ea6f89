"""Linear regressions of leads on leads: of all training patients, with neighbouring samples, and of one patient."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from .lead_sets import LeadSet

# seconds from the present sample; 0.08 s is most of a QRS complex
NEIGHBOURS_S = tuple(step / 100 for step in (-8, -6, -4, -2, -1, 0, 1, 2, 4, 6, 8))
PRESENT = (0.0,)
# of the mean square of the regressors: nothing where there are records enough
RIDGE = 1e-6


def regressors(values: torch.Tensor, places: Sequence[int], shifts: Sequence[int]) -> torch.Tensor:
    """The samples that a regression reads: each lead at each shift, and 1.

    Args:
        values: (batch, leads, samples).
        places: of the leads.
        shifts: in samples; beyond its ends a record goes on with its last value.

    Returns:
        float64 (batch, places * shifts + 1, samples).
    """
    chosen = values[:, list(places)].double()
    most, samples = max(map(abs, shifts)), values.shape[-1]
    padded = torch.nn.functional.pad(chosen, (most, most), mode="replicate") if most else chosen
    moved = [padded[..., most + shift : most + shift + samples] for shift in shifts]
    return torch.cat([*moved, torch.ones_like(chosen[:, :1])], dim=1)


@dataclass
class LinearLeads:
    """Least squares of all twelve leads on some of them and a constant; every record counts once.

    Args:
        leads: what it reads.
        shifts: the samples that it reads beside the present one.
    """

    leads: LeadSet
    shifts: tuple[int, ...] = (0,)

    def __post_init__(self):
        size = len(self.leads.regressors) * len(self.shifts) + 1
        self._squares, self._products = torch.zeros(size, size).double(), torch.zeros(size, 12).double()
        self._records = 0
        self._weights: torch.Tensor | None = None

    def add(self, values: torch.Tensor, lead_mask: torch.Tensor, sample_mask: torch.Tensor) -> None:
        """Takes the records of a batch in that have all twelve leads.

        Args:
            values: (batch, 12, samples), millivolts.
            lead_mask, sample_mask: bool (batch, 12), bool (batch, samples).
        """
        whole = lead_mask.all(dim=1) & sample_mask.any(dim=1)
        values, counted = values[whole], sample_mask[whole].double().unsqueeze(1)
        if not len(values):
            return
        share = counted / counted.sum(dim=2, keepdim=True)
        read = regressors(values, self.leads.regressors, self.shifts) * counted
        self._squares += torch.einsum("bis,bjs->ij", read * share, read)
        self._products += torch.einsum("bis,bls->il", read * share, values.double())
        self._records += len(values)
        self._weights = None

    @property
    def weights(self) -> torch.Tensor:
        """float64 (regressors, 12).

        Raises:
            ValueError: no record was taken in.
        """
        if not self._records:
            raise ValueError("no training record has all twelve leads: nothing to fit a regression on")
        if self._weights is None:
            self._weights = solved(self._squares, self._products)
        return self._weights

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """float64 (batch, 12, samples): every lead from those that it reads."""
        read = regressors(values, self.leads.regressors, self.shifts)
        return torch.einsum("bis,il->bls", read, self.weights)


def solved(squares: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
    """Weights of a regression from (..., regressors, regressors) and (..., regressors, leads)."""
    size = squares.shape[-1]
    scale = squares.diagonal(dim1=-2, dim2=-1).mean(dim=-1)[..., None, None].clamp(min=1e-12)
    return torch.linalg.solve(squares + RIDGE * scale * torch.eye(size, dtype=squares.dtype), products)


def own_regression(values: torch.Tensor, sample_mask: torch.Tensor, fitted: torch.Tensor, leads: LeadSet):
    """Each record's own regression: fitted on some of its samples with all leads known, applied to all.

    Args:
        values: (batch, 12, samples).
        sample_mask: bool (batch, samples).
        fitted: bool (batch, samples), the samples that it is fitted on.
        leads: what it reads.

    Returns:
        float64 (batch, 12, samples).
    """
    read = regressors(values, leads.regressors, (0,))
    counted = read * (fitted & sample_mask).double().unsqueeze(1)
    weights = solved(counted @ counted.mT, counted @ values.double().mT)
    return weights.mT @ read


def fit_all(
    batches: Iterable[Mapping[str, torch.Tensor]], sets: Sequence[LeadSet], sampling_rate: float
) -> dict[str, dict[str, LinearLeads]]:
    """The regressions of all training records: name of the set -> {"linear", "linear, neighbours"}.

    Args:
        batches: of a feature extractor.
        sets: what they read.
        sampling_rate: hertz.
    """
    shifts = tuple(dict.fromkeys(round(second * sampling_rate) for second in NEIGHBOURS_S))
    made = {one.name: {LINEAR: LinearLeads(one), NEIGHBOURS: LinearLeads(one, shifts)} for one in sets}
    for batch in batches:
        for regression in (each for both in made.values() for each in both.values()):
            regression.add(batch["input_values"], batch["lead_mask"].bool(), batch["sample_mask"].bool())
    return made


MODEL, LINEAR, NEIGHBOURS, OWN = "model", "linear", "linear, neighbours", "patient's own linear"
