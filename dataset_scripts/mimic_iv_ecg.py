"""Prepares MIMIC-IV-ECG: PhysioNet's folder to parquet that plain `load_dataset` reads.

    python dataset_scripts/mimic_iv_ecg.py --data_dir RAW --output_dir PARQUET [--num_proc 8] [--limit 1000]
    python dataset_scripts/mimic_iv_ecg.py --data_dir RAW --mimic_iv_dir MIMIC-IV --output_dir PARQUET --risk low

RAW/ holds record_list.csv, machine_measurements.csv and files/; MIMIC-IV/ the tables in hosp/ and, if you have them,
ed/ (.csv or .csv.gz): hosp/patients, omr, labevents, admissions, diagnoses_icd, ed/edstays, triage. PARQUET/ holds
mimic_iv_ecg_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped, and why).
The same command goes on with an interrupted run.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.clinical.machine_reports import TEXT_STYLES
from hf_ecg.clinical.reports import REPORT_RULES
from hf_ecg.command_line import run_command
from hf_ecg.data.builder import check_output, prepare_corpus
from hf_ecg.data.readers.mimic_iv_ecg import DROP, ONE_RECORD, mimic_iv_ecg_corpus
from hf_ecg.data.risk import add_risk_options, with_risk
from hf_ecg.hub import push_corpus


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="folder with record_list.csv and the records")
    parser.add_argument("--output_dir", required=True, type=Path, help="folder to make")
    parser.add_argument("--mimic_iv_dir", help="folder with MIMIC-IV's hosp/, for age, sex and risk inputs")
    add_risk_options(parser)
    parser.add_argument(
        "--risk_input_years",
        type=float,
        default=5,
        help="oldest pressure, blood value or smoking status that counts (default: %(default)s)",
    )
    parser.add_argument("--text_style", choices=TEXT_STYLES, default="sentences", help="how reports become `text`")
    parser.add_argument("--min_words", type=int, default=0, help="shorter texts are empty")
    parser.add_argument("--report_rules", choices=REPORT_RULES, help="published rules; texts they refuse are empty")
    parser.add_argument("--drop", default="", help=f"kinds of records to leave out, of {','.join(DROP)}")
    parser.add_argument(
        "--one_record_per_patient",
        nargs="?",
        const="random",
        choices=tuple(ONE_RECORD),
        help="take the first, the last or a random (the default) record of each patient",
    )
    parser.add_argument("--seed", type=int, default=0, help="of folds and random records (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="take that many records only, for a try")
    parser.add_argument("--num_proc", type=int, help="processes that read; default: one a core, eight at most")
    parser.add_argument("--strict", action="store_true", help="stop at the first record that cannot be read")
    parser.add_argument("--overwrite", action="store_true", help="replace an output folder that is there")
    parser.add_argument("--restart", action="store_true", help="read everything anew after an interrupted run")
    parser.add_argument("--push_to_hub", metavar="OWNER/NAME", help="upload the folder as a data set of the Hub")
    parser.add_argument("--private", action="store_true", default=None, help="make the new data set private")
    args = parser.parse_args(arguments)
    if args.push_to_hub and args.mimic_iv_dir:
        parser.error("--push_to_hub with --mimic_iv_dir: MIMIC-IV's tables may not be shared, on the Hub or elsewhere")
    if args.risk and not args.mimic_iv_dir:
        parser.error("--risk needs --mimic_iv_dir: without age and sex there is no risk")
    started = time.perf_counter()
    output_dir = args.output_dir.absolute()
    check_output(output_dir, args.overwrite)
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    index = output_dir.with_name(f".{output_dir.name}.index")
    if args.restart:
        index.unlink(missing_ok=True)
    corpus = mimic_iv_ecg_corpus(
        args.data_dir,
        index,
        args.mimic_iv_dir,
        text_style=args.text_style,
        min_words=args.min_words,
        drop=[kind.strip() for kind in args.drop.split(",") if kind.strip()],
        one_record_per_patient=args.one_record_per_patient,
        limit=args.limit,
        seed=args.seed,
        risk_input_years=args.risk_input_years,
        report_rules=args.report_rules,
    )
    if args.risk:
        corpus = with_risk(corpus, args.risk, args.risk_out_of_range)
    num_proc = min(os.cpu_count() or 1, 8) if args.num_proc is None else args.num_proc
    summary = prepare_corpus(corpus, output_dir, num_proc, args.strict, args.overwrite, resume=not args.restart)
    index.unlink()
    seconds = time.perf_counter() - started
    print(f"{args.output_dir}: rows {summary['rows']} in {seconds:.0f} s")
    for title, counts in (("skipped", summary["skipped"]), ("not asked for", summary["left_out"])):
        for reason, number in sorted(counts.items(), key=lambda entry: -entry[1]):
            print(f"{number:>9}  {title}: {reason}")
    if args.push_to_hub:
        print(push_corpus(output_dir, args.push_to_hub, args.private).commit_url)
    return summary


if __name__ == "__main__":
    run_command(main)
