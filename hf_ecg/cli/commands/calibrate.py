"""Calibrate a model's answers."""

from pathlib import Path

import click

from ..model_names import MODEL_NAME
from ..next_steps import line, spoken
from ..options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CONFIG,
    CROPS,
    DEVICE,
    RECORDINGS,
    STRICT,
    as_command,
    intervals,
    many,
    options,
    pairs,
)
from ..outcomes import Ending
from ..reporting import forward_options, interval_options, publish
from ..words import CALIBRATION_METHODS, OOD_SCORES

# a model and the corpus on which its own classes are asked
JUDGED = options(
    click.argument("model", type=MODEL_NAME),
    click.argument("data"),
    CONFIG,
    many("--label_sets", help="Of a classifier (default: those that it was trained on)."),
    many("--prompts", help="Prompt sets, names or YAML files, of a model of ECGs and texts."),
    click.option("--lead", help="For a model of a single lead: the one that it is to see."),
)


@as_command("calibrate")
@JUDGED
@click.option("--train_folds", default="1-7", show_default=True, help="Folds that say what is ordinary.")
@click.option("--calibration_folds", default="8", show_default=True, help="Folds to fit on.")
@click.option("--test_folds", default="9,10", show_default=True, help="Folds to judge them on.")
@click.option(
    "--method",
    type=click.Choice(CALIBRATION_METHODS),
    help="From scores to probabilities (default: the best of the calibration rows, on patients left out).",
)
@click.option("--coverage", type=float, default=0.9, show_default=True, help="How often the truth is in a set.")
@click.option("--risk", type=float, default=0.05, show_default=True, help="Share of wrong ones among given answers.")
@click.option("--sensitivity", type=float, default=0.9, show_default=True, help="Of the operating points.")
@click.option("--prevalence", type=float, help="For the predictive value (default: that of the judged rows).")
@click.option("--capacity", type=float, default=0.05, show_default=True, help="Share of records to look at.")
@click.option("--ood", type=click.Choice(OOD_SCORES), default=OOD_SCORES[0], show_default=True, help="Score.")
@click.option(
    "--other",
    "others",
    multiple=True,
    callback=pairs,
    metavar="NAME=DATA",
    help="A prepared corpus that is to look strange; may be repeated.",
)
@RECORDINGS
@ALLOW_TRAINING_FOLDS
@intervals("the bootstrap and of made inputs")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@click.option("--picture", is_flag=True, help="Draw figures/reliability.png too; needs the extra plot.")
@click.option("--output_dir", help="Folder for the files (default: the model's own, where the pipelines find them).")
def command(model, data, output_dir, picture, others, **given) -> Ending:
    """Say how sure a model's answers are: probabilities that hold, sets that cover, abstention, strange inputs.

    \b
    hf-ecg calibrate FINETUNED PARQUET --picture
    hf-ecg calibrate OUT PARQUET --prompts ptb_xl_rhythm --other CPSC2018=CPSC --recordings NSTDB

    Fitted on folds that the weights have not seen, judged on others. Writes calibration.json, which the pipelines
    apply when it lies beside the weights it is of, and calibration_report.json and .md.
    """
    from ...evaluation.calibration.calibrated_tasks import CalibrationOptions
    from ...evaluation.calibration.calibration_file import FILE_NAME, write_calibration
    from ...evaluation.calibration.calibration_page import (
        PICTURE_NAME,
        REPORT_NAME,
        calibration_page,
        calibration_summary,
    )
    from ...evaluation.calibration.calibration_run import SPLITS, StrangeInputs, calibrate_model
    from ...evaluation.protocol import parse_folds

    folder = own_folder(model, output_dir)
    names = ("method", "coverage", "risk", "sensitivity", "prevalence", "capacity", "ood")
    options = CalibrationOptions(**{name: given.pop(name) for name in names})
    strange = StrangeInputs(others, given.pop("recordings"))
    folds = {split: parse_folds(given.pop(f"{split}_folds")) for split in SPLITS}
    given |= {"intervals": interval_options(given), "forward": forward_options(given)}
    found, report = calibrate_model(model, data, folds=folds, options=options, strange=strange, **given)
    folder.mkdir(parents=True, exist_ok=True)
    ending = publish(report, folder / REPORT_NAME, calibration_page, told=calibration_summary(report))
    made = [(write_calibration(found, folder / FILE_NAME), "what the pipelines apply"), *ending.made]
    if picture:
        from ...plotting import save_figure
        from ...plotting.reliability import plot_reliability

        (folder / "figures").mkdir(exist_ok=True)
        bins = {task["name"]: task["bins"] for task in report["tasks"]}
        path = save_figure(plot_reliability(bins), folder / "figures" / PICTURE_NAME, dpi=150)
        made.append((path, "the reliability diagram"))
    return Ending(report, ending.told, made, [line("card", model)] if output_dir is None else [])


def own_folder(model: str, output_dir: str | None) -> Path:
    """Where the files of a model go: the folder that was named, or its own.

    Raises:
        ValueError: none is named, and the model is not a folder of the user's.
    """
    if output_dir is not None:
        return Path(output_dir)
    if not Path(model).is_dir() or spoken(model) != str(model):
        raise ValueError(f"{spoken(model)} is not a folder of yours to write to: --output_dir names one")
    return Path(model)
