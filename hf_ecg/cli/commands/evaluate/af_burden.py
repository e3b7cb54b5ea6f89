"""Tell how much of the time recordings are in atrial fibrillation."""

from dataclasses import replace
from pathlib import Path

import click

from ...options import BATCH_SIZE, BOOTSTRAP, CHANNELS, CONFIG, DEVICE, STRICT, as_command, many
from ...outcomes import Ending
from ...reporting import publish
from ...words import AF_RHYTHMS

BUILT_IN = "rr"
REPORT_NAME = "af_burden.json"


@as_command("af-burden")
@click.argument("records", nargs=-1, required=True, metavar="RECORDS...")
@click.option(
    "--model",
    default=BUILT_IN,
    show_default=True,
    help="A classifier with a class for AF: a folder, a packaged name, or a Hub id; rr: the irregularity of beats.",
)
@click.option("--label", help="The model's class for AF (default: AFIB, AF or atrial fibrillation).")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), help="Of the score (default: rr's own; 0.5; or by --validation)."
)
@click.option("--validation", help="Prepared corpus on whose rows the threshold is chosen, such as cinc2017.")
@click.option("--validation_folds", default="8-10", show_default=True, help="Folds of that corpus.")
@click.option("--window_seconds", type=float, default=30.0, show_default=True, help="Of a window.")
@many(
    "--rhythms",
    type=click.Choice(AF_RHYTHMS),
    default=AF_RHYTHMS[:1],
    show_default=True,
    help="What counts as AF in annotations: fibrillation, or flutter too.",
)
@CHANNELS
@CONFIG
@click.option("--block_seconds", type=float, help="Of the bootstrap (default: a 24th of a recording, 5 min at least).")
@BOOTSTRAP
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
@BATCH_SIZE
@DEVICE
@STRICT
@click.option("--picture", is_flag=True, help="Draw each recording too; needs the extra plot.")
@click.option("--output_dir", required=True, help="Folder of af_burden.json, .md, and a table for each recording.")
def command(records, model, output_dir, picture, strict, config, **given) -> Ending:
    """Tell the AF burden of long recordings: share of time, interval, episodes; with annotations, the error.

    \b
    hf-ecg evaluate af-burden HOLTER.hea --output_dir OUT --picture
    hf-ecg evaluate af-burden MITDB --model AF_MODEL --leads I --rename MLII=I --validation CINC2017 --output_dir OUT

    RECORDS are files of records, folders of them, or corpora of `hf-ecg prepare shdb_af`. A recording is streamed, so
    that a day needs little memory. Windows that are too noisy are counted apart, never as not AF. Annotations are
    read from the .atr file beside a record. It is not a medical device.
    """
    from ....evaluation.af_burden.burden_page import TITLE, burden_page, burden_summary
    from ....evaluation.af_burden.burden_run import BurdenOptions, judge_burden, summarise, write_windows
    from ....evaluation.reports.evaluation_report import command_line, version_facts
    from ....locks import output_lock

    options = BurdenOptions(
        window_seconds=given["window_seconds"],
        rhythms=tuple(given["rhythms"]),
        block_seconds=given["block_seconds"],
        replicates=given["bootstrap"],
        seed=given["seed"],
        leads=given["leads"],
        rename=given["rename"],
    )
    detector, source = _detector(model, given)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with output_lock(folder):
        entries, made = [], []
        for entry, table in judge_burden(list(records), detector, options, config, strict):
            entries.append(entry)
            if "reason" in entry:
                continue
            made.append(write_windows(folder, entry["record"], table, detector.threshold, taken=made))
            if picture:
                _draw(entry, table, detector, made[-1].with_suffix(".png"))
        if not any("burden" in entry for entry in entries):
            raise ValueError(f"no recording could be read; the first one: {entries[0]['reason']}")
        report = {
            "title": TITLE,
            "command": command_line(),
            "detector": {
                "name": detector.name,
                "threshold": detector.threshold,
                "threshold_source": source,
                "facts": detector.facts,
            },
            "options": {name: value for name, value in vars(options).items() if name != "rename"}
            | {"rename": None if options.rename is None else {str(key): name for key, name in options.rename.items()}},
            "recordings": entries,
            "summary": summarise(entries),
            "versions": version_facts(),
        }
        ending = publish(report, folder / REPORT_NAME, burden_page, told=burden_summary(report))
    return replace(ending, made=[*ending.made, (folder, f"a table of windows for each of {len(made)} recordings")])


def _detector(model: str, given: dict):
    """What scores, and where its threshold comes from in words."""
    from ....evaluation.af_burden.rr_detector import RRDetector

    if model == BUILT_IN and given["label"]:
        raise click.UsageError("--label is of a classifier's class, and rr has none: name one by --model")
    detector, source = RRDetector.load(), "chosen when it was fitted"
    if model != BUILT_IN:
        from ....evaluation.af_burden.model_detector import ModelDetector
        from ....evaluation.loading import pick_device
        from ....pretrained_models import model_source

        found = pick_device(given["device"])
        detector = ModelDetector(model_source(model), given["label"], found, given["batch_size"])
        source = "not chosen on any data"
    threshold = given["threshold"]
    if threshold is not None and given["validation"]:
        raise click.UsageError("--threshold and --validation exclude each other")
    if given["validation"]:
        from ....evaluation.af_burden.validation import validation_threshold
        from ....evaluation.protocol import parse_folds

        folds = parse_folds(given["validation_folds"])
        threshold, facts = validation_threshold(detector, given["validation"], folds, given["window_seconds"])
        source = (
            f"chosen on folds {given['validation_folds']} of {given['validation']}: {facts['windows']} windows,"
            f" {facts['af']} of AF, sensitivity {facts['sensitivity']:.3f}, specificity {facts['specificity']:.3f},"
            f" AUROC {facts['auroc']:.3f}"
        )
    elif threshold is not None:
        source = "as given"
    return (detector if threshold is None else detector.with_threshold(threshold)), source


def _draw(entry: dict, table, detector, path: Path) -> None:
    from ....plotting import save_figure
    from ....plotting.af_burden import plot_af_burden

    shares = table.shares if entry["truth"] else None
    title = f"{entry['record']}: {detector.name}"
    figure = plot_af_burden(table.starts, table.seconds, table.scores, detector.threshold, shares, title=title)
    save_figure(figure, path, dpi=150)
