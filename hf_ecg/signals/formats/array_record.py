"""An array out of a file that holds arrays by name, with what stands beside it, as a record."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

import numpy as np

from ...checks import shown
from ..channels import Channels
from ..record import Record
from ..units import known_voltage, to_millivolts
from .told import NOTHING, Told, named_errors, names_of, rate_of, units_of

# How programs call what an ECG needs, compared without case, "_" and " ".
WORDS = {
    "signals": (
        *("signals", "signal", "ecg", "ecgs", "tracings", "tracing", "ecgsignal", "ecgsignals", "ecgdata", "psignal"),
        *("val", "data", "values", "waveform", "waveforms", "feats", "x", "samples", "voltage", "voltages"),
    ),
    "sampling_rate": (
        *("samplingrate", "samplerate", "samplingfrequency", "samplefrequency", "fs", "sfreq", "srate", "frequency"),
        *("samplingrateinhz", "fshz", "sf", "freq", "hz", "rate"),
    ),
    "leads": (
        *(
            "leads",
            "leadnames",
            "leadname",
            "signame",
            "signames",
            "signalnames",
            "channels",
            "channelnames",
            "chnames",
        ),
        *("lead", "names", "labels", "leadorder"),
    ),
    "units": ("units", "unit", "voltageunit", "signalunits", "sigunits"),
    "gain": ("gain", "adcgain", "gains", "countspermillivolt", "lsbpermv"),
    "baseline": ("baseline", "baselines", "adczero", "offset", "zero"),
    "start_time": ("starttime", "startdate", "datetime", "recordingtime", "recordeddate", "timestamp"),
    "device": ("device", "devicename", "devicemodel", "recorder"),
}
# More channels than this are samples.
_MOST_CHANNELS = 256
_MISSING_COUNT = -32768


@dataclass
class ArrayFacts:
    """What a file says of one array.

    Attributes:
        values: (leads, samples), (samples, leads) or (samples,): numbers.
        names: of its leads, None where the file does not say.
        sampling_rate: hertz, or None.
        units: of all leads or one a lead, or None.
        gain, baseline: counts a millivolt and the count of zero, one number or one a lead; None for numbers in a unit.
        name: of the record; None is that of the file.
        source_names, source_units: of each lead in the file that the array was made of, where it says so.
        other: further arguments of `Record`.
    """

    values: np.ndarray
    names: Sequence[str] | None = None
    sampling_rate: float | None = None
    units: str | Sequence[str] | None = None
    gain: np.ndarray | float | None = None
    baseline: np.ndarray | float | None = None
    name: str | None = None
    source_names: Sequence[str] | None = None
    source_units: Sequence[str] | None = None
    other: dict = field(default_factory=dict)


def word_of(names: Sequence[str], kind: str) -> str | None:
    """Of these names the one that stands for what `WORDS` calls `kind`; the likeliest, where there are several."""
    plain = {re.sub(r"[\s_\-.]+", "", name.rpartition("/")[2]).casefold(): name for name in reversed(names)}
    return next((plain[word] for word in WORDS[kind] if word in plain), None)


def said_beside(found: Mapping[str, object]) -> dict:
    """Rate, names, units, gain, baseline, time and device among named values, as arguments of `ArrayFacts`.

    Raises:
        ValueError: a rate that is not one positive number.
    """
    names = list(found)
    facts: dict = {"other": {}}
    for kind in ("sampling_rate", "leads", "units", "gain", "baseline", "start_time", "device"):
        name = word_of(names, kind)
        if name is None:
            continue
        value = found[name]
        if kind == "sampling_rate":
            facts[kind] = one_number(value, name)
        elif kind == "leads":
            # a number of leads is no name
            texts = _texts(value)
            facts["names"] = texts if texts else None
        elif kind == "units":
            texts = _texts(value)
            facts[kind] = None if not texts else texts[0] if len(texts) == 1 else texts
        elif kind in ("gain", "baseline"):
            numbers = np.asarray(value)
            facts[kind] = numbers.astype(np.float64) if numbers.dtype.kind in "iuf" else None
        elif kind == "device":
            # a text with a comma is one device: "Watch4,3"
            facts["other"][kind] = value if isinstance(value, str) else next(iter(_texts(value)), None)
        else:
            facts["other"][kind] = _moment(_texts(value))
    return facts


def one_number(value, name: str) -> float:
    """One positive number.

    Raises:
        ValueError: anything else.
    """
    number = np.asarray(value)
    if (
        number.size != 1
        or number.dtype.kind not in "iuf"
        or not np.isfinite(number).all()
        or number.reshape(-1)[0] <= 0
    ):
        raise ValueError(f"{name} is {shown(number.tolist())}, wanted one positive number")
    return float(number.reshape(-1)[0])


def _texts(value) -> list[str]:
    """Texts of an array, a list, or one text with commas; none where it holds numbers."""
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "O" and all(isinstance(one, (str, bytes)) for one in array.reshape(-1)):
        array = np.array(
            [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in array.reshape(-1)]
        )
    if array.dtype.kind != "U":
        return []
    texts = [text.strip() for text in array.reshape(-1).tolist()]
    if len(texts) == 1 and re.search("[,;|]", texts[0]):
        texts = [text.strip(" []'\"") for text in re.split("[,;|]", texts[0])]
    return [text for text in texts if text]


def _moment(texts: list[str]) -> datetime | time | None:
    for kind in (datetime, time):
        try:
            return kind.fromisoformat(texts[0]) if texts else None
        except ValueError:
            continue
    return None


def array_record(
    path: str,
    facts: ArrayFacts,
    choose: Callable[..., Channels],
    source_format: str,
    told: Told = NOTHING,
) -> Record:
    """A record of the channels that are chosen.

    Raises:
        ValueError: an array that is not of numbers or has another number of axes; names, a rate or a unit that nobody
            says; what does not fit the array; an infinite value.
    """
    with named_errors(path):
        values = _numbers(facts.values)
        known = facts.names if facts.names is not None else told.leads
        number = None if known is None or isinstance(known, str) else len(known) or None
        values = _leads_first(values, number)
        if facts.names is not None and len(facts.names) != len(values):
            raise ValueError(f"it names {len(facts.names)} leads, and its array has shape {facts.values.shape}")
        names = names_of(facts.names, len(values), told.leads)
        used = None if facts.gain is not None else _units(facts.units, told.units, len(values))
    chosen = choose(names, used, where=path)
    places = list(chosen.places)
    with named_errors(path):
        rate = rate_of(facts.sampling_rate, told.sampling_rate)
        values = np.ascontiguousarray(values[places])
        remarks = list(facts.other.get("remarks", ()))
        gain, baseline = _scale(facts, len(names), places)
        # counts have no unit of their own
        source_units = used if used is not None else facts.source_units or ()
        source_names = facts.source_names or names
        for kind, texts in (("names", source_names), ("units", source_units)):
            if texts and len(texts) != len(names):
                raise ValueError(f"it has {len(names)} channels, and {kind} of {len(texts)} of its source")
        if gain is None and used is not None:
            values = _millivolts(values, [used[place] for place in places], remarks)
        return Record(
            **{
                **facts.other,
                "name": facts.name or os.path.splitext(os.path.basename(path))[0],
                "values": values,
                "gain": gain,
                "baseline": baseline,
                "leads": chosen.leads,
                "sampling_rate": rate,
                "lead_names": tuple(source_names[place] for place in places),
                "units": tuple(source_units[place] for place in places) if source_units else (),
                "source_format": source_format,
                "remarks": tuple(remarks),
            }
        )


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        raise ValueError(f"its array is {values.dtype} of shape {values.shape}, wanted real numbers")
    values = values[None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        raise ValueError(f"its array has shape {values.shape}, wanted (leads, samples)")
    return values


def _leads_first(values: np.ndarray, number: int | None) -> np.ndarray:
    """As (leads, samples), by the number of names, or else by which axis is the shorter one."""
    if number is not None and number in values.shape:
        return values if values.shape[0] == number else values.T
    first = values.shape[0] <= values.shape[1]
    values = values if first else values.T
    if len(values) > _MOST_CHANNELS:
        raise ValueError(
            f"its array has shape {values.shape}, and neither axis can be the leads: wanted (leads, samples)"
        )
    return values


def _units(said, told: str | None, number: int) -> list[str]:
    texts = [said] * number if said is None or isinstance(said, str) else list(said)
    if len(texts) != number:
        raise ValueError(f"it has {number} channels, and units of {len(texts)}")
    # of what is said to be no voltage, the choice is told
    return [text if text is not None and not known_voltage(text) else units_of(text, told) for text in texts]


def _scale(facts: ArrayFacts, number: int, places: list[int]) -> tuple[np.ndarray | None, np.ndarray | None]:
    if facts.gain is None:
        return None, None
    if facts.values.dtype.kind == "f":
        raise ValueError("it has a gain, and its array is not of whole numbers: are these counts or millivolts?")
    scale = []
    for key, value in (("gain", facts.gain), ("baseline", 0.0 if facts.baseline is None else facts.baseline)):
        array = np.asarray(value, dtype=np.float64).reshape(-1)
        if array.size not in (1, number):
            raise ValueError(f"it has {number} channels, and a {key} of {array.size}")
        scale.append(np.broadcast_to(array, number)[places].copy())
    # one so small that a count is beyond all numbers is no gain
    largest = float(np.abs(facts.values.astype(np.float64)).max(initial=0.0)) + np.abs(scale[1]).max(initial=0.0)
    with np.errstate(all="ignore"):
        finite = np.isfinite(scale[0]).all() and np.isfinite(largest / scale[0]).all()
    if not finite or not (scale[0] > 0).all():
        told = f"gain is {scale[0].tolist()} and baseline {scale[1].tolist()}"
        raise ValueError(f"{told}, wanted positive counts a millivolt and finite counts")
    return scale[0], scale[1]


def _millivolts(values: np.ndarray, units: list[str], remarks: list[str]) -> np.ndarray:
    if np.isinf(values).any():
        lead, sample = np.argwhere(np.isinf(values))[0].tolist()
        raise ValueError(f"sample {sample} of lead {lead} is infinite")
    # half precision would be scaled in half precision
    numbers: np.ndarray = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32)
    missing = (values == _MISSING_COUNT) & (values.dtype.kind in "iu")
    if missing.any():
        remarks.append(f"missing: {int(missing.sum())} samples are -32768, the number of a missing one")
        numbers[missing] = np.nan
    return np.stack([to_millivolts(row, unit) for row, unit in zip(numbers, units, strict=True)])
