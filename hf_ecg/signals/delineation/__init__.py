"""What an electrocardiograph prints above the curves: rate, intervals, axis, and each lead's waves."""

from .measure import measure_ecg
from .measurements import LeadMeasurements, Measurements

__all__ = ["LeadMeasurements", "Measurements", "measure_ecg"]
