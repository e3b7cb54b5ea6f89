"""Verify waveform features."""

from pathlib import Path

import click

from ....next_steps import line
from ....options import BATCH_SIZE, CONFIG, DATA, DEVICE, OVERRIDES, STRICT, as_command
from ....outcomes import Ending
from ....reporting import forward_options
from ....verifying import VERIFIER, judges_of
from ....words import MINIMUM_POSITIVES, TARGET_PRECISION

COUNTS = ("rows", "proposals", "kept", "rejected", "undecided", "records_changed", "words_added", "seconds")


@as_command("verify")
@DATA
@CONFIG
@click.option("--proposals", required=True, help="What propose wrote.")
@click.option("--text_column", default="text", show_default=True, help="Texts that were proposed for.")
@click.option("--output_dir", required=True, help="Folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace an augmented corpus that is there.")
@VERIFIER
@click.option("--controls", is_flag=True, help="Also write texts with all, and with random, features.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random ones.")
@click.option("--num_proc", type=int, help="Processes that measure (default: one a core, eight at most).")
@click.option("--measurements", help="Folder that keeps what was measured, for another call.")
@click.option("--target_precision", type=float, default=TARGET_PRECISION, show_default=True, help="Of clep.")
@click.option(
    "--minimum", type=int, default=MINIMUM_POSITIVES, show_default=True, help="Validation positives of a feature."
)
@click.option("--compat_fixed_threshold", type=float, help="One probability for all; the paper's is 0.95.")
@BATCH_SIZE
@DEVICE
@STRICT
@OVERRIDES
def command(data, proposals, output_dir, overrides, **given) -> Ending:
    """Keep the features that the signal supports, and write the corpus.

    \b
    hf-ecg study augment-reports verify --data PARQUET --proposals PROPOSALS --output_dir AUGMENTED \\
        --recipe clep_ptb_xl --judges JUDGES [section.key=value ...]

    A feature is decided by what is measured on the signal. Where that is open, models of ECG and text decide that
    never saw the record: those in JUDGES. The recipe trains them in its training and validation folds where they are
    absent. AUGMENTED is PARQUET with
    `augmented_report` and `waveform_features`, and verification.md.
    """
    from .....enrichment.verification.scoring import ClepOptions
    from .....enrichment.verification.verification_run import verify

    models = judges_of(given, data, given["config"], overrides)
    names = ("target_precision", "minimum", "compat_fixed_threshold")
    options = ClepOptions(models, *(given.pop(name) for name in names), forward_options(given))
    seed, controls = given.pop("seed"), given.pop("controls")
    verifier = list(given.pop("verifier"))
    statistics = verify(
        data, proposals, output_dir, verifier, options, control_seed=seed if controls else None, **given
    )
    told = "\n".join(f"{name}: {statistics[name]}" for name in COUNTS)
    made = [
        (output_dir, "the corpus with verified features"),
        (Path(output_dir) / "verification.md", "tables, to read"),
    ]
    following = ("pretrain", "--config", "fg_clep_ptb_xl", "--data", output_dir, "--output_dir", "out/fg_clep")
    return Ending(statistics, told, made, [line(*following)])
