"""Judge detectors of noise."""

import click

from ...options import BOOTSTRAP, NOISE_CORPORA, as_command, many
from ...outcomes import Ending
from ...reporting import publish, report_file


@as_command("noise-detection")
@many(
    "--detector",
    default=("hrv", "hrv_and_waveform"),
    show_default=True,
    help="Detectors of the package, or JSON files of hf-ecg study noise.",
)
@NOISE_CORPORA
@BOOTSTRAP
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the added noise and the bootstrap.")
@report_file("noise_detection.json")
def command(detector, cinc2017, mit_bih, recordings, clean, config, max_records, bootstrap, seed, output) -> Ending:
    """Judge detectors of noise on records whose noise is known: AUROC, AUPRC, accuracy and F1, AF and ectopy apart.

    \b
    hf-ecg evaluate noise-detection --cinc2017 CINC2017 --output noise_detection.json
    hf-ecg evaluate noise-detection --mit_bih MITDB --recordings NSTDB --detector out/noise/hrv.json --output o.json

    In the Challenge 2017 a record is noisy whose class is "~". In MIT-BIH a window of 20 s is noisy to which noise was
    added at 6 dB or less, in every other two minutes as in the Noise Stress Test Database. A detector of the package
    has seen records of the Challenge 2017: on those its figures are too good.
    """
    from ....evaluation.noise_detection.noise_corpora import asked_corpora
    from ....evaluation.noise_detection.noise_report import judge_detectors, noise_page, noise_report, noise_summary
    from ....evaluation.options import IntervalOptions
    from ....evaluation.reports.evaluation_report import check_report_path
    from ....signals.quality import load_noise_detector

    check_report_path(output)
    intervals = IntervalOptions(bootstrap, seed)
    detectors = {name: load_noise_detector(name) for name in detector}
    corpora = asked_corpora(cinc2017, mit_bih, recordings, clean, config, max_records, seed)
    rows = judge_detectors(detectors, corpora, intervals)
    report = noise_report(rows, intervals, detectors={name: own.origin for name, own in detectors.items()})
    return publish(report, output, noise_page, told=noise_summary(report))
