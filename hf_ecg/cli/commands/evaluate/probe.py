"""Judge by linear probes."""

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
    METRIC,
    STRICT,
    as_command,
    folds_of_splits,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import (
    COMPANIONS,
    companions,
    forward_options,
    interval_options,
    publish,
    report_file,
    split_folds,
)
from ...words import METRICS, STRENGTHS


@as_command("probe")
@many("--model", type=MODEL_NAME, required=True, help="Folders of encoders (OUT/encoder), the seeds of one model.")
@DATA
@CONFIG
@click.option("--label_set", default="superdiagnostic", show_default=True, help="Column of labels.")
@folds_of_splits("1-8", "9", "10")
@click.option("--fractions", default="1,10,100", show_default=True, help="Percentages of training patients.")
@many("--strengths", type=float, default=STRENGTHS, show_default=True, help="Values of C to try.")
@METRIC
@click.option("--lead", help="For encoders of a single lead: the one they are to see, such as I.")
@COMPANIONS
@ALLOW_TRAINING_FOLDS
@intervals("patient shares, random encoder and bootstrap")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@report_file("probe.json")
def command(model, data, label_set, fractions, output, **given) -> Ending:
    """Judge frozen encoders by linear probes, beside the random encoder and the classifier of the same budget.

    \b
    hf-ecg evaluate probe --model OUT0/encoder OUT1/encoder --data PARQUET --label_set superdiagnostic \\
        --train_folds 1-7 --validation_folds 8 --test_folds 9,10 --fractions 1,10,100 --random \\
        --supervised BCE0 BCE1 --output probe.json

    Several model folders are seeds of one model. An encoder of a single lead that accepts several of the corpus wants
    --lead, and the report names it. Writes probe.json and probe.md.
    """
    from ....evaluation.judging.linear_probe import parse_percentages
    from ....evaluation.judging.probe_report import judge_by_probe
    from ....evaluation.reports.evaluation_report import check_report_path

    check_report_path(output)
    given["metric"] = given["metric"] or METRICS[0]
    given |= {"folds": split_folds(given), "percentages": parse_percentages(fractions)}
    given |= {"companions": companions(given), "intervals": interval_options(given), "forward": forward_options(given)}
    report = judge_by_probe(model, data, label_set, **given)
    return publish(report, output, next=after_report(model[0], output))
