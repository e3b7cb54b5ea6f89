"""What commands that end in a report share."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from .model_names import MODEL_NAME
from .options import many, options
from .outcomes import Ending
from .words import CROPS

COMPANIONS = options(
    many("--supervised", type=MODEL_NAME, help="Folders of classifiers of the same budget."),
    click.option("--random", is_flag=True, help="Also judge the same encoder with random weights."),
)


def report_file(name: str) -> Callable:
    """Decorator: --output, such as `name`."""
    return click.option("--output", required=True, help=f"{name}; the Markdown page is written beside it.")


def publish(
    report: dict,
    output,
    render_page: Callable[[dict], str] | None = None,
    *,
    told: Sequence[str] | None = None,
    next: Sequence[str] = (),
) -> Ending:
    """Writes a report and its page.

    Args:
        render_page: makes the page; that of an evaluation by default.
        told: lines for a person; those of an evaluation by default.
        next: commands to try.
    """
    from ..evaluation.reports.evaluation_report import write_report
    from ..evaluation.reports.short_summary import report_summary

    write_report(report, output, render_page)
    told = report_summary(report) if told is None else told
    return Ending(report, "\n".join(told), written(output), next)


def written(report) -> list[tuple]:
    """What an ending tells of a report, whose page is beside it."""
    return [(Path(report).with_suffix(".md"), "tables, to read"), (report, "all figures, as JSON")]


def interval_options(given: dict):
    """--bootstrap, --seed and --minimum, out of the options."""
    from ..evaluation.options import IntervalOptions

    return IntervalOptions(given.pop("bootstrap"), given.pop("seed"), given.pop("minimum"))


def forward_options(given: dict):
    """--batch_size, --device, --strict and, where there is one, --crops, out of the options."""
    from ..evaluation.options import ForwardOptions

    crops = given.pop("crops", CROPS[0])
    return ForwardOptions(given.pop("batch_size"), given.pop("device"), given.pop("strict"), crops)


def companions(given: dict):
    """--supervised, --random and, where there is one, --rules, out of the options."""
    from ..evaluation.options import Companions

    return Companions(tuple(given.pop("supervised")), given.pop("random"), given.pop("rules", False))


def split_folds(given: dict) -> dict[str, list[int]]:
    """--train_folds, --validation_folds and --test_folds, out of the options."""
    from ..evaluation.protocol import parse_folds

    return {split: parse_folds(given.pop(f"{split}_folds")) for split in ("train", "validation", "test")}
