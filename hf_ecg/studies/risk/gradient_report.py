"""The report of `hf-ecg study risk-gradient`: a table by steps, and what its columns mean."""

from ...evaluation.reports.evaluation_report import command_line, version_facts
from ...training.recipe import Recipe

_WORDS = {
    "log_weights_deviation": "SD of the log-weights",
    "logits_deviation": "SD of the negatives' logits",
    "weights_share": "weights' share of both variances",
    "weights_difference": "weights alone: relative difference, dealt",
    "constant_cosine": "alignment: cosine with a constant target's gradient",
    "dealt_difference": "whole loss: relative difference, dealt",
    "dealt_cosine": "whole loss: cosine, dealt",
    "info_nce_cosine": "whole loss: cosine with InfoNCE's gradient",
}


def gradient_report(recipe: Recipe, measured: dict[int, dict[str, float]]) -> dict:
    """What was measured, with the recipe, the versions and the command."""
    return {
        "title": "What a contrastive gradient owes to the patients' own metadata",
        "data": [source.path for source in recipe.data.sources],
        "recipe": recipe.to_dict(),
        "steps": {str(step): values for step, values in measured.items()},
        "versions": version_facts(),
        "command": command_line(),
    }


def gradient_page(report: dict) -> str:
    """The report in Markdown."""
    steps = report["steps"]
    config = report["recipe"]["model"]["config"]
    known = [name for name in _WORDS if any(name in values for values in steps.values())]
    lines = [
        f"# {report['title']}",
        "",
        f"Loss `{config.get('loss_type', 'risk_weighted')}`, temperature {config.get('temperature', 0.07)}, batches of"
        f" {report['recipe']['run']['batch_size']}; `dealt`: risks and metadata of other records of the batch.",
        "",
        "| after step | " + " | ".join(steps) + " |",
        "| --- |" + " --- |" * len(steps),
    ]
    for name in known:
        cells = [f"{values[name]:.4f}" if name in values else "" for values in steps.values()]
        lines.append(f"| {_WORDS[name]} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"```\n{report['command']}\n```", ""])
