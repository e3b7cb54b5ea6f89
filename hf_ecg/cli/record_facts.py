"""What the file of a record holds, and which of its channels are taken under which names."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..signals.formats import read
from ..signals.patient_fields import with_patient
from ..signals.quality.noise_features import LOWEST_NOISE_RATE
from ..signals.record import Record
from ..signals.usability import unusable_reason

# A few windows; a day would take minutes.
_LONGEST_JUDGED_SECONDS = 300.0


def describe_record(
    path: str, leads: Sequence[str] | None = None, rename: Mapping[str | int, str] | None = None, **left_open
) -> dict:
    """What a file that `hf_ecg.read` takes is: format, leads, rate, units, length, quality, what its reader assumed.

    Args:
        path, leads, rename, left_open: see `hf_ecg.read`.

    Returns:
        Facts by name. Of a patient only which fields the file holds, never what stands in them.

    Raises:
        ValueError, OSError: see `hf_ecg.read`.
    """
    identified = read(path, leads=leads, rename=rename, keep_identifiers=True, **left_open)
    record = with_patient(identified, keep_identifiers=False)
    facts = {
        "kind": "record",
        "path": path,
        "name": record.name,
        "format": record.source_format,
        "sampling_rate": record.sampling_rate,
        "samples": record.num_samples,
        "seconds": round(record.seconds, 3),
        "leads": list(record.leads),
    }
    # what the file calls them, where it says more or something else
    if any(name.strip().upper() != lead.upper() for name, lead in zip(record.lead_names, record.leads, strict=True)):
        facts["channels"] = list(record.lead_names)
    if record.units:
        facts["units"] = list(dict.fromkeys(record.units))
    if record.gain is not None:
        facts["resolution_uv"] = sorted({round(1000.0 / float(gain), 6) for gain in record.gain})
    facts["quality"] = _quality(record)
    if 0 < record.seconds <= _LONGEST_JUDGED_SECONDS and record.sampling_rate >= LOWEST_NOISE_RATE:
        facts["noise"] = _noise_facts(record)
    optional = {
        "device": record.device,
        "start_time": record.start_time and str(record.start_time),
        "statements": list(record.statements),
        "measurements": dict(record.measurements),
        "annotations": len(record.annotations),
        "reconstructed": list(record.reconstructed),
        "assumed": list(record.remarks) + _told_by_caller(rename),
        "identifiers": sorted(identified.patient),
    }
    return facts | {name: value for name, value in optional.items() if value}


def _told_by_caller(rename: Mapping[str | int, str] | None) -> list[str]:
    return [f"the channel {channel} is lead {lead}, as --rename says" for channel, lead in (rename or {}).items()]


def _quality(record: Record) -> dict:
    """Whether it can be used, by what every model asks; the range of each lead; what is missing or flat."""
    ranges, missing = [], []
    for lead in range(len(record.leads)):
        row = record.lead_millivolts(lead)
        known = row[np.isfinite(row)]
        ranges.append(float(np.ptp(known)) if known.size else np.nan)
        missing.append(1 - known.size / max(1, row.size))
    facts: dict = {"range_mv": {lead: round(value, 3) for lead, value in zip(record.leads, ranges, strict=True)}}
    flat = [lead for lead, value in zip(record.leads, ranges, strict=True) if value == 0]
    gone = {lead: round(share, 4) for lead, share in zip(record.leads, missing, strict=True) if share}
    # the reason goes by the ranges alone
    reason = unusable_reason(np.array([[value - value, value] for value in ranges]))
    told = {"unusable": reason, "flat": flat, "missing_share": gone}
    return facts | {name: value for name, value in told.items() if value}


def _noise_facts(record: Record) -> dict:
    """Lead -> how probably it is too noisy to read, and what says so."""
    from ..signals.quality import detect_noise

    report = detect_noise(record.to_millivolts(), record.sampling_rate)
    found = zip(record.leads, report.probability.tolist(), strict=True)
    return {"probability": {lead: round(value, 2) for lead, value in found}, "uses": report.uses}
