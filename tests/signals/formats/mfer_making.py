"""MFER files made of numbers."""

import struct

import numpy as np


def tag(number, value=b""):
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([0x84]) + struct.pack(">I", size)
    return bytes([number]) + length + value


def channel(place, *definitions):
    """Definitions of one channel."""
    inner = b"".join(definitions)
    return bytes([0x3F, place, len(inner)]) + inner


def decimal(unit, exponent, number, order="<"):
    return struct.pack(order + "Bbi", unit, exponent, number)


def frame(counts, block, dtype="<i2"):
    """Sequences of a block of each channel."""
    counts = np.asarray(counts)
    blocks = counts.reshape(len(counts), -1, block).transpose(1, 0, 2)
    return tag(0x1E, np.ascontiguousarray(blocks).astype(dtype).tobytes())


def mfer(
    counts,
    codes,
    *,
    block=50,
    rate=(0, 0, 500),
    sensitivity=(0, -6, 5),
    kind=0,
    order="<",
    preamble=True,
    sequences=None,
    channels=None,
    more=b"",
    waves=None,
):
    """A file: preamble, order, frame, sampling, leads, whatever `more` is, and the samples."""
    dtype = order + {0: "i2", 1: "u2", 2: "i4", 3: "u1", 5: "i1", 7: "f4", 8: "f8"}.get(kind, "i2")
    short = struct.Struct(order + "H")
    number = np.shape(counts)[1] // block if sequences is None else sequences
    parts = [
        tag(0x40, b"MFR ECG test".ljust(32)) if preamble else b"",
        tag(0x01, b"\1" if order == "<" else b"\0"),
        tag(0x04, struct.pack(order + "I", block)),
        tag(0x05, struct.pack(order + "H", len(codes) if channels is None else channels)),
        tag(0x06, struct.pack(order + "I", number)) if number else b"",
        tag(0x0A, bytes([kind])),
        tag(0x0B, decimal(*rate, order)) if rate else b"",
        tag(0x0C, decimal(*sensitivity, order)) if sensitivity else b"",
        *(channel(place, tag(0x09, short.pack(code))) for place, code in enumerate(codes)),
        more,
        frame(counts, block, dtype) if waves is None else waves,
    ]
    return b"".join(parts) + b"\x80\0"
