"""XML of GE's MUSE (`RestingECG`).

Each lead is Base64 of little-endian whole numbers, `LeadAmplitudeUnitsPerBit` of `LeadAmplitudeUnits` a count. Most
files hold I, II and V1 to V6; the other limb leads are computed from I and II. The strip "Rhythm" is the record;
"Median" is an average beat, and not read.
Source: the document type restecg.dtd as its files show it; CRC-32 by ISO 3309.
"""

import os
import zlib
from collections.abc import Callable
from xml.etree.ElementTree import Element

import numpy as np

from ..channels import Channels, choose_channels
from ..record import Record
from ..units import known_voltage, millivolts_in
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
    text_of,
)

FORMAT = "GE MUSE XML"
ENDINGS = (".xml",)
ENDING_IS_SHARED = True
_KINDS = {1: "i1", 2: "<i2", 4: "<i4"}
_DATES = ("%m-%d-%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%m-%d-%Y %H:%M", "%d-%b-%Y %H:%M:%S")
# What of the test's description names nobody; all else of it goes to the patient's fields.
_NO_NAMES = (
    *("DataType", "AcquisitionDevice", "AcquisitionDate", "AcquisitionTime", "Status", "Priority", "EditListStatus"),
    *("AcquisitionSoftwareVersion", "AnalysisSoftwareVersion", "XMLSourceVersion", "EditDate", "EditTime"),
)
_PATIENT = {
    "patientfirstname": "name",
    "patientmiddlename": "name",
    "patientlastname": "name",
    "patientid": "id",
    "secondaryid": "id",
    "dateofbirth": "birth_date",
    "patientage": "age",
    "gender": "sex",
    **{
        f"{who}md{part}": "physician"
        for who in ("referring", "ordering", "attending", "overreader", "overreading", "consulting", "admitting")
        for part in ("firstname", "lastname", "id")
    },
    **{f"overreader{part}": "physician" for part in ("firstname", "lastname", "id")},
    **{
        f"{who}{part}": "operator"
        for who in ("acquisitiontech", "editor", "fellow", "orderingtech")
        for part in ("firstname", "lastname", "id")
    },
    "sitename": "institution",
    "locationname": "institution",
    "cartnumber": "device_serial",
    "pharmacartid": "device_serial",
    "visitnumber": "accession",
    "admitdate": "admission",
    "ordernumber": "accession",
}
_PERSONAL = ("PatientDemographics", "TestDemographics", "Order", "PharmaData", "Visit")
_MEASURED = {
    "VentricularRate": "heart_rate",
    "PRInterval": "pr_ms",
    "QRSDuration": "qrs_ms",
    "QTInterval": "qt_ms",
    "QTCorrected": "qtc_ms",
    "QTcFrederica": "qtc_fridericia_ms",
    "PAxis": "p_axis",
    "RAxis": "qrs_axis",
    "TAxis": "t_axis",
}


