"""What a DICOM waveform says of itself: statements, measurements, marks in time (PS3.3 C.10.10)."""

import math
from typing import NamedTuple

from ..record import Annotation
from .dicom_groups import Group, code_of, number_of, text_of

# By code: SCP-ECG's (its section and byte), IEEE 11073 (MDC), LOINC; PS3.16 CID 3227 to 3229.
_MEASURED = {
    **{"5.10.2.5-1": "heart_rate", "2:16770": "heart_rate", "8867-4": "heart_rate"},
    **{"5.10.2.1-3": "rr_ms", "2:16168": "rr_ms"},
    **{"5.13.5-5": "p_ms", "2:15640": "p_ms"},
    **{"5.13.5-7": "pr_ms", "2:15872": "pr_ms"},
    **{"5.13.5-9": "qrs_ms", "2:16156": "qrs_ms"},
    **{"5.13.5-11": "qt_ms", "2:16160": "qt_ms"},
    **{"5.10.2.5-5": "qtc_ms", "2:15876": "qtc_ms", "2:15880": "qtc_ms"},
    **{"5.10.3-11": "p_axis", "2:16128": "p_axis"},
    **{"5.10.3-13": "qrs_axis", "2:16132": "qrs_axis"},
    **{"5.10.3-15": "t_axis", "2:16136": "t_axis"},
    **{"MDC_ECG_HEART_RATE": "heart_rate", "MDC_ECG_TIME_PD_RR": "rr_ms", "MDC_ECG_TIME_PD_P": "p_ms"},
    **{"MDC_ECG_TIME_PD_PR": "pr_ms", "MDC_ECG_TIME_PD_QRS": "qrs_ms", "MDC_ECG_TIME_PD_QT": "qt_ms"},
    **{"MDC_ECG_TIME_PD_QTc": "qtc_ms", "MDC_ECG_TIME_PD_QTcB": "qtc_ms", "MDC_ECG_ANGLE_P_FRONT": "p_axis"},
    **{"MDC_ECG_ANGLE_QRS_FRONT": "qrs_axis", "MDC_ECG_ANGLE_T_FRONT": "t_axis"},
}
# By the words that stand beside a code that nobody knows.
_WORDS = {
    **{"ventricular heart rate": "heart_rate", "ventricular rate": "heart_rate", "heart rate": "heart_rate"},
    **{"rr interval": "rr_ms", "p duration": "p_ms", "pr interval": "pr_ms", "qrs duration": "qrs_ms"},
    **{"qt interval": "qt_ms", "qtc interval": "qtc_ms", "p axis": "p_axis", "qrs axis": "qrs_axis"},
    **{"t axis": "t_axis"},
}
_UNITS = {"ms": 1.0, "s": 1000.0, "us": 0.001, "rad": 180 / math.pi}


class Said(NamedTuple):
    """Statements, measurements and marks in time."""

    statements: tuple[str, ...]
    measurements: dict[str, float]
    notes: tuple[Annotation, ...]


def read_annotations(dataset, group: Group) -> Said:
    """What a file says of one of its groups of channels."""
    statements: list[str] = []
    measurements: dict[str, float] = {}
    notes: list[Annotation] = []
    for item in dataset.get("WaveformAnnotationSequence") or []:
        _, code, name = code_of(item, "ConceptNameCodeSequence")
        concept = code_of(item, "ConceptCodeSequence")[2]
        text = text_of(item, "UnformattedTextValue") or concept or name
        value = number_of(item, "NumericValue")
        places = _seconds(item, group)
        if places:
            if _is_of(item, group) and text:
                notes.append(Annotation(places[0], text, max(0.0, places[-1] - places[0])))
        elif math.isfinite(value):
            key = _MEASURED.get(code) or _WORDS.get(name.strip().lower())
            if key is not None and _of_whole_group(item):
                unit = code_of(item, "MeasurementUnitsCodeSequence")[1]
                factor = 1.0 if key == "heart_rate" else _UNITS.get(unit, 1.0)
                measurements.setdefault(key, value * factor)
        elif text:
            statements.append(text)
    return Said(tuple(statements), measurements, tuple(sorted(notes, key=lambda note: note.seconds)))


def _references(item) -> list[int]:
    value = item.get("ReferencedWaveformChannels")
    if value is None:
        return []
    return [int(one) for one in value] if hasattr(value, "__iter__") else [int(value)]


def _is_of(item, group: Group) -> bool:
    references = _references(item)
    return not references or group.number in references[::2]


def _of_whole_group(item) -> bool:
    return not any(_references(item)[1::2])


def _seconds(item, group: Group) -> list[float]:
    """Where it stands, in seconds from the first sample; sample positions are counted from 1."""
    for key, scale, first in (("ReferencedSamplePositions", group.rate, 1), ("ReferencedTimeOffsets", 1.0, 0)):
        value = item.get(key)
        if value is not None and value != "":
            places = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
            return [(float(place) - first) / scale for place in places]
    return []
