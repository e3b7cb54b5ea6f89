"""Tell the beats of MIT-BIH apart, between patients and within them."""

import os
from pathlib import Path

import click

from ...options import BOOTSTRAP, OVERRIDES, as_command
from ...outcomes import Ending
from ...reporting import publish


@as_command("beats")
@click.option("--data_dir", required=True, help="Folder with the records and their annotations, at any depth.")
@click.option("--seeds", default="0,1", show_default=True, help="Of the chosen model; the first is that of all.")
@click.option("--pairs", type=int, default=12, show_default=True, help="Steps that are timed at each rate.")
@BOOTSTRAP
@click.option("--output_dir", required=True, help="Folder of corpora, runs and the report.")
@OVERRIDES
def command(data_dir, seeds, pairs, bootstrap, output_dir, overrides) -> Ending:
    """Tell the five AAMI classes of MIT-BIH's beats apart, with both splits side by side.

    \b
    hf-ecg study beats --data_dir RAW --output_dir OUT [section.key=value ...]

    A ResNet is trained by the recipe mit_bih_beats: with and without the intervals around a beat, with and without
    weights of rare classes. Four records of DS1 choose among these; DS2 judges. Beside it the waveforms alone on a
    random split of beats, which is leaky, and at 360 Hz, with what they cost. OUT/ holds corpora/, runs/, beats.json
    and beats.md. Runs that are finished are not trained again.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.options import IntervalOptions
    from ....studies.ablation import parse_seeds
    from ....studies.beats.beat_page import beat_lines, beat_page
    from ....studies.beats.beat_study import REPORT, BeatStudy, beat_study

    intervals = IntervalOptions(replicates=bootstrap)
    asked = BeatStudy(data_dir, output_dir, parse_seeds(seeds), pairs, intervals, overrides)
    report = beat_study(asked)
    return publish(report, Path(output_dir) / REPORT, beat_page, told=beat_lines(report))
