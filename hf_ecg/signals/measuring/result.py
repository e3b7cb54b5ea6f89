"""What `measure` gives: values with their reliability, a table of leads, a table of beats; as JSON and as rows."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from .lead_waves import PLACES
from .rhythm import Rhythm

GOOD, DOUBTFUL, MISSING = "good", "doubtful", "not measured"


@dataclass(frozen=True)
class Measured:
    """One value.

    Attributes:
        value: NaN where it could not be had.
        unit: "ms", "mV", "/min", "degrees", "mm ms", or "".
        reliability: "good", "doubtful" or "not measured".
        why: the reasons, where it is not good.
    """

    value: float
    unit: str
    reliability: str = GOOD
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        number = "-" if math.isnan(self.value) else _rounded(self.value, self.unit)
        text = f"{number} {self.unit}".strip()
        return text if self.reliability == GOOD else f"{text} ({self.reliability}: {'; '.join(self.why)})"


@dataclass(frozen=True)
class BeatTable:
    """The beats, one an entry, in samples of the record's own rate.

    Attributes:
        r: R peaks.
        usual: bool, of the commonest shape.
        places: name of `PLACES` -> (beats,), NaN where there is none; of all leads together.
        per_lead: lead -> the same of that lead.
        sampling_rate: hertz.
    """

    r: np.ndarray
    usual: np.ndarray
    places: Mapping[str, np.ndarray]
    per_lead: Mapping[str, Mapping[str, np.ndarray]]
    sampling_rate: float

    def __len__(self) -> int:
        return len(self.r)

    def rows(self, lead: str | None = None) -> list[dict]:
        """A dictionary a beat: `beat`, `usual`, and each place in samples and (`..._s`) in seconds; None where absent.

        Args:
            lead: the places in that lead; default: of all leads together.

        Raises:
            ValueError: a lead that was not measured.
        """
        if lead is not None and lead not in self.per_lead:
            raise ValueError(f"lead {lead} was not measured, only {', '.join(self.per_lead)}")
        places = self.places if lead is None else self.per_lead[lead]
        rows = []
        for number in range(len(self.r)):
            row: dict = {"beat": number, "usual": bool(self.usual[number]), "r": int(self.r[number])}
            row["r_s"] = round(float(self.r[number]) / self.sampling_rate, 4)
            for name in PLACES:
                if name != "r_peak":
                    place = places[name][number]
                    row[name] = None if np.isnan(place) else round(place)
                    row[f"{name}_s"] = None if np.isnan(place) else round(float(place) / self.sampling_rate, 4)
            rows.append(row)
        return rows


@dataclass(frozen=True, repr=False)
class ECGMeasurements:
    """The measurements of one record, see `hf_ecg.measure`.

    Attributes:
        name: of the record.
        values: name -> `Measured`: `heart_rate`, `pr_ms`, `qrs_ms`, ... in the order of the table.
        rhythm: how regular it is.
        leads: lead -> name -> value in mV or ms, NaN where it could not be had.
        beats: each beat and its boundaries.
        seconds: length of the record.
        notes: what was noticed, in words.

    A value is also an attribute: `found.qrs_ms` is a float.
    """

    name: str
    values: Mapping[str, Measured]
    rhythm: Rhythm
    leads: Mapping[str, Mapping[str, float]]
    beats: BeatTable
    seconds: float
    notes: tuple[str, ...] = field(default_factory=tuple)

    def __getattr__(self, name: str) -> float:
        values = self.__dict__.get("values", {})
        if name in values:
            return values[name].value
        raise AttributeError(f"there is no measurement {name!r}, only {', '.join(values)}")

    def rows(self) -> list[dict]:
        """A dictionary a value: `name`, `value`, `unit`, `reliability`, `why`."""
        return [
            {
                "name": name,
                "value": _number(one.value),
                "unit": one.unit,
                "reliability": one.reliability,
                "why": "; ".join(one.why),
            }
            for name, one in self.values.items()
        ]

    def per_lead(self) -> list[dict]:
        """A dictionary a lead: intervals of that lead, voltages, ST and T."""
        return [
            {"lead": lead} | {key: _number(value) for key, value in row.items()} for lead, row in self.leads.items()
        ]

    def table(self):
        """`rows` as a pandas DataFrame, the names as its index."""
        import pandas

        return pandas.DataFrame(self.rows()).set_index("name")

    def as_dict(self, beats: bool = True) -> dict:
        """All of it as plain values; what could not be had is None."""
        found = {
            "name": self.name,
            "seconds": round(self.seconds, 3),
            "rhythm": {key: _number(value) for key, value in asdict(self.rhythm).items()},
            "values": {row.pop("name"): row for row in self.rows()},
            "leads": {row.pop("lead"): row for row in self.per_lead()},
            "notes": list(self.notes),
        }
        if beats:
            found["beats"] = self.beats.rows()
            found["sampling_rate"] = self.beats.sampling_rate
        return found

    def to_json(self, beats: bool = True, indent: int | None = 1) -> str:
        """`as_dict` as JSON text (strict: no NaN).

        Args:
            beats: with a row for each beat.
            indent: see `json.dumps`.
        """
        return json.dumps(self.as_dict(beats), indent=indent, allow_nan=False, ensure_ascii=False)

    def __repr__(self) -> str:
        head = f"{self.name}: {len(self.beats)} beats in {self.seconds:.1f} s, rhythm {self.rhythm.word}"
        width = max(map(len, self.values), default=0)
        lines = [f"  {name:<{width}}  {value}" for name, value in self.values.items()]
        return "\n".join([head, *lines, *(f"  note: {note}" for note in self.notes)])


def _number(value):
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def _rounded(value: float, unit: str) -> str:
    return f"{value:.2f}" if unit == "mV" else f"{value:.0f}"
