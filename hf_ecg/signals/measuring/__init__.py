"""What a cardiologist measures on an ECG: rate, intervals, axes, voltages and each beat; and how far to trust it."""

from .formulas import corrected_qt
from .measure import measure
from .record_values import VALUE_NAMES
from .result import GOOD, BeatTable, ECGMeasurements, Measured
from .rhythm import Rhythm

__all__ = ["GOOD", "VALUE_NAMES", "BeatTable", "ECGMeasurements", "Measured", "Rhythm", "corrected_qt", "measure"]
