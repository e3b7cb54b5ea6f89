"""Show everything."""

from pathlib import Path

import click

from ..options import EndsWith, as_command
from ..outcomes import INTERRUPTED, Ending


@as_command("tour", light=True)
@click.option("--data", help="Folder of PTB-XL as PhysioNet ships it (default: simulated records).")
@click.option("--output_dir", default="out/demo", show_default=True, help="Folder of all that is made.")
def command(data, output_dir) -> Ending:
    """Show everything: an answer about a file at once, then two trainings, their comparison, and a page of it all.

    \b
    hf-ecg tour
    hf-ecg tour --data path/to/ptb-xl --output_dir out/ptb_xl

    OUT/ holds index.html (the page), corpus/, clep/ (a model of ECGs and texts), bce/ (a classifier), and pictures. A
    step whose result is there is not done again, and an interrupted training goes on.
    """
    from ...studies.demonstration.plan import Plan

    plan = Plan(Path(output_dir), None if data is None else Path(data))
    if not plan.is_done():
        plan.begin()
        click.echo("\n".join(plan.lines()))
        try:
            from ...progress import without_bars_of_others
            from ...studies.demonstration.demo_run import run_demonstration

            with without_bars_of_others():
                run_demonstration(plan, click.echo)
        except KeyboardInterrupt as stop:
            raise EndsWith("interrupted: the same command goes on from here", INTERRUPTED) from stop
    made = [(plan.page, "the page"), (plan.model, "the model"), (plan.model / "encoder", "its ECG encoder alone")]
    return Ending(str(plan.page), made=made, next=plan.next_commands())
