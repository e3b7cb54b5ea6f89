"""Show everything."""

from pathlib import Path

import click

from ..endings import INTERRUPTED, EndsWith
from ..options import as_command


@as_command("demo")
@click.option("--data", help="Folder of PTB-XL as PhysioNet ships it (default: simulated records).")
@click.option("--output_dir", default="out/demo", show_default=True, help="Folder of all that is made.")
def command(data, output_dir) -> str:
    """Show everything: an answer about a file at once, then two trainings, their comparison, and a page of it all.

    \b
    hf-ecg demo
    hf-ecg demo --data path/to/ptb-xl --output_dir out/ptb_xl

    OUT/ holds index.html (the page), corpus/, clep/ (a model of ECGs and texts), bce/ (a classifier), and pictures. A
    step whose result is there is not done again, and an interrupted training goes on.
    """
    from ...studies.demonstration.plan import Plan

    plan = Plan(Path(output_dir), None if data is None else Path(data))
    if not plan.is_done():
        plan.begin()
        click.echo("\n".join(plan.lines()))
        try:
            from ...studies.demonstration.demo_run import run_demonstration

            run_demonstration(plan, click.echo)
        except KeyboardInterrupt as stop:
            raise EndsWith("interrupted: the same command goes on from here", INTERRUPTED) from stop
    click.echo("\n".join(plan.next_lines()))
    return str(plan.page)
