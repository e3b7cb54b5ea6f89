"""HL7 annotated ECG (aECG), the format of the FDA's ECG warehouse, which many makers export.

A sample is `origin + scale * digit` in the unit of the lead; the rate follows from the `increment` of the time
sequence. Of several series or sequence sets the first rhythm is the record.
Source: ANSI/HL7 V3 ECG, R1-2004 (PORT_MT020001); HL7 aECG Implementation Guide, 21 March 2005; ISO 11073-10102, names.
"""

import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import Element

import numpy as np

from ..channels import Channels, choose_channels
from ..record import Annotation, Record
from ..units import millivolts_in
from .safe_xml import parse_xml, root_name
from .xml_values import (
    Lead,
    chosen_values,
    even_lengths,
    fields_of_patient,
    measured,
    named_texts,
    number_in,
    numbers,
    text_of,
)

FORMAT = "HL7 aECG"
ENDINGS = (".xml",)
ENDING_IS_SHARED = True
_BEATS = "REPRESENTATIVE_BEAT"
_LEAD = "_ECG_LEAD_"
_MOMENT = re.compile(
    r"(?P<whole>\d{12}(\d\d)?)(?P<parts>\.\d{1,9})?((?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?)?", re.ASCII
)
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "\u00b5s": 1e6, "\u03bcs": 1e6, "ns": 1e9}
_MILLISECONDS = {"": 1.0, "ms": 1.0, "s": 1e3, "us": 1e-3}
_RATES = {"hz": 60.0, "/s": 60.0, "1/s": 60.0}
# Parts that say who, where and for which study, and how we call what they hold.
_PERSONAL = ("componentOf", "location", "author", "custodian", "confidentialityCode", "id")
_OF_SERIES = ("author", "performer", "secondaryPerformer", "location", "id")
_PATIENT = {
    "subjectdemographicperson.name.given": "name",
    "subjectdemographicperson.name.family": "name",
    "subjectdemographicperson.name": "name",
    "trialsubject.id.extension": "id",
    "trialsubject.id.root": "id",
    "birthtime.value": "birth_date",
    "administrativegendercode.code": "sex",
    "manufacturedseriesdevice.id.extension": "device_serial",
    "manufacturedseriesdevice.serialnumber": "device_serial",
    "investigatorperson.name.given": "physician",
    "investigatorperson.name.family": "physician",
    "assignedperson.name.given": "operator",
    "assignedperson.name.family": "operator",
    "assignedperson.name": "operator",
    "location.name": "institution",
}
_MEASURED = {
    "MDC_ECG_HEART_RATE": "heart_rate",
    "MDC_ECG_TIME_PD_RR": "rr_ms",
    "MDC_ECG_TIME_PD_P": "p_ms",
    "MDC_ECG_TIME_PD_PR": "pr_ms",
    "MDC_ECG_TIME_PD_QRS": "qrs_ms",
    "MDC_ECG_TIME_PD_QT": "qt_ms",
    "MDC_ECG_TIME_PD_QTC": "qtc_ms",
    "MDC_ECG_TIME_PD_QTCB": "qtc_ms",
    "MDC_ECG_TIME_PD_QTCF": "qtc_fridericia_ms",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis",
    "MDC_ECG_ANGLE_QRS_FRONT": "qrs_axis",
    "MDC_ECG_ANGLE_T_FRONT": "t_axis",
}
_STATEMENTS = tuple(f"MDC_ECG_INTERPRETATION{part}" for part in ("", "_STATEMENT", "_SUMMARY"))
# free text of who read it
_COMMENT = "MDC_ECG_INTERPRETATION_COMMENT"


