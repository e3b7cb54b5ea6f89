"""XML of Mortara's (Welch Allyn's, Hillrom's) ELI electrocardiographs and ELI Link.

Each `CHANNEL` holds Base64 of little-endian 16-bit counts, or whole numbers in a row, of `UNITS_PER_MV` counts a
millivolt. The average beat (`TYPICAL_CYCLE`) carries the machine's measurements; its samples are not read.
Source: no specification is public; what files, and the readers of EDFbrowser, BRAVEHEART and ecgdatakit, agree on.
"""

import os
import re
from collections.abc import Callable
from datetime import datetime
from xml.etree.ElementTree import Element

import numpy as np

from ..channels import Channels, choose_channels
from ..record import Record
from .limb_counts import with_limb_leads
from .safe_xml import parse_xml, root_name
from .xml_values import (
    Lead,
    chosen_values,
    decoded,
    even_lengths,
    fields_of_patient,
    measured,
    moment,
    named_texts,
    number_in,
    numbers,
    sampling_rate,
)

FORMAT = "Mortara XML"
ENDINGS = (".xml",)
ENDING_IS_SHARED = True
_CODING = {"BITS": "16", "FORMAT": "SIGNED", "ENCODING": "BASE64"}
_NUMBERS = re.compile(r"\s*[+-]?\d+[\s,;][\d\s,;+-]*", re.ASCII)
_SEPARATORS = str.maketrans(",;", "  ")
_MEASURED = {
    "VENT_RATE": "heart_rate",
    "AVERAGE_RR": "rr_ms",
    "P_DURATION": "p_ms",
    "PR_DURATION": "pr_ms",
    "QRS_DURATION": "qrs_ms",
    "QT": "qt_ms",
    "QTC": "qtc_ms",
    "QTB": "qtc_ms",
    "QTF": "qtc_fridericia_ms",
    "P_AXIS": "p_axis",
    "QRS_AXIS": "qrs_axis",
    "T_AXIS": "t_axis",
}
# Attributes of the first element that are no patient's: measurements and times.
_OF_RECORD = (*_MEASURED, "NUM_QRS", "ACQUISITION_TIME", "ACQUISITION_TIME_XML", "SEVERITY")
_PATIENT = {
    "FIRST_NAME": "name",
    "MIDDLE_NAME": "name",
    "LAST_NAME": "name",
    "ID": "id",
    "LOCAL_ID": "id",
    "SECOND_ID": "id",
    "DOB": "birth_date",
    "DOB_XML": "birth_date",
    "AGE": "age",
    "GENDER": "sex",
    "TECHNICIAN": "operator",
    "PHYSICIAN": "physician",
    "REFERRING_PHYSICIAN": "physician",
    "ATTENDING_PHYSICIAN": "physician",
    "LOCATION": "institution",
    "SITE.NAME": "institution",
    "ACQUIRING_DEVICE_SITE_NAME": "institution",
    "ACQUIRING_DEVICE_SERIAL_NUMBER": "device_serial",
    "ACCESSION_NUMBER": "accession",
}
_PERSONAL = ("SUBJECT", "SITE", "ORDER", "MEDICATION")
# Of the source, what is a model's and not a machine's.
_MODEL = ("TYPE", "MANUFACTURER", "MODEL", "ACQUIRING_DEVICE_EXTENDED_MODEL_DESCRIPTION")


