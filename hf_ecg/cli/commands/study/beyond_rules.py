"""Judge what a model adds to the rules of waveform features."""

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
    comma_separated,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import forward_options, interval_options, publish, report_file
from ...words import LEAVE_OUT, UNANNOTATED


@as_command("beyond-rules")
@many(
    "--model",
    type=MODEL_NAME,
    required=True,
    help="Folders of dual encoders, the seeds of one model or the turns of a rotation.",
)
@DATA
@CONFIG
@many("--prompts", required=True, help="Names or YAML files of prompt sets.")
@click.option("--folds", default="10", show_default=True, help="Folds to judge, such as 9,10 or 1-10.")
@click.option("--rotation", is_flag=True, help="Each model judges those of the folds that it has not seen.")
@click.option(
    "--leads", callback=comma_separated, default="I,II", show_default=True, help='Also with these alone; "": not so.'
)
@click.option("--noise", type=float, default=0.1, show_default=True, help="Also with that many millivolts; 0: not so.")
@click.option(
    "--share", type=float, default=0.25, show_default=True, help="Of records whose fewest features are decided."
)
@click.option(
    "--unannotated",
    type=click.Choice(UNANNOTATED),
    default=LEAVE_OUT,
    show_default=True,
    help="Records without any statement of a label set, see evaluate zero-shot.",
)
@ALLOW_TRAINING_FOLDS
@intervals("the bootstrap and of the noise")
@BATCH_SIZE
@DEVICE
@STRICT
@report_file("beyond_rules.json")
def command(model, data, prompts, folds, leads, noise, share, output, **given) -> Ending:
    """Judge the rules of waveform features, a model's descriptions, and both together, where rules are at a loss.

    \b
    hf-ecg study beyond-rules --model OUT0 OUT1 OUT2 --data PARQUET --prompts ptb_xl_held_out --folds 9,10 \\
        --output beyond_rules.json

    Subsets of records are chosen without labels: those of which the rules decide the fewest features, those with a
    quality flag, all with two leads alone, all with added noise. Rules and model see the same. Writes the report and
    its page.
    """
    from ....evaluation.protocol import parse_folds
    from ....evaluation.reports.evaluation_report import check_report_path
    from ....studies.beyond_rules import Harder, beyond_rules, beyond_rules_page

    check_report_path(output)
    given |= {"intervals": interval_options(given), "forward": forward_options(given)}
    given["harder"] = Harder(tuple(leads or ()), noise, share)
    report = beyond_rules(model, data, prompts, folds=parse_folds(folds), **given)
    return publish(report, output, beyond_rules_page)