def matches(path: str, head: bytes) -> bool:
    """By the name of the first element."""
    return root_name(path, head) == "AnnotatedECG"


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    Raises:
        ValueError: see `safe_xml.parse_xml`; no rhythm series, no lead with samples, no time increment, a lead without
            scale, digits that are not numbers.
    """
    document = parse_xml(path)
    try:
        series, remarks = _rhythm(document)
        sequences, more = _sequences(series)
        rate, head = _time(sequences)
        leads, odd = _leads(sequences)
        remarks += [*more, *odd, *even_lengths(leads)]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    start = _moment(head) or next(
        filter(None, (_moment(_value(part, "effectiveTime/low")) for part in (series, document))), None
    )
    annotations = _all_annotations(series)
    derived = [one for beats in series.findall("derivation/derivedSeries") for one in _all_annotations(beats)]
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        sampling_rate=rate,
        source_format=FORMAT,
        device=_device(series),
        start_time=start,
        annotations=tuple(_places(annotations, start)),
        remarks=tuple(remarks),
        patient=_patient(document, series),
        comments=_told_under(annotations + derived, (_COMMENT,)),
        statements=tuple(_told_under(annotations + derived, _STATEMENTS)),
        measurements=measured(filter(None, map(_measurement, annotations + derived))),
        **chosen_values(leads, choose, path),
    )


def _code(element: Element | None) -> str:
    found = None if element is None else element.find("code")
    return "" if found is None else (found.get("code") or "").strip()


def _value(element: Element, path: str, key: str = "value") -> str:
    found = element.find(path)
    return "" if found is None else (found.get(key) or "").strip()


def _rhythm(document: Element) -> tuple[Element, list[str]]:
    found = [one for one in document.findall("component/series") if _code(one).upper() != _BEATS]
    if not found:
        raise ValueError("it has no series of a rhythm (representative beats alone are not a record)")
    return found[0], [f"it has {len(found)} series of rhythms: the first is read"] if len(found) > 1 else []


def _sequences(series: Element) -> tuple[list[Element], list[str]]:
    found = series.findall("component/sequenceSet")
    if not found:
        raise ValueError("its rhythm has no sequences")
    more = [f"its rhythm has {len(found)} sets of sequences: the first is read"] if len(found) > 1 else []
    return found[0].findall("component/sequence"), more


def _time(sequences: list[Element]) -> tuple[float, str]:
    """Hertz, and what is written as the time of the first sample."""
    for sequence in sequences:
        if not _code(sequence).upper().startswith("TIME_"):
            continue
        step, unit = number_in(_value(sequence, "value/increment")), _value(sequence, "value/increment", "unit")
        if step is None or step <= 0 or unit not in _PER_SECOND:
            raise ValueError(f"the time increment is {step} of the unit {unit[:10]!r}, wanted a positive one, s or ms")
        # 0.002 s is 500 Hz, whatever binary fractions make of it
        return float(f"{_PER_SECOND[unit] / step:.9g}"), _value(sequence, "value/head")
    raise ValueError("it has no sequence of the time, which says the sampling rate")


def _leads(sequences: list[Element]) -> tuple[list[Lead], list[str]]:
    leads, odd = [], []
    for sequence in sequences:
        name = _code(sequence)
        if _LEAD not in name.upper():
            continue
        lead = _lead(name, sequence.find("value"))
        if lead is None:
            odd.append(f"lead {name} has no samples: it is left out")
        else:
            leads.append(lead)
    return leads, odd


def _lead(name: str, value: Element | None) -> Lead | None:
    digits = None if value is None else value.findtext("digits")
    if value is None or digits is None or not digits.strip():
        return None
    scale, unit = number_in(_value(value, "scale")), _value(value, "scale", "unit")
    origin = number_in(_value(value, "origin") or "0")
    if not scale or origin is None:
        raise ValueError(f"lead {name} has no scale that is a number")
    step, start = millivolts_in(unit), millivolts_in(_value(value, "origin", "unit") or unit)
    found = numbers(digits, f"lead {name}")
    # what is no voltage is left out by its unit
    gain, zero = 1 / (scale * (step or 1.0)), origin * (start or 1.0)
    whole = not (found % 1).any() and np.abs(found).max() < 2**31
    if whole and gain > 0:
        return Lead(name, unit, found.astype(np.int32), gain, -zero * gain + 0.0)
    return Lead(name, unit, zero + found / gain, 1.0)


def _moment(text: str) -> datetime | None:
    """Of HL7's YYYYMMDDHHMMSS.UUUU+ZZzz, where it has minutes at least."""
    form = _MOMENT.fullmatch(text)
    if form is None:
        return None
    try:
        found = datetime.strptime(form["whole"].ljust(14, "0"), "%Y%m%d%H%M%S")
        found += timedelta(seconds=float(f"0{form['parts'] or ''}"))
        if form["sign"]:
            offset = timedelta(hours=int(form["hours"]), minutes=int(form["minutes"] or 0))
            found = found.replace(tzinfo=timezone(-offset if form["sign"] == "-" else offset))
    except (ValueError, OverflowError):
        return None
    return found


