"""Rate, intervals and axis of a recording: what was commanded is checked, the rest is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .conditions import (
    BUNDLE_BRANCH_BLOCKS,
    PR_DRAWN,
    PR_MEANS,
    QRS_MEANS,
    RATE_DRAWN,
    RATE_MEANS,
    RHYTHMS,
    SINUS,
    ventricles,
)
from .patient import Patient

# QT from Fridericia's formula: QTc times the cube root of RR in seconds.
_QT_RANGE_MS = (220.0, 620.0)


@dataclass(frozen=True)
class Parameters:
    """Rate per minute, intervals in milliseconds (`pr_ms` is None in fibrillation), frontal axis in degrees."""

    heart_rate: float
    pr_ms: float | None
    qrs_ms: float
    qt_ms: float
    axis_degrees: float


def draw_parameters(
    rng: np.random.Generator, names: Sequence[str], patient: Patient, commanded: Mapping[str, float | None]
) -> tuple[tuple[str, ...], Parameters]:
    """The conditions with their rhythm named, and the parameters.

    Raises:
        ValueError: a value that the conditions rule out.
    """
    # everything is drawn, commanded or not: a command must not shift what comes after it
    uniform = rng.uniform(size=5)
    rhythm = next((name for name in names if name in RHYTHMS), None)
    rate = commanded["heart_rate"]
    if rhythm is None:
        rhythm = "sinus_rhythm" if rate is None else _sinus_of(rate)
        names = (rhythm, *names)
    rate = _value("heart_rate", rate, RATE_DRAWN[rhythm], RATE_MEANS[rhythm], uniform[0], rhythm)
    delayed = "first_degree_av_block" in names
    pr = None
    if rhythm != "atrial_fibrillation":
        low, high = PR_DRAWN[delayed]
        # the AV node conducts faster at a fast rate
        shortening = 0.0 if delayed else 0.35 * max(rate - 70.0, 0.0)
        drawn = (max(low - shortening, 112.0), high - shortening)
        why = "first_degree_av_block" if delayed else "no AV block"
        pr = _value("pr_ms", commanded["pr_ms"], drawn, PR_MEANS[delayed], uniform[1], why)
    elif commanded["pr_ms"] is not None:
        raise ValueError(f"pr_ms is {commanded['pr_ms']}, but there is no PR interval in atrial fibrillation")
    template = ventricles(names)
    blocked = bool(set(names) & set(BUNDLE_BRANCH_BLOCKS))
    why = "a bundle-branch block" if blocked else "no bundle-branch block"
    qrs = _value("qrs_ms", commanded["qrs_ms"], template.qrs_ms, QRS_MEANS[blocked], uniform[2], why)
    # a wide QRS takes T along: two thirds of what it is longer
    qt = (patient.qtc_ms + 0.65 * max(qrs - 100.0, 0.0)) * np.cbrt(60.0 / rate) + 12.0 * (uniform[3] - 0.5)
    qt = _value("qt_ms", commanded["qt_ms"], (qt, qt), _QT_RANGE_MS, 0.0, "any heart")
    axis = _value("axis_degrees", commanded["axis_degrees"], template.axes, (-180.0, 180.0), uniform[4], "any heart")
    _check_room(rate, pr, qrs, qt)
    return names, Parameters(rate, pr, qrs, qt, axis)


def _value(name: str, commanded, drawn, allowed, uniform: float, why: str) -> float:
    if commanded is None:
        return float(drawn[0] + uniform * (drawn[1] - drawn[0]))
    if not allowed[0] <= commanded <= allowed[1]:
        raise ValueError(f"{name} is {commanded!r}, wanted {allowed[0]:g} to {allowed[1]:g} with {why}")
    return float(commanded)


def _sinus_of(rate: float) -> str:
    fitting = [name for name in SINUS if RATE_MEANS[name][0] <= rate <= RATE_MEANS[name][1]]
    if not fitting:
        raise ValueError(f"heart_rate is {rate!r}, wanted 30 to 180 per minute")
    return fitting[0]


def _check_room(rate: float, pr: float | None, qrs: float, qt: float) -> None:
    interval = 60_000.0 / rate
    if qt < qrs + 120.0:
        raise ValueError(f"qt_ms is {qt:g}, wanted at least {qrs + 120.0:g}: QRS takes {qrs:g} ms, T some 120")
    if qt + (pr or 0.0) > 1.15 * interval:
        raise ValueError(
            f"PR and QT take {qt + (pr or 0.0):.0f} ms together, but at {rate:g} a minute there are {interval:.0f} ms"
            " from beat to beat: lower the rate or shorten them"
        )
