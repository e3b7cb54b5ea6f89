"""JSON of watches and hand-held devices, as the services of their makers give it.

* Kardia (AliveCor): `data` with `raw` and `enhanced`, each `frequency`, `amplitudeResolution` in nanovolts and
  `samples` by lead; `raw` is read. Source: developers.kardia.com.
* Fitbit: `ecgReadings`, each `waveformSamples`, `samplingFrequencyHz` and `scalingFactor` (counts a millivolt).
  Source: Fitbit's Web API, ECG.
* Withings: `signal` in microvolts and `sampling_frequency`, alone or in `body`. Source: Withings API, Heart v2 - Get.
* Any other with numbers by lead, or under a name such as `ecg`, and beside it `sampling_rate`, `leads` and `units`.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from ...input_files import read_input
from ..channels import Channels, choose_channels
from ..leads import known_lead
from ..record import Record
from .array_record import ArrayFacts, array_record, one_number, said_beside, word_of
from .table_text import decoded
from .told import NOTHING, Told, named_errors, place_of

FORMAT = "JSON of a device"
ENDINGS = (".json",)
# Most files of this ending are something else.
ENDING_IS_SHARED = True
ASKS = True
_MOST_BYTES = 2**27
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_SIGNS = (b'"waveformSamples"', b'"sampling_frequency"', b'"amplitudeResolution"')
_WITHINGS_UNIT = "uV"
_SHORTEST = 20


def matches(path: str, head: bytes) -> bool:
    """By a word of one of the services anywhere in it; another JSON is passed over in a folder."""
    if not _BEGIN.match(head):
        return False
    return any(sign in read_input(path, _MOST_BYTES) for sign in _SIGNS) if _is_small(path) else False


def may_be(path: str, head: bytes) -> bool:
    """Any JSON that somebody asks for by name."""
    return _BEGIN.match(head) is not None


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    told: Told = NOTHING,
) -> Record:
    """Read a record; see the page of this module.

    Args:
        told: what the file does not say; of `record`, its place from 0, of several.

    Raises:
        ValueError: no JSON, no numbers that may be an ECG, leads of different lengths, a rate, unit or names that
            nobody says.
    """
    with named_errors(path):
        try:
            found = json.loads(decoded(read_input(path, _MOST_BYTES))[0])
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is not a whole JSON file: {error}") from error
        facts = _facts(found, told.record)
        facts.name = facts.name or os.path.splitext(os.path.basename(path))[0]
    return array_record(path, facts, choose, FORMAT, told)


def _is_small(path: str) -> bool:
    try:
        return os.stat(path).st_size <= _MOST_BYTES
    except OSError:
        return False


def _facts(found, record: int | str | None) -> ArrayFacts:
    if isinstance(found, Mapping) and isinstance(found.get("ecgReadings"), list):
        found = found["ecgReadings"]
    if isinstance(found, list) and found and all(isinstance(one, Mapping) for one in found):
        names = [str(one.get("startTime", "")) for one in found]
        found = found[place_of(record, len(found), [name for name in names if name] and names, "startTime")]
    elif record not in (None, 0):
        place_of(record, 1)
    if isinstance(found, Mapping) and isinstance(found.get("body"), Mapping):
        found = found["body"]
    if not isinstance(found, Mapping):
        raise ValueError("it holds no object with the numbers of an ECG")
    data = found.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("raw") or data.get("enhanced"), Mapping):
        return _kardia(found, data)
    if "waveformSamples" in found:
        return _fitbit(found)
    if "signal" in found and "sampling_frequency" in found and "units" not in found:
        return _withings(found)
    return _any_other(found)


def _kardia(found: Mapping, data: Mapping) -> ArrayFacts:
    kind = "raw" if isinstance(data.get("raw"), Mapping) else "enhanced"
    block = data[kind]
    samples = block.get("samples")
    if not isinstance(samples, Mapping) or not samples:
        raise ValueError(f"its data.{kind} holds no samples by lead")
    resolution = one_number(block.get("amplitudeResolution"), f"data.{kind}.amplitudeResolution")
    names = [re.sub("^lead", "", name) for name in samples]
    other = _other(found, "recordedAt", "algorithmDetermination", "heartRate")
    other |= {"device": "AliveCor Kardia", "comments": [f"samples: {kind}"]}
    return ArrayFacts(
        _stacked(samples.values()),
        names,
        one_number(block.get("frequency"), f"data.{kind}.frequency"),
        gain=1e6 / resolution,
        other=other | {"patient": _patient({"id": found.get("patientID"), "accession": found.get("id")})},
    )


def _fitbit(found: Mapping) -> ArrayFacts:
    values = _stacked([found["waveformSamples"]])
    said = found.get("numberOfWaveformSamples", values.shape[1])
    if said != values.shape[1]:
        raise ValueError(f"it says {said} samples, and holds {values.shape[1]}: is it cut?")
    rate = found.get("samplingFrequencyHz")
    try:
        rate = float(str(rate))  # a text, such as "250"
    except (TypeError, ValueError) as error:
        raise ValueError(f"samplingFrequencyHz is {rate!r}, wanted a number") from error
    other = _other(found, "startTime", "resultClassification", "averageHeartRate")
    device = found.get("deviceName")
    other["device"] = f"Fitbit {device}" if device else "Fitbit"
    # of a watch on one wrist and a finger of the other hand
    lead = {1: "I"}.get(found.get("leadNumber", 1), "ECG")
    return ArrayFacts(
        values,
        [lead],
        one_number(rate, "samplingFrequencyHz"),
        gain=one_number(found.get("scalingFactor"), "scalingFactor"),
        other=other,
    )


def _withings(found: Mapping) -> ArrayFacts:
    other = {"device": "Withings"}
    return ArrayFacts(
        _stacked([found["signal"]]),
        ["I"],
        one_number(found["sampling_frequency"], "sampling_frequency"),
        _WITHINGS_UNIT,
        other=other,
    )


def _any_other(found: Mapping) -> ArrayFacts:
    arrays = {name: value for name, value in found.items() if isinstance(value, list) and len(value) >= 1}
    beside = {name: value for name, value in found.items() if _is_plain(value)}
    inside = next((value for value in found.values() if isinstance(value, Mapping) and _leads_of(value)), found)
    rows = _leads_of(inside)
    if rows:
        said = said_beside({name: value for name, value in beside.items() if name not in rows})
        return ArrayFacts(_stacked([inside[name] for name in rows]), **{**said, "names": rows})
    name = word_of(
        [name for name, value in arrays.items() if np.size(value[0]) and not isinstance(value[0], str)], "signals"
    )
    if name is None:
        # its keys are not told: a list of patients may have their names as keys
        raise ValueError(f"it holds no list of numbers that may be an ECG, and {len(found)} other entries")
    value = arrays[name]
    nested = isinstance(value[0], list)
    return ArrayFacts(_stacked(value if nested else [value]), **said_beside(beside))


def _leads_of(found: Mapping) -> list[str]:
    return [
        name
        for name, value in found.items()
        if isinstance(value, list) and len(value) >= _SHORTEST and known_lead(name)
    ]


def _is_plain(value) -> bool:
    return isinstance(value, (int, float, str)) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def _stacked(rows) -> np.ndarray:
    """Lists of numbers as an array; null is a missing sample."""
    arrays = []
    for row in rows:
        try:
            array = np.array(row)
            if array.dtype.kind == "O":
                array = np.array([np.nan if one is None else one for one in row], dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"its samples are not numbers: {error}") from error
        if array.ndim != 1 or array.dtype.kind not in "iuf" or not array.size:
            raise ValueError(f"its samples are {array.dtype} of shape {array.shape}, wanted a list of numbers a lead")
        arrays.append(array)
    if len({len(array) for array in arrays}) > 1:
        raise ValueError(f"its leads have different numbers of samples: {[len(array) for array in arrays]}")
    return np.stack(arrays)


def _other(found: Mapping, time: str, statement: str, rate: str) -> dict:
    """Time, statement and heart rate under the words of a service."""
    other: dict = {}
    try:
        other["start_time"] = datetime.fromisoformat(str(found[time]).replace("Z", "+00:00"))
    except (KeyError, ValueError):
        pass
    if isinstance(found.get(statement), str) and found[statement].strip():
        other["statements"] = (found[statement].strip(),)
    if isinstance(found.get(rate), (int, float)) and not isinstance(found.get(rate), bool):
        other["measurements"] = {"heart_rate": float(found[rate])}
    return other


def _patient(found: Mapping) -> dict[str, str]:
    return {key: str(value) for key, value in found.items() if isinstance(value, (str, int)) and value}
