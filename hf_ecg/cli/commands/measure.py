"""Measure ECGs."""

import click

from ..next_steps import line
from ..options import CHANNELS, as_command
from ..outcomes import Ending


@as_command("measure", light=True)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@CHANNELS
@click.option("--sex", type=click.Choice(["male", "female"]), help="For Cornell's bounds and product.")
@click.option("--output", help="File to write: .csv, .tsv or .parquet (a row a value, lead and beat), or .json.")
def command(files, leads, rename, sex, output) -> Ending:
    """Measure ECGs: rate, PR, QRS, QT and QTc, axes, voltages, ST and T of each lead, rhythm, and every beat.

    \b
    hf-ecg measure record.hea
    hf-ecg measure record.hea --json
    hf-ecg measure a.hea b.hea --sex female --output measurements.csv

    FILE are ECG files of any format that hf_ecg reads. Each value is good, doubtful or not measured, and says why.
    Research use: it is not a medical device.
    """
    from ...signals import measure, read
    from ..measured_table import check_output, write_measured

    check_output(output)
    found = {file: measure(read(file, leads=leads, rename=rename), sex=sex) for file in files}
    facts = [{"path": file} | one.as_dict() for file, one in found.items()]
    made = []
    if output:
        made.append((write_measured(output, found), "measurements"))
    following = [line("plot", *files[:1], "--measure", "--output", "ecg.png")]
    return Ending(facts, "\n".join(map(repr, found.values())), made=made, next=following)
