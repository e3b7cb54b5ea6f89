"""What the command lines that prepare a corpus share."""

import os
import time
from argparse import ArgumentParser, Namespace

from .builder import Corpus, prepare_corpus
from .readers.windows import SHORT_RECORDS


def add_preparing_options(parser: ArgumentParser) -> None:
    """Where to write, how fast, and what to do with records that cannot be read."""
    parser.add_argument("--output_dir", required=True, help="folder to make")
    parser.add_argument("--num_proc", type=int, help="processes that read; default: one a core, eight at most")
    parser.add_argument("--strict", action="store_true", help="stop at the first record that cannot be read")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder that is there")
    parser.add_argument("--push_to_hub", metavar="OWNER/NAME", help="upload the folder as a data set of the Hub")
    parser.add_argument("--private", action="store_true", default=None, help="make the new data set private")


def add_window_options(parser: ArgumentParser, seconds: float, short_records: str) -> None:
    """The options that `readers.windows.WindowRule` has; `seconds` 0 takes records whole."""
    parser.add_argument("--sampling_rate", type=int, default=500, help="others are resampled (default: %(default)s)")
    parser.add_argument(
        "--window_seconds",
        type=float,
        default=seconds,
        help="cut records into windows side by side, without the rest; 0: whole records (default: %(default)s)",
    )
    parser.add_argument(
        "--short_records", choices=SHORT_RECORDS, default=short_records, help="shorter than a window (%(default)s)"
    )
    parser.add_argument("--max_windows", type=int, help="take that many windows of a record at most")


def window_options(args: Namespace) -> dict:
    """What `add_window_options` asked, as the readers take it."""
    whole = args.window_seconds == 0
    return {
        "sampling_rate": args.sampling_rate,
        "window_seconds": None if whole else args.window_seconds,
        "short_records": "keep" if whole else args.short_records,
        "max_windows": args.max_windows,
    }


def prepare_by_options(corpus: Corpus, args: Namespace) -> tuple[dict, str]:
    """Prepares a corpus as `add_preparing_options` asked; its summary, and what to tell of it."""
    started = time.perf_counter()
    num_proc = min(os.cpu_count() or 1, 8) if args.num_proc is None else args.num_proc
    summary = prepare_corpus(corpus, args.output_dir, num_proc, args.strict, args.overwrite)
    rate = sum(summary["rows"].values()) / (time.perf_counter() - started)
    lines = [f"{args.output_dir}: {rate:.0f} rows/s, rows {summary['rows']}"]
    for title, counts in (("skipped", summary["skipped"]), ("not asked for", summary["left_out"])):
        lines += [f"{number:>9}  {title}: {reason}" for reason, number in sorted(counts.items(), key=lambda x: -x[1])]
    return summary, "\n".join(lines)
