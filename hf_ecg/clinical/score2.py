"""SCORE2 and SCORE2-OP: 10-year risk of a first cardiovascular event, for whole columns of patients."""

from enum import IntFlag
from typing import NamedTuple

import numpy as np

from .score2_tables import INPUTS, POPULATION_MEANS, REGIONS, SCORE2, SCORE2_OP, SEXES, Equation, RiskInputMeans

OUT_OF_RANGE = ("nan", "clip", "extrapolate")
IMPLAUSIBLE = ("raise", "missing")
_MG_DL_PER_MMOL_L = 38.67
# Beyond these a number is a typing error, a code for "over 89", or in another unit.
PLAUSIBLE = {
    "age": (0, 125),
    "smoker": (0, 1),
    "sbp_mmhg": (40, 320),
    "total_cholesterol_mmol_l": (0.5, 35),
    "hdl_cholesterol_mmol_l": (0.05, 7),
    "diabetes": (0, 1),
    "prior_disease": (0, 1),
}
_HINTS = {
    "age": "; PTB-XL writes 300 for over 89, which is 90 here",
    "total_cholesterol_mmol_l": "; is it mg/dL? see cholesterol_mg_dl_to_mmol_l",
    "hdl_cholesterol_mmol_l": "; is it mg/dL? see cholesterol_mg_dl_to_mmol_l",
}
_SEX_CODES = {"male": 0, "m": 0, "female": 1, "f": 1, "": -1, "none": -1, "nan": -1, "<na>": -1}


class Score2Flag(IntFlag):
    """Bits of `Score2Risk.flags`; `flags & Score2Flag.FILLED != 0` finds rows with any filled input."""

    UNDER_40 = 1
    OVER_89 = 2
    PRIOR_DISEASE = 4
    NO_AGE_OR_SEX = 8
    FILLED_SMOKER = 16
    FILLED_SBP = 32
    FILLED_TOTAL_CHOLESTEROL = 64
    FILLED_HDL_CHOLESTEROL = 128
    FILLED_DIABETES = 256
    FILLED = 16 | 32 | 64 | 128 | 256


_FILLED = dict(zip(INPUTS, (16, 32, 64, 128, 256), strict=True))


class Score2Risk(NamedTuple):
    """Three arrays of one shape: `pandas.DataFrame(result._asdict())` or `pyarrow.table(result._asdict())`.

    `risk` float64 in [0, 1], NaN where there is none; `missing_rate` float64 in [0, 1]; `flags` uint16, bits of
    `Score2Flag`.
    """

    risk: np.ndarray
    missing_rate: np.ndarray
    flags: np.ndarray


def cholesterol_mg_dl_to_mmol_l(mg_dl):
    """Total or HDL cholesterol from mg/dL to mmol/L (38.67 mg/dL are 1 mmol/L)."""
    return _numbers("cholesterol", mg_dl) / _MG_DL_PER_MMOL_L


