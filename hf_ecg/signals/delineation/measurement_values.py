"""Measurements of a record as one array of numbers with names, for tables and for models that learn them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from ..leads import STANDARD_LEADS
from .measurements import LeadMeasurements, Measurements

RECORD_NAMES = tuple(one.name for one in fields(Measurements) if one.name not in ("source", "leads"))
LEAD_NAMES = tuple(one.name for one in fields(LeadMeasurements))
# Of the record first, then lead by lead: "qrs_ms", "V1_r_mv".
MEASUREMENT_NAMES = RECORD_NAMES + tuple(f"{lead}_{name}" for lead in STANDARD_LEADS for name in LEAD_NAMES)


def measurement_values(measurements: Measurements) -> np.ndarray:
    """float64 (`MEASUREMENT_NAMES`,): what was measured, NaN where it could not be had; no beat is NaN beats.

    Example:
        >>> from hf_ecg.signals.delineation import MEASUREMENT_NAMES, Measurements, measurement_values
        >>> values = measurement_values(Measurements("signal", qrs_ms=96.0))
        >>> float(values[MEASUREMENT_NAMES.index("qrs_ms")])
        96.0
    """
    record = [float(getattr(measurements, name)) for name in RECORD_NAMES]
    record[RECORD_NAMES.index("beats")] = measurements.beats or np.nan
    by_lead = [measurements.lead(lead) for lead in STANDARD_LEADS]
    return np.array(record + [getattr(lead, name) for lead in by_lead for name in LEAD_NAMES], dtype=np.float64)


def measurements_of(values: Sequence[float], names: Sequence[str] = MEASUREMENT_NAMES) -> Measurements:
    """The measurements that `measurement_values` made numbers of.

    Args:
        values: one a name, NaN where not measured.
        names: those of the values; measurements that have no name here are NaN.

    Raises:
        ValueError: names and values do not fit, or a name that is not one of `MEASUREMENT_NAMES`.
    """
    if len(values) != len(names):
        raise ValueError(f"{len(values)} values for {len(names)} names of measurements")
    if unknown := sorted(set(names) - set(MEASUREMENT_NAMES)):
        raise ValueError(f"{unknown[:5]} are not names of measurements, such as qrs_ms or V1_r_mv")
    found = {name: float(value) for name, value in zip(names, values, strict=True)}
    record: dict = {name: found[name] for name in RECORD_NAMES if name in found}
    beats = record.pop("beats", np.nan)
    leads = {lead: _lead(lead, found) for lead in STANDARD_LEADS}
    return Measurements(
        "signal",
        beats=0 if np.isnan(beats) else int(beats),
        leads={lead: measured for lead, measured in leads.items() if measured is not None},
        **record,
    )


def _lead(lead: str, found: Mapping[str, float]) -> LeadMeasurements | None:
    values = {name: found[f"{lead}_{name}"] for name in LEAD_NAMES if f"{lead}_{name}" in found}
    return LeadMeasurements(**values) if any(value == value for value in values.values()) else None
