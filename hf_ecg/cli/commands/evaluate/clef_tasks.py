"""CLEF's downstream tasks."""

import os
from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    DEVICE,
    STRICT,
    as_command,
    folds_of_splits,
    intervals,
    many,
    pairs,
)
from ...outcomes import Ending
from ...reporting import forward_options, interval_options, split_folds, written
from ...words import CLEF_TASKS


@as_command("clef-tasks")
@many(
    "--model", type=MODEL_NAME, required=True, help="Folders of encoders, a row of the table each (not seeds of one)."
)
@click.option("--data", required=True, help="Folder of prepared corpora, or one of them.")
@many("--config", help="Configurations of the corpora, where one is there at several rates.")
@many("--tasks", metavar="TASK", help=f"Of {', '.join(CLEF_TASKS)} (default: all).")
@click.option(
    "--lead",
    default="I",
    show_default=True,
    help="Of corpora with several leads. CLEF's paper says I, its released evaluation takes II.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="TASK=COLUMN",
    callback=pairs,
    help="Column of a task, where a corpus calls it otherwise.",
)
@click.option(
    "--compat_order",
    is_flag=True,
    help="Split LVEF and MUSIC by the order of rows, as the released code does; LVEF then shares patients.",
)
@click.option("--finetune", "full", is_flag=True, help="Fine-tune whole encoders in place of linear probes.")
@click.option("--epochs", type=int, help="Of --finetune (default: the recipe's).")
@click.option("--without_random", is_flag=True, help="Leave out the same network with weights drawn anew.")
@folds_of_splits("1-8", "9", "10")
@ALLOW_TRAINING_FOLDS
@intervals("random encoder, fine-tuning and bootstrap")
@BATCH_SIZE
@DEVICE
@STRICT
@click.option("--output_dir", required=True, help="Folder of clef_tasks.json, clef_tasks.md, and of finished parts.")
def command(model, data, config, tasks, columns, full, epochs, output_dir, without_random, **given) -> Ending:
    """CLEF's 18 downstream tasks and the Challenge 2017: those whose corpus is there, and how to get the others.

    \b
    hf-ecg evaluate clef-tasks --model ecg-single-lead-small --data CORPORA --output_dir OUT
    hf-ecg evaluate clef-tasks --model OUT1/encoder OUT2/encoder --data CORPORA --tasks cinc2017 --finetune \\
        --epochs 10 --output_dir OUT

    CORPORA holds folders that hf-ecg prepare wrote. Each encoder sees one lead, and the same network with random
    weights stands beside it. Figures are macro AUROC of labels and mean absolute error of numbers, with intervals over
    patients. The same command resumes a run that was stopped: what is done is not done again.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.clef_tasks.clef_page import clef_summary
    from ....evaluation.clef_tasks.clef_run import REPORT_NAME, run_clef_tasks
    from ....evaluation.clef_tasks.task_judge import ClefSettings
    from ....evaluation.clef_tasks.task_table import choose_tasks

    if epochs is not None and not full:
        raise ValueError("--epochs is of --finetune: a linear probe has none")
    settings = ClefSettings(
        folds=split_folds(given),
        random=not without_random,
        intervals=interval_options(given),
        forward=forward_options(given),
        **given,
    )
    options = {"configs": list(config), "columns": columns}
    if full:
        from ....studies.clef_finetuning import FULL, FinetuningJudge

        options |= {"judge": FinetuningJudge(settings, Path(output_dir), epochs), "method": FULL}
    asked = choose_tasks(list(tasks))
    report = run_clef_tasks(list(model), data, asked, settings, output_dir, **options)
    return Ending(report, "\n".join(clef_summary(report)), written(Path(output_dir) / REPORT_NAME))
