"""Simulate one ECG."""

import click

from ..next_steps import line
from ..options import as_command
from ..outcomes import Ending
from ..words import CONDITIONS


@as_command("simulate", light=True)
@click.argument("conditions", nargs=-1, required=True, metavar="CONDITION...")
@click.option("--output", required=True, metavar="FOLDER/NAME", help="Record to write: NAME.hea, NAME.dat.")
@click.option("--sampling_rate", type=int, default=500, show_default=True, help="Samples a second (Hz).")
@click.option("--duration", type=float, default=10.0, show_default=True, help="Seconds.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option("--noise", type=float, default=1.0, show_default=True, help="Factor on the noise; 0: none.")
@click.option("--heart_rate", type=float, help="Per minute (default: drawn).")
@click.option("--pr_ms", type=float, help="Milliseconds (default: drawn).")
@click.option("--qrs_ms", type=float, help="Milliseconds (default: drawn).")
@click.option("--qt_ms", type=float, help="Milliseconds (default: drawn).")
@click.option("--axis_degrees", type=float, help="Frontal QRS axis (default: drawn).")
@click.option("--age", type=int, help="Years (default: drawn).")
@click.option("--sex", type=click.Choice(["male", "female"]), help="Default: drawn.")
def command(output, conditions, **given) -> Ending:
    """Simulate one ECG as a WFDB record."""
    from ...simulation import simulate_ecg, write_wfdb

    header = write_wfdb(simulate_ecg(list(conditions), **given), output)
    made = [(header, "a simulated record, with its .dat beside it")]
    return Ending(str(header), made=made, next=[line("plot", header, "--output", "ecg.png")])


command.help += f"""

\b
hf-ecg simulate atrial_fibrillation --seed 7 --output FOLDER/NAME
hf-ecg simulate left_bundle_branch_block first_degree_av_block --heart_rate 70 --output FOLDER/NAME

A CONDITION is one of {", ".join(CONDITIONS)}.
"""
