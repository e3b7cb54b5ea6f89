"""Prepares Chapman-Shaoxing-Ningbo: PhysioNet's folder to parquet that plain `load_dataset` reads.

    python dataset_scripts/csn.py --data_dir RAW --output_dir PARQUET [--num_proc 4]
    python dataset_scripts/csn.py --data_dir RAW --output_dir PARQUET --merl_splits SPLITS [--labels merl]

RAW/ holds the WFDB records at any depth (WFDBRecords/01/010/JS00001.hea). PARQUET/ holds
csn_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped, and why). With
SPLITS, the folder of MERL's tables, it holds their records in their splits; the labels are those that the tables write
out, or with --labels merl the released ones, which are wrong in part: for comparison with published figures.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.preparing import add_preparing_options, add_window_options, prepare_by_options, window_options
from hf_ecg.data.readers.csn import csn_corpus
from hf_ecg.data.readers.merl_tables import LABELS
from hf_ecg.data.readers.snomed_records import UNKNOWN_CODES
from hf_ecg.hub import push_corpus


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="folder with the WFDB records, at any depth")
    parser.add_argument("--merl_splits", help="folder with MERL's split tables: their records and splits alone")
    parser.add_argument("--labels", choices=LABELS, default="exact", help="merl: as released, wrong positives and all")
    parser.add_argument(
        "--unknown_codes", choices=UNKNOWN_CODES, default="skip", help="records with a code unknown here"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the folds (default: %(default)s)")
    add_window_options(parser, seconds=10, short_records="skip")
    add_preparing_options(parser)
    args = parser.parse_args(arguments)
    corpus = csn_corpus(
        args.data_dir,
        args.merl_splits,
        args.labels,
        unknown_codes=args.unknown_codes,
        seed=args.seed,
        **window_options(args),
    )
    summary, told = prepare_by_options(corpus, args)
    print(told)
    if args.push_to_hub:
        print(push_corpus(args.output_dir, args.push_to_hub, args.private).commit_url)
    return summary


if __name__ == "__main__":
    run_command(main)
