"""Prepares CPSC2018, in either layout, to parquet that plain `load_dataset` reads.

    python dataset_scripts/cpsc2018.py --data_dir RAW --output_dir PARQUET [--num_proc 4]
    python dataset_scripts/cpsc2018.py --data_dir RAW --output_dir PARQUET --merl_splits SPLITS --window_seconds 10

RAW/ holds WFDB records with #Dx (PhysioNet's mirror) or the original .mat structs with REFERENCE.csv, at any depth.
PARQUET/ holds cpsc2018_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped,
and why). With SPLITS, the folder of MERL's tables, it holds their records in their splits.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.preparing import add_preparing_options, add_window_options, prepare_by_options, window_options
from hf_ecg.data.readers.cpsc2018 import cpsc2018_corpus
from hf_ecg.data.readers.merl_tables import LABELS
from hf_ecg.hub import push_corpus


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="folder with the records, at any depth")
    parser.add_argument("--merl_splits", help="folder with MERL's split tables: their records and splits alone")
    parser.add_argument("--labels", choices=LABELS, default="exact", help="merl: as released, the tables' columns")
    parser.add_argument("--seed", type=int, default=0, help="of the folds (default: %(default)s)")
    add_window_options(parser, seconds=0, short_records="keep")
    add_preparing_options(parser)
    args = parser.parse_args(arguments)
    corpus = cpsc2018_corpus(args.data_dir, args.merl_splits, args.labels, seed=args.seed, **window_options(args))
    summary, told = prepare_by_options(corpus, args)
    print(told)
    if args.push_to_hub:
        print(push_corpus(args.output_dir, args.push_to_hub, args.private).commit_url)
    return summary


if __name__ == "__main__":
    run_command(main)
