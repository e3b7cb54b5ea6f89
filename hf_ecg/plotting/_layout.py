"""Which lead goes where on the sheet: rows of strips, as electrocardiographs print them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# strips narrower than this hold no beat and no room for their label
SHORTEST_STRIP_S = 1.0


@dataclass(frozen=True)
class Strip:
    """One stretch of one lead: `start` and `seconds` within the window, `row` from the top, `rhythm` if full width."""

    lead: str
    row: int
    start: float
    seconds: float
    rhythm: bool = False


def usual_columns(num_leads: int, seconds: float) -> int:
    """Columns for that many leads: one up to six leads, two up to eleven, then three rows (3x4 for twelve leads)."""
    if num_leads <= 6:
        columns = 1
    elif num_leads <= 11:
        columns = 2
    else:
        columns = math.ceil(num_leads / 3)
    return max(1, min(columns, int(seconds / SHORTEST_STRIP_S)))


def arrange(leads: Sequence[str], seconds: float, columns: int | None, rhythm: str | None) -> list[Strip]:
    """Strips column by column, time running on from one column to the next; the rhythm lead below, at full width.

    Raises:
        ValueError: `columns` is not a whole number from 1 to the number of leads.
    """
    if columns is None:
        columns = usual_columns(len(leads), seconds)
    if isinstance(columns, bool) or columns != int(columns) or not 1 <= columns <= len(leads):
        raise ValueError(f"columns is {columns!r}, wanted a whole number from 1 to {len(leads)}, the number of leads")
    rows = math.ceil(len(leads) / columns)
    width = seconds / math.ceil(len(leads) / rows)
    strips = [Strip(lead, i % rows, (i // rows) * width, width) for i, lead in enumerate(leads)]
    if rhythm is not None and width < seconds:
        strips.append(Strip(rhythm, rows, 0.0, seconds, rhythm=True))
    return strips
