"""Recordings that two corpora share, or that one holds twice: resampled, filtered, scaled or cut."""

import csv
import json
from pathlib import Path

from ..data.near_duplicates import THRESHOLD, find_near_duplicates, fingerprints_of
from ..embed.records import RecordList, find_records
from ..files import atomic_file
from ..signals.fingerprint import FINGERPRINT_LEADS, Fingerprint
from ..signals.leads import canonical_leads

CLOSEST_BELOW, LOWEST_SHOWN = 10, 0.8
COLUMNS = (
    "first",
    "second",
    "correlation",
    "lag_seconds",
    "overlap_seconds",
    "num_leads",
    "first_path",
    "second_path",
)


def find_shared_recordings(
    first: str,
    second: str | None = None,
    *,
    config: str | None = None,
    second_config: str | None = None,
    threshold: float = THRESHOLD,
    leads: tuple[str, ...] = FINGERPRINT_LEADS,
    least_leads: int = 3,
) -> dict:
    """Compares every record of one corpus with every one of another, or with the others of its own.

    Args:
        first: prepared corpus (folder or Hub id), folder of WFDB records, or a WFDB record.
        second: likewise; None compares `first` with itself.
        config, second_config: configurations of prepared corpora.
        threshold: correlation from which two records are called one recording.
        leads: to compare by.
        least_leads: leads that two records must share, or all of `leads`.

    Returns:
        `pairs`, `closest_below` (the most alike pairs below the threshold), `not_comparable` and what was asked.

    Raises:
        ValueError: a threshold outside (0, 1], an unknown lead.
        OSError: a corpus is not there.
    """
    # a mistake must not look like records that cannot be compared
    leads = canonical_leads(list(leads))
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}, wanted a correlation above 0, at most 1")
    ours = find_records(first, config)
    others = ours if second is None else find_records(second, second_config)
    refused: list[dict] = []
    prints = _fingerprints(ours, leads, refused)
    other_prints = None if second is None else _fingerprints(others, leads, refused)
    lowest = min(LOWEST_SHOWN, threshold)
    found = find_near_duplicates(prints, other_prints, lowest, min(least_leads, len(leads)), True)
    rows = [_described(pair, ours, others) for pair in found]
    pairs = [row for row in rows if row["correlation"] >= threshold]
    return {
        "first": first,
        "second": first if second is None else second,
        "records": [len(ours), len(others)],
        "threshold": threshold,
        "leads": list(leads),
        "least_leads": least_leads,
        "pairs": pairs,
        "closest_below": rows[len(pairs) : len(pairs) + CLOSEST_BELOW],
        "not_comparable": refused,
    }


def check_table_path(output: str | Path) -> Path:
    """The path of a table, or a ValueError when it does not end in .csv: better before the work than after."""
    output = Path(output)
    if output.suffix != ".csv":
        raise ValueError(f"--output is {output}, wanted a name that ends with .csv")
    return output


def write_shared_recordings(report: dict, output: Path) -> None:
    """The pairs as `output` (.csv), and the whole report beside it as .json."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(output, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(report["pairs"])
    with atomic_file(output.with_suffix(".json")) as file:
        file.write(json.dumps(report, indent=1) + "\n")


def shared_recordings_table(report: dict, most: int = 40) -> str:
    """What was found, in words and rows."""
    lines = [f"{'first':>14} {'second':>14} {'correlation':>11} {'lag (s)':>8} {'overlap (s)':>11} {'leads':>5}"]
    for row in report["pairs"][:most]:
        lines.append(
            f"{row['first']:>14} {row['second']:>14} {row['correlation']:>11.4f} {row['lag_seconds']:>8.3f}"
            f" {row['overlap_seconds']:>11.2f} {row['num_leads']:>5}"
        )
    if len(report["pairs"]) > most:
        lines.append(f"... and {len(report['pairs']) - most} more")
    below = report["closest_below"][0]["correlation"] if report["closest_below"] else f"under {LOWEST_SHOWN:g}"
    lines.append(
        f"{len(report['pairs'])} pairs of {' x '.join(map(str, report['records']))} records with a correlation of"
        f" {report['threshold']:g} or more; the next: {below}; {len(report['not_comparable'])} not comparable"
    )
    return "\n".join(lines)


def _fingerprints(records: RecordList, leads: tuple[str, ...], refused: list[dict]) -> list[Fingerprint | None]:
    """One a record; None for those that cannot be compared, which are told in `refused`."""

    def read(place: int):
        record = records.read(place)
        return record.to_millivolts(), record.sampling_rate, record.leads

    def refuse(place: int, error: Exception) -> None:
        name, path = records.origin(place)
        refused.append({"record": name, "path": path, "reason": str(error)})

    return fingerprints_of(len(records), read, refuse, leads)


def _described(pair, first: RecordList, second: RecordList) -> dict:
    (name, path), (other, other_path) = first.origin(pair.first), second.origin(pair.second)
    numbers = (round(pair.correlation, 4), round(pair.lag_seconds, 4), pair.overlap_seconds, pair.num_leads)
    return dict(zip(COLUMNS, (name, other, *numbers, path, other_path), strict=True))
