"""Measure whether a model leans on the cue that is easiest to learn."""

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
    STRICT,
    as_command,
    folds_of_splits,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import forward_options, interval_options, publish, split_folds
from ...words import BANDS_HZ


@as_command("simplicity-bias")
@many("--model", type=MODEL_NAME, required=True, help="Any model of ECGs; several folders are the seeds of one model.")
@DATA
@CONFIG
@click.option("--easy", default="rhythm", show_default=True, help="Label set of what is easy to see.")
@click.option("--subtle", default="form", show_default=True, help="Label set of what is hard to see.")
@folds_of_splits("1-8", "9", "10")
@click.option(
    "--positives",
    type=int,
    default=30,
    show_default=True,
    help="Of each class, that an equal probe is trained on; negatives are four times as many.",
)
@click.option("--draws", type=int, default=5, show_default=True, help="How often these rows are drawn.")
@many("--bands", type=float, default=BANDS_HZ, show_default=True, help="Where bands of frequency are divided, in Hz.")
@click.option(
    "--gradient_records", type=int, default=256, show_default=True, help="The most records whose gradients count."
)
@click.option("--lead", help="For an encoder of a single lead: the one that it is to see.")
@click.option("--random", is_flag=True, help="Also judge the same encoder with random weights.")
@many("--against", type=MODEL_NAME, help="Another model, such as the supervised twin; its seeds.")
@ALLOW_TRAINING_FOLDS
@intervals("probes, random encoder and bootstrap")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@click.option("--picture", is_flag=True, help="Draw simplicity_bias.png too; needs the extra plot.")
@click.option(
    "--output_dir", required=True, help="Folder of simplicity_bias.json, .md and .png, and of finished parts."
)
def command(model, data, output_dir, picture, **given) -> Ending:
    """Measure simplicity bias: does a model see more than the cue that is easiest to learn?

    \b
    hf-ecg evaluate simplicity-bias --model OUT/encoder --random --data PARQUET --output_dir OUT
    hf-ecg evaluate simplicity-bias --model MAE0/encoder MAE1/encoder --against BCE0 BCE1 --data PARQUET \\
        --train_folds 1-7 --validation_folds 8 --test_folds 9,10 --picture --output_dir OUT2

    The encoder inside any model is judged by linear probes of frozen features, in three ways: easy against subtle
    classes at equal positives, the energy of the input's gradient by frequency, and what is left when the rhythm is
    kept and the waveform averaged, or the reverse. The same command resumes a run that was stopped.
    """
    from ....evaluation.simplicity_bias.bias_page import bias_page, bias_summary
    from ....evaluation.simplicity_bias.bias_run import REPORT_NAME, BiasOptions, judge_simplicity_bias

    names = ("easy", "subtle", "positives", "draws", "gradient_records", "lead", "random")
    asked = {name: given.pop(name) for name in names}
    asked |= {name: tuple(given.pop(name) or ()) for name in ("bands", "against")}
    given |= {"folds": split_folds(given), "intervals": interval_options(given), "forward": forward_options(given)}
    options, folder = BiasOptions(**asked), Path(output_dir)
    report = judge_simplicity_bias(model, data, folder, options, **given)
    ending = publish(report, folder / REPORT_NAME, bias_page, told=bias_summary(report))
    if not picture:
        return ending
    from ....plotting import save_figure
    from ....plotting.simplicity_bias import plot_simplicity_bias

    path = save_figure(plot_simplicity_bias(report), folder / "simplicity_bias.png", dpi=150)
    return replace(ending, made=[*ending.made, (path, "the picture")])
