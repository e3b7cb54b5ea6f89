"""What several formats of ECG machines write into XML, and how it becomes a record's parts."""

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from xml.etree.ElementTree import Element

import numpy as np

from ..channels import Channels
from ..machine_measurements import SENTINELS
from ..units import MISSING_COUNT

# Base64 of sixteen bits, or of what is compressed to them: more samples than a day of one lead at 1,000 Hz are no ECG.
MOST_SAMPLES = 100_000_000
_PLAIN_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_BLANK, _AT_ONCE = re.compile(r"\s"), 2**20
# A minute of twelve leads at 1,000 Hz may lack all but one lead.
_FEW_SAMPLES = 1_000_000
# No axis is beyond; how a machine says that it could not measure one.
_WIDEST_ANGLE = 360


class Lead:
    """One lead as a file has it: `counts` with `gain` (counts a millivolt) and `baseline`.

    `values` in `unit` in place of them, where the numbers are not whole.
    """

    def __init__(self, name: str, unit: str, counts: np.ndarray, gain: float, baseline: float = 0.0):
        self.name, self.unit, self.counts, self.gain, self.baseline = name, unit, counts, gain, baseline

    @property
    def is_whole(self) -> bool:
        return self.counts.dtype.kind in "iu"

    def to_millivolts(self) -> np.ndarray:
        values = self.counts.astype(np.float64)
        values[self.counts == MISSING_COUNT if self.is_whole else np.isnan(self.counts)] = np.nan
        return (values - self.baseline) / self.gain


def text_of(element: Element | None, path: str = ".") -> str:
    """All text in the first element at `path`, blanks made one; "" where there is none, or a dash in its place."""
    found = None if element is None else element.find(path)
    text = "" if found is None else " ".join("".join(found.itertext()).split())
    return "" if not text.strip("- ,") else text


def number_in(text: str | None) -> float | None:
    """A finite number, with a decimal point or comma; None for other words."""
    if text is None or not _PLAIN_NUMBER.fullmatch(text.strip()):
        return None
    number = float(text.strip().replace(",", "."))
    return number if math.isfinite(number) else None


def named_texts(element: Element | None) -> dict[str, str]:
    """Every text and attribute in an element by the name of its place ("name.lastname"), where there is one."""
    found: dict[str, str] = {}

    def walk(node: Element, place: str) -> None:
        words = {"": (node.text or "").strip(), **node.attrib}
        for name, value in words.items():
            value = " ".join(value.split())
            if value.strip("- ,"):
                key = ".".join(filter(None, (place, name)))
                found[key] = f"{found[key]}; {value}" if key in found else value
        for child in node:
            walk(child, ".".join(filter(None, (place, child.tag.lower()))))

    if element is not None:
        walk(element, "")
    return found


def fields_of_patient(found: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """`Record.patient` of what a file says of a patient: under our names where `known` has one, else under the file's.

    Args:
        found: by place, as `named_texts` gives it.
        known: the end of a place -> the field; parts of a name are put together in this order.
    """
    patient: dict[str, str] = {}
    rest = dict(found)
    for ending, field in known.items():
        for place in [place for place in rest if place == ending or place.endswith(f".{ending}")]:
            value = rest.pop(place)
            if value not in patient.get(field, "").split("; "):
                separator = " " if field == "name" else "; "
                patient[field] = f"{patient[field]}{separator}{value}" if field in patient else value
    return patient | {place: value for place, value in rest.items() if place not in patient}


def measured(found: Iterable[tuple[str, str | float | None]]) -> dict[str, float]:
    """`Record.measurements` of pairs (our name, what is written); what is not measured, or cannot be, is left out.

    The first that is told counts, where a name comes twice.
    """
    told: dict[str, float] = {}
    for name, written in found:
        number = written if isinstance(written, float) else number_in(written)
        if number is None or name in told or number in SENTINELS:
            continue
        if abs(number) <= _WIDEST_ANGLE if name.endswith("axis") else number > 0:
            told[name] = float(number)
    return told


def sampling_rate(text: str | None, what: str) -> float:
    """Hertz.

    Raises:
        ValueError: no positive number.
    """
    rate = number_in(text)
    if rate is None or rate <= 0:
        raise ValueError(f"{what} says no sampling rate in hertz")
    return rate


def numbers(text: str, what: str) -> np.ndarray:
    """float64 of the words of a text, some at a time: all words of a large file at once take twenty times its size.

    Raises:
        ValueError: a word that is not a finite number.
    """
    parts, start = [], 0
    while start < len(text):
        blank = _BLANK.search(text, min(len(text), start + _AT_ONCE), start + 2 * _AT_ONCE)
        end = blank.start() if blank else min(len(text), start + 2 * _AT_ONCE)
        try:
            parts.append(np.array(text[start:end].split(), np.float64))
        except ValueError:
            raise ValueError(f"{what} has words that are not numbers") from None
        start = end
    found = np.concatenate(parts) if parts else np.empty(0)
    if not np.isfinite(found).all():
        raise ValueError(f"{what} has numbers that are not finite")
    return found


def decoded(text: str, what: str) -> bytes:
    """The bytes of Base64.

    Raises:
        ValueError: it is not Base64, or has far more than an ECG.
    """
    packed = "".join(text.split())
    if len(packed) > MOST_SAMPLES:
        raise ValueError(f"{what} has {len(packed)} characters, wanted at most {MOST_SAMPLES}")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{what} is not Base64: {error}") from error


def moment(text: str, *forms: str) -> datetime | None:
    """By the first of the forms of `strptime` that fits; None where none does."""
    for form in forms:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def even_lengths(leads: list[Lead]) -> list[str]:
    """Fills shorter leads with missing samples at their ends, in place; says so.

    Raises:
        ValueError: no lead, or one without samples; more would be filled than is there.
    """
    lengths = {lead.name: len(lead.counts) for lead in leads}
    if not lengths or not all(lengths.values()):
        raise ValueError("it has no lead with samples" if not any(lengths.values()) else "a lead has no samples")
    longest = max(lengths.values())
    if min(lengths.values()) == longest:
        return []
    told = ", ".join(f"{name} {length}" for name, length in lengths.items())
    if longest * len(leads) > 2 * sum(lengths.values()) + _FEW_SAMPLES:
        raise ValueError(f"its leads are no record together, their lengths are too different: {told}")
    for lead in leads:
        missing = MISSING_COUNT if lead.is_whole else np.nan
        lead.counts = np.pad(lead.counts, (0, longest - len(lead.counts)), constant_values=missing)
    return [f"the leads have different lengths: the shorter ones are filled with missing samples ({told})"]


def chosen_values(leads: list[Lead], choose: Callable[..., Channels], path: str) -> dict:
    """The parts of a `Record` that hold the leads that are chosen: counts where all of them are, else millivolts."""
    chosen = choose([lead.name for lead in leads], [lead.unit for lead in leads], where=path)
    taken = [leads[place] for place in chosen.places]
    parts = {
        "leads": chosen.leads,
        "lead_names": tuple(lead.name for lead in taken),
        "units": tuple(lead.unit for lead in taken),
    }
    if not all(lead.is_whole for lead in taken):
        return {"values": np.stack([lead.to_millivolts() for lead in taken]), "gain": None, "baseline": None} | parts
    counts = np.stack([lead.counts for lead in taken])
    if counts.min() >= MISSING_COUNT and counts.max() <= np.iinfo(np.int16).max:
        counts = counts.astype(np.int16)
    gain, baseline = (np.array([getattr(lead, key) for lead in taken], float) for key in ("gain", "baseline"))
    return {"values": counts, "gain": gain, "baseline": baseline} | parts
