"""Judge a model that completes the twelve leads."""

from dataclasses import replace
from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CONFIG,
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
from ...words import LEAD_SETS


@as_command("lead-reconstruction")
@click.option("--model", type=MODEL_NAME, required=True, help="A model such as ECGUNetForLeadReconstruction.")
@DATA
@CONFIG
@many("--inputs", default=LEAD_SETS, show_default=True, help="Sets of leads that are shown.")
@folds_of_splits("1-8", "9", "10")
@click.option("--fitted_on", help="Another prepared corpus, for the linear regressions (default: that of --data).")
@click.option("--fitted_on_config", help="Its configuration.")
@ALLOW_TRAINING_FOLDS
@intervals("bootstrap")
@BATCH_SIZE
@DEVICE
@STRICT
@click.option("--picture", help="Draw this record (its record_id, or `first`) too; needs the extra plot.")
@click.option("--picture_inputs", default="I+II", show_default=True, help="Set of leads that it is made from.")
@click.option("--output_dir", required=True, help="Folder of lead_reconstruction.json, .md and .png.")
def command(model, data, output_dir, picture, picture_inputs, **given) -> Ending:
    """Judge how well a model completes the twelve leads: the error of every lead beside linear regressions.

    \b
    hf-ecg evaluate lead-reconstruction --model OUT --data PARQUET --train_folds 1-7 --test_folds 9,10 \\
        --picture first --output_dir REPORT
    hf-ecg evaluate lead-reconstruction --model OUT --data CHAPMAN --test_folds 1-10 --fitted_on PARQUET \\
        --train_folds 1-7 --output_dir REPORT2

    For every set of --inputs and every lead that it does not tell: mean squared error in square microvolts, r, R2,
    and what the lead knows by itself (error / variance), with paired intervals over patients.
    """
    from ....evaluation.lead_reconstruction.reconstruction_page import reconstruction_page, summary
    from ....evaluation.lead_reconstruction.reconstruction_run import ReconstructionOptions, judge_lead_reconstruction

    folds = split_folds(given)
    del folds["validation"]
    asked = {name: given.pop(name) for name in ("fitted_on", "fitted_on_config")}
    options = ReconstructionOptions(inputs=tuple(given.pop("inputs")), **asked)
    given |= {"folds": folds, "intervals": interval_options(given), "forward": forward_options(given)}
    report, folder = judge_lead_reconstruction(model, data, options, **given), Path(output_dir)
    ending = publish(report, folder / "lead_reconstruction.json", reconstruction_page, told=summary(report))
    if picture is None:
        return ending
    from ....plotting import save_figure
    from ....plotting.reconstruction import plot_reconstruction

    rows = {"config": given["config"], "folds": folds["test"]}
    completed, measured = _completed(model, data, picture, picture_inputs, given["forward"].device, **rows)
    path = save_figure(plot_reconstruction(completed, measured), folder / "lead_reconstruction.png", dpi=110)
    return replace(ending, made=[*ending.made, (path, "the picture")])


def _completed(model: str, data: str, name: str, inputs: str, device: str | None, **rows):
    """A record of the corpus made from a few of its leads, and as it was measured."""
    from ....data.corpus import load_corpus
    from ....data.rows import RowDataset
    from ....evaluation.lead_reconstruction.lead_sets import LeadSet
    from ....evaluation.loading import pick_device
    from ....pipelines import pipeline
    from ....processing.inputs import read_inputs
    from ....signals import Record
    from ....signals.channels import take_channels

    table = load_corpus(data, **rows)
    names = table.select_columns(["record_id"]).with_format(None)["record_id"][:]
    if name != "first" and name not in names:
        raise ValueError(f"{data} has no record {name!r} in the folds {rows['folds']}, first are {names[:3]}")
    place = 0 if name == "first" else names.index(name)
    group = read_inputs(RowDataset(table)[place])[0]
    measured = Record(str(names[place]), group.signals[0], None, None, group.leads, group.sampling_rate)
    complete = pipeline("ecg-lead-reconstruction", model, device=pick_device(device))
    return complete(take_channels(measured, LeadSet.parse(inputs).leads)), measured
