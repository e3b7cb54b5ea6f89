"""One group of channels of a DICOM waveform, which were sampled together (multiplex group, PS3.3 C.10.9.1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..leads import known_lead
from ..units import MISSING_COUNT, known_voltage, millivolts_in
from .scp_leads import SCP_LEADS
from .stored_counts import Values, stored_values

# Kind of number by the bits it takes and the sample interpretation (PS3.3 C.10.9.1.5).
_KINDS: dict[tuple[float, str], str] = {
    **{(8, "SB"): "i1", (8, "UB"): "u1", (8, "MB"): "u1", (8, "AB"): "u1"},
    **{(16, "SS"): "i2", (16, "US"): "u2", (32, "SL"): "i4", (32, "UL"): "u4"},
}
_MEDIAN_WORDS = ("MEDIAN", "REPRESENTATIVE", "AVERAGE", "TEMPLATE")


class DicomError(ValueError):
    """What this reader says itself, in words that quote nothing of the patient."""


@dataclass
class Group:
    """A group as it is stored; one entry a channel in each of the lists.

    Attributes:
        number: of the group in its file, from 1.
        label: as written.
        rate: hertz.
        samples: of each channel.
        stored: (samples, channels) as they lie in the file.
        kind: sample interpretation, such as SS.
        padding: the stored number that stands for no sample.
        names, written, units: of the channels: a lead's name where the file tells one, the words as written, the unit.
        steps, zeros: millivolts a count, and millivolts at count 0.
        unfit: why a channel has no voltages.
        filters: what was filtered, in words.
        remarks: what is odd.
    """

    number: int
    label: str
    rate: float
    stored: np.ndarray
    kind: str
    padding: int | None
    names: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    zeros: list[float] = field(default_factory=list)
    unfit: list[str | None] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def is_median(group: Group) -> bool:
    return any(word in group.label.upper() for word in _MEDIAN_WORDS)


def text_of(item, key: str) -> str:
    """An element as text, "" where it is not there."""
    value = item.get(key)
    if value is None:
        return ""
    parts = [value] if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") else value
    if not isinstance(value, (str, bytes)) and hasattr(value, "original_string"):
        return str(value).strip()
    return "; ".join(str(part).strip() for part in parts)


def number_of(item, key: str) -> float:
    """An element as a number, NaN where it is not there or is none."""
    try:
        return float(item.get(key))
    except (TypeError, ValueError):
        return math.nan


def code_of(item, key: str) -> tuple[str, str, str]:
    """Scheme, value and meaning of the first code of a sequence."""
    for code in item.get(key) or []:
        value = text_of(code, "CodeValue") or text_of(code, "LongCodeValue")
        return text_of(code, "CodingSchemeDesignator"), value, text_of(code, "CodeMeaning")
    return "", "", ""


def read_group(item, number: int, order: str) -> Group:
    """A group of an item of the waveform sequence; `order` is "<" or ">" as the file's bytes are.

    Raises:
        ValueError: it has no samples, fewer than it says, or of a kind that is none.
    """
    channels, samples = (number_of(item, f"NumberOfWaveform{key}") for key in ("Channels", "Samples"))
    bits, kind = number_of(item, "WaveformBitsAllocated"), text_of(item, "WaveformSampleInterpretation").upper()
    rate, data = number_of(item, "SamplingFrequency"), item.get("WaveformData")
    if (bits, kind) not in _KINDS:
        raise DicomError(f"group {number} of channels has samples of {bits:g} bits {kind!r}, which is not a kind")
    if not (channels >= 1 and samples >= 1 and isinstance(data, bytes)):
        raise DicomError(f"group {number} of channels says {channels:g} channels of {samples:g} samples")
    dtype = np.dtype(order + _KINDS[bits, kind])
    size = int(channels) * int(samples) * dtype.itemsize
    if len(data) < size:
        raise DicomError(
            f"group {number} of channels has {len(data)} bytes, wanted {size} for {channels:g} channels of"
            f" {samples:g} samples: truncated"
        )
    if not (math.isfinite(rate) and rate > 0):
        raise DicomError(f"group {number} of channels has a sampling frequency of {rate:g} Hz")
    stored = np.frombuffer(data, dtype, int(channels) * int(samples)).reshape(int(samples), int(channels))
    group = Group(number, text_of(item, "MultiplexGroupLabel"), rate, stored, kind, _padding(item, dtype))
    defined = list(item.get("ChannelDefinitionSequence") or [])
    if len(defined) != channels:
        raise DicomError(f"group {number} of channels has {channels:g} channels, and defines {len(defined)}")
    for place, channel in enumerate(defined):
        _add_channel(group, channel, place)
    return group


def _padding(item, dtype: np.dtype) -> int | None:
    value = item.get("WaveformPaddingValue")
    if isinstance(value, bytes) and len(value) >= dtype.itemsize:
        return int(np.frombuffer(value, dtype, 1)[0])
    return int(value) if isinstance(value, int) else None


def _add_channel(group: Group, channel, place: int) -> None:
    for names, name in zip((group.names, group.written), _names(group, channel, place), strict=True):
        names.append(name)
    _, unit, meaning = code_of(channel, "ChannelSensitivityUnitsSequence")
    unit = unit if known_voltage(unit) else meaning if known_voltage(meaning) else unit or meaning
    sensitivity, baseline = number_of(channel, "ChannelSensitivity"), number_of(channel, "ChannelBaseline")
    correction = number_of(channel, "ChannelSensitivityCorrectionFactor")
    step = sensitivity * (1.0 if math.isnan(correction) else correction)
    factor = millivolts_in(unit) or math.nan
    group.units.append(unit)
    group.steps.append(step * factor)
    group.zeros.append(0.0 if math.isnan(baseline) else baseline * factor)
    if known_voltage(unit) is None:
        group.unfit.append(None)  # its unit says why
    elif not math.isfinite(step) or step == 0 or not math.isfinite(baseline) and not math.isnan(baseline):
        group.unfit.append("its sensitivity gives no scale")
    else:
        group.unfit.append(None)
    low, high, notch = (number_of(channel, f"{key}Frequency") for key in ("FilterLow", "FilterHigh", "NotchFilter"))
    told = [("high-pass", low), ("low-pass", high), ("notch", notch)]
    group.filters.append(", ".join(f"{name} {value:g} Hz" for name, value in told if value > 0))
    skew = [number_of(channel, key) for key in ("ChannelSampleSkew", "ChannelTimeSkew")]
    if any(value and not math.isnan(value) for value in skew):
        group.remarks.append(f"a channel was sampled a moment before or after the others: {group.names[-1]}")


def _names(group: Group, channel, place: int) -> tuple[str, str]:
    """A lead's name, by the words or the code, where there is one; and what is written."""
    scheme, code, meaning = code_of(channel, "ChannelSourceSequence")
    words = [name for name in (meaning, text_of(channel, "ChannelLabel")) if name]
    named = next((name for name in (*words, *map(_short, words)) if known_lead(name)), None)
    coded = _coded(scheme, code)
    if coded and named and known_lead(coded) != known_lead(named):
        group.remarks.append(f"a channel has the code of another lead than its name: {named!r}, {coded!r}")
    written = next(iter(words), coded or f"channel {place + 1}")
    return named or coded or written, written


