"""Judge models under fewer leads and more noise."""

from dataclasses import replace
from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CONFIG,
    CROPS,
    DATA,
    DEVICE,
    RECORDINGS,
    STRICT,
    as_command,
    folds_of_splits,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import forward_options, interval_options, publish, split_folds
from ...words import NOISE_KINDS, ROBUSTNESS_TABLES, SNR_RULES, SNRS_DB


@as_command("robustness")
@many(
    "--model",
    type=MODEL_NAME,
    required=True,
    help="A classifier, a model of ECGs and texts, or an encoder; several folders are the seeds of one model.",
)
@DATA
@CONFIG
@many("--label_sets", default=("superdiagnostic",), show_default=True, help="Columns of labels, a table each.")
@many("--prompts", help="Prompt sets in place of label sets, for a model of ECGs and texts.")
@click.option("--probe", is_flag=True, help="Judge the encoder inside by a linear probe, whatever stands around it.")
@click.option("--lead", help="For an encoder of a single lead: the one that its probe is trained on.")
@folds_of_splits("1-8", "9", "10")
@click.option(
    "--table",
    type=click.Choice(ROBUSTNESS_TABLES),
    default=ROBUSTNESS_TABLES[0],
    show_default=True,
    help="Sets of leads by noises, or TolerantECG's clean, masked, noisy and both.",
)
@many("--noises", type=click.Choice(NOISE_KINDS), default=NOISE_KINDS, show_default=True, help="Of the grid.")
@many("--snr_db", type=float, default=SNRS_DB, show_default=True, help="Signal over noise, in decibels.")
@click.option(
    "--snr_rule",
    type=click.Choice(SNR_RULES),
    default=SNR_RULES[0],
    show_default=True,
    help="What counts as signal: the beats' voltage, or the raw lead's mean square.",
)
@RECORDINGS
@click.option("--mask_rate", type=float, default=0.5, show_default=True, help="Of TolerantECG's table.")
@click.option("--leaky", is_flag=True, help="Patients may be on both sides, as in published splits; the page says so.")
@many("--against", type=MODEL_NAME, help="Another model of the same kind, for paired differences in every cell.")
@ALLOW_TRAINING_FOLDS
@intervals("noise, masked leads, probe and bootstrap")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@click.option("--picture", is_flag=True, help="Draw robustness.png too; needs the extra plot.")
@many("--beside", help="Reports of other models (their robustness.json), drawn beside; needs --picture.")
@click.option("--output_dir", required=True, help="Folder of robustness.json, .md and .png, and of finished parts.")
def command(model, data, output_dir, picture, beside, **given) -> Ending:
    """Judge any model under fewer leads and more noise: macro AUROC, and the drop against clean twelve leads.

    \b
    hf-ecg evaluate robustness --model OUT/clep --data PARQUET --test_folds 9,10 --recordings NSTDB \\
        --picture --output_dir OUT
    hf-ecg evaluate robustness --model OUT/encoder --data PARQUET --label_sets superdiagnostic form rhythm \\
        --table tolerantecg --snr_db 0 --output_dir OUT2

    A classifier is judged by its classes, a model of ECGs and texts by prompts, any encoder by a linear probe of the
    clean training folds. Every model meets the same noise. The same command resumes a run that was stopped.
    """
    from ....evaluation.robustness.conditions import NoiseOptions
    from ....evaluation.robustness.robustness_page import robustness_page, robustness_summary, robustness_tables
    from ....evaluation.robustness.robustness_run import REPORT_NAME, RobustnessOptions, judge_robustness
    from ....strict_json import read_json_object

    noise = NoiseOptions(
        kinds=tuple(given.pop("noises")),
        snrs_db=tuple(given.pop("snr_db")),
        rule=given.pop("snr_rule"),
        recordings=given.pop("recordings"),
        seed=given["seed"],
        mask_rate=given.pop("mask_rate"),
    )
    asked = {name: given.pop(name) for name in ("probe", "lead", "table", "leaky")}
    asked |= {name: tuple(given.pop(name) or ()) for name in ("label_sets", "prompts", "against")}
    given |= {"folds": split_folds(given), "intervals": interval_options(given), "forward": forward_options(given)}
    options, folder = RobustnessOptions(noise=noise, **asked), Path(output_dir)
    if beside and not picture:
        raise ValueError("--beside draws other reports in the picture: wanted --picture with it")
    others = [read_json_object(path) for path in beside or ()]
    report = judge_robustness(model, data, folder, options, **given)
    ending = publish(report, folder / REPORT_NAME, robustness_page, told=robustness_summary(report))
    if not picture:
        return ending
    from ....plotting import save_figure
    from ....plotting.robustness import plot_robustness

    tables = [table for each in (report, *others) for table in robustness_tables(each, named=bool(others))]
    path = save_figure(plot_robustness(tables), folder / "robustness.png", dpi=150)
    return replace(ending, made=[*ending.made, (path, "the picture")])
