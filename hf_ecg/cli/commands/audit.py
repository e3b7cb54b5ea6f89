"""Audit a model."""

import click

from ..next_steps import line
from ..options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CROPS,
    DEVICE,
    STRICT,
    as_command,
    comma_separated,
    intervals,
    many,
)
from ..outcomes import Ending
from ..reporting import forward_options, interval_options, publish
from .calibrate import JUDGED, own_folder


@as_command("audit")
@JUDGED
@click.option("--folds", default="9,10", show_default=True, help="Folds to judge.")
@many("--by", help="Further columns of the corpus whose values are groups.")
@click.option(
    "--age_bands",
    default="40,60,75",
    callback=comma_separated,
    show_default=True,
    help="First ages of all bands but the youngest.",
)
@click.option(
    "--sensitivity",
    type=float,
    default=0.9,
    show_default=True,
    help="Of the threshold at which groups are compared, of a model that is not calibrated.",
)
@click.option("--no_duplicates", is_flag=True, help="Do not compare the waveforms of training and test records.")
@ALLOW_TRAINING_FOLDS
@intervals("the bootstrap")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@click.option("--output_dir", help="Folder for the files (default: the model's own, where the card finds them).")
def command(model, data, folds, output_dir, **given) -> Ending:
    """Say for whom a model works less well, and whether its test records were in its training.

    \b
    hf-ecg audit FINETUNED PARQUET
    hf-ecg audit OUT PARQUET --prompts ptb_xl_rhythm --by recorder --output_dir AUDIT

    Compares sex, age bands, device, site and signal quality with intervals over patients. Writes audit.json and
    audit.md; `hf-ecg card` puts them into the card.
    """
    from ...evaluation.audit.audit_page import REPORT_NAME, audit_page, audit_summary
    from ...evaluation.audit.audit_run import AuditOptions, audit_model
    from ...evaluation.protocol import parse_folds

    folder = own_folder(model, output_dir)
    try:
        bands = tuple(float(one) for one in given.pop("age_bands"))
    except ValueError as error:
        raise ValueError(f"--age_bands wants ages such as 40,60,75: {error}") from error
    options = AuditOptions(tuple(given.pop("by")), bands, given.pop("sensitivity"), not given.pop("no_duplicates"))
    given |= {"intervals": interval_options(given), "forward": forward_options(given)}
    report = audit_model(model, data, folds=parse_folds(folds), options=options, **given)
    folder.mkdir(parents=True, exist_ok=True)
    following = [line("card", model)] if output_dir is None else []
    return publish(report, folder / REPORT_NAME, audit_page, told=audit_summary(report), next=following)
