"""Prepare PTB-XL."""

import click

from ...options import as_command, comma_separated
from ...outcomes import Ending
from ...preparing import PREPARING, RISK, ROW_LEADS, finish, row_leads
from ...words import REPORT_RULES, TEXT_SOURCES, WITHHOLDABLE


@as_command("ptb_xl")
@click.option("--data_dir", required=True, help="Folder with ptbxl_database.csv and the records.")
@click.option(
    "--sampling_rate", type=click.Choice([100, 500]), default=100, show_default=True, help="Samples a second (Hz)."
)
@click.option(
    "--text_source",
    type=click.Choice(TEXT_SOURCES),
    default="statements",
    show_default=True,
    help="What the column text is made of.",
)
@click.option(
    "--report_rules", type=click.Choice(REPORT_RULES), help="Empty the original reports that these rules refuse."
)
@click.option(
    "--min_likelihood",
    type=float,
    default=0,
    help="Leave statements below this likelihood (0 to 100) out of the texts.",
)
@click.option(
    "--hold_out", default="", callback=comma_separated, help="Codes to leave out of every text, such as AFIB,CLBBB."
)
@click.option(
    "--withhold", type=click.Choice(WITHHOLDABLE), help="Label set that stays out of the texts of some patients."
)
@click.option("--withhold_share", type=float, default=0.5, show_default=True, help="Share of these patients.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed that picks the patients of --withhold.")
@RISK
@ROW_LEADS
@PREPARING
def command(data_dir, **given) -> Ending:
    """Prepare PTB-XL: PhysioNet's folder to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare ptb_xl --data_dir RAW --output_dir PARQUET [--sampling_rate 100] [--num_proc 4]

    PARQUET/ holds ptb_xl_100hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was
    skipped).
    """
    from ....data.readers.ptb_xl import ptb_xl_corpus
    from ....data.readers.withholding import Withholding
    from ....data.risk import with_risk

    withholding = None
    if given["withhold"]:
        withholding = Withholding(given["withhold"], given["withhold_share"], given["seed"])
    corpus = ptb_xl_corpus(
        data_dir,
        given["sampling_rate"],
        given["min_likelihood"],
        given["hold_out"],
        given["text_source"],
        withholding,
        given["report_rules"],
        row_leads(given),
    )
    if given["risk"]:
        corpus = with_risk(corpus, given["risk"], given["risk_out_of_range"])
    return finish(corpus, given)
