"""What the commands that prepare a corpus share."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from .next_steps import after_corpus
from .options import RENAME, comma_separated, options, pairs
from .outcomes import Ending
from .words import OUT_OF_RANGE, REGIONS, SHORT_RECORDS

NUM_PROC = click.option("--num_proc", type=int, help="Processes (default: one a core, eight at most).")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace an output folder that is there.")
FOLD_SEED = click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds.")
OUTPUT_DIR = click.option("--output_dir", required=True, help="Folder to make.")
PUSH = options(
    click.option("--push_to_hub", metavar="OWNER/NAME", help="Upload the folder as a data set of the Hub."),
    click.option("--private", is_flag=True, default=None, help="Make the new data set private."),
)
ROW_LEADS = options(
    click.option("--leads", callback=comma_separated, help="Leads of the rows, such as I,II (default: the twelve)."),
    RENAME,
)
COLUMNS = click.option(
    "--columns",
    multiple=True,
    metavar="WHAT=COLUMN",
    callback=pairs,
    help="What a column of the table is, where it is called otherwise; may be repeated.",
)
READING = options(
    NUM_PROC,
    click.option("--strict", is_flag=True, help="Stop at the first record that cannot be read."),
    OVERWRITE,
    PUSH,
)
PREPARING = options(OUTPUT_DIR, READING)
RISK = options(
    click.option(
        "--risk", type=click.Choice(REGIONS), help="Add the columns risk and risk_missing_rate, of this region."
    ),
    click.option(
        "--risk_out_of_range",
        type=click.Choice(OUT_OF_RANGE),
        default="nan",
        show_default=True,
        help="Risk under 40 and over 89; nan: none, nor with prior disease.",
    ),
)


def windows(seconds: float, short_records: str, rate: int = 500):
    """Decorator: the options of `hf_ecg.data.preparing.window_options`; `seconds` 0 takes records whole."""
    return options(
        click.option(
            "--sampling_rate",
            type=int,
            default=rate,
            show_default=True,
            help="Of the rows, in Hz; other records are resampled.",
        ),
        click.option(
            "--window_seconds",
            type=float,
            default=seconds,
            show_default=True,
            help="Cut records into windows side by side, without the rest; 0: whole records.",
        ),
        click.option(
            "--short_records",
            type=click.Choice(SHORT_RECORDS),
            default=short_records,
            show_default=True,
            help="What to do with records shorter than a window.",
        ),
        click.option("--max_windows", type=int, help="Take that many windows of a record at most."),
    )


def long_records(rate: int):
    """Decorator: of recordings that last for hours, which windows become rows."""
    return options(
        click.option("--sampling_rate", type=int, default=rate, show_default=True, help="Of the rows, in Hz."),
        click.option("--window_seconds", type=float, default=10.0, show_default=True, help="Of a row."),
        click.option(
            "--max_windows", type=int, default=1, show_default=True, help="Rows of a recording: its first usable ones."
        ),
    )


def lead_name(name: str):
    """Decorator: --lead_name, which lead the one channel of a corpus is called, by default `name`, its true one."""
    return click.option(
        "--lead_name",
        default=name,
        show_default=True,
        help="What rows call the lead: its true name, or such as I.",
    )


def taken(given: dict, *names: str) -> dict:
    """These entries of the options, out of them."""
    return {name: given.pop(name) for name in names}


def row_leads(given: dict):
    """What `ROW_LEADS` asked, out of the options, as the readers take it."""
    from ..data.readers.columns import TWELVE_LEADS, RowLeads

    asked = taken(given, "leads", "rename")
    return RowLeads(TWELVE_LEADS.leads if asked["leads"] is None else asked["leads"], asked["rename"])


def window_rule(given: dict) -> dict:
    """What `windows` asked, out of the options, as the readers take it."""
    from ..data.preparing import window_options

    return window_options(**taken(given, "sampling_rate", "window_seconds", "short_records", "max_windows"))


def prepare(
    corpus, given: Mapping, resume: bool = True, finish: Callable[[Path], None] | None = None
) -> tuple[dict, str]:
    """Prepares a corpus as `PREPARING` asked; its summary, and what to tell. `finish` writes more files beside it."""
    from ..data.preparing import prepare_and_tell

    wanted = {name: given[name] for name in ("output_dir", "num_proc", "strict", "overwrite")}
    return prepare_and_tell(corpus, resume=resume, finish=finish, **wanted)


def corpus_ending(summary: dict, told: str, given: Mapping) -> Ending:
    """The ending of a command that prepared a corpus, after it is uploaded where `PUSH` wants that."""
    folder = given["output_dir"]
    made = [(folder, f"corpus of {sum(summary['rows'].values())} records, with a card")]
    if given.get("push_to_hub"):
        from ..hub import push_corpus

        address = push_corpus(folder, given["push_to_hub"], given["private"]).commit_url
        made.append((address, "on the Hub"))
    return Ending(summary, told, made, after_corpus(folder, summary))


def finish(corpus, given: Mapping) -> Ending:
    """`prepare` and its ending."""
    return corpus_ending(*prepare(corpus, given), given)
