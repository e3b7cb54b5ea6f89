"""A patient: age, sex, and how their heart and chest differ from the template's."""

from dataclasses import dataclass

import numpy as np

from .lead_field import DOWER, turn_about_y
from .waves import Wave


@dataclass(frozen=True)
class Patient:
    """Age in years, sex ("male", "female") and anatomy.

    `matrix` (8, 3): lead matrix. `voltage`, `p_size`, `t_size`: factors. `local` (6, 2) and `local_t` (6,): the chest
    leads' own share of QRS and T in mV, which no vector explains. `qtc_ms`: QT at one beat a second (Fridericia).
    `seed`: what else belongs to the patient is drawn from it.
    """

    age: int
    sex: str
    matrix: np.ndarray
    voltage: float
    p_size: float
    t_size: float
    local: np.ndarray
    local_t: np.ndarray
    qtc_ms: float
    seed: np.random.SeedSequence


def draw_patient(seed: np.random.SeedSequence, age: int | None = None, sex: str | None = None) -> Patient:
    """A patient by seed.

    Voltages fall with age and are lower in women, whose QT is some 10 ms longer (Rautaharju, Surawicz, Gettes, AHA
    recommendations IV, Circulation 119:e241, 2009; the slopes here are rough).

    Raises:
        ValueError: an age outside 18 to 110 or another sex than "male" and "female".
    """
    if age is not None and not 18 <= age <= 110:
        raise ValueError(f"age is {age}, wanted 18 to 110 years: the templates are of adults")
    if sex not in (None, "male", "female"):
        raise ValueError(f"sex is {sex!r}, wanted 'male' or 'female'")
    rng = np.random.default_rng(seed)
    drawn_age, drawn_sex = int(np.clip(rng.normal(60, 16), 18, 95)), str(rng.choice(["male", "female"]))
    age, sex = drawn_age if age is None else int(age), drawn_sex if sex is None else sex
    woman = sex == "female"
    voltage = float(np.clip(rng.lognormal(0.0, 0.2), 0.6, 1.5)) * (1.12 - 0.003 * (age - 20)) * (0.9 if woman else 1.0)
    matrix = DOWER * rng.lognormal(0.0, 0.08, (8, 1)) @ turn_about_y(np.radians(rng.normal(0.0, 9.0))).T
    # nearer electrodes see more: V2 to V4 lie over the heart
    local = rng.normal(0.0, 1.0, (6, 2)) * np.array([0.03, 0.06, 0.06, 0.05, 0.03, 0.02])[:, None]
    return Patient(
        age=age,
        sex=sex,
        matrix=matrix,
        voltage=voltage,
        p_size=float(np.clip(rng.lognormal(0.0, 0.2), 0.65, 1.5)),
        t_size=float(np.clip(rng.lognormal(0.0, 0.25), 0.6, 1.6)) * (1.1 - 0.004 * (age - 20)),
        local=local,
        local_t=rng.normal(0.0, 0.02, 6),
        qtc_ms=float(np.clip(rng.normal(412.0 if woman else 402.0, 16.0), 365.0, 450.0)),
        seed=seed,
    )


def varied(rng: np.random.Generator, wave: Wave, share: float = 0.07) -> Wave:
    """The wave with each Gaussian's vector and place a little changed: nobody's QRS is the template."""
    vectors = wave.vectors * rng.lognormal(0.0, share, (len(wave.centers), 1))
    vectors = vectors + rng.normal(0.0, 0.02, vectors.shape) * np.linalg.norm(wave.vectors, axis=1, keepdims=True)
    centers = wave.centers + rng.normal(0.0, 0.012, len(wave.centers))
    return Wave(centers, wave.widths * rng.lognormal(0.0, 0.04, len(wave.widths)), vectors)
