"""Tells what is wrong with MERL's released split tables, before anything is compared on them.

    python dataset_scripts/merl_splits.py --merl_splits SPLITS [--tasks csn,ptb_xl_subdiagnostic] [--json]

For every task: records a split, columns in another order than in the test table, and released positives that the
record's own statements do not name.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.readers.merl_tables import TASKS, read_merl_table


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--merl_splits", required=True, help="folder with ptbxl/, icbeb/ and chapman/")
    parser.add_argument("--tasks", default=",".join(TASKS), help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    args = parser.parse_args(arguments)
    found = {}
    for task in (name.strip() for name in args.tasks.split(",") if name.strip()):
        table = read_merl_table(args.merl_splits, task)
        found[task] = {
            "records": table.sizes(),
            "classes": len(table.classes),
            "moved_columns": table.moved_columns,
            "records_wrong_by_position": table.wrong_by_position(),
            "wrong_positives": table.wrong_positives(),
            "problems": table.problems(),
        }
    if args.json:
        print(json.dumps(found, indent=2))
        return found
    for task, facts in found.items():
        print(f"{task}: {facts['records']}, {facts['classes']} classes")
        for problem in facts["problems"] or ["nothing wrong found"]:
            print(f"  {problem.removeprefix(f'{task}: ')}")
    return found


if __name__ == "__main__":
    run_command(main)
