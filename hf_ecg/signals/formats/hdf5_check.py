"""A look at an HDF5 file before its library reads it: damage that makes the library go round for ever.

Source: HDF5 File Format Specification 3.0, III.E, Global Heap Block. It holds texts of variable length.
"""

import mmap
import struct

from ...input_files import InputFile

_MARK, _VERSION = b"GCOL", b"\x01\0\0\0"
_SMALLEST, _HEAD, _OBJECT = 4096, 16, 16
# Of larger files, which are stacks of records, looking at all would take longer than reading one.
_MOST_BYTES = 2**29


def check_heaps(path: str) -> None:
    """Nothing, when the objects of every global heap lie one behind the other and end with the heap.

    Raises:
        ValueError: one that has no size, or ends behind its heap.
        OSError: the file is not there.
    """
    with InputFile(path) as file, file.stream() as stream:
        if not 0 < file.size <= _MOST_BYTES:
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            place = content.find(_MARK + _VERSION)
            while place >= 0:
                _check_heap(content, place)
                place = content.find(_MARK + _VERSION, place + 4)


def _check_heap(content: mmap.mmap, start: int) -> None:
    if start + _HEAD > len(content):
        return
    (size,) = struct.unpack_from("<Q", content, start + 8)
    if size < _SMALLEST or start + size > len(content):
        raise ValueError(f"its heap at byte {start} claims {size} bytes: is it damaged or cut?")
    place, end = start + _HEAD, start + size
    while place + _OBJECT <= end:
        index, _, _, length = struct.unpack_from("<HHIQ", content, place)
        # free space counts its own head, and is the last
        step = length if index == 0 else _OBJECT + (length + 7) // 8 * 8
        if step < _OBJECT or place + step > end:
            raise ValueError(f"its heap at byte {start} holds an object of {length} bytes at {place}: is it damaged?")
        if index == 0:
            return
        place += step
