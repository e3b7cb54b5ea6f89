"""Huffman codes of SCP-ECG (EN 1064 section 5.5 and annex C): tables, and numbers out of a stream of bits."""

from typing import NamedTuple

import numpy as np

from .stored_fields import StoredFields

_DEFAULT = 19999
_WIDTH = 32


class Table(NamedTuple):
    """Codes of one table, sorted by their bits.

    Attributes:
        starts: the bits of each prefix, at the left of 32.
        prefixes, totals: bits of the prefix, and of the code with the number that follows it.
        switches: 0, or the table, from 1, that is used from here on.
        bases: the number itself, or what the one that follows is added to.
    """

    starts: np.ndarray
    prefixes: np.ndarray
    totals: np.ndarray
    switches: np.ndarray
    bases: np.ndarray


def read_tables(section: StoredFields | None) -> list[Table]:
    """The tables of section 2; none where the numbers are stored as they are.

    Raises:
        ValueError: a table that is cut, or a code that is none.
    """
    if section is None:
        return []
    number = section.number(0, "H")
    if number == _DEFAULT:
        return [_default()]
    tables, place = [], 2
    for _ in range(number):
        codes = section.number(place, "H")
        place += 2
        section.part(place, 9 * codes)
        tables.append(_table([section.numbers(place + 9 * i, "BBBhI") for i in range(codes)]))
        place += 9 * codes
    return tables


def _default() -> Table:
    """0 for 0; a 1 for each unit, 0 and the sign; ten 1s, or nine and a 0, in front of 16 or 8 bits."""
    codes = [(1, 1, 1, 0, 0)]
    for size in range(1, 9):
        ones = 2**size - 1
        codes += [(size + 2, size + 2, 1, size, ones), (size + 2, size + 2, 1, -size, ones | 2 << size)]
    return _table([*codes, (10, 18, 1, 0, 0x1FF), (10, 26, 1, 0, 0x3FF)])


def _table(codes: list[tuple[int, int, int, int, int]]) -> Table:
    """Of prefix bits, all bits, mode (0 switches tables), base, and the prefix, whose first bit is the lowest one."""
    rows = []
    for prefix, total, mode, base, stored in codes:
        if not (1 <= prefix <= _WIDTH and prefix <= total <= prefix + 24):
            raise ValueError(f"a Huffman code has a prefix of {prefix} bits and {total} bits in all")
        start = int(f"{stored & (2**prefix - 1):0{prefix}b}"[::-1], 2) << (_WIDTH - prefix)
        rows.append((start, prefix, total, 0 if mode else max(base, -1) or -1, base))
    columns = np.array(sorted(rows), np.int64).reshape(-1, 5).T
    return Table(*columns)


class _Steps(NamedTuple):
    """What a table makes of the bits at each place, and at their end: the place behind the code (-1 for none), a
    switch, and its number."""

    following: list[int]
    switches: list[int] | None
    values: np.ndarray


def decode(stored: bytes, number: int, tables: list[Table]) -> np.ndarray:
    """The first numbers of a stream.

    Raises:
        ValueError: it ends before, or holds bits that are not a code.
    """
    bits = 8 * len(stored)
    if number > bits:
        raise ValueError(f"{len(stored)} bytes of Huffman codes cannot hold {number} samples: truncated")
    windows = _windows(stored)
    steps = {0: _steps(windows, bits, tables[0])}
    if steps[0].switches is None:
        places = _follow(steps[0].following, number)
        return steps[0].values[places]
    found = np.array(_follow_tables(steps, windows, bits, tables, number), np.int64).reshape(-1, 2)
    values = np.empty(number, np.int64)
    for key, step in steps.items():
        mine = found[:, 0] == key
        values[mine] = step.values[found[mine, 1]]
    return values


def _follow(following: list[int], number: int) -> list[int]:
    """The places of codes one behind the other."""
    place, places = 0, []
    for _ in range(number):
        places.append(place)
        # from a place where there is no code it stays at -1, whose entry is the last one
        place = following[place]
    if place < 0:
        raise _no_code(places.index(-1) - 1 if -1 in places else number - 1, number)
    return places


def _follow_tables(steps: dict[int, _Steps], windows: np.ndarray, bits: int, tables: list[Table], number: int):
    """Likewise, with the table of each; further tables are added to `steps`."""
    table, place = 0, 0
    places: list[tuple[int, int]] = []
    while len(places) < number:
        known = steps[table]
        following = known.following[place]
        if following < 0:
            raise _no_code(len(places), number)
        switch = known.switches[place] if known.switches is not None else 0
        if not switch:
            places.append((table, place))
        elif not 1 <= switch <= len(tables):
            raise ValueError(f"a Huffman code switches to table {switch} of {len(tables)}")
        else:
            table = switch - 1
            if table not in steps:
                steps[table] = _steps(windows, bits, tables[table])
        place = following
    return places


def _no_code(before: int, number: int) -> ValueError:
    return ValueError(f"after {before} of {number} samples there is no Huffman code: damaged")


def _windows(stored: bytes) -> np.ndarray:
    """The 32 bits from each bit on, with zeros behind the end."""
    padded = np.frombuffer(stored + b"\0" * 13, np.uint8).astype(np.uint64)
    size = len(stored) + 8
    five = np.zeros(size, np.uint64)
    for i in range(5):
        five |= padded[i : i + size] << np.uint64(8 * (4 - i))
    shifts = np.arange(8, 0, -1, dtype=np.uint64)
    return (five[:, None] >> shifts & np.uint64(2**_WIDTH - 1)).reshape(-1).astype(np.int64)


def _steps(windows: np.ndarray, bits: int, table: Table) -> _Steps:
    if not len(table.starts):
        return _Steps([-1] * (bits + 1), None, np.zeros(bits, np.int64))
    here = windows[:bits]
    code = np.maximum(np.searchsorted(table.starts, here, "right") - 1, 0)
    prefixes, extra = table.prefixes[code], (table.totals - table.prefixes)[code]
    is_code = here >> (_WIDTH - prefixes) == table.starts[code] >> (_WIDTH - prefixes)
    places = np.arange(bits)
    added = windows[places + prefixes] >> (_WIDTH - extra)
    # the highest of them is the sign
    added -= (added >> np.maximum(extra - 1, 0) & 1) * (extra > 0) << extra
    following = places + table.totals[code]
    following[~is_code | (following > bits)] = -1
    switches = table.switches[code]
    return _Steps([*following.tolist(), -1], switches.tolist() if switches.any() else None, table.bases[code] + added)
