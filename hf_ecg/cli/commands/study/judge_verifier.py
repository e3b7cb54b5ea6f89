"""Judge verifiers."""

import click

from ...options import BATCH_SIZE, BOOTSTRAP, CONFIG, DATA, DEVICE, OVERRIDES, STRICT, as_command
from ...outcomes import Ending
from ...reporting import forward_options, interval_options, publish, report_file
from ...verifying import VERIFIER, judges_of
from ...words import MINIMUM_POSITIVES, SWAPS, TARGET_PRECISION


@as_command("judge-verifier")
@DATA
@CONFIG
@click.option("--label_set", help="Statements to judge by (default: those that the corpus withheld).")
@click.option("--all_rows", is_flag=True, help="Judge all records, not those with withheld statements.")
@VERIFIER
@click.option("--folds", help="Folds to cross-fit in (default: all).")
@click.option("--minimum", type=int, default=MINIMUM_POSITIVES, show_default=True, help="Positives of a feature.")
@click.option("--target_precision", type=float, default=TARGET_PRECISION, show_default=True, help="Of clep.")
@click.option("--swaps", type=int, default=SWAPS, show_default=True, help="Draws of the other ECG.")
@BOOTSTRAP
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of swaps and bootstrap.")
@click.option("--num_proc", type=int, help="Processes that measure (default: one a core, eight at most).")
@BATCH_SIZE
@DEVICE
@STRICT
@click.option("--cache", help="Folder that keeps measurements and embeddings for the next call.")
@report_file("verifiers.json")
@OVERRIDES
def command(data, config, folds, overrides, output, **given) -> Ending:
    """Judge the verifiers of waveform features on statements that were withheld from the texts.

    \b
    hf-ecg prepare ptb_xl --data_dir PTB_XL --output_dir CORPUS --withhold form --withhold_share 0.5
    hf-ecg study judge-verifier --data CORPUS --recipe clep_ptb_xl --judges JUDGES --output verifiers.json \\
        [section.key=value ...]

    A verifier that only knows which features go with which diagnosis is no better on a record's own ECG than on
    another one with the same diagnosis. JUDGES holds the dual encoders, cross-fitted by patient; they are trained when
    they are not there. Writes verifiers.json and verifiers.md.
    """
    from ....enrichment.verification.judge_report import judgement_page, verdict_lines
    from ....enrichment.verification.judged_corpus import judge_corpus, open_judged_corpus
    from ....enrichment.verification.scoring import ClepOptions
    from ....evaluation.protocol import parse_folds
    from ....evaluation.reports.evaluation_report import check_report_path

    check_report_path(output)
    forward = forward_options(given)
    corpus = open_judged_corpus(data, config, given.pop("label_set"), not given.pop("all_rows"), forward.strict)
    # nothing is trained on the texts that come of this: every fold may be judged
    asked = parse_folds(folds) if folds else sorted(set(corpus.rows["fold"]))
    models = judges_of(given, data, corpus.config, overrides, asked)
    clep = ClepOptions(models, given.pop("target_precision"), forward=forward)
    report = judge_corpus(corpus, clep, given.pop("verifier"), intervals=interval_options(given), **given)
    return publish(report, output, judgement_page, told=verdict_lines(report))
