"""What the file of a record holds, and which of its channels are taken under which names."""

from collections.abc import Mapping, Sequence

from ..signals.formats import read
from ..signals.quality.noise_features import LOWEST_NOISE_RATE
from ..signals.record import Record

# A few windows; a day would take minutes.
_LONGEST_JUDGED_SECONDS = 300.0


def describe_record(
    path: str, leads: Sequence[str] | None = None, rename: Mapping[str | int, str] | None = None
) -> dict:
    """Format, rate, length and leads of a file that `hf_ecg.read` takes.

    Args:
        path, leads, rename: see `hf_ecg.read`.

    Raises:
        ValueError, OSError: see `hf_ecg.read`.
    """
    record = read(path, leads=leads, rename=rename)
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
    if 0 < record.seconds <= _LONGEST_JUDGED_SECONDS and record.sampling_rate >= LOWEST_NOISE_RATE:
        facts["noise"] = _noise_facts(record)
    optional = {"device": record.device, "start_time": record.start_time and str(record.start_time)}
    return facts | {name: value for name, value in optional.items() if value}


def _noise_facts(record: Record) -> dict:
    """Lead -> how probably it is too noisy to read, and what says so."""
    from ..signals.quality import detect_noise

    report = detect_noise(record.to_millivolts(), record.sampling_rate)
    found = zip(record.leads, report.probability.tolist(), strict=True)
    return {"probability": {lead: round(value, 2) for lead, value in found}, "uses": report.uses}