def score2_risk(
    age,
    sex,
    smoker,
    sbp_mmhg,
    total_cholesterol_mmol_l,
    hdl_cholesterol_mmol_l,
    diabetes,
    region: str = "low",
    out_of_range: str = "nan",
    *,
    prior_disease=None,
    blend: bool = False,
    fill: RiskInputMeans | None = POPULATION_MEANS,
    implausible: str = "raise",
) -> Score2Risk:
    """10-year risk of a first fatal or non-fatal cardiovascular event: SCORE2 below the age of 70, then SCORE2-OP.

    **Limits.** Both were made for Europeans without prior cardiovascular disease, SCORE2 for ages 40 to 69 and
    SCORE2-OP for 70 to 89; elsewhere in the world the region's calibration does not hold. People with diabetes have
    a score of their own (SCORE2-Diabetes); the diabetes terms here are those that the two papers needed for
    recalibration. In SCORE2-OP the effect of smoking fades with age and turns round for men over 87, as published. The
    risk is a number to compare patients by in pretraining, no medical advice.

    **Missing inputs** (NaN or None, never "no") take the mean of their sex and age band from `fill`: a share for
    smoking and diabetes. A filled risk says little more than age and sex; `missing_rate` says how much was filled.

    **The step at 70.** The two equations do not meet: a man who does not smoke falls from 9.8 to 9.3 % on his 70th
    birthday in the low region, and rises from 23.7 to 27.9 % in the very high one (SBP 140, cholesterol 5.5, HDL 1.3).
    `blend` crosses smoothly from one to the other between 65 and 75; that is ours, not published.

    All inputs are arrays or scalars that broadcast to one shape.

    Args:
        age: years. NaN: no risk.
        sex: "male" or "female" (or "M", "F"). None, NaN or "": no risk.
        smoker: smokes now: true or false, 1 or 0.
        sbp_mmhg: systolic blood pressure.
        total_cholesterol_mmol_l: see `cholesterol_mg_dl_to_mmol_l`.
        hdl_cholesterol_mmol_l: the same.
        diabetes: true or false, 1 or 0.
        region: "low", "moderate", "high" or "very_high": the ESC's group of the country, by cardiovascular mortality.
        out_of_range: what ages under 40 and over 89 get: "nan" no risk; "clip" that of 40 or 89; "extrapolate" the
            equation at their age. With "nan" patients with prior disease get none either; otherwise they get the risk
            of a first event and the flag.
        prior_disease: atherosclerotic cardiovascular disease before; missing counts as none known.
        blend: cross smoothly between the equations from 65 to 75.
        fill: another table of means; None leaves risks with a missing input NaN.
        implausible: values that cannot be: "raise", or take them as "missing".

    Returns:
        `Score2Risk(risk, missing_rate, flags)`. `missing_rate` is the missing share of smoker, SBP, total cholesterol,
        HDL cholesterol and diabetes; 1 when age or sex is missing.

    Raises:
        ValueError: an unknown option, inputs that are not numbers or do not broadcast, an unknown sex, implausible
            values (another unit, cholesterol below its HDL part).

    Example:
        >>> from hf_ecg.clinical import score2_risk
        >>> result = score2_risk([50, 50], ["male", "female"], True, 140, 5.5, 1.3, False, region="low")
        >>> result.risk.round(3).tolist()
        [0.059, 0.042]

    Source:
        SCORE2, Eur Heart J 2021;42:2439 (doi 10.1093/eurheartj/ehab309); SCORE2-OP, Eur Heart J 2021;42:2455
        (doi 10.1093/eurheartj/ehab312). Coefficients: `score2_tables`.
    """
    for name, value, known in (
        ("region", region, REGIONS),
        ("out_of_range", out_of_range, OUT_OF_RANGE),
        ("implausible", implausible, IMPLAUSIBLE),
    ):
        if value not in known:
            raise ValueError(f"{name} is {value!r}, wanted one of {known}")
    given = (smoker, sbp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l, diabetes)
    columns = {"age": age} | dict(zip(INPUTS, given, strict=True))
    columns["prior_disease"] = False if prior_disease is None else prior_disease
    columns = {name: _numbers(name, values) for name, values in columns.items()} | {"sex": _sex_codes(sex)}
    columns = _broadcast(columns)
    _handle_implausible(columns, implausible)
    age, sex, prior_disease = columns["age"], columns["sex"], columns["prior_disease"] == 1

    no_risk = np.isnan(age) | (sex < 0)
    missing_rate = np.mean([np.isnan(columns[name]) for name in INPUTS], axis=0)
    missing_rate = np.where(no_risk, 1.0, missing_rate)
    flags = np.where(age < 40, Score2Flag.UNDER_40, 0) | np.where(age > 89, Score2Flag.OVER_89, 0)
    flags |= np.where(prior_disease, Score2Flag.PRIOR_DISEASE, 0) | np.where(no_risk, Score2Flag.NO_AGE_OR_SEX, 0)
    inputs = []
    for name in INPUTS:
        values = columns[name]
        if fill is not None:
            filled = np.isnan(values) & ~no_risk
            flags |= np.where(filled, _FILLED[name], 0)
            values = np.where(filled, _band_means(fill, name, age, sex), values)
        inputs.append(values)
    if out_of_range == "nan":
        no_risk = no_risk | (age < 40) | (age > 89) | prior_disease
    elif out_of_range == "clip":
        age = np.clip(age, 40, 89)

    older = (age >= 70).astype(np.float64)
    if blend:
        share = np.clip((age - 65) / 10, 0, 1)
        older = share**2 * (3 - 2 * share)
    inputs = np.stack(inputs, axis=-1)
    risk = (1 - older) * _risk(SCORE2, age, sex, inputs, region) + older * _risk(SCORE2_OP, age, sex, inputs, region)
    return Score2Risk(np.where(no_risk, np.nan, risk), missing_rate, np.asarray(flags, dtype=np.uint16))


