"""Train detectors of noise and judge them across corpora."""

from dataclasses import replace
from pathlib import Path

import click

from ...options import BOOTSTRAP, NOISE_CORPORA, as_command, many
from ...outcomes import Ending
from ...reporting import publish
from ...words import NOISE_CLASSIFIERS, NOISE_METHODS


@as_command("noise")
@NOISE_CORPORA
@many("--methods", type=click.Choice(NOISE_METHODS), default=NOISE_METHODS, show_default=True, help="Of features.")
@many(
    "--classifiers",
    type=click.Choice(NOISE_CLASSIFIERS),
    default=NOISE_CLASSIFIERS,
    show_default=True,
    help="Of scikit-learn.",
)
@click.option("--folds", type=int, default=5, show_default=True, help="Of the figures out of fold, by subject.")
@BOOTSTRAP
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of added noise, folds and classifiers.")
@click.option("--output_dir", required=True, help="Folder of the report, its page, and a detector a method.")
def command(
    cinc2017, mit_bih, recordings, clean, config, max_records, methods, classifiers, folds, bootstrap, seed, output_dir
) -> Ending:
    """Train detectors of noise on one corpus and judge them on the other; write one detector for each method.

    \b
    hf-ecg study noise --cinc2017 CINC2017 --mit_bih MITDB --recordings NSTDB --output_dir out/noise

    Subjects are whole: out of fold on a corpus that was trained on, all of the other one. The detector of a method is
    trained on the first corpus alone, with the classifier that is best out of fold on it. Those inside the package
    were made by this command of the Challenge 2017.
    """
    from ....evaluation.noise_detection.noise_corpora import asked_corpora
    from ....evaluation.noise_detection.noise_report import noise_page, noise_report, noise_summary
    from ....evaluation.options import IntervalOptions
    from ....studies.noise_detection.noise_study import NoiseStudyOptions, save_detectors, study_noise

    intervals = IntervalOptions(bootstrap, seed)
    options = NoiseStudyOptions(tuple(methods), tuple(classifiers), folds, seed, intervals=intervals)
    corpora = asked_corpora(cinc2017, mit_bih, recordings, clean, config, max_records, seed)
    rows, detectors = study_noise(corpora, options)
    report = noise_report(rows, intervals, folds=folds, seed=seed)
    made = save_detectors(detectors, corpora, options, Path(output_dir))
    ending = publish(report, Path(output_dir) / "noise_detection.json", noise_page, told=noise_summary(report))
    written = [(path, f"the detector of {method}") for method, path in made.items()]
    return replace(ending, made=[*ending.made, *written])
