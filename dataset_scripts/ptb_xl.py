"""Prepares PTB-XL: PhysioNet's folder to parquet that plain `load_dataset` reads.

    python dataset_scripts/ptb_xl.py --data_dir RAW --output_dir PARQUET [--sampling_rate 100] [--num_proc 4]

PARQUET/ holds ptb_xl_100hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped).
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.clinical.reports import REPORT_RULES
from hf_ecg.command_line import run_command
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.readers.ptb_xl import TEXT_SOURCES, ptb_xl_corpus
from hf_ecg.data.readers.withholding import WITHHOLDABLE, Withholding
from hf_ecg.data.risk import add_risk_options, with_risk
from hf_ecg.hub import push_corpus


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="folder with ptbxl_database.csv and the records")
    parser.add_argument("--output_dir", required=True, help="folder to make")
    parser.add_argument("--sampling_rate", type=int, choices=(100, 500), default=100)
    parser.add_argument("--text_source", choices=TEXT_SOURCES, default="statements", help="what `text` is made of")
    parser.add_argument("--report_rules", choices=REPORT_RULES, help="empty the original reports that these refuse")
    parser.add_argument("--min_likelihood", type=float, default=0, help="leave less likely statements out of `text`")
    parser.add_argument("--hold_out", default="", help="codes to leave out of every text, such as AFIB,CLBBB")
    parser.add_argument(
        "--withhold", choices=WITHHOLDABLE, help="label set whose statements stay out of the texts of some patients"
    )
    parser.add_argument(
        "--withhold_share",
        type=float,
        default=0.5,
        help="share of these patients (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the patients of --withhold (default: %(default)s)")
    add_risk_options(parser)
    parser.add_argument("--num_proc", type=int, help="processes that read; default: one a core, eight at most")
    parser.add_argument("--strict", action="store_true", help="stop at the first record that cannot be read")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder that is there")
    parser.add_argument("--push_to_hub", metavar="OWNER/NAME", help="upload the folder as a data set of the Hub")
    parser.add_argument("--private", action="store_true", default=None, help="make the new data set private")
    args = parser.parse_args(arguments)
    hold_out = [code.strip() for code in args.hold_out.split(",") if code.strip()]
    started = time.perf_counter()
    withholding = Withholding(args.withhold, args.withhold_share, args.seed) if args.withhold else None
    corpus = ptb_xl_corpus(
        args.data_dir,
        args.sampling_rate,
        args.min_likelihood,
        hold_out,
        args.text_source,
        withholding,
        args.report_rules,
    )
    if args.risk:
        corpus = with_risk(corpus, args.risk, args.risk_out_of_range)
    num_proc = min(os.cpu_count() or 1, 8) if args.num_proc is None else args.num_proc
    summary = prepare_corpus(corpus, args.output_dir, num_proc, args.strict, args.overwrite)
    rate = sum(summary["rows"].values()) / (time.perf_counter() - started)
    print(f"{args.output_dir}: {rate:.0f} rows/s, rows {summary['rows']}, skipped {summary['skipped'] or 'none'}")
    if args.push_to_hub:
        print(push_corpus(args.output_dir, args.push_to_hub, args.private).commit_url)
    return summary


if __name__ == "__main__":
    run_command(main)
