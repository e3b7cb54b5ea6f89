"""Parquet: one row with the columns of a prepared corpus, and further ones for what the file said."""

import json
from pathlib import Path

import numpy as np

from ..record import Record
from .stored import as_stored, count_steps

ENDING = ".parquet"
steps = count_steps


def write(record: Record, path: Path) -> list[str]:
    """One file; its pages carry checksums."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = as_stored(record)
    counts = pa.array(np.ascontiguousarray(stored.counts).reshape(-1))
    signal = pa.LargeListArray.from_arrays(pa.array([0, len(counts)], pa.int64()), counts)
    start = record.start_time
    texts = {
        "record_id": record.name,
        "source_format": record.source_format,
        "device": record.device,
        "start_time": start.isoformat() if start is not None else None,
        "comments": json.dumps(record.comments, ensure_ascii=False),
        # as corpora have it; the statements stand in a list of their own
        "report": "; ".join(record.statements) or None,
        "measurements": json.dumps(dict(record.measurements)),
        "annotations": json.dumps([[one.seconds, one.text, one.duration] for one in record.annotations]),
        "remarks": json.dumps(record.remarks, ensure_ascii=False),
        "patient": json.dumps(dict(record.patient), ensure_ascii=False),
    }
    lists = {
        "leads": (list(stored.leads), pa.string()),
        "lead_names": (list(record.lead_names), pa.string()),
        "units": (list(record.units), pa.string()),
        "reconstructed": (list(record.reconstructed), pa.string()),
        "statements": (list(record.statements), pa.string()),
        "gain": (np.asarray(stored.gain, float).tolist(), pa.float64()),
        "baseline": (np.asarray(stored.baseline, float).tolist(), pa.float64()),
    }
    table = pa.table(
        {
            "signal": signal,
            "num_samples": pa.array([stored.num_samples], pa.int32()),
            "sampling_rate": pa.array([float(stored.sampling_rate)], pa.float64()),
            **{name: pa.array([values], pa.list_(kind)) for name, (values, kind) in lists.items()},
            **{name: pa.array([text], pa.string()) for name, text in texts.items()},
        }
    )
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    return []
