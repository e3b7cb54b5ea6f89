"""XLI, in which Philips Sierra XML packs its leads.

One chunk a lead: eight bytes (length of what follows, 32 bits; 16 bits that say nothing here; the first correction, 16
bits; little-endian), then LZW of ten-bit codes. It unpacks to 16-bit numbers, all high bytes before all low ones: two
samples, then what each next one differs from the line through the two before it. III, aVR, aVL and aVF are stored as
what they differ from their sums of I and II.

Source: what the project sierra-ecg-tools (MIT) has found out; the arithmetic is written anew.
"""

import numpy as np

_HEAD = 8
_BITS, _END = 10, 1023
# A thousand codes of ten bits can stand for half a megabyte: a small file for more than any memory holds.
_MOST_BYTES = 2**24
# What is added to each stored difference but the first.
_OFFSET = 64


def unpack_xli(packed: bytes) -> list[np.ndarray]:
    """The numbers of every chunk, int32.

    Raises:
        ValueError: a damaged chunk; one that unpacks to more than 16 MiB.
    """
    found: list[np.ndarray] = []
    place = 0
    while place < len(packed):
        length = int.from_bytes(packed[place : place + 4], "little", signed=True)
        first = int.from_bytes(packed[place + 6 : place + _HEAD], "little", signed=True)
        place += _HEAD
        if not 0 < length <= len(packed) - place:
            raise ValueError(f"the packed lead {len(found) + 1} says {length} bytes, and {len(packed) - place} follow")
        found.append(_samples(_lzw(packed[place : place + length]), first))
        place += length
    return found


def restore_limb_leads(leads: list[np.ndarray]) -> None:
    """I, II, III, aVR, aVL, aVF of the chunks in this order, in place; of chunks of one length.

    Halves are cut towards zero, as C does: for odd sums of either sign the stored differences then are as often up as
    down, and no lead is more than half a count from what I and II say it is.
    """
    one, two = leads[:2]
    three = two - one - leads[2]
    leads[2:6] = [three, -_half(one + two) - leads[3], _half(one - three) - leads[4], _half(two + three) - leads[5]]


def _half(numbers: np.ndarray) -> np.ndarray:
    return (numbers + (numbers < 0)) >> 1


def _lzw(packed: bytes) -> bytes:
    known = [bytes([value]) for value in range(256)]
    unpacked, last = bytearray(), b""
    for code in _codes(packed):
        if code == _END:
            break
        if code < len(known):
            now = known[code]
        elif code == len(known) and last:
            now = last + last[:1]
        else:
            raise ValueError(f"a packed lead has the code {code}, which stands for nothing yet")
        unpacked += now
        if len(unpacked) > _MOST_BYTES:
            raise ValueError(f"a packed lead has more than {_MOST_BYTES} bytes")
        if last and len(known) < _END:
            known.append(last + now[:1])
        last = now
    return bytes(unpacked)


def _codes(packed: bytes) -> list[int]:
    """Whole ten-bit numbers, the highest bit first."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    rows = bits[: len(bits) // _BITS * _BITS].reshape(-1, _BITS)
    return (rows @ (1 << np.arange(_BITS - 1, -1, -1))).tolist()


def _samples(stored: bytes, first: int) -> np.ndarray:
    stored += b"\0" * (len(stored) % 2)
    half = len(stored) // 2
    high, low = np.frombuffer(stored, np.uint8).reshape(2, half)
    numbers = ((high.astype(np.uint16) << 8) | low).view(np.int16).astype(np.int64)
    if half < 2:
        raise ValueError(f"a packed lead has {half} numbers, wanted two or more")
    # second differences: the correction of a sample stands one place before it
    corrections = np.concatenate([[first], numbers[2:-1] - _OFFSET])[: half - 2]
    steps = numbers[1] - numbers[0] - np.cumsum(corrections)
    samples = np.concatenate([numbers[:2], numbers[1] + np.cumsum(steps)])
    if np.abs(samples).max() > np.iinfo(np.int32).max // 4:
        raise ValueError("a packed lead has numbers that are no samples: it is damaged")
    return samples.astype(np.int32)
