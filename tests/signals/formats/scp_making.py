"""SCP-ECG records made of numbers: an encoder of each of the ways to store a signal."""

import binascii
import struct

import numpy as np


def crc(stored):
    return struct.pack("<H", binascii.crc_hqx(stored, 0xFFFF))


def section(number, body, protocol=20, **header):
    length = header.get("length", 16 + len(body))
    rest = struct.pack("<HIBB", number, length, protocol, protocol) + (b"SCPECG" if not number else bytes(6)) + body
    return header.get("crc", crc(rest)) + rest


def record(bodies, protocol=20, tail=b"", **changed):
    """A whole file of the bodies of its sections."""
    parts = {number: section(number, body, protocol) for number, body in bodies.items()}
    parts.update(changed.get("parts", {}))
    length, place = 16 + 10 * 12, 1 + 6
    pointers = struct.pack("<HII", 0, length, place)
    place += length
    for number in range(1, 12):
        size = len(parts.get(number, b""))
        pointers += struct.pack("<HII", number, size, place if size else 0)
        place += size
    whole = section(0, pointers, protocol) + b"".join(parts[number] for number in sorted(parts))
    rest = struct.pack("<I", changed.get("size", len(whole) + 6)) + whole
    return changed.get("crc", crc(rest)) + rest + tail


def huffman(values):
    """In the standard's own table."""
    bits = []
    for value in map(int, values):
        size = abs(value)
        if not size:
            bits.append("0")
        elif size <= 8:
            bits.append(
                "1" * size + "0" + ("1" if value < 0 else "0") if size < 8 else "1" * 8 + "0" + str(int(value < 0))
            )
        elif size < 128:
            bits.append("1111111110" + f"{value & 0xFF:08b}")
        else:
            bits.append("1111111111" + f"{value & 0xFFFF:016b}")
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return int(text or "0", 2).to_bytes(len(text) // 8, "big")


def differences(values, order):
    values = np.asarray(values, np.int64)
    if order == 1:
        return np.concatenate([values[:1], np.diff(values)])
    return np.concatenate([values[:2], np.diff(values, 2)]) if order == 2 else values


def samples(rows, *, avm=2500, interval=2000, order=0, coded=False, flag=0):
    """Section 5 or 6 of rows of whole numbers."""
    parts = [differences(row, order) for row in rows]
    stored = [huffman(part) if coded else part.astype("<i2").tobytes() for part in parts]
    head = struct.pack("<HHBB", avm, interval, order, flag)
    return head + struct.pack(f"<{len(stored)}H", *map(len, stored)) + b"".join(stored)


def leads(codes, last, *, first=1, flags=4):
    firsts, lasts = np.broadcast_to(first, len(codes)), np.broadcast_to(last, len(codes))
    rows = [struct.pack("<IIB", *one) for one in zip(map(int, firsts), map(int, lasts), codes, strict=True)]
    return struct.pack("<BB", len(codes), flags | len(codes) << 3 & 0xF8) + b"".join(rows)


def beats(length_ms, fiducial, rows, kept=None):
    """Section 4: rows of (type, first, fiducial, last); kept, (first, last) of what is stored in full."""
    body = struct.pack("<HHH", length_ms, fiducial, len(rows)) + b"".join(struct.pack("<HIII", *row) for row in rows)
    return body + b"".join(struct.pack("<II", *row) for row in kept or ())


def tags(**values):
    """Section 1 of t0=b"Doe", t2=..."""
    pairs = sorted((int(key[1:]), value) for key, value in values.items())
    return b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in pairs) + b"\xff\0\0"


def machine(model=b"M1", protocol=20, serial=b"SN123", maker=b"Maker", language=0):
    head = struct.pack("<HHHBB6sBBBBB", 1, 2, 3, 0, 255, model, protocol, 0xA0, language, 0xD0, 1)
    head += bytes(36 - len(head))
    return head + b"prog\0" + serial + b"\0soft\0impl\0" + maker + b"\0"


def bimodal(row, kept, factor=4):
    """All samples in `kept` (first, last, from 1), elsewhere the mean of each `factor`; what remains as it is."""
    out, at = [], 0
    for first, last in [*kept, (len(row) + 1, len(row))]:
        gap = np.asarray(row[at : first - 1])
        whole = len(gap) // factor * factor
        out += [*np.rint(gap[:whole].reshape(-1, factor).mean(1)).astype(int), *gap[whole:], *row[first - 1 : last]]
        at = last
    return np.array(out, np.int64)