def _device(series: Element) -> str | None:
    author = series.find("author/seriesAuthor")
    places = ("manufacturerOrganization/name", "manufacturedSeriesDevice/manufacturerModelName")
    return " ".join(filter(None, (text_of(author, place) for place in places))) or None


def _patient(document: Element, series: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for part, places in ((document, _PERSONAL), (series, _OF_SERIES)):
        for place in places:
            for element in part.findall(place):
                found |= {f"{place}.{name}".lower(): text for name, text in named_texts(element).items()}
    known = _PATIENT | {"id.root": "document"}
    return fields_of_patient({name: text for name, text in found.items() if not name.endswith(".type")}, known)


def _all_annotations(series: Element) -> list[Element]:
    """Of a series, without what is said of one beat: the record's values are wanted."""
    found: list[Element] = []
    waiting = series.findall("subjectOf/annotationSet/component/annotation")[::-1]
    while waiting:
        found.append(waiting.pop())
        if _code(found[-1]).upper() != "MDC_ECG_BEAT":
            waiting += found[-1].findall("component/annotation")[::-1]
    return found


def _told_under(annotations: list[Element], codes: tuple[str, ...]) -> list[str]:
    told = (_told(annotation) for annotation in annotations if _code(annotation).upper() in codes)
    return list(dict.fromkeys(filter(None, told)))


def _told(annotation: Element) -> str:
    names = (_value(annotation, "value", name) for name in ("displayName", "code"))
    return text_of(annotation, "value") or next(filter(None, names), "")


def _measurement(annotation: Element) -> tuple[str, float] | None:
    name = _MEASURED.get(_code(annotation).upper().removesuffix("_GL"))
    number = number_in(_value(annotation, "value"))
    boundaries = annotation.iterfind("support/supportingROI/component/boundary")
    if name is None or number is None or any(_LEAD in _code(one).upper() for one in boundaries):
        return None
    unit = _value(annotation, "value", "unit").lower()
    if name == "heart_rate":
        number *= _RATES.get(unit, 1.0)
    elif name.endswith("_ms"):
        number *= _MILLISECONDS.get(unit, 1.0)
    return name, number


def _places(annotations: list[Element], start: datetime | None) -> Iterator[Annotation]:
    """What has a place in the time of the record."""
    for annotation in annotations:
        for boundary in annotation.iterfind("support/supportingROI/component/boundary"):
            low, high = _value(boundary, "value/low"), _value(boundary, "value/high")
            seconds = _seconds(_code(boundary).upper(), boundary, low, "low", start)
            end = _seconds(_code(boundary).upper(), boundary, high, "high", start)
            text = _told(annotation) or _code(annotation)
            if seconds is not None and text:
                yield Annotation(seconds, text, max(0.0, end - seconds) if end is not None else 0.0)


def _seconds(code: str, boundary: Element, text: str, side: str, start: datetime | None) -> float | None:
    if code == "TIME_RELATIVE":
        number = number_in(text)
        unit = _value(boundary, f"value/{side}", "unit")
        return None if number is None or unit not in _PER_SECOND else number / _PER_SECOND[unit]
    found = _moment(text) if code == "TIME_ABSOLUTE" else None
    if found is None or start is None or (found.tzinfo is None) != (start.tzinfo is None):
        return None
    return (found - start).total_seconds()
