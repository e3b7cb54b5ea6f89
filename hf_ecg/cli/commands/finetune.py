"""Fine-tune an encoder and judge it."""

import os
from pathlib import Path

import click

from ..model_names import MODEL_NAME
from ..next_steps import line
from ..options import (
    ALLOW_TRAINING_FOLDS,
    CONFIG,
    DATA,
    METRIC,
    OVERRIDES,
    RUN_FOLDER,
    as_command,
    comma_separated,
    folds_of_splits,
    intervals,
)
from ..outcomes import Ending
from ..reporting import interval_options, split_folds, written
from ..words import PROBLEMS, SURVIVAL


@as_command("finetune")
@click.option(
    "--model", type=MODEL_NAME, required=True, help="Encoder to begin with: OUT/encoder, a packaged name, or a Hub id."
)
@DATA
@CONFIG
@click.option("--problem", type=click.Choice(PROBLEMS), help="Default: multi_label, or regression with --target.")
@click.option(
    "--label_set",
    default="",
    callback=comma_separated,
    help="Label sets of the corpus, such as superdiagnostic,rhythm.",
)
@click.option(
    "--target",
    default="",
    callback=comma_separated,
    help="Columns of numbers for a regression, such as age; time,event for survival.",
)
@click.option(
    "--covariates",
    default="",
    callback=comma_separated,
    help="Columns of numbers that the head is told beside the waveform, such as age,sex.",
)
@folds_of_splits("1-8", "9", "10")
@click.option(
    "--frozen", is_flag=True, help="Train the head alone: the encoder sees each record once, without random views."
)
@click.option(
    "--lead", "--leads", "leads", callback=comma_separated, help="Leads to use, such as I or I,II (default: all)."
)
@click.option("--lead_table", is_flag=True, help="A run for each of I, II, V5, I+II, limb, twelve leads.")
@click.option("--random", is_flag=True, help="Also train the same network from random weights, to compare.")
@METRIC
@click.option("--percent", type=float, help="Train on that share of the training patients (default: all).")
@ALLOW_TRAINING_FOLDS
@intervals("head, order, views and bootstrap")
@RUN_FOLDER
@OVERRIDES
def command(label_set, target, resume, overwrite, allow_training_folds, **given) -> Ending:
    """Fine-tune an encoder on labels or numbers of a corpus, judge it on test folds, and compare sets of leads.

    \b
    hf-ecg finetune --model OUT/encoder --data PARQUET --label_set superdiagnostic --train_folds 1-7 \\
        --validation_folds 8 --test_folds 9,10 --output_dir FINETUNED --random
    hf-ecg finetune --model OUT/encoder --data PARQUET --problem regression --target age --lead I \\
        --output_dir AGE [section.key=value ...]
    hf-ecg finetune --model OUT/encoder --data PARQUET --problem survival --target days,died --output_dir SURVIVAL
    hf-ecg finetune --model OUT/encoder --data PARQUET --label_set superdiagnostic --lead_table --output_dir TABLE

    The folder holds a run as `hf-ecg pretrain` leaves it, a classifier with its feature extractor, and finetune.json
    and finetune.md (the report), and scores.csv of the test records. Beside it random/ (--random): the same network
    from weights drawn anew, with the same budget. With --lead_table, a folder for each set of leads.

    The epoch with the best figure on the validation folds is kept; the test folds are read once, at the end.
    """
    if given["leads"] and given["lead_table"]:
        raise click.UsageError("--lead and --lead_table exclude each other")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ...evaluation.reports.short_summary import report_summary
    from ...studies.finetuning import REPORT, Finetuning, finetune
    from ...trained_on import trained_on_note

    given |= {"folds": split_folds(given), "intervals": interval_options(given)}
    asked = Finetuning(label_sets=label_set, targets=target, **given)
    switches = {"overwrite": overwrite, "allow_training_folds": allow_training_folds}
    report = finetune(asked, resume=resume == "latest", **switches)
    if report is None:  # another process tells
        return Ending()
    folder = Path(given["output_dir"])
    report_path = folder / REPORT
    made = written(report_path)
    if given["lead_table"]:
        return Ending(
            report, "\n".join(report_summary(report)), [(folder, "a classifier for each set of leads"), *made]
        )
    made.insert(0, (folder, "the model, its feature extractor and its card"))
    following = [line("plot", folder, "--output", "training.png"), line("push", folder, "--repo_id", "OWNER/NAME")]
    if asked.problem != SURVIVAL:
        following.insert(0, line("evaluate", "classify", "RECORD.hea", "--model", folder))
    told = [*report_summary(report), *filter(None, [trained_on_note(folder)])]
    return Ending(report, "\n".join(told), made, following)
