"""What an electrocardiograph prints above the curves: rate, intervals, axis, and each lead's waves."""

from .labelled_spans import LabelledSpan, labelled_spans
from .measure import measure_ecg
from .measurement_values import MEASUREMENT_NAMES, measurement_values, measurements_of
from .measurements import LeadMeasurements, Measurements

__all__ = [
    "MEASUREMENT_NAMES",
    "LabelledSpan",
    "LeadMeasurements",
    "Measurements",
    "labelled_spans",
    "measure_ecg",
    "measurement_values",
    "measurements_of",
]
