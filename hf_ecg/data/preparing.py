"""Preparing a corpus with what a person wants to know of it: how fast, and what was skipped and why."""

import time
from collections.abc import Callable
from pathlib import Path

from ..cores import default_processes
from .builder import Corpus, prepare_corpus

# Records that a line names.
_NAMES = 5


def window_options(
    sampling_rate: int, window_seconds: float, short_records: str, max_windows: int | None = None
) -> dict:
    """What the readers take of windows, where 0 seconds are whole records.

    Args:
        sampling_rate: hertz that other records are resampled to.
        window_seconds: length of a window; 0: records stay whole.
        short_records: "keep" or "skip", for records shorter than a window.
        max_windows: of a record; None: all.
    """
    whole = window_seconds == 0
    return {
        "sampling_rate": sampling_rate,
        "window_seconds": None if whole else window_seconds,
        "short_records": "keep" if whole else short_records,
        "max_windows": max_windows,
    }


def prepare_and_tell(
    corpus: Corpus,
    output_dir: str | Path,
    num_proc: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    resume: bool = True,
    finish: Callable[[Path], None] | None = None,
) -> tuple[dict, str]:
    """`prepare_corpus`, and what to tell of it: rows, their rate, what was skipped, left out or marked as unusable.

    Args:
        num_proc: processes that read; None: one a core, eight at most.
        strict, overwrite, resume, finish: see `prepare_corpus`.

    Raises:
        ValueError, OSError: see `prepare_corpus`.
    """
    started = time.perf_counter()
    summary = prepare_corpus(
        corpus, output_dir, default_processes(num_proc), strict, overwrite, resume=resume, finish=finish
    )
    rate = sum(summary["rows"].values()) / (time.perf_counter() - started)
    lines = [
        f"{output_dir}: {rate:.0f} rows/s, rows {summary['rows']}{'' if summary['skipped'] else ', none skipped'}"
    ]
    for title, counts in (("skipped", summary["skipped"]), ("not asked for", summary["left_out"])):
        lines += [f"{number:>9}  {title}: {reason}" for reason, number in sorted(counts.items(), key=lambda x: -x[1])]
    for kind, number in sorted(summary["unusable"].items(), key=lambda x: -x[1]):
        records = [entry["record"] for entry in summary["unusable_records"] if entry["reason"].startswith(f"{kind}:")]
        names = ", ".join(records[:_NAMES]) + (", ..." if number > _NAMES else "")
        lines.append(f"{number:>9}  marked as unusable: {kind} ({names})")
    return summary, "\n".join(lines)
