"""Tell what is wrong with MERL's split tables."""

import json

import click

from ...options import as_command, comma_separated
from ...words import BENCHMARK_TASKS


@as_command("merl_splits")
@click.option("--merl_splits", required=True, help="Folder with ptbxl/, icbeb/ and chapman/.")
@click.option(
    "--tasks", default=",".join(BENCHMARK_TASKS), callback=comma_separated, show_default=True, help="Of these."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def command(merl_splits, tasks, as_json) -> dict:
    """Tell what is wrong with MERL's released split tables, before anything is compared on them.

    \b
    hf-ecg prepare merl_splits --merl_splits SPLITS [--tasks csn,ptb_xl_subdiagnostic] [--json]

    For every task: records a split, columns in another order than in the test table, and released positives that the
    record's own statements do not name.
    """
    from ....data.readers.merl_tables import read_merl_table

    found = {}
    for task in tasks:
        table = read_merl_table(merl_splits, task)
        found[task] = {
            "records": table.sizes(),
            "classes": len(table.classes),
            "moved_columns": table.moved_columns,
            "records_wrong_by_position": table.wrong_by_position(),
            "wrong_positives": table.wrong_positives(),
            "problems": table.problems(),
        }
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return found
    for task, facts in found.items():
        click.echo(f"{task}: {facts['records']}, {facts['classes']} classes")
        for problem in facts["problems"] or ["nothing wrong found"]:
            click.echo(f"  {problem.removeprefix(f'{task}: ')}")
    return found
