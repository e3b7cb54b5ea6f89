"""WFDB records: headers, signal files and segments as one `Record`.

Source: WFDB manual, header(5) and signal(5). Samples are decoded here, format by format, and equal those of the wfdb
package, which spends some four times the time on a record of twelve leads and 1,000 samples. Nothing is read of what
is not a file, is shorter than its header says, or much longer.
"""

import os
from collections.abc import Callable

from ...input_files import InputFile
from ..channels import Channels, choose_channels
from ..record import Record
from .remarks import tell
from .table_text import looks_like_text
from .wfdb_header import RECORD_LINE, may_be_header
from .wfdb_segments import read_segments
from .wfdb_waveform import choose_among, read_header, read_waveform, samples_per_frame

FORMAT = "WFDB"
# Of the files that name a record: what a folder is searched for.
ENDINGS = (".hea",)
BEGINS = f"a header, whose first line below its comments is {RECORD_LINE}"
# Before the record line, comments of a whole report.
_MOST_COMMENTS = 2**16


def matches(path: str, head: bytes) -> bool:
    """A header, a file beside its header, or a record's name without ending; what is nowhere may have been one too.

    Text is one where it may be a header, or where a header beside it names it.
    """
    if not os.path.lexists(path):
        return True
    header = record_file(path)
    if header == path:
        return not head or _may_be_header(path, head)
    # small counts look like UTF-16 without its mark
    if not looks_like_text(head) or (b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return path.lower().endswith(".dat") or os.path.isfile(header)
    return os.path.isfile(header) and _names(header, os.path.basename(path))


def _may_be_header(path: str, head: bytes) -> bool:
    text = _text(head)
    if not text.lstrip().startswith("#"):
        return may_be_header(text)
    with InputFile(path) as file:
        return may_be_header(_text(file.read(0, _MOST_COMMENTS)))


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace")


def _names(header: str, file: str) -> bool:
    """Whether a header names this file; one that cannot be read names none."""
    try:
        return file in {line.file for line in read_header(header).lines}
    except (ValueError, OSError):
        return False


def parts(path: str, root=None, choose: Callable[..., Channels] = choose_channels):
    """A `WFDBStream`, or None where the record must be read whole; see `read`."""
    from .wfdb_stream import WFDBStream

    stream = WFDBStream(path, root, choose)
    return stream if stream.has_parts else None


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a WFDB record, of one segment or of several.

    The samples are those that are stored: a record whose leads have four samples a frame comes at four times its frame
    rate. What is not there is missing: the format's code for no sample, the end of a skewed signal, gaps between
    segments. Counts that 16 bits cannot hold come as millivolts. Channels that are not chosen are not decoded.

    Args:
        path: of its header, with or without `.hea`; the name of its `.dat` or `.mat` file is taken too.
        root: folder that the record and its files may not leave, symbolic links followed.
        choose: which channels; see `choose_channels`.

    Raises:
        OSError: the header or a signal file is not there.
        ValueError: a header that says nothing sensible, a file shorter than it says or much longer (truncated, or not
            its file; where a checksum holds, a remark tells of bytes behind the end) or no file at all (a pipe, a
            device, a folder), a wrong checksum, no channel that can be taken, chosen leads of different rates, a path
            that leaves `root`.
    """
    header = record_file(path)
    found = read_header(header, root)
    if found.segments:
        channels, lines, rate, waveform = read_segments(header, found, root, choose)
    else:
        channels = choose_among(found.lines, header, choose)
        lines = [found.lines[place] for place in channels.places]
        rate = found.frame_rate * samples_per_frame(lines, found.frame_rate, header)
        waveform = read_waveform(header, found, channels.places, root)
    tell(header, waveform.remarks)
    said = dict(found.said)
    return Record(
        name=found.name,
        values=waveform.values,
        gain=waveform.gain,
        baseline=waveform.baseline,
        leads=channels.leads,
        sampling_rate=rate,
        comments=found.comments,
        lead_names=tuple([line.description for line in lines]),
        units=tuple([line.unit for line in lines]),
        source_format=FORMAT,
        start_time=found.start_time,
        remarks=(*said.pop("remarks", ()), *waveform.remarks),
        **said,
    )


def record_file(path: str) -> str:
    """Of the header that belongs to a record's name, its header or its signal file."""
    stem, ending = os.path.splitext(path)
    if ending != ".hea" and ending.lower() == ".hea":  # of an old disk or of Windows, RECORD.HEA
        return path
    # a record may be called X.mat itself
    if ending in (".dat", ".mat") and os.path.isfile(f"{path}.hea") and not os.path.isfile(f"{stem}.hea"):
        return f"{path}.hea"
    return f"{stem if ending in ('.hea', '.dat', '.mat') else path}.hea"
