"""Find near-duplicates."""

import click

from ...next_steps import line
from ...options import as_command, comma_separated
from ...outcomes import Ending
from ...words import DUPLICATE_THRESHOLD, FINGERPRINT_LEADS


@as_command("near_duplicates")
@click.argument("first", metavar="CORPUS_A")
@click.argument("second", metavar="[CORPUS_B]", required=False)
@click.option("--within", is_flag=True, help="Compare the records of one corpus with each other.")
@click.option("--output", required=True, help="pairs.csv; pairs.json is written beside it.")
@click.option("--config", help="Configuration of CORPUS_A, such as ptb_xl_100hz.")
@click.option("--second_config", help="Configuration of CORPUS_B.")
@click.option(
    "--threshold", type=float, default=DUPLICATE_THRESHOLD, show_default=True, help="Lowest correlation of a pair."
)
@click.option(
    "--leads",
    default=",".join(FINGERPRINT_LEADS),
    callback=comma_separated,
    show_default=True,
    help="Leads to compare by.",
)
@click.option(
    "--least_leads", type=int, default=3, show_default=True, help="Leads that two must share, or all of --leads."
)
def command(first, second, within, output, **given) -> Ending:
    """Find recordings that two corpora share, or that one corpus holds twice: resampled, filtered, scaled or cut.

    \b
    hf-ecg prepare near_duplicates CORPUS_A CORPUS_B --output pairs.csv
    hf-ecg prepare near_duplicates CORPUS --within --output pairs.csv

    A corpus is a prepared one (folder or Hub id), a folder of WFDB records, or a WFDB record. Writes pairs.csv and
    pairs.json; the latter also lists the records that could not be compared and the most alike pairs below the
    threshold.
    """
    if (second is None) != within:
        raise ValueError("wanted two corpora, or one and --within")
    from ....locks import output_lock
    from ....studies.shared_recordings import (
        check_table_path,
        find_shared_recordings,
        shared_recordings_table,
        write_shared_recordings,
    )

    output = check_table_path(output)
    with output_lock(output):
        report = find_shared_recordings(first, second, **given)
        write_shared_recordings(report, output)
    made = [(output, "a row for each pair"), (output.with_suffix(".json"), "also what could not be compared")]
    alike = [path for pair in report["pairs"][:1] for path in (pair["first_path"], pair["second_path"]) if path]
    following = [line("plot", *alike, "--output", "pictures/")] if alike and second is None else []
    return Ending(report, shared_recordings_table(report), made, following)
