"""Measure what a contrastive gradient owes to the metadata."""

import click

from ...options import OVERRIDES, as_command, many
from ...outcomes import Ending
from ...reporting import publish, report_file


def _steps(ctx, param, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"{text!r}, wanted whole numbers such as 0,20,60", ctx, param)
    return sorted({int(part) for part in parts})


@as_command("risk-gradient")
@click.option("--config", required=True, help="Recipe: a name, such as clef_ptb_xl, or a YAML file.")
@many("--data", help="Prepared corpora, for the recipe's sources in their order: folders or Hub ids.")
@click.option("--steps", default="0,20,60,150", show_default=True, callback=_steps, help="After which to measure.")
@report_file("risk_gradient.json")
@OVERRIDES
def command(config, data, steps, output, overrides) -> Ending:
    """Measure how much of a contrastive gradient comes of the patients' own risk or metadata.

    \b
    hf-ecg study risk-gradient --config clef_ptb_xl --data CORPUS --output risk_gradient.json [section.key=value ...]

    Trains by the recipe, on the CPU, as far as the last of --steps. After each of them, on the next batch: how far the
    logarithms of CLEF's weights and the logits differ within a row, and the gradient with the patients' own metadata
    beside that with dealt ones, with a constant target of the alignment, and with InfoNCE's. Nothing is saved but
    risk_gradient.json and risk_gradient.md.
    """
    from ....evaluation.reports.evaluation_report import check_report_path
    from ....recipes_found import find_recipe
    from ....studies.risk.gradient_report import gradient_page, gradient_report
    from ....studies.risk.gradients import gradients_along
    from ....studies.source_overrides import source_overrides
    from ....training import load_recipe

    check_report_path(output)
    paths = [override for place, one in enumerate(data) for override in source_overrides(one, place=place)]
    recipe = load_recipe(find_recipe(config), [*overrides, *paths])
    report = gradient_report(recipe, gradients_along(recipe, steps))
    return publish(report, output, gradient_page, told=[f"measured after the steps {', '.join(report['steps'])}"])
