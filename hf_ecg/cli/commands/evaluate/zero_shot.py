"""Judge by prompts."""

import click

from ...model_names import MODEL_NAME
from ...next_steps import after_report
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CONFIG,
    CROPS,
    DATA,
    DEVICE,
    STRICT,
    as_command,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import COMPANIONS, companions, forward_options, interval_options, publish, report_file
from ...words import BY, LEAVE_OUT, NAMES, PROTOCOLS, UNANNOTATED


@as_command("zero-shot")
@many("--model", type=MODEL_NAME, required=True, help="Folders of dual encoders, the seeds of one model.")
@DATA
@CONFIG
@many("--prompts", required=True, help="Names or YAML files of prompt sets, or LABEL_SET=CKEPE_prompt.json (MERL's).")
@click.option("--folds", default="10", show_default=True, help="Folds to judge, such as 9,10 or 1-8.")
@COMPANIONS
@click.option("--rules", is_flag=True, help="Also judge rules on what is measured in the signal, without a model.")
@click.option(
    "--unannotated",
    type=click.Choice(UNANNOTATED),
    default=LEAVE_OUT,
    show_default=True,
    help="Records without any statement of a label set: not judged, or without its classes; labelled judges only those"
    " with a class of the task.",
)
@many(
    "--by",
    type=click.Choice(BY),
    default=(NAMES,),
    show_default=True,
    help="Ask for a class by its prompts, by the waveform features of its statements, or by the sum of both z-scores.",
)
@click.option(
    "--ensemble",
    is_flag=True,
    help='Also the best of "X" and "X in lead L", where training texts name leads (FG-CLEP).',
)
@click.option("--all_prompts", is_flag=True, help="Keep prompts that no training text of the model holds.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="Stop when the models cannot claim this protocol.")
@ALLOW_TRAINING_FOLDS
@intervals("the bootstrap and of the random encoder")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@report_file("results.json")
def command(model, data, prompts, folds, output, **given) -> Ending:
    """Judge dual encoders by prompts, beside the supervised classifier of the same budget and the random encoder.

    \b
    hf-ecg evaluate zero-shot --model OUT0 OUT1 OUT2 --data PARQUET --prompts ptb_xl_superdiagnostic ptb_xl_form \\
        --by names descriptions --supervised BCE0 BCE1 BCE2 --random --rules \\
        --folds 9,10 --output results.json

    Several model folders are seeds of one model. Writes results.json and results.md.
    """
    from ....evaluation.judging.prompt_report import judge_by_prompts
    from ....evaluation.options import AskingOptions
    from ....evaluation.protocol import parse_folds
    from ....evaluation.reports.evaluation_report import check_report_path

    check_report_path(output)
    asking = AskingOptions(tuple(given.pop("by")), given.pop("ensemble"), given.pop("all_prompts"))
    given |= {"companions": companions(given), "intervals": interval_options(given), "forward": forward_options(given)}
    given |= {"asking": asking}
    report = judge_by_prompts(model, data, prompts, folds=parse_folds(folds), **given)
    return publish(report, output, next=after_report(model[0], output))
