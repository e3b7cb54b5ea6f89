"""EDF and BDF files made of numbers, field by field."""

import numpy as np

WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)


def edf(
    signals,
    *,
    records=None,
    duration="1",
    patient="X X X X",
    recording="Startdate X X X X",
    day="01.02.20",
    clock="03.04.05",
    reserved="",
    bdf=False,
    header_bytes=None,
    said=None,
    end=b"",
):
    """The bytes of a file. A signal is (label, unit, physical low, high, digital low, high, filters, records of
    samples): one list of numbers, or bytes, a data record."""
    number = len(signals)
    records = len(signals[0][-1]) if records is None else records
    size = 256 * (number + 1) if header_bytes is None else header_bytes
    fields = [("0", 8), (patient, 80), (recording, 80), (day, 8), (clock, 8), (size, 8), (reserved, 44)]
    fields += [(records if said is None else said, 8), (duration, 8), (number, 4)]
    width = 3 if bdf else 2
    columns = [
        (label, "AgAgCl", unit, low, high, digital_low, digital_high, filters, _samples(data[0], width), "")
        for label, unit, low, high, digital_low, digital_high, filters, data in signals
    ]
    for column, length in zip(zip(*columns, strict=True), WIDTHS, strict=True):
        fields += [(value, length) for value in column]
    header = b"".join(str(value).encode("latin-1").ljust(length)[:length] for value, length in fields)
    if bdf:
        header = b"\xffBIOSEMI" + header[8:]
    body = b"".join(_stored(signal[-1][place], width) for place in range(records) for signal in signals)
    return header + body + end


def annotations(records, size=60, bdf=False):
    """A signal of annotations: of each data record its bytes."""
    name, low = ("BDF Annotations", -8388608) if bdf else ("EDF Annotations", -32768)
    return (name, "", -1, 1, low, -low - 1, "", [entry.ljust(size, b"\0") for entry in records])


def _samples(part, width):
    return len(part) // width if isinstance(part, bytes) else len(part)


def _stored(part, width):
    if isinstance(part, bytes):
        return part
    if width == 2:
        return np.asarray(part, "<i2").tobytes()
    return b"".join(int(value).to_bytes(3, "little", signed=True) for value in part)
