"""Numbers behind `score2_risk`: the coefficients of SCORE2 and SCORE2-OP, and population means of their inputs."""

from collections.abc import Mapping
from dataclasses import dataclass

SEXES = ("male", "female")
REGIONS = ("low", "moderate", "high", "very_high")
# Inputs beside age and sex, in the order of every tuple below.
INPUTS = ("smoker", "sbp_mmhg", "total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l", "diabetes")


@dataclass(frozen=True)
class Equation:
    """One published risk equation, each number for ("male", "female").

    The linear predictor is `age` a + `main` . x + a `by_age` . x with a = (age - `age_centre`) / `age_unit` and
    x = (inputs - `centre`) / `unit`; the 10-year risk before recalibration is
    1 - `baseline_survival` ** exp(linear predictor - `mean_predictor`). `recalibration` holds the two scales of each
    region: ln(-ln(1 - risk)) becomes scale1 + scale2 ln(-ln(1 - risk)).
    """

    age_centre: float
    age_unit: float
    centre: tuple[float, ...]
    unit: tuple[float, ...]
    age: tuple[float, float]
    main: tuple[tuple[float, ...], tuple[float, ...]]
    by_age: tuple[tuple[float, ...], tuple[float, ...]]
    baseline_survival: tuple[float, float]
    mean_predictor: tuple[float, float]
    recalibration: Mapping[str, tuple[tuple[float, float], tuple[float, float]]]


# Eur Heart J 2021;42:2439, supplementary methods. Equal, term by term, to the working group's own Stata program
# (score2risk by Kaptoge, Pennells and Hageman) and to the R package RiskScorescvd.
SCORE2 = Equation(
    age_centre=60,
    age_unit=5,
    centre=(0, 120, 6, 1.3, 0),
    unit=(1, 20, 1, 0.5, 1),
    age=(0.3742, 0.4648),
    main=((0.6012, 0.2777, 0.1458, -0.2698, 0.6457), (0.7744, 0.3131, 0.1002, -0.2606, 0.8096)),
    by_age=((-0.0755, -0.0255, -0.0281, 0.0426, -0.0983), (-0.1088, -0.0277, -0.0226, 0.0613, -0.1272)),
    baseline_survival=(0.9605, 0.9776),
    mean_predictor=(0, 0),
    recalibration={
        "low": ((-0.5699, 0.7476), (-0.7380, 0.7019)),
        "moderate": ((-0.1565, 0.8009), (-0.3143, 0.7701)),
        "high": ((0.3207, 0.9360), (0.5710, 0.9369)),
        "very_high": ((0.5836, 0.8294), (0.9412, 0.8329)),
    },
)

# Eur Heart J 2021;42:2455, supplementary methods, rounded as printed there: these give the supplement's worked example
# (75, smoker, SBP 140, cholesterol 5.5, HDL 1.3, low region: men 18.6 %, women 15.2 %). The working group's own Stata
# program (score2oprisk) has the same numbers with more digits: the risk moves by up to 1.2 percentage points on 20,000
# random patients of 70 to 89, and the example to 18.4 and 15.3 %. RiskScorescvd 0.1 had other low-region scales.
SCORE2_OP = Equation(
    age_centre=73,
    age_unit=1,
    centre=(0, 150, 6, 1.4, 0),
    unit=(1, 1, 1, 1, 1),
    age=(0.0634, 0.0789),
    main=((0.3524, 0.0094, 0.0850, -0.3564, 0.4245), (0.4921, 0.0102, 0.0605, -0.3040, 0.6010)),
    by_age=((-0.0247, -0.0005, 0.0073, 0.0091, -0.0174), (-0.0255, -0.0004, -0.0009, 0.0154, -0.0107)),
    baseline_survival=(0.7576, 0.8082),
    mean_predictor=(0.0929, 0.2290),
    recalibration={
        "low": ((-0.34, 1.19), (-0.52, 1.01)),
        "moderate": ((0.01, 1.25), (-0.10, 1.10)),
        "high": ((0.08, 1.15), (0.38, 1.09)),
        "very_high": ((0.05, 0.70), (0.38, 0.69)),
    },
)


@dataclass(frozen=True)
class RiskInputMeans:
    """What stands in for a missing input of `score2_risk`, by sex and age band.

    Args:
        age_from: first age of each band, ascending; younger ages belong to the first band.
        male: for each of `INPUTS` one value a band; of `smoker` and `diabetes` the share of people, 0 to 1.
        female: the same.
        source: where the numbers come from.

    Raises:
        ValueError: other inputs than `INPUTS`, another number of values than bands, bands out of order.
    """

    age_from: tuple[float, ...]
    male: Mapping[str, tuple[float, ...]]
    female: Mapping[str, tuple[float, ...]]
    source: str

    def __post_init__(self):
        if not self.age_from or list(self.age_from) != sorted(set(self.age_from)):
            raise ValueError(f"age_from is {self.age_from}, wanted the first ages of the bands, ascending")
        for sex in SEXES:
            table = getattr(self, sex)
            if set(table) != set(INPUTS):
                raise ValueError(f"{sex} has the inputs {sorted(table)}, wanted {sorted(INPUTS)}")
            for name, values in table.items():
                if len(values) != len(self.age_from):
                    raise ValueError(f"{sex} {name} has {len(values)} values for {len(self.age_from)} age bands")


POPULATION_MEANS = RiskInputMeans(
    age_from=(40, 50, 60, 70, 80),
    male={
        "smoker": (0.24, 0.22, 0.16, 0.10, 0.05),
        "sbp_mmhg": (126, 130, 134, 136, 137),
        "total_cholesterol_mmol_l": (5.3, 5.3, 5.0, 4.6, 4.4),
        "hdl_cholesterol_mmol_l": (1.25, 1.30, 1.30, 1.35, 1.35),
        "diabetes": (0.05, 0.10, 0.16, 0.18, 0.17),
    },
    female={
        "smoker": (0.20, 0.19, 0.13, 0.08, 0.04),
        "sbp_mmhg": (119, 126, 132, 137, 141),
        "total_cholesterol_mmol_l": (5.1, 5.6, 5.6, 5.3, 5.1),
        "hdl_cholesterol_mmol_l": (1.50, 1.60, 1.65, 1.65, 1.60),
        "diabetes": (0.04, 0.07, 0.11, 0.14, 0.14),
    },
    source="approximate population values: the general level of health examination surveys of adults in western"
    " Europe and North America in the 2010s, rounded; from no single table, for ranking patients, not for care",
)
