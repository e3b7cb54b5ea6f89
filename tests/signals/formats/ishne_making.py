"""ISHNE files made field by field."""

import binascii
import struct

import numpy as np

COUNTS = np.random.default_rng(0).integers(-900, 900, (3, 2000)).astype("<i2")


def ishne(counts=COUNTS, codes=(11, 15, 1), steps=(2500, 5000, 2500), *, rate=200, text=b"slept well\0", **changed):
    """The bytes of a file; `changed` are fields of the header by name."""
    number = len(counts)
    padded = [list(values) + [-9] * (12 - number) for values in (codes, [1] * number, steps)]
    fields = {
        **{"samples": ("i", counts.shape[1]), "text_place": ("i", 522), "signal_place": ("i", 522 + len(text))},
        **{"version": ("h", 1), "first": ("40s", b"Jane"), "last": ("40s", b"Doe"), "id": ("20s", b"ID77")},
        **{"sex": ("h", 2), "race": ("h", 0), "born": ("3h", (2, 8, 1951)), "day": ("3h", (2, 3, 2002))},
        **{"written": ("3h", (3, 3, 2002)), "time": ("3h", (23, 59, 58)), "leads": ("h", number)},
        **{"codes": ("12h", padded[0]), "quality": ("12h", padded[1]), "steps": ("12h", padded[2])},
        **{"pacemaker": ("h", 0), "recorder": ("40s", b"Holter X3 SN 998877"), "rate": ("h", rate)},
        **{"owner": ("80s", b"St Elsewhere"), "copyright": ("80s", b""), "reserved": ("88s", b"")},
    }
    body = struct.pack("<i", changed.pop("text_size", len(text)))
    for name, (kind, value) in fields.items():
        value = changed.pop(name, value)
        body += struct.pack("<" + kind, *(value if isinstance(value, (tuple, list)) else (value,)))
    body += text
    crc = changed.pop("crc", binascii.crc_hqx(body, 0xFFFF))
    assert not changed and len(body) == 512 + len(text)
    return b"ISHNE1.0" + struct.pack("<H", crc) + body + counts.T.tobytes()
