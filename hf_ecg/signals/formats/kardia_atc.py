"""AliveCor's ATC files (Kardia): one to six limb leads.

Source: Alive File Format Specification. A mark and a version, then blocks: four letters, the number of bytes, the
bytes, and the sum of all of them. `fmt ` says the rate and the resolution in nanovolts, `ecg ` to `ecg6` hold the
leads I, II, III, aVR, aVL, aVF, `info` when and by what they were recorded, `ann ` the beats that AliveCor found.
"""

import os
import struct
from collections.abc import Callable
from datetime import datetime

import numpy as np

from ...input_files import read_input
from ..channels import Channels, choose_channels
from ..leads import LIMB_LEADS
from ..record import Annotation, Record
from .told import named_errors

FORMAT = "AliveCor ATC"
ENDINGS = (".atc",)
_MARK = b"ALIVE\0\0\0"
_LEADS = dict(zip((b"ecg ", b"ecg2", b"ecg3", b"ecg4", b"ecg5", b"ecg6"), LIMB_LEADS, strict=True))
# The texts of `info`, one behind the other. "uuid" and "phone_id" are of one recording and of one telephone.
_INFO = (
    *(("date", 32), ("uuid", 44), ("phone_id", 44), ("phone", 32), ("software", 32), ("hardware", 32)),
    ("device_data", 52),
)
_NANOVOLTS = 1e6
_FILTERS = {4: "mains filter", 16: "baseline filter", 32: "notch filter", 64: "enhanced filter"}


def matches(path: str, head: bytes) -> bool:
    """By its mark; a name of nothing is judged by its ending."""
    return head.startswith(_MARK) or (not head and path.lower().endswith(ENDINGS))


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    Raises:
        ValueError: a cut file, a wrong sum, no `fmt ` or no `ecg `, leads of different lengths, a rate or resolution
            of zero.
    """
    with named_errors(path):
        blocks, remarks = _blocks(read_input(path))
        if b"fmt " not in blocks:
            raise ValueError("it holds no block 'fmt ', which says the rate: is it cut?")
        rate, resolution, flags = _format(blocks[b"fmt "])
        present = {mark: lead for mark, lead in _LEADS.items() if mark in blocks}
        if not present:
            raise ValueError("it holds no block 'ecg ' with samples: is it cut?")
        rows = {lead: _samples(blocks[mark], mark) for mark, lead in present.items()}
        lengths = {lead: len(row) for lead, row in rows.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"its leads have different numbers of samples: {lengths}")
    names = list(rows)
    chosen = choose(names, ["nV"] * len(names), where=path)
    info = _info(blocks.get(b"info", b""))
    with named_errors(path):
        values = np.stack([rows[names[place]] for place in chosen.places])
        return Record(
            name=os.path.splitext(os.path.basename(path))[0],
            values=values,
            gain=np.full(len(values), _NANOVOLTS / resolution),
            baseline=np.zeros(len(values)),
            leads=chosen.leads,
            sampling_rate=float(rate),
            comments=[name for bit, name in _FILTERS.items() if flags & bit],
            lead_names=tuple(names[place] for place in chosen.places),
            units=("nV",) * len(values),
            source_format=FORMAT,
            device=_device(info),
            start_time=_start(info.get("date", "")),
            annotations=_annotations(blocks.get(b"ann ", b"")),
            remarks=tuple(remarks),
            patient={"device_serial": info.get("phone_id", ""), "accession": info.get("uuid", "")},
        )


def _blocks(content: bytes) -> tuple[dict[bytes, bytes], list[str]]:
    """Blocks by their letters.

    Raises:
        ValueError: one that ends behind the file, or whose sum is another one.
    """
    found: dict[bytes, bytes] = {}
    remarks: list[str] = []
    place = len(_MARK) + 4
    if len(content) < place or not content.startswith(_MARK):
        raise ValueError(f"it begins with {content[:8]!r}, wanted {_MARK!r} and a version")
    while place < len(content):
        if place + 12 > len(content):
            raise ValueError(f"it ends within a block, at byte {place}: is it cut?")
        mark, (length,) = content[place : place + 4], struct.unpack_from("<I", content, place + 4)
        end = place + 8 + length
        if end + 4 > len(content):
            there = max(len(content) - place - 12, 0)
            raise ValueError(f"its block {_shown(mark)} claims {length} bytes, and {there} are there: is it cut?")
        (said,) = struct.unpack_from("<I", content, end)
        found_sum = int(np.frombuffer(content, np.uint8, end - place, place).sum(dtype=np.uint64)) & 0xFFFFFFFF
        if said != found_sum:
            raise ValueError(f"its block {_shown(mark)} has the sum {found_sum}, and says {said}: it is damaged")
        if mark in found:
            remarks.append(f"twice: its block {_shown(mark)} stands there twice, and the first one is read")
        found.setdefault(mark, content[place + 8 : end])
        place = end + 4
    return found, remarks


def _shown(mark: bytes) -> str:
    return repr(mark.decode("latin-1"))


def _format(block: bytes) -> tuple[int, int, int]:
    """Hertz, nanovolts a count, and what was filtered."""
    if len(block) < 6:
        raise ValueError(f"its block 'fmt ' has {len(block)} bytes, wanted 6 or more")
    kind, rate, resolution, flags = struct.unpack_from("<BHHB", block)
    if kind != 1 or not rate or not resolution:
        raise ValueError(
            f"its block 'fmt ' says the format {kind}, {rate} Hz and {resolution} nV, wanted the format 1 (16 bits)"
        )
    return rate, resolution, flags


def _samples(block: bytes, mark: bytes) -> np.ndarray:
    if len(block) % 2 or not block:
        raise ValueError(f"its block {_shown(mark)} has {len(block)} bytes, wanted two a sample")
    return np.frombuffer(block, "<i2").astype(np.int16)


def _info(block: bytes) -> dict[str, str]:
    found, place = {}, 0
    for name, length in _INFO:
        found[name] = block[place : place + length].partition(b"\0")[0].decode("ascii", "replace").strip()
        place += length
    return found


def _device(info: dict[str, str]) -> str | None:
    parts = [info[key] for key in ("hardware", "phone", "software") if info.get(key)]
    return f"AliveCor {', '.join(parts)}" if parts else "AliveCor"


def _start(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _annotations(block: bytes) -> tuple[Annotation, ...]:
    """Beats by ticks of a clock; the kind is a number of AliveCor's."""
    if len(block) < 4:
        return ()
    (clock,) = struct.unpack_from("<I", block)
    count = (len(block) - 4) // 6
    notes = (struct.unpack_from("<IH", block, 4 + 6 * number) for number in range(count))
    return tuple(Annotation(ticks / clock, f"beat, kind {kind}") for ticks, kind in notes) if clock else ()
