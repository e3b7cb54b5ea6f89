"""Other words for what an ECG shows: "heart attack", "PVC", "skipped beats" and the statement that each means."""

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from .tables import read_table

TABLE = Path(__file__).with_name("other_words.csv")


@lru_cache
def read_other_words() -> MappingProxyType[str, str]:
    """Words -> the statement or feature of the package that they mean, in the order of `other_words.csv`.

    Some name less than the statement does ("bradycardia" for sinus bradycardia): they are for finding what people look
    for, not for labelling records.

    Raises:
        ValueError: words that stand twice.

    Example:
        >>> from hf_ecg.clinical.other_words import read_other_words
        >>> read_other_words()["heart attack"]
        'myocardial infarction'
    """
    rows = read_table(TABLE, ("words", "statement"))
    found = {row["words"]: row["statement"] for row in rows}
    if len(found) < len(rows):
        raise ValueError(f"{TABLE}: {len(rows)} rows name {len(found)} words, wanted each once")
    return MappingProxyType(found)