def _short(name: str) -> str:
    """Of "aVR, augmented voltage, right" or "Lead I (Einthoven)" its beginning."""
    return name.partition(",")[0].partition("(")[0].strip()


def _coded(scheme: str, code: str) -> str | None:
    """MDC 2:1, SCPECG 5.6.3-9-1 or the name in MDC."""
    for mark in ("2:", "5.6.3-9-"):
        number = code.removeprefix(mark)
        if number != code and number.isdecimal() and len(number) < 6:
            return SCP_LEADS.get(int(number))
    if scheme == "MDC" and code.isdecimal() and len(code) < 6:
        return SCP_LEADS.get(int(code))
    return code if known_lead(code) else None


def read_values(group: Group, places: Sequence[int]) -> tuple[Values, list[str]]:
    """Some channels of a group, and what is odd about them."""
    stored = np.ascontiguousarray(group.stored[:, list(places)].T)
    missing = None if group.padding is None else stored == group.padding
    counts = stored.astype({"u1": np.int16, "i1": np.int16}.get(stored.dtype.str[1:], stored.dtype.newbyteorder("=")))
    if group.kind in ("MB", "AB"):
        counts = (_mu_law if group.kind == "MB" else _a_law)()[stored]
    remarks = []
    if counts.dtype.itemsize > 2 or counts.dtype.kind == "u":
        counts, missing = counts.astype(np.int64), np.zeros(counts.shape, bool) if missing is None else missing
    elif missing is None and (counts == MISSING_COUNT).any():
        remarks.append(f"samples of -32768 are taken as missing: {int((counts == MISSING_COUNT).any(0).sum())}")
    steps, zeros = (np.array([column[place] for place in places]) for column in (group.steps, group.zeros))
    return stored_values(counts, steps, -zeros / steps, missing), remarks


def _mu_law() -> np.ndarray:
    """ITU-T G.711: what each byte stands for."""
    code = ~np.arange(256) & 0xFF
    size = (((code & 0xF) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _a_law() -> np.ndarray:
    """ITU-T G.711: what each byte stands for."""
    code = np.arange(256) ^ 0x55
    segment, size = (code & 0x70) >> 4, ((code & 0xF) << 4) + 8
    size = np.where(segment > 0, size + 0x100 << np.maximum(segment - 1, 0), size)
    return np.where(code & 0x80, size, -size).astype(np.int16)
