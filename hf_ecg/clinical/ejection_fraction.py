"""The left ventricle's ejection fraction as notes write it. The rules are our own: no published ones are known."""

import re

# per cent; outside, it is another number
LOWEST, HIGHEST = 5.0, 90.0
# mentions of one note that differ by more are of several studies, and nobody knows which is the patient's now
SPREAD = 10.0
_NAME = r"(?:LV\s?EF|\bEF|ejection\s+fraction)\b"
# words may stand between, such as "was estimated at", but no other number and no end of a sentence
_BETWEEN = r"[^0-9%;.\n]{0,40}?"
_NUMBER = r"(\d{1,2}(?:\.\d+)?)"
_MENTION = re.compile(
    rf"{_NAME}{_BETWEEN}{_NUMBER}\s?%?(?:\s?(?:-|\u2013|to)\s?{_NUMBER})?\s?(%|per\s?cent)?(?![\d/])", re.IGNORECASE
)
_RIGHT = re.compile(r"(?:\bRV|right\s+ventric\w*)\W*$", re.IGNORECASE)
_BEFORE = 24


def ejection_fractions(text: str) -> list[float]:
    """Every ejection fraction of the left ventricle that a text mentions, in per cent, in its order.

    Of a range its middle; of "<20 %" and ">55 %" the number itself, which is an end and not a value.

    Example:
        >>> from hf_ecg.clinical.ejection_fraction import ejection_fractions
        >>> ejection_fractions("LVEF 30-35%. RV ejection fraction 40%. Overall EF is normal (>55%).")
        [32.5, 55.0]
    """
    found = []
    for match in _MENTION.finditer(text):
        if _RIGHT.search(text[max(0, match.start() - _BEFORE) : match.start()]):
            continue
        numbers = [float(number) for number in match.groups()[:2] if number]
        value = sum(numbers) / len(numbers)
        if LOWEST <= value <= HIGHEST:
            found.append(value)
    return found


def ejection_fraction(text: str, spread: float = SPREAD) -> float | None:
    """The one ejection fraction of a note: the mean of its mentions; None without any, or where they differ by more
    than `spread` points.

    Example:
        >>> from hf_ecg.clinical.ejection_fraction import ejection_fraction
        >>> ejection_fraction("EF 60%, before 55 to 60 %."), ejection_fraction("EF 25%, in 2150 EF was 60%")
        (60.0, None)
    """
    found = ejection_fractions(text)
    if not found or max(found) - min(found) > spread:
        return None
    return sum(found) / len(found)
