"""A look at a MATLAB file before it is read: sizes that are claimed and not there, bombs, and depths without end.

Source: MAT-File Format, The MathWorks, level 4 and level 5.
"""

import struct
import zlib

_MATRIX, _COMPRESSED = 14, 15
_TYPES = {*range(1, 8), 9, 12, 13, _MATRIX, _COMPRESSED, 16, 17, 18}
_HEADER = 128
# cells and structures, which hold matrices
_NESTED = {1, 2, 3}
_DEEPEST, _MOST_ELEMENTS = 8, 100_000
_SMALL_BYTES, _MOST_RATIO, _MOST_BYTES = 2**25, 100, 2**29


def check_level_5(content: bytes) -> None:
    """Nothing, when what a file of level 5 claims is there.

    Raises:
        ValueError: it is not.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise ValueError("its header does not say the order of bytes (IM or MI): is it damaged?")
    place = _HEADER
    while place < len(content):
        kind, size, start, end = _element(content, place, order, "the file")
        if kind == _COMPRESSED:
            _check_matrix(_unpacked(content[start : start + size]), order)
        elif kind == _MATRIX:
            _check_matrix(content[place:end], order)
        else:
            raise ValueError(f"it holds an element of type {kind} where a matrix is wanted: is it damaged?")
        # compressed elements are not filled up to eight bytes
        place = start + size if kind == _COMPRESSED else end


def _element(content, place: int, order: str, where: str) -> tuple[int, int, int, int]:
    """Type, size, first byte and what follows, of an element."""
    if place + 8 > len(content):
        raise ValueError(f"{where} ends within an element: is it cut?")
    word, size = struct.unpack_from(f"{order}II", content, place)
    start = place + 8
    if word >> 16:  # a small element: size and type in one word, four bytes behind it
        word, size, start = word & 0xFFFF, word >> 16, place + 4
        if size > 4:
            raise ValueError(f"{where} holds a small element of {size} bytes, wanted at most 4")
        end = place + 8
    else:
        end = start + size + (-size) % 8
    if word not in _TYPES:
        raise ValueError(f"{where} holds an element of unknown type {word}: is it damaged?")
    if start + size > len(content):
        raise ValueError(
            f"{where} claims an element of {size} bytes, and {len(content) - start} are there: is it cut?"
        )
    return word, size, start, end


def _unpacked(packed: bytes) -> bytes:
    limit = min(max(_SMALL_BYTES, _MOST_RATIO * len(packed)), _MOST_BYTES)
    try:
        stream = zlib.decompressobj()
        found = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed matrix cannot be unpacked: {error}") from error
    if len(found) > limit:
        raise ValueError(f"a matrix unpacks from {len(packed)} bytes to more than {limit}: no ECG does")
    if not stream.eof:
        raise ValueError("a compressed matrix ends too early: is the file cut?")
    return found


def _check_matrix(content: bytes, order: str) -> None:
    """Every element in a matrix, however deep; a list of what is left to do takes the place of recursion."""
    left = [(memoryview(content), 0)]
    seen = 0
    while left:
        part, depth = left.pop()
        if depth > _DEEPEST:
            raise ValueError(f"it holds matrices in matrices, more than {_DEEPEST} deep")
        place = 0
        while place < len(part):
            kind, size, start, end = _element(part, place, order, "a matrix")
            seen += 1
            if seen > _MOST_ELEMENTS:
                raise ValueError(f"it holds more than {_MOST_ELEMENTS} elements")
            if kind == _COMPRESSED:
                raise ValueError("a matrix holds a compressed element: is it damaged?")
            if kind == _MATRIX and size:
                left.append((part[start : start + size], depth + 1))
            place = end


def check_level_4(content: bytes) -> None:
    """Nothing, when what a file of level 4 claims is there.

    Raises:
        ValueError: it is not.
    """
    place = 0
    while place < len(content):
        found = level_4_header(content[place : place + 20])
        if found is None:
            raise ValueError(f"byte {place} is not the beginning of a matrix: is it damaged or cut?")
        name_bytes, data_bytes = found
        place += 20 + name_bytes + data_bytes
        if place > len(content):
            raise ValueError(f"a matrix of {data_bytes} bytes ends {place - len(content)} behind the file: is it cut?")


def level_4_header(head: bytes) -> tuple[int, int] | None:
    """Bytes of the name and of the numbers of a matrix of level 4 that begins so; None where none does."""
    if len(head) < 20:
        return None
    for order, machine in (("<", 0), (">", 1)):
        kind, rows, columns, imaginary, name = struct.unpack(f"{order}iiiii", head[:20])
        said, zero, precision, matrix = kind // 1000, kind // 100 % 10, kind // 10 % 10, kind % 10
        sizes = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}
        right = 0 <= kind and said == machine and not zero and precision in sizes and matrix in (0, 1, 2)
        if right and rows >= 0 and columns >= 0 and imaginary in (0, 1) and 1 < name <= 64:
            return name, rows * columns * sizes[precision] * (1 + imaginary)
    return None
