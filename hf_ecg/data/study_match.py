"""Which study of a patient belongs to an ECG: the nearest in time, within a window of days."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ..checks import check_one_of, check_positive, shown

WHEN = (BOTH, BEFORE, AFTER) = ("both", "before", "after")
TIES = (ERROR, LEAVE_OUT, FIRST) = ("error", "leave_out", "first")
_DAY = 86_400


@dataclass(frozen=True)
class Window:
    """Which studies count for a record.

    Args:
        days: a study is at most so far from the record.
        when: "both", or studies "before" or "after" the record alone; one of the same time counts as either.
        ties: of several studies that are equally near and say different things: "error", "leave_out" (the record has
            no study), or "first" (the earlier one, and of one time that which stands first in the table).
    """

    days: float = 30.0
    when: str = BOTH
    ties: str = ERROR

    def __post_init__(self):
        check_positive("days", self.days, or_zero=True)
        check_one_of("when", self.when, WHEN)
        check_one_of("ties", self.ties, TIES)


@dataclass(frozen=True)
class Dated:
    """Records or studies.

    Args:
        names: what a message calls each, such as "record 17" or "line 3".
        patients: whose each is; None where not known.
        times: datetime64[s], NaT where not known.
        usable: false where there is nothing to say; None where there is of all.
    """

    names: Sequence[str]
    patients: Sequence[str | None]
    times: np.ndarray
    usable: Sequence[bool] | None = None


@dataclass
class Matches:
    """What was found.

    Attributes:
        studies: of each record the number of its study, or -1.
        days: of each record how many days after it the study was, less than 0 before; NaN without one.
        counts: why records have none, and which studies could not be used.
    """

    studies: np.ndarray
    days: np.ndarray
    counts: dict[str, int] = field(default_factory=dict)


def parse_times(texts: Sequence[str | None], pattern: str | None = None) -> tuple[np.ndarray, list[int]]:
    """Dates or times as datetime64[s], NaT for None; and the numbers of those that cannot be read.

    Args:
        texts: of ISO 8601 ("2024-03-31", "2024-03-31 17:05:00"), without a time zone.
        pattern: of `datetime.strptime` for others, such as "%d.%m.%Y".
    """
    times, wrong = np.full(len(texts), np.datetime64("NaT", "s")), []
    for number, text in enumerate(texts):
        if text is None:
            continue
        try:
            found = datetime.fromisoformat(text) if pattern is None else datetime.strptime(text, pattern)
            if found.tzinfo is not None:
                raise ValueError(text)
            times[number] = np.datetime64(found, "s")
        except ValueError:
            wrong.append(number)
    return times, wrong


def nearest_studies(records: Dated, studies: Dated, values: Sequence[Hashable], window: Window) -> Matches:
    """Of each record the nearest study of its patient within the window.

    Where either side knows days alone (every time is midnight), days are compared, else seconds.

    Args:
        records, studies: patients are compared as they are written: "007" is not "7".
        values: of each study what it says; studies that say the same are not a tie.
        window: see there.

    Raises:
        ValueError: no patient is on both sides, ties where they are an error, or no record that has a study.
    """
    record_times, study_times = _comparable(records.times, studies.times)
    of_patient: dict[str, list[int]] = {}
    for number, patient in enumerate(studies.patients):
        says = studies.usable is None or studies.usable[number]
        if says and patient is not None and not np.isnat(study_times[number]):
            of_patient.setdefault(patient, []).append(number)
    _check_patients(records, studies)
    found = Matches(np.full(len(record_times), -1), np.full(len(record_times), np.nan), _unusable(records, studies))
    ties: list[tuple[int, list[int]]] = []
    for number, patient in enumerate(records.patients):
        if patient is None or np.isnat(record_times[number]):
            continue
        candidates = np.array(of_patient.get(patient, ()), dtype=int)
        if not len(candidates):
            found.counts["records of patients without a study"] += 1
            continue
        seconds = (study_times[candidates] - record_times[number]).astype(int)
        allowed = {BOTH: np.abs(seconds) >= 0, BEFORE: seconds <= 0, AFTER: seconds >= 0}[window.when]
        allowed &= np.abs(seconds) <= window.days * _DAY
        if not allowed.any():
            found.counts["records without a study in the window"] += 1
            continue
        distance = np.where(allowed, np.abs(seconds), np.iinfo(int).max)
        nearest = np.flatnonzero(distance == distance.min())
        if len({values[candidates[place]] for place in nearest}) > 1:
            ties.append((number, candidates[nearest].tolist()))
            if window.ties != FIRST:
                continue
        place = min(nearest, key=lambda place: (seconds[place], candidates[place]))
        found.studies[number], found.days[number] = candidates[place], seconds[place] / _DAY
    _check_ties(ties, records, studies, window)
    found.counts["records with several studies equally near"] = len(ties)
    found.counts["records with a study"] = int((found.studies >= 0).sum())
    if not found.counts["records with a study"]:
        told = ", ".join(f"{number} {what}" for what, number in found.counts.items() if number)
        raise ValueError(f"no record has a study within {window.days:g} days ({window.when}): {told or 'no records'}")
    return found


def _comparable(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds, or days where one side knows no more."""
    known = [times[~np.isnat(times)] for times in (first, second)]
    by_days = any((times == times.astype("datetime64[D]")).all() for times in known)
    kind = "datetime64[D]" if by_days else "datetime64[s]"
    return tuple(times.astype(kind).astype("datetime64[s]") for times in (first, second))  # type: ignore[return-value]


def _check_patients(records: Dated, studies: Dated) -> None:
    ours, theirs = ({patient for patient in side.patients if patient is not None} for side in (records, studies))
    if not ours & theirs:
        examples = [shown(sorted(side)[:3]) for side in (ours, theirs)]
        raise ValueError(
            f"no patient of the table is in the corpus: it has {len(theirs)} such as {examples[1]}, the corpus"
            f" {len(ours)} such as {examples[0]}; they are compared as they are written"
        )


def _unusable(records: Dated, studies: Dated) -> dict[str, int]:
    def without(values) -> int:
        return int(sum(value is None for value in values))

    return {
        "records without a patient": without(records.patients),
        "records without a date": int(np.isnat(records.times).sum()),
        "studies without a patient": without(studies.patients),
        "studies without a date": int(np.isnat(studies.times).sum()),
        "records of patients without a study": 0,
        "records without a study in the window": 0,
    }


def _check_ties(ties: list[tuple[int, list[int]]], records: Dated, studies: Dated, window: Window) -> None:
    if not ties or window.ties != ERROR:
        return
    number, nearest = ties[0]
    named = " and ".join(studies.names[study] for study in nearest[:3])
    raise ValueError(
        f"{len(ties)} records have several studies that are equally near and say different things, such as"
        f" {records.names[number]} ({named}): ties={LEAVE_OUT!r} gives such records no study, ties={FIRST!r} the"
        " earlier one"
    )
