"""Prepare MIMIC-IV-ECG."""

import click

from ...options import as_command, comma_separated
from ...outcomes import Ending
from ...preparing import PREPARING, RISK, ROW_LEADS, corpus_ending, prepare, row_leads, taken
from ...words import MIMIC_DROP, ONE_RECORD, REPORT_RULES, TEXT_STYLES


@as_command("mimic_iv_ecg")
@click.option("--data_dir", required=True, help="Folder with record_list.csv and the records.")
@click.option("--mimic_iv_dir", help="Folder with MIMIC-IV's hosp/, for age, sex and risk inputs.")
@RISK
@click.option(
    "--risk_input_years",
    type=float,
    default=5,
    show_default=True,
    help="Oldest pressure, blood value or smoking status that counts.",
)
@click.option("--text_style", type=click.Choice(TEXT_STYLES), default="sentences", help="How reports become `text`.")
@click.option("--min_words", type=int, default=0, help="Leave texts with fewer words empty.")
@click.option(
    "--report_rules", type=click.Choice(REPORT_RULES), help="Published rules; texts that they refuse are empty."
)
@click.option(
    "--drop", default="", callback=comma_separated, help=f"Kinds of records to leave out, of {','.join(MIMIC_DROP)}."
)
@click.option(
    "--one_record_per_patient",
    is_flag=False,
    flag_value="random",
    type=click.Choice(ONE_RECORD),
    help="Take the first, the last or a random (the default) record of each patient.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of folds and random records.")
@click.option("--limit", type=int, help="Take that many records only, for a try.")
@ROW_LEADS
@PREPARING
@click.option("--restart", is_flag=True, help="Read everything anew after an interrupted run.")
def command(data_dir, mimic_iv_dir, restart, **given) -> Ending:
    """Prepare MIMIC-IV-ECG: PhysioNet's folder to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare mimic_iv_ecg --data_dir RAW --output_dir PARQUET [--num_proc 8] [--limit 1000]
    hf-ecg prepare mimic_iv_ecg --data_dir RAW --mimic_iv_dir MIMIC-IV --output_dir PARQUET --risk low

    RAW/ holds record_list.csv, machine_measurements.csv and files/; MIMIC-IV/ the tables in hosp/ and, if you have
    them, ed/ (.csv or .csv.gz): hosp/patients, omr, labevents, admissions, diagnoses_icd, ed/edstays, triage.
    PARQUET/ holds mimic_iv_ecg_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was
    skipped, and why). The same command goes on with an interrupted run.
    """
    if given["push_to_hub"] and mimic_iv_dir:
        raise click.UsageError(
            "--push_to_hub with --mimic_iv_dir: MIMIC-IV's tables may not be shared, on the Hub or elsewhere"
        )
    if given["risk"] and not mimic_iv_dir:
        raise click.UsageError("--risk needs --mimic_iv_dir: without age and sex there is no risk")
    from ....locks import output_lock

    with output_lock(given["output_dir"]):
        prepared = _prepare(data_dir, mimic_iv_dir, restart, given)
    return corpus_ending(*prepared, given)


def _prepare(data_dir: str, mimic_iv_dir: str | None, restart: bool, given: dict) -> tuple[dict, str]:
    import os
    from pathlib import Path

    from ....data.corpus_folder import check_output
    from ....data.readers.mimic_iv_ecg import mimic_iv_ecg_corpus
    from ....data.readers.mimic_iv_ecg.index import read_facts
    from ....data.risk import with_risk

    output_dir = Path(given["output_dir"]).absolute()
    check_output(output_dir, given["overwrite"], [data_dir, mimic_iv_dir])
    index = output_dir.with_name(f".{output_dir.name}.index")
    if os.path.lexists(index) and (index.is_symlink() or read_facts(index) is None):
        raise FileExistsError(f"{index} is there and is not an index of an interrupted run: remove it")
    if restart:
        index.unlink(missing_ok=True)
    reading = taken(given, "text_style", "min_words", "drop", "one_record_per_patient", "limit", "seed")
    reading |= taken(given, "risk_input_years", "report_rules")
    corpus = mimic_iv_ecg_corpus(data_dir, index, mimic_iv_dir, channels=row_leads(given), **reading)
    if given["risk"]:
        corpus = with_risk(corpus, given["risk"], given["risk_out_of_range"])
    prepared = prepare(corpus, given, resume=not restart)
    index.unlink()
    return prepared
