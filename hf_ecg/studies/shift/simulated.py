"""The simulation: small heads trained inside, judged inside and outside, by the objectives of fine-tuning."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_outputs import SequenceClassifierOutput

from ...checks import nearest
from ...data.environments import ENVIRONMENTS
from ...evaluation.metrics.calibration import probability_figures
from ...models.shared.covariates import CovariateLinear
from ...progress import progress_bar
from ...training.environment_objective import (
    CONDITIONAL_MMD,
    CORAL,
    ERM,
    GROUP_DRO,
    IRM,
    V_REX,
    EnvironmentObjective,
    ObjectiveOptions,
)
from .processes import DIMENSIONS, INSIDE, OUTSIDE, PROCESSES, Sample, draw

TRUTH = "the truth, P(Y given X and C)"
TOLD = (NOT, BESIDE, PRODUCTS) = ("not told", "beside", "products")
_WIDTH, _RATE, _DECAY = 8, 0.03, 1e-2


@dataclass(frozen=True)
class System:
    """One way to train.

    Args:
        told: whether the head sees C: "not told", "beside" the features as the heads of this package do it, or with
            its square and its "products" with the features, which is the form of the true logit.
        objective: see there.
    """

    told: str
    objective: ObjectiveOptions


_LATE = {"warmup": 0.3}
WITH_COVARIATES, PRODUCTS_TOO = "ERM, X and C", "ERM, X, C and products"
# the weights are of the papers' order and were not tuned
SYSTEMS = {
    "ERM, X": System(NOT, ObjectiveOptions(ERM)),
    WITH_COVARIATES: System(BESIDE, ObjectiveOptions(ERM)),
    PRODUCTS_TOO: System(PRODUCTS, ObjectiveOptions(ERM)),
    "IRM, X": System(NOT, ObjectiveOptions(IRM, 100.0, **_LATE)),
    "V-REx, X": System(NOT, ObjectiveOptions(V_REX, 10.0, **_LATE)),
    "CORAL, X": System(NOT, ObjectiveOptions(CORAL, 1.0, **_LATE)),
    "conditional MMD, X": System(NOT, ObjectiveOptions(CONDITIONAL_MMD, 1.0, **_LATE)),
    "group DRO, X": System(NOT, ObjectiveOptions(GROUP_DRO)),
}


@dataclass(frozen=True)
class Simulation:
    """What is tried.

    Args:
        processes, systems: names; None takes all.
        seeds: of data and of weights.
        rows: of each environment in training; as many to judge.
        steps: of a training, each with all rows.
        penalty: times the weight of every penalty.

    Raises:
        ValueError: an unknown name, no seed, or too few rows or steps.
    """

    processes: Sequence[str] = tuple(PROCESSES)
    systems: Sequence[str] = tuple(SYSTEMS)
    seeds: Sequence[int] = tuple(range(20))
    rows: int = 1000
    steps: int = 150
    penalty: float = 1.0

    def __post_init__(self):
        for what, names, known in (("process", self.processes, PROCESSES), ("system", self.systems, SYSTEMS)):
            for name in names:
                if name not in known:
                    raise ValueError(f"there is no {what} {name!r}{nearest(name, known)}, only {', '.join(known)}")
        if not self.seeds or self.rows < 10 or self.steps < 1:
            raise ValueError(
                f"{len(self.seeds)} seeds, {self.rows} rows, {self.steps} steps: wanted 1, 10, 1 at least"
            )


def simulate(asked: Simulation) -> list[dict]:
    """Trains every system on every process.

    Returns:
        For each process, seed and system a dict of `process`, `seed`, `system`, and for `inside` and `outside` (the
        mean over their environments) "log_loss", "auroc" and "calibration_error". The true P(Y | X, C) stands beside
        the systems where it has a plain form.
    """
    runs = [(process, seed) for process in asked.processes for seed in asked.seeds]
    found = []
    for name, seed in progress_bar(runs, desc="shift", unit="seed"):
        process = PROCESSES[name]
        generator = np.random.default_rng([seed, list(PROCESSES).index(name)])
        train, inside, outside = (
            [draw(process, mean, asked.rows, generator) for mean in means] for means in (INSIDE, INSIDE, OUTSIDE)
        )
        told = {"process": name, "seed": seed}
        for system in asked.systems:
            network = _trained(SYSTEMS[system], train, asked, seed)
            places = {"inside": inside, "outside": outside}
            figures = {where: _figures(rows, [network.logits(one) for one in rows]) for where, rows in places.items()}
            found.append(told | {"system": system} | figures)
        if inside[0].truth is not None:
            figures = {
                where: _figures(rows, [one.truth for one in rows])
                for where, rows in (("inside", inside), ("outside", outside))
            }
            found.append(told | {"system": TRUTH} | figures)
    return found


class _Network(nn.Module):
    """A linear encoder of X and a head, called as the models of this package are."""

    def __init__(self, told: str, c: torch.Tensor):
        super().__init__()
        self.told = told
        self.encoder = nn.Linear(DIMENSIONS, _WIDTH)
        mean, scale = [c.mean().item()], [c.std().item()]
        if told == BESIDE:
            self.classifier: nn.Module = CovariateLinear(_WIDTH, 1, ["c"], mean, scale)
        else:
            self.classifier = nn.Linear(2 * _WIDTH + 2 if told == PRODUCTS else _WIDTH, 1)

    def forward(self, x, c, labels=None):
        features = self.encoder(x)
        if self.told == BESIDE:
            logits = self.classifier(features, c)
        elif self.told == PRODUCTS:
            logits = self.classifier(torch.cat([features, c, c.square(), c * features], dim=1))
        else:
            logits = self.classifier(features)
        loss = None if labels is None else self.head_loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def head_loss(self, logits, labels):
        return F.binary_cross_entropy_with_logits(logits, labels)

    def logits(self, sample: Sample) -> np.ndarray:
        with torch.no_grad():
            return self(*_tensors(sample.x, sample.c[:, None])).logits[:, 0].double().numpy()


def _trained(system: System, train: Sequence[Sample], asked: Simulation, seed: int) -> _Network:
    x, c, y = _tensors(*(np.concatenate([getattr(one, name) for one in train]) for name in ("x", "c", "y")))
    batch = {"x": x, "c": c[:, None], "labels": y[:, None]}
    batch[ENVIRONMENTS] = torch.cat([torch.full((len(one.y),), number) for number, one in enumerate(train)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _Network(system.told, c)
        order = torch.randperm(len(x))
    options = replace(system.objective, weight=asked.penalty * system.objective.weight)
    objective = EnvironmentObjective(options, network, [f"C around {mean:g}" for mean in INSIDE])
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    few = 256  # a kernel between all rows would take longer than everything else
    for step in range(asked.steps):
        given = batch
        if system.objective.name == CONDITIONAL_MMD:
            rows = order[torch.arange(step * few, (step + 1) * few) % len(order)]
            given = {key: values[rows] for key, values in batch.items()}
        loss = objective(network, given, step / asked.steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


def _tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array).float() for array in arrays]


def _figures(rows: Sequence[Sample], logits: Sequence[np.ndarray]) -> dict[str, float]:
    """The mean over environments of each figure."""
    each = [probability_figures(one.y[:, None], logit[:, None]) for one, logit in zip(rows, logits, strict=True)]
    return {name: float(np.mean([figures[name][0] for figures in each])) for name in each[0]}
