"""What a recording contributes to a row, the same for every corpus of WFDB records."""

from collections.abc import Sequence

import numpy as np

from ...signals.record import Record


def record_columns(record: Record, leads: Sequence[str] | None = None) -> dict:
    """The columns `signal`, `num_samples`, `sampling_rate`, `leads`, `gain` and `baseline` of a row.

    Args:
        record: as `hf_ecg.signals.read` gives it.
        leads: the record's leads in the order wanted; default its own.

    Raises:
        ValueError: the record has other leads than `leads`, or values beyond 16 bits.
    """
    leads = record.leads if leads is None else tuple(leads)
    if set(record.leads) != set(leads):
        raise ValueError(f"{record.name} has the leads {list(record.leads)}, wanted {list(leads)}")
    order = [record.leads.index(lead) for lead in leads]
    record = record.as_counts()
    counts = record.counts if record.leads == leads else record.counts[order]
    return {
        "signal": np.ascontiguousarray(counts).reshape(-1),
        "num_samples": counts.shape[1],
        "sampling_rate": float(record.sampling_rate),
        "leads": list(leads),
        "gain": record.gain[order].tolist(),
        "baseline": record.baseline[order].tolist(),
    }
