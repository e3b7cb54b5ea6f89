"""Prepares the PhysioNet/CinC Challenge 2021: its training set to parquet that plain `load_dataset` reads.

    python dataset_scripts/cinc2021.py --data_dir RAW --output_dir PARQUET --exclude ptb_xl,cpsc_2018 [--num_proc 4]

RAW/ holds the WFDB records at any depth (training/georgia/g1/E00001.hea). PARQUET/ holds
cinc2021_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped, and why). The
column also_in names the corpus that publishes the same ECG too: leave such sources out before testing on it.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.preparing import add_preparing_options, add_window_options, prepare_by_options, window_options
from hf_ecg.data.readers.cinc2021 import NAMES, cinc2021_corpus
from hf_ecg.data.readers.snomed_records import UNKNOWN_CODES
from hf_ecg.hub import push_corpus


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="folder with the WFDB records, at any depth")
    parser.add_argument("--exclude", default="", help=f"sources to leave out, of {','.join(NAMES)}")
    parser.add_argument("--ptb_xl_database", help="PTB-XL's ptbxl_database.csv, for its patients and folds")
    parser.add_argument(
        "--unknown_codes", choices=UNKNOWN_CODES, default="skip", help="records with a code unknown here"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the folds (default: %(default)s)")
    add_window_options(parser, seconds=10, short_records="keep")
    add_preparing_options(parser)
    args = parser.parse_args(arguments)
    corpus = cinc2021_corpus(
        args.data_dir,
        [name.strip() for name in args.exclude.split(",") if name.strip()],
        args.ptb_xl_database,
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