def matches(path: str, head: bytes) -> bool:
    """By the name of the first element."""
    return root_name(path, head).lower() == "restingecg"


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    Statements are those that count in the system (`Diagnosis`); those of the machine alone (`OriginalDiagnosis`)
    follow where they differ, after "original: ". Measurements likewise are the corrected ones where there are some.

    Raises:
        ValueError: see `safe_xml.parse_xml`; no strip of the rhythm, or several; a lead that is damaged, of another
            size or checksum than it says, or without a voltage a count; no rate.
    """
    document = parse_xml(path)
    try:
        strip, remarks = _rhythm(document)
        rate = _rate(strip)
        leads, odd = _leads(strip)
        remarks += odd + even_lengths(leads)
        leads, computed = with_limb_leads(leads)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    test = document.find("TestDemographics")
    machine = text_of(test, "AcquisitionDevice")
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        sampling_rate=rate,
        source_format=FORMAT,
        device=f"GE {machine}" if machine else None,
        start_time=moment(f"{text_of(test, 'AcquisitionDate')} {text_of(test, 'AcquisitionTime')}", *_DATES),
        remarks=(*remarks, *computed),
        patient=_patient(document),
        statements=_statements(document),
        measurements=_measurements(document),
        **chosen_values(leads, choose, path),
    )


def _rhythm(document: Element) -> tuple[Element, list[str]]:
    strips = document.findall("Waveform")
    found = [strip for strip in strips if text_of(strip, "WaveformType").lower() in ("rhythm", "")]
    if not found:
        raise ValueError("it has no waveform of the type Rhythm" + (" (Median alone is no record)" if strips else ""))
    return found[0], [f"it has {len(found)} rhythm strips: the first is read"] if len(found) > 1 else []


def _rate(strip: Element) -> float:
    base, exponent = number_in(text_of(strip, "SampleBase")), number_in(text_of(strip, "SampleExponent") or "0")
    if base is None or base <= 0 or exponent is None or abs(exponent) > 9:
        raise ValueError("its rhythm says no sampling rate (SampleBase)")
    return base * 10.0**exponent


def _leads(strip: Element) -> tuple[list[Lead], list[str]]:
    elements = strip.findall("LeadData")
    leads, remarks, sums = [], [], []
    for element in elements:
        lead, fits = _lead(element)
        leads.append(lead)
        sums.append(fits)
        if text_of(element, "LeadOff").upper() == "TRUE":
            remarks.append(f"the machine says that the electrode of {lead.name} was off")
        delay = number_in(text_of(element, "LeadTimeOffset"))
        if delay:
            remarks.append(f"{lead.name} begins {delay:g} ms later (LeadTimeOffset): not moved")
        if any(number_in(text_of(element, part)) for part in ("FirstSampleBaseline", "LeadOffsetFirstSample")):
            remarks.append(f"{lead.name} has an offset of its first sample, which nobody explains: not applied")
    wrong = [lead.name for lead, fits in zip(leads, sums, strict=True) if fits is False]
    # where no lead has the sum that it says, the sum is of another kind; where some have, the others are damaged
    if wrong and any(sums):
        raise ValueError(f"the checksums of {', '.join(wrong)} are wrong: these leads are damaged")
    if wrong:
        remarks.append("no lead has the checksum that it says: they are taken for sums of another kind")
    return leads, remarks


def _lead(element: Element) -> tuple[Lead, bool | None]:
    """A lead, and whether its checksum is right; None where it has none."""
    name = text_of(element, "LeadID")
    if not name:
        raise ValueError("a lead has no name (LeadID)")
    packed = decoded(element.findtext("WaveFormData") or "", f"lead {name}")
    size = number_in(text_of(element, "LeadSampleSize") or "2")
    if size not in _KINDS or len(packed) % size:
        raise ValueError(f"lead {name} has {len(packed)} bytes, wanted samples of 1, 2 or 4 bytes (LeadSampleSize)")
    counts = np.frombuffer(packed, _KINDS[int(size)])
    said = {"LeadByteCountTotal": len(packed), "LeadSampleCountTotal": len(counts)}
    for part, found in said.items():
        wanted = number_in(text_of(element, part))
        if wanted is not None and wanted != found:
            raise ValueError(f"lead {name} says {wanted:g} as {part}, and has {found}")
    per_bit, unit = number_in(text_of(element, "LeadAmplitudeUnitsPerBit")), text_of(element, "LeadAmplitudeUnits")
    if not per_bit or per_bit < 0 or known_voltage(unit) is None:
        raise ValueError(f"lead {name} has {per_bit} of {unit[:20]!r} a bit, wanted a positive voltage")
    crc = text_of(element, "LeadDataCRC32")
    fits = int(crc) == zlib.crc32(packed) if crc.isascii() and crc.isdecimal() and int(crc) else None
    return Lead(name, unit, counts.astype(np.int32), 1 / (per_bit * (millivolts_in(unit) or 1.0))), fits


def _patient(document: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for place in _PERSONAL:
        found |= {f"{place}.{name}".lower(): text for name, text in named_texts(document.find(place)).items()}
    kept = {name: text for name, text in found.items() if name.rpartition(".")[2] not in map(str.lower, _NO_NAMES)}
    return fields_of_patient(kept, _PATIENT)


def _statements(document: Element) -> tuple[str, ...]:
    counted, original = (_lines(document.find(place)) for place in ("Diagnosis", "OriginalDiagnosis"))
    if not counted:
        return original
    return (*counted, *(f"original: {line}" for line in original if line not in counted))


def _lines(diagnosis: Element | None) -> tuple[str, ...]:
    """Statements are written in parts; the flag ENDSLINE ends one."""
    lines, parts = [], []
    for statement in [] if diagnosis is None else diagnosis.findall("DiagnosisStatement"):
        parts.append(text_of(statement, "StmtText"))
        flags = [text_of(flag) for flag in statement.findall("StmtFlag")]
        if "ENDSLINE" in flags:
            lines.append(_joined(parts))
            parts = []
    return tuple(filter(None, (*lines, _joined(parts))))


def _joined(parts: list[str]) -> str:
    return " ".join(filter(None, parts)).replace(" ,", ",")


def _measurements(document: Element) -> dict[str, float]:
    parts = [document.find(place) for place in ("RestingECGMeasurements", "OriginalRestingECGMeasurements")]
    found = [part for part in parts if part is not None]
    return measured((name, text_of(part, tag)) for part in found for tag, name in _MEASURED.items())
