"""How WFDB's storage formats pack samples into bytes. Source: WFDB manual, signal(5)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Packing(NamedTuple):
    """A storage format.

    Attributes:
        samples, bytes: of a block, the smallest number of samples that fills whole bytes.
        rest: bytes that the first samples of a block take without the others.
        missing: the count that means that there is no sample, the most negative one; None where any count may be one.
        unpack: uint8 of whole blocks -> counts, as int16 or int32.
    """

    samples: int
    bytes: int
    missing: int | None
    unpack: Callable[[np.ndarray], np.ndarray]
    rest: tuple[int, ...] = (0,)

    def size(self, number: int) -> int:
        """Bytes that `number` samples take at least: behind the last one, a block need not go on."""
        blocks, rest = divmod(number, self.samples)
        return blocks * self.bytes + self.rest[rest]

    def whole_size(self, number: int) -> int:
        """Bytes that `number` samples take when the last block is filled."""
        return -(-number // self.samples) * self.bytes


def _as(stored: str, subtract: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    def unpack(data: np.ndarray) -> np.ndarray:
        counts = data.view(stored)
        if not subtract:
            return counts
        return (counts.astype(np.int32) - subtract).astype(np.int16)

    return unpack


def _unpack_24(data: np.ndarray) -> np.ndarray:
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    # one byte up and back, for the sign
    wide[:, 1:] = data.reshape(-1, 3)
    return wide.view("<i4").reshape(-1) >> 8


def _unpack_212(data: np.ndarray) -> np.ndarray:
    first, middle, last = data.reshape(-1, 3).astype(np.int16).T
    return _signed(np.stack([first | (middle & 0x0F) << 8, last | (middle & 0xF0) << 4], axis=-1), 12)


def _unpack_310(data: np.ndarray) -> np.ndarray:
    low, high = data.view("<u2").reshape(-1, 2).astype(np.int32).T
    return _signed(np.stack([low >> 1 & 0x3FF, high >> 1 & 0x3FF, low >> 11 | high >> 11 << 5], axis=-1), 10)


def _unpack_311(data: np.ndarray) -> np.ndarray:
    words = data.view("<u4").astype(np.int64)
    return _signed(np.stack([words & 0x3FF, words >> 10 & 0x3FF, words >> 20 & 0x3FF], axis=-1), 10)


def _signed(fields: np.ndarray, bits: int) -> np.ndarray:
    """Two's complement of that many bits."""
    sign = 1 << (bits - 1)
    return ((fields ^ sign) - sign).astype(np.int16).reshape(-1)


# Format 8 stores differences; whoever reads adds them up.
PACKINGS = {
    8: Packing(1, 1, None, _as("i1")),
    16: Packing(1, 2, -(2**15), _as("<i2")),
    24: Packing(1, 3, -(2**23), _unpack_24),
    32: Packing(1, 4, -(2**31), _as("<i4")),
    61: Packing(1, 2, -(2**15), _as(">i2")),
    80: Packing(1, 1, -(2**7), _as("u1", 2**7)),
    160: Packing(1, 2, -(2**15), _as("<u2", 2**15)),
    212: Packing(2, 3, -(2**11), _unpack_212, (0, 2)),
    310: Packing(3, 4, -(2**9), _unpack_310, (0, 2, 4)),
    311: Packing(3, 4, -(2**9), _unpack_311, (0, 2, 3)),
}
DIFFERENCES = 8
# Formats in FLAC: how many bits a sample has, and the count that means that there is none.
FLAC_BITS = {508: 8, 516: 16, 524: 24}


def missing_count(storage: int) -> int | None:
    """What this storage format writes for "no sample here"."""
    return PACKINGS[storage].missing if storage in PACKINGS else -(2 ** (FLAC_BITS[storage] - 1))


def is_wide(storage: int) -> bool:
    """Whether its counts may exceed 16 bits."""
    return storage in (DIFFERENCES, 24, 32, 524)
