"""Ejection fractions of notes."""

import click

from ...next_steps import line
from ...options import as_command
from ...outcomes import Ending


@as_command("lvef")
@click.option("--notes", required=True, help="CSV or CSV.GZ of notes, such as MIMIC-IV-Note's discharge.csv.gz.")
@click.option("--output", required=True, help="CSV to write.")
@click.option("--patient_column", default="subject_id", show_default=True, help="Of the notes.")
@click.option("--time_column", default="charttime", show_default=True, help="Of the notes.")
@click.option("--text_column", default="text", show_default=True, help="Of the notes.")
@click.option("--threshold", type=float, default=50.0, show_default=True, help="Per cent; less is 1 in the label.")
@click.option(
    "--spread", type=float, default=10.0, show_default=True, help="Points by which mentions of a note may differ."
)
def command(notes, output, **given) -> Ending:
    """Read left ventricular ejection fractions out of notes, to join them to ECGs by patient and date.

    \b
    hf-ecg prepare lvef --notes discharge.csv.gz --output lvef.csv
    hf-ecg prepare targets --data MIMIC --table lvef.csv --patient_column subject_id --date_column time \\
        --targets lvef --labels lvef_class=lvef_under_50 --ties first --output_dir MIMIC_LVEF

    A row is a note that tells one fraction: the mean of what it mentions. Notes whose mentions differ by more than
    --spread are left out. The rules are our own.
    """
    from ....data.echo_notes import write_ejection_fractions

    counts = write_ejection_fractions(notes, output, **given)
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    joined = ("prepare", "targets", "--data", "CORPUS", "--table", output, "--patient_column", "subject_id")
    label = f"lvef_class=lvef_under_{given['threshold']:g}"
    following = line(*joined, "--date_column", "time", "--targets", "lvef", "--labels", label, "--output_dir", "OUT")
    return Ending(counts, told, [(output, "table of ejection fractions")], [following])