def matches(path: str, head: bytes) -> bool:
    """By the name of the first element."""
    return root_name(path, head) == "ECG"


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    Raises:
        ValueError: see `safe_xml.parse_xml`; no channel, or one that is damaged, of another encoding, without
            `UNITS_PER_MV` or of another rate than the others.
    """
    document = parse_xml(path)
    try:
        channels = document.findall("CHANNEL")
        if not channels:
            raise ValueError("it has no CHANNEL, which holds a lead's samples")
        rates = {sampling_rate(channel.get("SAMPLE_FREQ"), "a channel") for channel in channels}
        if len(rates) > 1:
            raise ValueError(f"its channels have the rates {sorted(rates)}, wanted one")
        remarks: list[str] = []
        leads = [_lead(channel, remarks) for channel in channels]
        remarks += even_lengths(leads)
        leads, computed = with_limb_leads(leads)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    source = document.find("SOURCE")
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        sampling_rate=rates.pop(),
        source_format=FORMAT,
        device=_device(source),
        start_time=_start(document),
        remarks=(*remarks, *computed),
        patient=_patient(document, source),
        statements=_statements(document),
        measurements=_measurements(document),
        **chosen_values(leads, choose, path),
    )


def _lead(channel: Element, remarks: list[str]) -> Lead:
    name = (channel.get("NAME") or "").strip()
    if not name:
        raise ValueError("a channel has no NAME")
    coded = [(channel.get(key) or usual).strip().upper() for key, usual in _CODING.items()]
    if coded != list(_CODING.values()):
        raise ValueError(f"channel {name} is coded as {[one[:10] for one in coded]}, wanted {list(_CODING.values())}")
    gain = number_in(channel.get("UNITS_PER_MV"))
    if gain is None or gain <= 0:
        raise ValueError(f"channel {name} says no counts a millivolt (UNITS_PER_MV)")
    counts = _samples(channel.get("DATA") or channel.text or "", f"channel {name}")
    said, rate = number_in(channel.get("DURATION")), number_in(channel.get("SAMPLE_FREQ")) or 1.0
    # in samples; some write milliseconds
    if said and said not in (len(counts), round(len(counts) * 1000 / rate)):
        raise ValueError(f"channel {name} has {len(counts)} samples, and says {said:g}")
    if number_in(channel.get("OFFSET")):
        remarks.append(f"{name} has an OFFSET, which nobody explains: not applied")
    return Lead(name, "mV", counts.astype(np.int32), gain)


def _samples(text: str, what: str) -> np.ndarray:
    """Of whole numbers between commas or blanks, or of Base64; the same digits in a row without any are Base64."""
    if _NUMBERS.fullmatch(text):
        found = numbers(text.translate(_SEPARATORS), what)
        if (np.abs(found) > 2**30).any():
            raise ValueError(f"{what} has numbers that are not samples")
        return found.astype(np.int32)
    packed = decoded(text, what)
    if len(packed) % 2:
        raise ValueError(f"{what} has {len(packed)} bytes, wanted samples of two")
    return np.frombuffer(packed, "<i2")


def _device(source: Element | None) -> str | None:
    found = dict.fromkeys("" if source is None else (source.get(key) or "").strip() for key in _MODEL[1:])
    return " ".join(filter(None, found)) or None


def _start(document: Element) -> datetime | None:
    written = (document.get("ACQUISITION_TIME_XML") or "").strip()
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return moment((document.get("ACQUISITION_TIME") or "").strip(), "%Y%m%d%H%M%S")


def _patient(document: Element, source: Element | None) -> dict[str, str]:
    found = {name: text for name, text in document.attrib.items() if name not in _OF_RECORD and text.strip()}
    for place in _PERSONAL:
        for element in document.findall(place):
            found |= {f"{place}.{name}": text for name, text in named_texts(element).items()}
    for one in document.iter("DEMOGRAPHIC_FIELD"):
        found[f"field {one.get('ID')} {one.get('LABEL', '')}".strip()] = one.get("VALUE", "")
    if source is not None:
        kept = {name: text for name, text in source.attrib.items() if name not in _MODEL}
        found |= {f"SOURCE.{name}": text for name, text in kept.items()}
    return fields_of_patient({name: text.strip() for name, text in found.items() if text.strip()}, _PATIENT)


def _statements(document: Element) -> tuple[str, ...]:
    told = []
    for statement in document.findall("AUTOMATIC_INTERPRETATION/STATEMENT"):
        text, reason = (" ".join((statement.get(key) or "").split()) for key in ("TEXT", "REASON"))
        text = text or " ".join((statement.text or "").split())
        if text:
            told.append(f"{text} ({reason})" if reason else text)
    return tuple(told)


def _measurements(document: Element) -> dict[str, float]:
    parts = [part for part in (document, document.find("TYPICAL_CYCLE")) if part is not None]
    return measured((name, part.get(key)) for part in parts for key, name in _MEASURED.items())
