"""Draw ECGs or training curves."""

import click

from ..next_steps import TWELVE_LEADS_MODEL, line
from ..options import RENAME, as_command, comma_separated
from ..outcomes import Ending
from ..words import FORMATS


@as_command("plot", light=True)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--output", required=True, help=".png or .svg file; for several records a folder.")
@click.option("--format", type=click.Choice(FORMATS), help="Of the files in a folder (default: png).")
@click.option("--leads", callback=comma_separated, help="Leads to draw, such as II,V1 (default: all).")
@RENAME
@click.option("--start", type=float, help="Seconds from the beginning (default: 0).")
@click.option("--seconds", type=float, help="Length of the window (default: 10, or what there is).")
@click.option("--columns", type=int, help="Columns of leads (default: by their number; 4 for twelve).")
@click.option("--width", type=float, help="Width of the picture in mm (default: true size, 25 mm a second).")
@click.option("--measure", is_flag=True, help="Mark P, QRS and T, and print what is measured below.")
@click.option("--metric", help="Validation metric to draw (default: the one checkpoints were chosen by).")
@click.option("--words", help="Vocabulary of heartbeats: INPUT as sentences of its words; without INPUT its words.")
@click.option("--title", help="Printed above (default: the name of the record or run).")
def command(inputs, output, format, measure, metric, words, title, **of_records) -> Ending:
    """Draw ECGs on standard paper, or the curves of training runs.

    \b
    hf-ecg plot record.hea --output ecg.png
    hf-ecg plot a.hea b.hea --leads II,V1 --start 5 --seconds 10 --output pictures/ --format svg
    hf-ecg plot record.hea --measure --output measured.png
    hf-ecg plot record.hea --words out/words --output sentence.png
    hf-ecg plot out/seed0 out/seed1/log.jsonl --output training.png

    INPUT are ECG files (WFDB, EDF, DICOM, XML, CSV ...), a picture each, or training runs, one picture of all.
    """
    from ...plotting.picture_files import draw_records, draw_training, is_training

    if not inputs and words is None:
        raise ValueError("there is no INPUT, wanted records or training runs, or --words")
    runs = [is_training(name) for name in inputs]
    given = {name: value for name, value in of_records.items() if value is not None}
    if measure:
        given["measure"] = True
    if words is not None:
        written = _with_words(inputs, output, format, metric, words, title, given)
    elif any(runs):
        if not all(runs):
            raise ValueError(f"{list(inputs)} are records and training logs, wanted one kind")
        if given:
            raise ValueError(f"--{next(iter(given))} is for records, and these are training logs")
        written = [draw_training(inputs, output, metric, title)]
    else:
        if metric is not None:
            raise ValueError("--metric is for training logs, and these are records")
        measured = given.pop("measure", False)
        written = draw_records(inputs, output, format, title=title, measured=measured, **given)
    if words is not None:
        kind = "record as a sentence" if inputs else "most used words"
        return Ending(written, made=[(path, kind) for path in written])
    if any(runs):
        return Ending(written, made=[(path, "training curves") for path in written])
    following = line("embed", *inputs, "--model", TWELVE_LEADS_MODEL, "--output", "embeddings.parquet")
    return Ending(written, made=[(path, "ECG on paper") for path in written], next=[following])


def _with_words(inputs, output, format, metric, words, title, given):
    unused = [name for name in given if name not in ("leads", "start", "seconds", "width")]
    if metric is not None or unused:
        raise ValueError(f"--{'metric' if metric is not None else unused[0]} does not go with --words")
    if not inputs and given:
        raise ValueError(f"--{next(iter(given))} is for records, and there is none")
    from ...plotting.word_pictures import draw_words

    return draw_words(words, inputs, output, format, title=title, **given)
