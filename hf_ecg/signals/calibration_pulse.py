"""The square of one millivolt that some machines write behind an ECG, on all leads: not of the heart."""

import math
from dataclasses import replace

import numpy as np

from .record import Record
from .units import MISSING_COUNT

# The text of an annotation that says from where to where it lasts.
CALIBRATION_PULSE = "calibration pulse"


def without_calibration_pulse(record: Record) -> Record:
    """The record as measuring and models use it: samples in an annotated calibration pulse are missing.

    The record that was given keeps its values. One without such an annotation is given back as it is.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.calibration_pulse import CALIBRATION_PULSE, without_calibration_pulse
        >>> from hf_ecg.signals.record import Annotation, Record
        >>> pulse = Annotation(1.5, CALIBRATION_PULSE, 0.5)
        >>> record = Record("two seconds", np.ones((1, 4)), None, None, ("I",), 2, annotations=(pulse,))
        >>> without_calibration_pulse(record).values.tolist()
        [[1.0, 1.0, 1.0, nan]]
    """
    pulses = [note for note in record.annotations if note.text == CALIBRATION_PULSE]
    if not pulses:
        return record
    values, rate = record.values.copy(), record.sampling_rate
    for pulse in pulses:
        # a thousandth of a sample is the rounding of seconds; a window may begin within the pulse
        first = max(math.floor(pulse.seconds * rate + 1e-3), 0)
        end = max(math.ceil((pulse.seconds + pulse.duration) * rate - 1e-3), 0)
        values[:, first:end] = MISSING_COUNT if values.dtype.kind in "iu" else np.nan
    return replace(record, values=values)
