"""Rows that an extractor refuses although their preparation found nothing: who they are, and how many may be skipped.

What a model refuses depends on its recipe: a gate on quality, a window without samples behind a crop. Corpora that an
earlier version prepared have no marks either (`schema.UNUSABLE`).
"""

from collections.abc import Callable, Mapping, Sequence

# Of the rows met; and so many do not matter.
MOST_REFUSED, FEWEST = 0.01, 3
_NAMES = 10


class RowsRefused(ValueError):
    """Rows that are few enough to be skipped.

    Args:
        reasons: record -> what the extractor said.
    """

    def __init__(self, reasons: Mapping[str, str]):
        self.reasons = dict(reasons)
        super().__init__(describe_refused(self.reasons))


def find_refused(prepare: Callable[[list], object], rows: Sequence[Mapping]) -> dict[int, str]:
    """Places of the rows that `prepare` refuses when it gets each alone -> what it says."""
    found = {}
    for place, row in enumerate(rows):
        try:
            prepare([row])
        except ValueError as error:
            found[place] = str(error)
    return found


def record_name(row: Mapping) -> str:
    """What a list of refused rows calls a row."""
    return str(row.get("record_id", f"record {row.get('record_index')}"))


def check_refused(reasons: Mapping[str, str], met: int, where: str = "") -> None:
    """Raise when too many rows are refused: then it is the recipe, or the corpus, that is wrong.

    Args:
        reasons: record -> why it is refused.
        met: rows looked at so far, the refused ones among them.
        where: what the error adds, such as the file that lists them.

    Raises:
        ValueError: more than `FEWEST` rows and more than 1 %; names up to ten.
    """
    if len(reasons) > FEWEST and len(reasons) > MOST_REFUSED * met:
        raise ValueError(
            f"{len(reasons)} of the {met} rows looked at are refused, more than {MOST_REFUSED:.0%}:"
            f" {_named(reasons)}{where}. The first: {next(iter(reasons.values()))}"
        )


def describe_refused(reasons: Mapping[str, str]) -> str:
    """A sentence about refused rows, the first with its reason."""
    first = next(iter(reasons.values()))
    return first if len(reasons) == 1 else f"{first} ({len(reasons)} rows are refused: {_named(reasons)})"


def _named(reasons: Mapping[str, str]) -> str:
    return ", ".join(list(reasons)[:_NAMES]) + (", ..." if len(reasons) > _NAMES else "")
