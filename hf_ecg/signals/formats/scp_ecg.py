"""SCP-ECG records (EN 1064, ISO 11073-91064): sections with checksums, one after the other."""

import binascii
import os
from collections.abc import Callable

import numpy as np

from ...input_files import read_input
from ..channels import Channels, choose_channels
from ..record import Record
from .remarks import tell
from .scp_leads import SCP_LEADS
from .scp_signal import read_leads, read_signal
from .scp_texts import read_about, read_measurements, read_statements
from .stored_counts import stored_values
from .stored_fields import StoredFields

FORMAT = "SCP-ECG"
ENDINGS = (".scp", ".ecg")
# ISHNE's Holters end in .ecg too.
ENDING_IS_SHARED = True
_HEADER, _POINTER, _LAST_SECTION = 16, 10, 12
# Of the signal: when their checksum is wrong, and that of the whole record too, no sample can be trusted.
_SIGNAL_SECTIONS = (2, 3, 4, 5, 6)


def matches(path: str, head: bytes) -> bool:
    """By the first section, which is that of pointers and stands behind six bytes."""
    if len(head) < 32 or head[8:10] != b"\0\0":
        return False
    length = int.from_bytes(head[10:14], "little")
    pointer = (int.from_bytes(head[22:24], "little"), int.from_bytes(head[28:32], "little"))
    return head[16:22] == b"SCPECG" or (_HEADER + _POINTER <= length < 2**16 and pointer == (0, 7))


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read the rhythm of a record.

    Raises:
        ValueError: a section that lacks, is cut, or whose checksum is wrong as the record's is; bits that are not a
            code; numbers that cannot be; no channel that can be taken.
    """
    stored = read_input(path)
    remarks: list[str] = []
    try:
        sections, protocol = _sections(stored, remarks)
        about = read_about(sections.get(1), remarks)
        if 3 not in sections:
            raise ValueError("it does not define its leads (section 3)")
        codes = [lead.code for lead in read_leads(sections[3])[0]]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    names = [SCP_LEADS.get(code, f"lead {code}") for code in codes]
    chosen = choose(names, where=path)
    try:
        signal = read_signal(sections, list(chosen.places), protocol or about.protocol)
        measurements, statements = _said(sections, about.encoding, remarks)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    number = len(chosen.places)
    values = stored_values(signal.counts, np.full(number, signal.nanovolts * 1e-6), np.zeros(number), signal.missing)
    remarks += signal.remarks
    tell(path, remarks)
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        values=values.values,
        gain=values.gain,
        baseline=values.baseline,
        leads=chosen.leads,
        sampling_rate=signal.rate,
        comments=[about.filters] if about.filters else [],
        lead_names=tuple(names[place] for place in chosen.places),
        units=("nV",) * number,
        source_format=FORMAT,
        device=about.device,
        start_time=about.start,
        remarks=tuple(remarks),
        patient=about.patient,
        statements=statements,
        measurements=measurements,
    )


def _sections(stored: bytes, remarks: list[str]) -> tuple[dict[int, StoredFields], int]:
    """What each section holds behind its header, and the version of the protocol (13 for 1.3)."""
    record = StoredFields(stored, "the record")
    crc, size = record.numbers(0, "HI")
    if size > len(stored):
        raise ValueError(f"the record says {size} bytes, and {len(stored)} are there: truncated")
    if size < len(stored):
        remarks.append(f"bytes behind the record are left out: {len(stored) - size}")
    record = StoredFields(stored[:size], "the record")
    whole = _is_right(crc, record.stored[2:])
    length, protocol = record.number(10, "I"), record.number(15, "B")
    pointers = StoredFields(record.part(6, length), "section 0")
    found: dict[int, StoredFields] = {}
    wrong = []
    for place in range(_HEADER, len(pointers) - _POINTER + 1, _POINTER):
        number, length, index = pointers.numbers(place, "HII")
        if not number or not length or number > _LAST_SECTION or number in found:
            continue
        section = StoredFields(record.part(index - 1, length), f"section {number}")
        crc, said, inner = section.numbers(0, "HHI")
        if said != number:
            raise ValueError(f"section {number} calls itself section {said}")
        if inner != length:
            remarks.append(f"a section has another length in its header than in section 0: {number}")
            section = StoredFields(section.part(0, max(_HEADER, min(inner, length))), section.what)
        if not _is_right(crc, section.stored[2:]):
            wrong.append(number)
        found[number] = StoredFields(section.part(_HEADER, len(section) - _HEADER), section.what)
    lost = [number for number in wrong if number in _SIGNAL_SECTIONS]
    if lost and not whole:
        raise ValueError(f"the checksums of the record and of the sections {lost} are others: damaged")
    if wrong or not whole:
        remarks.append(f"checksums that are others: {', '.join(map(str, wrong)) or 'of the record'}")
    return found, protocol


def _is_right(said: int, stored: bytes) -> bool:
    """0 stands where none was computed."""
    return said in (0, binascii.crc_hqx(stored, 0xFFFF))


def _said(sections: dict[int, StoredFields], encoding: str, remarks: list[str]) -> tuple[dict, tuple[str, ...]]:
    """Measurements and statements; the signal is read without them where they are damaged."""
    measurements: dict[str, float] = {}
    statements: list[str] = []
    try:
        measurements = read_measurements(sections.get(7))
        for number in (8, 11):
            statements += read_statements(sections.get(number), number, encoding)
    except ValueError:
        remarks.append("measurements or statements are damaged, and left out in part")
    return measurements, tuple(dict.fromkeys(statements))
