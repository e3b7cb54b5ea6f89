"""How many records and leads of a prepared corpus have which flag of `signals.quality`, and which are unusable.

It runs where the records are read, so that more processes share it; `tests/benchmarks` says what it costs.
"""

from collections.abc import Sequence

import numpy as np

from ..signals.quality import FLAGS, check_quality
from ..signals.units import counts_to_millivolts
from ..signals.usability import doubtful, unusable_reason

# Few enough to stay in a processor's cache: larger batches are slower.
_BATCH = 32


def judge_rows(rows: Sequence[dict]) -> tuple[dict, list[str]]:
    """Looks at the signals of rows of the Rows contract, of any lengths, rates and leads.

    Returns:
        Counts, see `QualityReport.summary`; and why each row is unusable, "" where it is not, see `signals.usability`.

    Raises:
        ValueError: a gain that is not positive, or unknown lead names.
    """
    groups: dict[tuple, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((row["num_samples"], row["sampling_rate"], tuple(row["leads"])), []).append(place)
    counts, reasons = no_quality_counts(), [""] * len(rows)
    for (length, rate, leads), group in groups.items():
        for start in range(0, len(group), _BATCH):
            places = group[start : start + _BATCH]
            part = [rows[place] for place in places]
            signals = np.stack([np.asarray(row["signal"]).reshape(len(leads), length) for row in part])
            gain, baseline = (np.array([row[name] for row in part], np.float64) for name in ("gain", "baseline"))
            # half the memory and twice the speed; 16-bit counts stay apart in single precision
            millivolts = counts_to_millivolts(signals, gain, baseline, np.float32)
            report = check_quality(millivolts, rate, leads)
            add_quality_counts(counts, report.summary())
            for number in np.flatnonzero(doubtful(report.range_mv)).tolist():
                whole = counts_to_millivolts(signals[number], gain[number], baseline[number])
                reasons[places[number]] = unusable_reason(whole)
    return counts, reasons


def no_quality_counts() -> dict:
    """The counts of no rows."""
    return {
        "records": 0,
        "records_passed": 0,
        "leads": 0,
        "leads_passed": 0,
        "flags": {name: {"records": 0, "leads": 0} for name in FLAGS},
        "unchecked": {},
    }


def add_quality_counts(total: dict, part: dict) -> None:
    """Adds `part` to `total`."""
    for name in ("records", "records_passed", "leads", "leads_passed"):
        total[name] += part[name]
    for name, count in part["flags"].items():
        for unit in count:
            total["flags"][name][unit] += count[unit]
    total["unchecked"].update(part["unchecked"])


def describe_quality(counts: dict) -> str:
    """One paragraph for a card."""
    flags = ", ".join(
        f"{name} {count['records']} ({count['leads']})" for name, count in counts["flags"].items() if count["records"]
    )
    text = (
        f"Quality (`hf_ecg.signals.check_quality`): {counts['records_passed']} of {counts['records']} records have no"
        f" flag. Flagged records (leads): {flags or 'none'}. Nothing was changed or left out for it."
    )
    if counts["unchecked"]:
        text += f" Not looked for in all records: {', '.join(counts['unchecked'])}."
    return text
