"""Embed records."""

import json
import shlex
from dataclasses import replace

import click

from ..model_names import MODEL_NAME
from ..options import CHANNELS, CONFIG, CROPS, DEVICE, as_command
from ..outcomes import Ending
from ..words import WINDOWS

SOME_REFUSED = 3


@as_command("embed")
@click.argument("records", nargs=-1, required=True, metavar="RECORDS...")
@click.option(
    "--model", type=MODEL_NAME, required=True, help="Encoder or dual encoder: a folder, a packaged name, or a Hub id."
)
@click.option("--output", required=True, help="File to write, .parquet.")
@click.option("--revision", help="Branch, tag or commit of a model on the Hub.")
@click.option(
    "--projected", is_flag=True, help="Unit-length embedding shared with texts (default: the pooled output)."
)
@click.option("--lead", help="For a model of a single lead: the one it is to see.")
@CHANNELS
@click.option(
    "--window",
    type=click.Choice(WINDOWS),
    default="all",
    show_default=True,
    help="All windows of the model's length, the first, or the whole record by the model's recipe.",
)
@CROPS
@click.option(
    "--pooled",
    is_flag=True,
    help="With a row for each record beside: its windows' mean, or the largest of each number (--crops max).",
)
@click.option("--stride", type=float, help="Seconds between windows (default: their length).")
@CONFIG
@click.option("--split", help="Split of prepared corpora (default: all).")
@click.option("--folds", help="Folds of prepared corpora, such as 1-7,9 (default: all).")
@click.option("--measurements", is_flag=True, help="With what `hf-ecg measure` finds in each window, as a column.")
@click.option("--batch_size", type=int, default=32, show_default=True, help="Windows at a time.")
@DEVICE
@click.option(
    "--on_error",
    type=click.Choice(["raise", "skip"]),
    default="raise",
    show_default=True,
    help="At a record that cannot be embedded: stop, or leave it out.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier output.")
def command(folds, records, **given) -> Ending:
    """Embed ECG records with a model: a parquet file with a row for each window of the model's length.

    \b
    hf-ecg embed record.hea other.hea --model out/demo/clep --output emb.parquet
    hf-ecg embed folder_of_records --model OWNER/MODEL --output emb.parquet --on_error skip
    hf-ecg embed A00001.hea --rename ECG=I --model out/demo/clep --output emb.parquet
    hf-ecg embed holter.edf --pooled --model ecg-text-small --output emb.parquet
    hf-ecg embed corpus --folds 9,10 --model out/demo/clep --projected --output emb.parquet

    RECORDS are ECG files (WFDB, EDF, DICOM, XML, CSV ...), folders of them, or prepared corpora. The same command
    resumes a run that was stopped. Windows without a usable signal are left out of a record with others, and
    OUTPUT.refused.csv lists them. Exit status: 0 when every record is in the file, 3 when some records or windows were
    refused (--on_error skip; they stand in the same list), 1 after an error.
    """
    from ...embed import EmbeddingOptions, embed_records
    from ...evaluation.protocol import parse_folds

    model, output, overwrite = (given.pop(name) for name in ("model", "output", "overwrite"))
    options = EmbeddingOptions(folds=None if folds is None else parse_folds(folds), **given)
    result = embed_records(list(records), model, output, options, overwrite=overwrite)
    what = f"{result.windows} windows of {result.records} records, a row each"
    made = [(result.output, what + (f", and {result.pooled} rows of whole records" if options.pooled else ""))]
    # double quotes inside, which a shell need not escape
    read = f"import pandas; print(pandas.read_parquet({json.dumps(str(result.output), ensure_ascii=False)}))"
    ending = Ending(result, made=made, next=[shlex.join(["python", "-c", read])])
    if not result.refused or options.on_error == "raise":  # then every record is in the file
        return ending
    problem = f"{result.refused} refused, with the reasons in {result.refused_path}"
    return replace(ending, problem=problem, status=SOME_REFUSED)
