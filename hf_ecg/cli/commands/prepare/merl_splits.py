"""Tell what is wrong with MERL's split tables."""

import click

from ...next_steps import line
from ...options import as_command, comma_separated
from ...outcomes import Ending
from ...words import BENCHMARK_TASKS


@as_command("merl_splits", light=True)
@click.option("--merl_splits", required=True, help="Folder with ptbxl/, icbeb/ and chapman/.")
@click.option(
    "--tasks", default=",".join(BENCHMARK_TASKS), callback=comma_separated, show_default=True, help="Of these."
)
def command(merl_splits, tasks) -> Ending:
    """Tell what is wrong with MERL's released split tables, before anything is compared on them.

    \b
    hf-ecg prepare merl_splits --merl_splits SPLITS [--tasks csn,ptb_xl_subdiagnostic]

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
    lines = []
    for task, facts in found.items():
        lines.append(f"{task}: {facts['records']}, {facts['classes']} classes")
        lines += [f"  {problem.removeprefix(f'{task}: ')}" for problem in facts["problems"] or ["nothing wrong found"]]
    following = ("prepare", "cpsc2018", "--data_dir", "RAW", "--merl_splits", merl_splits, "--output_dir", "CORPUS")
    return Ending(found, "\n".join(lines), next=[line(*following)])
