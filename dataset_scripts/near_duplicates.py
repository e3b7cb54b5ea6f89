"""Finds recordings that two corpora share, or that one corpus holds twice: resampled, filtered, scaled or cut.

    python dataset_scripts/near_duplicates.py CORPUS_A CORPUS_B --output pairs.csv
    python dataset_scripts/near_duplicates.py CORPUS --within --output pairs.csv

A corpus is a prepared one (folder or Hub id), a folder of WFDB records, or a WFDB record. Writes pairs.csv and
pairs.json; the latter also lists the records that could not be compared and the most alike pairs below the threshold.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

from tqdm.auto import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.near_duplicates import THRESHOLD, find_near_duplicates
from hf_ecg.embed.records import RecordList, find_records
from hf_ecg.signals.fingerprint import FINGERPRINT_LEADS, Fingerprint, fingerprint
from hf_ecg.signals.leads import canonical_leads

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


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    args = parse_arguments(arguments)
    if (args.second is None) != args.within:
        raise ValueError("wanted two corpora, or one and --within")
    output = Path(args.output)
    if output.suffix != ".csv":
        raise ValueError(f"--output is {output}, wanted a name that ends with .csv")
    # a mistake must not look like records that cannot be compared
    leads = canonical_leads([name.strip() for name in args.leads.split(",")])
    if not 0 < args.threshold <= 1:
        raise ValueError(f"--threshold is {args.threshold}, wanted a correlation above 0, at most 1")
    first = find_records(args.first, args.config)
    second = first if args.within else find_records(args.second, args.second_config)
    refused: list[dict] = []
    first_prints = read_fingerprints(first, leads, refused)
    second_prints = None if args.within else read_fingerprints(second, leads, refused)
    lowest = min(LOWEST_SHOWN, args.threshold)
    found = find_near_duplicates(first_prints, second_prints, lowest, min(args.least_leads, len(leads)), True)
    rows = [described(pair, first, second) for pair in found]
    pairs = [row for row in rows if row["correlation"] >= args.threshold]
    report = {
        "first": args.first,
        "second": args.first if args.within else args.second,
        "records": [len(first), len(second)],
        "threshold": args.threshold,
        "leads": list(leads),
        "least_leads": args.least_leads,
        "pairs": pairs,
        "closest_below": rows[len(pairs) : len(pairs) + CLOSEST_BELOW],
        "not_comparable": refused,
    }
    write(output, report)
    print(table(report))
    print(f"{output} and {output.with_suffix('.json')}")
    return report


def read_fingerprints(records: RecordList, leads: tuple[str, ...], refused: list[dict]) -> list[Fingerprint | None]:
    """One a record; None for those that cannot be compared, which are told in `refused`."""
    found: list[Fingerprint | None] = []
    for index in tqdm(range(len(records)), desc="read", unit="record"):
        try:
            record = records.read(index)
            found.append(fingerprint(record.to_millivolts(), record.sampling_rate, record.leads, leads))
        except (ValueError, OSError) as error:
            name, path = records.origin(index)
            refused.append({"record": name, "path": path, "reason": str(error)})
            found.append(None)
    return found


def described(pair, first: RecordList, second: RecordList) -> dict:
    (name, path), (other, other_path) = first.origin(pair.first), second.origin(pair.second)
    numbers = (round(pair.correlation, 4), round(pair.lag_seconds, 4), pair.overlap_seconds, pair.num_leads)
    return dict(zip(COLUMNS, (name, other, *numbers, path, other_path), strict=True))


def write(output: Path, report: dict) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(report["pairs"])
    output.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def table(report: dict, most: int = 40) -> str:
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


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", metavar="CORPUS_A", help="prepared corpus, folder of WFDB records, or a record")
    parser.add_argument("second", metavar="CORPUS_B", nargs="?", help="what it is compared with")
    parser.add_argument("--within", action="store_true", help="compare the records of one corpus with each other")
    parser.add_argument("--output", required=True, help="pairs.csv; pairs.json is written beside it")
    parser.add_argument("--config", help="configuration of CORPUS_A, such as ptb_xl_100hz")
    parser.add_argument("--second_config", help="configuration of CORPUS_B")
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help="of the correlation (default: %(default)s)")
    parser.add_argument("--leads", default=",".join(FINGERPRINT_LEADS), help="to compare by (default: %(default)s)")
    parser.add_argument(
        "--least_leads", type=int, default=3, help="that two records must share, or all of --leads (default: 3)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
