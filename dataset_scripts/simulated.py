"""Simulates a corpus of 12-lead ECGs as parquet that plain `load_dataset` reads: for demonstrations and tests, never
for evidence.

    python dataset_scripts/simulated.py --output_dir PARQUET [--num_records 2000] [--sampling_rate 100] [--num_proc 4]

PARQUET/ holds simulated_100hz/{train,validation,test}-*.parquet, README.md (card) and summary.json. Equal --seed and
--num_records give equal records, on any number of processes.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.simulation import simulated_corpus


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output_dir", required=True, help="folder to make")
    parser.add_argument("--num_records", type=int, default=2000, help="records to simulate (default: %(default)s)")
    parser.add_argument("--sampling_rate", type=int, default=100, help="hertz (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything (default: %(default)s)")
    parser.add_argument("--noise", type=float, default=1.0, help="factor on the noise (default: %(default)s)")
    parser.add_argument("--num_proc", type=int, help="processes that simulate; default: one a core, eight at most")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder that is there")
    args = parser.parse_args(arguments)
    started = time.perf_counter()
    corpus = simulated_corpus(args.num_records, args.sampling_rate, args.seed, args.noise)
    # nothing is read that could be damaged: an error here is an error of the simulator
    num_proc = min(os.cpu_count() or 1, 8) if args.num_proc is None else args.num_proc
    summary = prepare_corpus(corpus, args.output_dir, num_proc, strict=True, overwrite=args.overwrite)
    rate = sum(summary["rows"].values()) / (time.perf_counter() - started)
    print(f"{args.output_dir}: {rate:.0f} rows/s, rows {summary['rows']}")
    return summary


if __name__ == "__main__":
    run_command(main)
