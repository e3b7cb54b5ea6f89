"""Made populations in which a disease Y causes the observation X, and covariates C such as age stand behind both.

*inferred*: arXiv 2410.19575 studies several such processes; the numbers here are our own. C ~ N(mu_e, 1), Y is 1 with
probability sigmoid(a C + a0), X = b Y + d C + g Y C + noise of variance 1 in ten dimensions; some say nothing.
An environment e changes the mean of C alone, unless the process says otherwise.
"""

from dataclasses import dataclass, field

import numpy as np

DIMENSIONS = 10
# means of C: the environments of training, and those of judging outside
INSIDE, OUTSIDE = (-1.0, 0.0), (1.0, 2.0, 3.0)


def _vector(**places: float) -> tuple[float, ...]:
    values = np.zeros(DIMENSIONS)
    for place, value in places.items():
        values[int(place[1:])] = value
    return tuple(values.tolist())


@dataclass(frozen=True)
class Process:
    """One way in which data come about.

    Args:
        name: in tables.
        sentence: what it is, for a reader.
        slope, intercept: a and a0, of P(Y | C).
        disease, covariate, interaction: b, d and g, a number for each dimension of X.
        confounding: how strongly U ~ N(0, 1) moves the logit of Y; 0 is none.
        confounded: where U appears in X, times a strength that is 1 and 0.5 inside and -1 outside.
        intercept_outside: a0 of the environments outside; None is the same.
    """

    name: str
    sentence: str
    slope: float = 1.0
    intercept: float = -0.5
    disease: tuple[float, ...] = field(default_factory=lambda: _vector(x0=0.8, x1=0.8, x2=0.8))
    covariate: tuple[float, ...] = field(default_factory=lambda: _vector(x2=0.5, x3=0.3))
    interaction: tuple[float, ...] = field(default_factory=lambda: _vector(x0=0.3, x4=0.3))
    confounding: float = 0.0
    confounded: tuple[float, ...] = field(default_factory=lambda: _vector(x1=0.8, x6=0.8))
    intercept_outside: float | None = None

    @property
    def stable(self) -> bool:
        """Whether P(Y | C) and P(X | Y, C) are the same in all environments."""
        return self.confounding == 0 and self.intercept_outside is None


@dataclass(frozen=True)
class Sample:
    """Rows of one environment: `x` float64 (rows, 10), `c` and `y` (rows,), and `truth` (rows,), the logit of
    P(Y | X, C) in this environment; of a confounded process None, which has no plain form."""

    x: np.ndarray
    c: np.ndarray
    y: np.ndarray
    truth: np.ndarray | None


PROCESSES = {
    process.name: process
    for process in (
        Process("base", "C moves Y and X, and X differs by Y more at high C"),
        Process("d = 0", "C reaches X by way of Y alone, and by their interaction", covariate=(0.0,) * DIMENSIONS),
        Process("g = 0", "no interaction of Y and C in X", interaction=(0.0,) * DIMENSIONS),
        Process("confounder", "an unseen U moves Y and X; outside it moves X the other way", confounding=1.5),
        Process("P(Y|C) shifts", "outside the disease is rarer at the same C", intercept_outside=-3.5),
    )
}


def draw(process: Process, mean: float, rows: int, generator: np.random.Generator) -> Sample:
    """Rows of the environment whose C has a mean; means of `OUTSIDE` are outside.

    Args:
        process: see there.
        mean: of C.
        rows: how many.
        generator: of everything that is drawn.
    """
    outside = mean not in INSIDE
    b, d, g, u = (
        np.array(values) for values in (process.disease, process.covariate, process.interaction, process.confounded)
    )
    intercept = process.intercept
    if outside and process.intercept_outside is not None:
        intercept = process.intercept_outside
    c, hidden = generator.normal(mean, 1.0, rows), generator.normal(size=rows)
    prior = process.slope * c + intercept
    y = (generator.random(rows) < _sigmoid(prior + process.confounding * hidden)).astype(np.float64)
    x = y[:, None] * b + c[:, None] * d + (y * c)[:, None] * g + generator.normal(size=(rows, DIMENSIONS))
    if process.confounding:
        strength = -1.0 if outside else 1.0 - 0.5 * INSIDE.index(mean)
        return Sample(x + strength * hidden[:, None] * u, c, y, None)
    moved = b + c[:, None] * g
    return Sample(x, c, y, prior + ((x - c[:, None] * d) * moved).sum(1) - 0.5 * (moved**2).sum(1))


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
