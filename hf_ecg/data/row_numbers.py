"""A row's columns as numbers."""

import math
from collections.abc import Mapping

SEX_COLUMN, SEX_NUMBERS = "sex", {"female": 0.0, "male": 1.0}


def number(row: Mapping, column: str) -> float:
    """A row's value in a column of numbers, 1 and 0 where true and false; NaN where null.

    Raises:
        ValueError: something else, an infinite number among it.
    """
    value = row[column]
    if value is None:
        return math.nan
    if not isinstance(value, (int, float)) or math.isinf(value):
        raise ValueError(f"record {row.get('record_id')}: {column} is {value!r}, wanted a finite number or null")
    return float(value)


def metadata_number(row: Mapping, column: str) -> float:
    """The same, and 0 and 1 for the sexes.

    Raises:
        ValueError: neither a number nor a sex.
    """
    value = row[column]
    if column != SEX_COLUMN or not isinstance(value, str):
        return number(row, column)
    if value not in SEX_NUMBERS:
        raise ValueError(f"record {row.get('record_id')}: sex is {value!r}, wanted one of {list(SEX_NUMBERS)}")
    return SEX_NUMBERS[value]
