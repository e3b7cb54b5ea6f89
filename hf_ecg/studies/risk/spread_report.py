"""The report of `hf-ecg study risk-spread`: explained variance by way and share, and the gain over InfoNCE."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ...evaluation.reports.evaluation_report import command_line, version_facts
from .spread import PLAIN, SpreadStudy


def spread_report(study: SpreadStudy, runs: Sequence[dict]) -> dict:
    """The runs with what was tried, the versions and the command."""
    return {
        "title": "How far apart the weights must lie to teach a risk",
        "study": asdict(study),
        "runs": list(runs),
        "versions": version_facts(),
        "command": command_line(),
    }


def gains(runs: Sequence[dict]) -> dict[tuple[float, str], list[tuple[float, float]]]:
    """Of each share and way but InfoNCE, by seed: the spread, and the gain in explained variance over InfoNCE."""
    plain = {(run["share"], run["seed"]): run["r2"] for run in runs if run["way"] == PLAIN}
    found: dict[tuple[float, str], list[tuple[float, float]]] = {}
    for run in runs:
        if run["way"] != PLAIN:
            gain = run["r2"] - plain[run["share"], run["seed"]]
            found.setdefault((run["share"], run["way"]), []).append((run["spread"], gain))
    return found


def spread_page(report: dict) -> str:
    """The report in Markdown."""
    runs, study = report["runs"], report["study"]
    ways, shares = list(dict.fromkeys(run["way"] for run in runs)), study["shares"]
    lines = [
        f"# {report['title']}",
        "",
        "Explained variance (R2) of the log-risk in unseen records, by a ridge on frozen features: mean and range over"
        f" {len(study['seeds'])} seed(s), each with patients of its own; in brackets the gain over InfoNCE.",
        "",
        "| weights: spread over the logits' | " + " | ".join(f"risk explains {share:.0%}" for share in shares) + " |",
        "| --- |" + " --- |" * len(shares),
    ]
    gained = gains(runs)
    for way in ways:
        spreads = [run["spread"] for run in runs if run["way"] == way]
        name = way if way == PLAIN else f"{way} ({np.mean(spreads):.2f})"
        cells = [_cell([run["r2"] for run in runs if (run["way"], run["share"]) == (way, share)]) for share in shares]
        for place, share in enumerate(shares):
            if (share, way) in gained:
                mean = np.mean([gain for _, gain in gained[share, way]])
                cells[place] += f" ({mean:+.3f})"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"```\n{report['command']}\n```", ""])


def _cell(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"