def _risk(equation: Equation, age, sex, inputs, region):
    """Recalibrated risk; 1 - S0 ** exp(p) has ln(-ln(1 - risk)) = ln(-ln S0) + p, so no power is taken."""
    sex = np.maximum(sex, 0)
    scaled = (inputs - np.array(equation.centre)) / np.array(equation.unit)
    years = (age - equation.age_centre) / equation.age_unit
    main, by_age = np.array(equation.main)[sex], np.array(equation.by_age)[sex]
    predictor = np.array(equation.age)[sex] * years + ((main + years[..., None] * by_age) * scaled).sum(axis=-1)
    predictor = predictor - np.array(equation.mean_predictor)[sex]
    scale1, scale2 = np.moveaxis(np.array(equation.recalibration[region])[sex], -1, 0)
    log_hazard = np.log(-np.log(np.array(equation.baseline_survival)))[sex] + predictor
    return -np.expm1(-np.exp(scale1 + scale2 * log_hazard))


def _band_means(fill: RiskInputMeans, name: str, age, sex):
    means = np.array([getattr(fill, one)[name] for one in SEXES], dtype=np.float64)
    band = np.searchsorted(np.array(fill.age_from), np.nan_to_num(age), side="right") - 1
    return means[np.maximum(sex, 0), np.maximum(band, 0)]


def _numbers(name: str, values) -> np.ndarray:
    """float64 with NaN where missing: of lists with None, masked arrays, nullable pandas and arrow columns too."""
    try:
        if isinstance(values, np.ma.MaskedArray):
            return values.astype(np.float64).filled(np.nan)
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} holds something that is not a number: {error}") from error


def _sex_codes(sex) -> np.ndarray:
    """0 male, 1 female, -1 missing."""
    values = np.asarray(sex, dtype=object)
    codes = {value: _SEX_CODES.get(str(value).strip().lower()) for value in set(values.ravel().tolist())}
    unknown = [value for value, code in codes.items() if code is None]
    if unknown:
        raise ValueError(f"sex holds {unknown[:5]}, wanted 'male', 'female' or None: 0 and 1 mean either in corpora")
    return np.array([codes[value] for value in values.ravel().tolist()], dtype=np.int64).reshape(values.shape)


def _broadcast(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    try:
        arrays = np.broadcast_arrays(*columns.values())
    except ValueError as error:
        shapes = {name: values.shape for name, values in columns.items()}
        raise ValueError(f"the inputs do not broadcast to one shape: {shapes}") from error
    return {name: np.array(values) for name, values in zip(columns, arrays, strict=True)}


def _handle_implausible(columns: dict[str, np.ndarray], implausible: str) -> None:
    for name, (lowest, highest) in PLAUSIBLE.items():
        values = columns[name]
        wrong = (values < lowest) | (values > highest)
        wanted = f"{lowest} to {highest}"
        if highest == 1:
            wrong = ~np.isnan(values) & (values != 0) & (values != 1)
            wanted = "true or false"
        if name == "hdl_cholesterol_mmol_l":
            wrong = wrong | (values > columns["total_cholesterol_mmol_l"])
            wanted += " and no more than total cholesterol"
        if not wrong.any():
            continue
        if implausible == "raise":
            raise ValueError(
                f"{name} holds {values[wrong].ravel()[:3].tolist()} ({int(wrong.sum())} of {values.size} values),"
                f" wanted {wanted}{_HINTS.get(name, '')}; implausible='missing' takes such values as missing"
            )
        values[wrong] = np.nan
