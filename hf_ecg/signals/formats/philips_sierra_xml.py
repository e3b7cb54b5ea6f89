"""Philips Sierra XML, of PageWriter and HeartStart machines, TraceMasterVue and IntelliSpace ECG: 1.03 and 1.04.

The samples stand in `parsedwaveforms`, by lead, packed by XLI (see `philips_xli`), as Base64 of little-endian 16-bit
numbers, or as plain numbers; `resolution` (in 1.03 `signalresolution`) is microvolts a count.
Source: Philips' schema as its files show it; the project sierra-ecg-tools (MIT).
"""

import os
from collections.abc import Callable
from datetime import datetime
from xml.etree.ElementTree import Element

import numpy as np

from ..calibration_pulse import CALIBRATION_PULSE
from ..channels import Channels, choose_channels
from ..leads import LIMB_LEADS, STANDARD_LEADS
from ..record import Annotation, Record
from .philips_xli import restore_limb_leads, unpack_xli
from .safe_xml import parse_xml, root_name
from .xml_values import (
    Lead,
    chosen_values,
    decoded,
    even_lengths,
    fields_of_patient,
    measured,
    named_texts,
    number_in,
    numbers,
    sampling_rate,
    text_of,
)

FORMAT = "Philips Sierra XML"
ENDINGS = (".xml",)
ENDING_IS_SHARED = True
_ROOT = "restingecgdata"
# Sets of leads whose order 1.03 does not write.
_STANDARD_SETS = ("STD-12", "10-WIRE")
_SHORTEST_PULSE_SECONDS = 0.1
# Parts of the file that say who, where and for whom, and how we call what they hold.
_PERSONAL = ("patient", "userdefines", "orderinfo", "dataacquisition/acquirer", "documentinfo/editor")
_PATIENT = {
    "firstname": "name",
    "middlename": "name",
    "lastname": "name",
    "patientid": "id",
    "mrn": "id",
    "uniquepatientid": "id",
    "dateofbirth": "birth_date",
    "years": "age",
    "sex": "sex",
    "orderingclinician": "physician",
    "attendingclinician": "physician",
    "referringclinician": "physician",
    "operator": "operator",
    "operatorid": "operator",
    "institutionname": "institution",
    "facilityname": "institution",
    "ordernumber": "accession",
    "encounterid": "accession",
}
_MEASURED = (
    ("heart_rate", ("heartrate", "meanventrate")),
    ("rr_ms", ("rrint",)),
    ("p_ms", ("pdur",)),
    ("pr_ms", ("print", "meanprint")),
    ("qrs_ms", ("qrsdur", "meanqrsdur")),
    ("qt_ms", ("qtint", "meanqtint")),
    ("qtc_ms", ("qtcb", "meanqtc")),
    ("qtc_fridericia_ms", ("qtcf",)),
    ("p_axis", ("pfrontaxis",)),
    ("qrs_axis", ("qrsfrontaxis",)),
    ("t_axis", ("tfrontaxis",)),
)


