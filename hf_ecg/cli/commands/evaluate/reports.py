"""Judge reports that a model writes of ECGs."""

from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...next_steps import after_report
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CONFIG,
    DATA,
    DEVICE,
    STRICT,
    as_command,
    folds_of_splits,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import forward_options, interval_options, publish, report_file, split_folds


@as_command("reports")
@click.option("--model", type=MODEL_NAME, required=True, help="Folder of a model that can write reports of ECGs.")
@DATA
@CONFIG
@folds_of_splits("1-8", "9", "10")
@many("--references", help="Columns of the true reports (default: what the model was trained on, and report).")
@click.option("--template", type=MODEL_NAME, help="Classifier, or model of ECGs and texts, that fills a template.")
@click.option("--num_beams", type=int, default=1, show_default=True, help="Beams of the search; 1 is greedy.")
@click.option("--max_new_tokens", type=int, help="Tokens of a report, at most (default: the model's).")
@ALLOW_TRAINING_FOLDS
@intervals("the bootstrap")
@BATCH_SIZE
@DEVICE
@STRICT
@report_file("reports.json")
def command(model, data, output, num_beams, max_new_tokens, **given) -> Ending:
    """Judge the reports that a model writes: statements named, BLEU, ROUGE-L, beside a template and a constant.

    \b
    hf-ecg evaluate reports --model OUT --data PARQUET --template CLEP --train_folds 1-7 --validation_folds 8 \\
        --test_folds 9,10 --output reports.json

    Training folds give the commonest report, validation folds choose the template's thresholds, test folds are judged.
    Writes reports.json, reports.md and reports.texts.jsonl; a run that was stopped goes on with the latter.
    """
    from ....evaluation.judging.generation_report import judge_written_reports, render_written_reports
    from ....evaluation.judging.written_reports import WritingOptions
    from ....evaluation.reports.evaluation_report import check_report_path

    kept = check_report_path(output).with_suffix(".texts.jsonl")
    given |= {"folds": split_folds(given), "writing": WritingOptions(num_beams, max_new_tokens)}
    given |= {"intervals": interval_options(given), "forward": forward_options(given)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    report = judge_written_reports(model, data, kept=kept, **given)
    ending = publish(report, output, render_written_reports, next=after_report(model, output))
    return Ending(ending.result, ending.told, [*ending.made, (Path(kept), "what the model wrote")], ending.next)
