"""ECGs in DICOM: the waveform storage classes, of twelve leads, general, ambulatory, hemodynamic and others.

Source: DICOM PS3.3 C.10.9 (waveform), C.10.10 (annotation), PS3.10 (file). pydicom reads the elements; what they mean
is decided here, and neither its warnings nor its log are let through, which quote what an element of the patient
holds. A file without preamble is read too. A compressed one must not unpack to more than it can hold.
"""

import os
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from ...input_files import InputFile
from ..channels import ChannelError, Channels, choose_channels
from ..record import Record
from .dicom_annotations import read_annotations
from .dicom_groups import DicomError, Group, is_median, read_group, read_values, text_of
from .remarks import tell

if TYPE_CHECKING:
    import pydicom

FORMAT = "DICOM"
ENDINGS = (".dcm", ".dicom")
# Archives call them IM000001, or by their identifier.
NEEDS_NO_ENDING = True
_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_DEFLATED, _META_BYTES = b"1.2.840.10008.1.2.1.99", 4096
# ECGs shrink to a third; only what is empty to less than a hundredth.
_MOST_RATIO, _SMALL_BYTES = 100, 2**26
# pydicom's checks are switched for the whole process.
_LOCK = threading.RLock()
# Of the patient, the place and the order: our name, and the elements.
_WHO = {
    **{"name": ("PatientName", "OtherPatientNames"), "id": ("PatientID", "OtherPatientIDs")},
    **{"birth_date": ("PatientBirthDate",), "sex": ("PatientSex",), "age": ("PatientAge",)},
    **{"height": ("PatientSize",), "weight": ("PatientWeight",), "race": ("EthnicGroup",)},
    **{"contact": ("PatientAddress", "PatientTelephoneNumbers", "InstitutionAddress")},
    "physician": ("ReferringPhysicianName", "PerformingPhysicianName", "NameOfPhysiciansReadingStudy"),
    "operator": ("OperatorsName",),
    "institution": ("InstitutionName", "InstitutionalDepartmentName", "StationName", "CurrentPatientLocation"),
    **{"device_serial": ("DeviceSerialNumber",), "accession": ("AccessionNumber", "StudyID")},
    "uid": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
    **{"history": ("AdditionalPatientHistory",), "notes": ("PatientComments", "MedicalAlerts")},
}
# A date, a time to the hour at least, a fraction of a second, a zone (PS3.5 6.2).
_WHEN = re.compile(r"(\d{8})(\d\d(?:\d\d){0,2})(?:\.(\d{1,6}))?([+-]\d{4})?")
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def matches(path: str, head: bytes) -> bool:
    """By the mark behind the preamble; without one by a first element of the group 2 or 8."""
    if head[128:132] == b"DICM":
        return True
    first = head[:2] in (b"\2\0", b"\10\0") and head[3:4] == b"\0" and len(head) > 8
    # the kind of the first element in letters, or the length of a short one
    return first and (head[4:6].isalpha() and head[4:6].isupper() or head[5:8] == b"\0\0\0")


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record: the first group of channels that holds an ECG, and is not its median beat.

    Raises:
        ValueError: no waveform (a PDF, an image), a damaged file, fewer samples than it says, no channel that can be
            taken.
    """
    with _LOCK, _quiet():
        try:
            dataset = _dataset(path)
            groups = _groups(dataset)
            group, channels, others = _first_group(groups, choose, path)
            record = _record(path, dataset, group, channels, others)
        except ChannelError:
            raise
        except DicomError as error:
            raise ValueError(f"{path}: {error}") from error
        except MemoryError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.filename is not None:  # it is not there, or may not be read
                raise
            # pydicom raises what each element leads to, by its own exceptions too, and quotes elements in them
            kind = type(error).__name__
            raise ValueError(f"{path} cannot be read as DICOM ({kind}): damaged, or something else") from None
    tell(path, record.remarks)
    return record


@contextmanager
def _quiet() -> Iterator[None]:
    """pydicom says nothing: what it would say quotes elements of the patient."""
    from pydicom import config

    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        was, config.logger.disabled = config.logger.disabled, True
        try:
            yield
        finally:
            config.logger.disabled = was


def _dataset(path: str) -> "pydicom.Dataset":
    import pydicom

    with InputFile(path) as file, file.stream() as stream:
        _check_deflated(file)
        dataset = pydicom.dcmread(stream, force=True)
    kind = str(dataset.get("SOPClassUID", ""))
    if kind == _PDF:
        raise DicomError(
            "it is a PDF inside DICOM, a picture of an ECG: its samples are in another object of the same study, a"
            " waveform, which the archive can export"
        )
    if not dataset.get("WaveformSequence"):
        known = pydicom.uid.UID(kind).name if kind else ""
        raise DicomError(
            "it holds no waveform" + (f", it is {known}" if known and known != kind else ": damaged, or an image")
        )
    return dataset


def _check_deflated(file: InputFile) -> None:
    """Nothing, when it is not compressed, or unpacks to what an ECG may be."""
    head = file.read(0, _META_BYTES)
    if _DEFLATED not in head:
        return
    # the length of the group that stands uncompressed in front
    first = 144 + struct.unpack_from("<I", head, 140)[0]
    most = max(_SMALL_BYTES, _MOST_RATIO * file.size)
    if len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(first, file.size), most)) >= most:
        raise DicomError(f"it unpacks from {file.size} bytes to more than {most}: no ECG does")


def _groups(dataset: "pydicom.Dataset") -> list[Group]:
    meta = getattr(dataset, "file_meta", None)
    syntax = meta.get("TransferSyntaxUID") if meta is not None else None
    order = ">" if syntax is not None and not syntax.is_little_endian else "<"
    return [read_group(item, number, order) for number, item in enumerate(dataset.WaveformSequence, 1)]


def _first_group(groups: list[Group], choose, path: str) -> tuple[Group, Channels, list[Group]]:
    """The group that is read, its channels, and the groups that are left out."""
    refused: ChannelError | None = None
    for group in sorted(groups, key=is_median):
        try:
            chosen = choose(group.names, group.units, unfit=group.unfit, where=path)
        except ChannelError as error:
            refused = refused or error
            continue
        return group, chosen, [other for other in groups if other is not group]
    raise refused or DicomError("its waveforms have no channels")


def _record(path: str, dataset: "pydicom.Dataset", group: Group, channels: Channels, others: list[Group]) -> Record:
    values, odd = read_values(group, channels.places)
    notes = read_annotations(dataset, group)
    remarks = [*group.remarks, *odd]
    if is_median(group):
        remarks.append("it holds a median beat and no rhythm: the median beat is read")
    told = ", ".join(f"{one.label or 'without a label'} ({len(one.names)} channels)" for one in others)
    if others:
        remarks.append(f"other groups of channels are left out: {told}")
    bad = [key for key in _UIDS if dataset.get(key) and not dataset.get(key).is_valid]
    if bad:
        remarks.append(f"identifiers (UID) that are not valid: {', '.join(bad)}")
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        values=values.values,
        gain=values.gain,
        baseline=values.baseline,
        leads=channels.leads,
        sampling_rate=group.rate,
        comments=sorted({group.filters[place] for place in channels.places} - {""}),
        lead_names=tuple(group.written[place] for place in channels.places),
        units=tuple(group.units[place] for place in channels.places),
        source_format=FORMAT,
        device=" ".join(filter(None, (text_of(dataset, key) for key in ("Manufacturer", "ManufacturerModelName"))))
        or None,
        start_time=_start(dataset),
        annotations=notes.notes,
        remarks=tuple(remarks),
        patient={key: _joined(dataset, names) for key, names in _WHO.items()},
        statements=notes.statements,
        measurements=notes.measurements,
    )


def _joined(dataset: "pydicom.Dataset", names: tuple[str, ...]) -> str:
    return "; ".join(filter(None, (text_of(dataset, name) for name in names)))


def _start(dataset: "pydicom.Dataset") -> datetime | None:
    for names in (
        ("AcquisitionDateTime",),
        ("AcquisitionDate", "AcquisitionTime"),
        ("ContentDate", "ContentTime"),
        ("StudyDate", "StudyTime"),
    ):
        found = _WHEN.fullmatch("".join(text_of(dataset, name) for name in names))
        if found is None:
            continue
        zone = found[4] or text_of(dataset, "TimezoneOffsetFromUTC")
        text, layout = f"{found[1]}{found[2]:0<6}.{found[3] or 0}", "%Y%m%d%H%M%S.%f"
        try:
            return datetime.strptime(text + zone, layout + ("%z" if zone else ""))
        except ValueError:
            continue
    return None