def matches(path: str, head: bytes) -> bool:
    """By the name of the first element."""
    return root_name(path, head).lower() == _ROOT


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    What is written behind the ECG stays: these machines add a pulse of one millivolt to all leads. A remark and an
    annotation tell of it; measuring and models leave it out (see `signals.calibration_pulse`).

    Raises:
        ValueError: see `safe_xml.parse_xml`; no waveform, rate or resolution, another packing; a waveform that is
            damaged or shorter than it says.
    """
    document = parse_xml(path)
    try:
        waveform = document.find(".//parsedwaveforms")
        if waveform is None:
            raise ValueError("it has no element parsedwaveforms, which holds the samples")
        signal = document.find(".//signalcharacteristics")
        rate = sampling_rate(waveform.get("samplespersecond") or text_of(signal, "samplingrate"), "it")
        leads = _leads(waveform, signal, rate)
        remarks = even_lengths(leads)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    pulse = _pulse(leads, rate)
    if pulse:
        remarks.append(
            f"the last {pulse.duration:g} s are a calibration pulse on all leads: missing to measuring and models"
        )
    acquired = document.find("dataacquisition")
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        sampling_rate=rate,
        comments=[f"Status: {document.get('status')}"] if document.get("status") else [],
        source_format=FORMAT,
        device=_device(acquired),
        start_time=_start(acquired),
        annotations=(pulse,) if pulse else (),
        remarks=tuple(remarks),
        patient=_patient(document),
        statements=_statements(document),
        measurements=_measurements(document),
        **chosen_values(leads, choose, path),
    )


def _leads(waveform: Element, signal: Element | None, rate: float) -> list[Lead]:
    names = _names(waveform, signal)
    duration = number_in(waveform.get("durationperchannel"))
    samples = None if duration is None else round(duration * rate / 1000)
    counts = _counts(waveform, signal, names)
    if samples is not None and min(map(len, counts)) < samples:
        raise ValueError(f"it holds {min(map(len, counts))} samples of a lead, and says {samples}")
    texts = (waveform.get("resolution"), text_of(signal, "resolution"), text_of(signal, "signalresolution"))
    resolution = next((value for value in map(number_in, texts) if value), None)
    if resolution is None or resolution <= 0:
        raise ValueError("it says no resolution in microvolts a count")
    zero = number_in(waveform.get("signaloffset") or text_of(signal, "signaloffset")) or 0.0
    return [
        Lead(name, "uV", row[:samples], 1000.0 / resolution, zero) for name, row in zip(names, counts, strict=True)
    ]


def _names(waveform: Element, signal: Element | None) -> list[str]:
    number = number_in(waveform.get("numberofleads") or text_of(signal, "numberchannelsvalid"))
    names = (waveform.get("leadlabels") or "").split()
    if not names:
        if not {text_of(signal, "leadset"), text_of(signal, "acquisitiontype")} & set(_STANDARD_SETS):
            raise ValueError("it names no leads, and no set of twelve leads")
        names = list(STANDARD_LEADS)
    return names[: int(number)] if number and number >= 1 else names


def _counts(waveform: Element, signal: Element | None, names: list[str]) -> list[np.ndarray]:
    """(leads, samples) of whole numbers, as they are stored."""
    encoding = (waveform.get("dataencoding") or "").lower()
    packing = (waveform.get("compression") or waveform.get("compressmethod") or "").lower()
    if (waveform.get("compressflag") or "").lower() == "false" or packing in ("uncompressed", "none"):
        packing = ""
    if packing not in ("", "xli") or encoding not in ("base64", "plain"):
        raise ValueError(
            f"its waveform is packed as {packing[:20]!r}, {encoding[:20]!r}: XLI in Base64, Base64 and Plain are read"
        )
    text = waveform.text or ""
    if packing:
        rows = unpack_xli(decoded(text, "its waveform"))
        if len(rows) < len(names):
            raise ValueError(f"it packs {len(rows)} leads, and names {len(names)}")
        rows = rows[: len(names)]
        if [name.upper() for name in names[:6]] == [name.upper() for name in LIMB_LEADS]:
            if len(set(map(len, rows[:6]))) > 1:
                raise ValueError("the limb leads have different lengths, and are stored as differences")
            restore_limb_leads(rows)
        return rows
    signed = (waveform.get("signalsigned") or text_of(signal, "signalsigned")).lower() != "false"
    if encoding == "plain":
        found = numbers(text, "its waveform")
        if (found % 1).any() or (np.abs(found) > 2**30).any():
            raise ValueError("its waveform holds numbers that are not samples")
        values = found.astype(np.int32)
    else:
        packed = decoded(text, "its waveform")
        values = np.frombuffer(packed[: len(packed) // 2 * 2], "<i2" if signed else "<u2").astype(np.int32)
    if len(values) % len(names):
        raise ValueError(f"it holds {len(values)} samples, which are not as many for each of {len(names)} leads")
    return list(values.reshape(len(names), -1))


def _pulse(leads: list[Lead], rate: float) -> Annotation | None:
    """The end of the record where all leads are the same number, but not all the time the same."""
    counts = np.stack([lead.counts for lead in leads])
    differ = np.flatnonzero((counts != counts[:1]).any(axis=0))
    start = int(differ[-1]) + 1 if len(differ) else counts.shape[1]
    tail = counts[0, start:]
    if len(leads) < 3 or len(tail) < _SHORTEST_PULSE_SECONDS * rate or not np.ptp(tail):
        return None
    return Annotation(start / rate, CALIBRATION_PULSE, len(tail) / rate)


def _device(acquired: Element | None) -> str | None:
    machine = None if acquired is None else acquired.find("machine")
    if machine is None:
        return None
    maker = (machine.get("detaildescription") or "").partition(":")[0].strip() or "Philips"
    return " ".join(filter(None, (maker, text_of(machine))))


def _start(acquired: Element | None) -> datetime | None:
    if acquired is None:
        return None
    try:
        return datetime.fromisoformat(f"{acquired.get('date')} {acquired.get('time')}")
    except ValueError:
        return None


def _patient(document: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for place in _PERSONAL:
        part = place.rpartition("/")[2]
        found |= {f"{part}.{name}": value for name, value in named_texts(document.find(place)).items()}
    for place in (".//confirmingclinician", ".//mdsignatureline"):
        found[place.strip("./")] = text_of(document, place)
    machine = document.find("dataacquisition/machine")
    known = _PATIENT | {"confirmingclinician": "physician", "documentname": "document", "machineid": "device_serial"}
    found |= {"documentname": text_of(document, "documentinfo/documentname")}
    found |= {"machineid": "" if machine is None else machine.get("machineid", "")}
    return fields_of_patient({name: value for name, value in found.items() if value}, known)


def _statements(document: Element) -> tuple[str, ...]:
    """Of the first interpretation: each statement with its reason, and how severe it is."""
    interpretation = document.find(".//interpretation")
    if interpretation is None:
        return ()
    told = []
    for statement in interpretation.findall("statement"):
        left, right = text_of(statement, "leftstatement"), text_of(statement, "rightstatement")
        if left or right:
            told.append(f"{left} ({right})" if left and right else left or right)
    severity = text_of(interpretation, "severity").strip("- ")
    return (*told, severity) if severity else tuple(told)


def _measurements(document: Element) -> dict[str, float]:
    """Those of the interpretation, which a physician may have corrected; then those of the program."""
    places = (
        *(".//interpretation/globalmeasurements", ".//interpretationmeasurements"),
        *(".//crossleadmeasurements", "measurements/globalmeasurements"),
    )
    parts = [part for place in places if (part := document.find(place)) is not None]
    return measured((name, text_of(part, tag)) for part in parts for name, tags in _MEASURED for tag in tags)
