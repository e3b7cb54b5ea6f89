"""Saved detectors judged on corpora, and the page of such figures."""

from collections.abc import Mapping, Sequence

from ...signals.quality.noise_detector import NoiseDetector
from ...signals.quality.noise_features import METHODS, R_PEAKS
from ..metrics.interval_text import interval_text
from ..options import IntervalOptions
from ..reports.evaluation_report import command_line, machine_facts, version_facts
from .noise_corpora import NoiseWindows
from .noise_figures import called_noisy, noise_figures

TITLE = "Noise detection"
SAVED = "saved detector"
_METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "accuracy",
    "f1": "F1",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}


def judge_detectors(
    detectors: Mapping[str, NoiseDetector], corpora: Sequence[NoiseWindows], intervals: IntervalOptions
) -> list[dict]:
    """Rows of the table: each detector on each corpus, as it is, by its own threshold.

    A corpus of which every unit is taken as clean has no AUROC: only the share called noisy.

    Raises:
        ValueError: a corpus whose units are all noisy.
    """
    rows = []
    for name, detector in detectors.items():
        for corpus in corpora:
            probability = window_probability(corpus, detector.method, detector.classifier)
            labelled = (corpus.noisy == 1).any()
            figures = (
                noise_figures(corpus, probability, detector.threshold, intervals)
                if labelled
                else called_noisy(corpus, probability, detector.threshold)
            )
            trained = [entry["corpus"] for entry in detector.origin.get("corpora", [])] or [name]
            rows.append(noise_row(detector.method, detector.classifier_name, trained, SAVED, figures))
    return rows


def window_probability(corpus: NoiseWindows, method: str, classifier):
    """`(windows,)` by a classifier of a method; 1 where a rule has spoken."""
    probability, judged = (corpus.rules != "").astype(float), corpus.rules == ""
    if judged.any():
        probability[judged] = classifier.probability(corpus.of_method(method)[judged])
    return probability


def noise_row(method: str, classifier: str, trained_on: Sequence[str], protocol: str, figures: Mapping) -> dict:
    """One row of the table."""
    return {
        "method": method,
        "classifier": classifier,
        "trained_on": list(trained_on),
        "judged_on": figures["corpus"],
        "protocol": protocol,
        "figures": dict(figures),
    }


def noise_report(rows: Sequence[dict], intervals: IntervalOptions, **facts) -> dict:
    """The report: rows, what they were made with, and by what command."""
    return {
        "title": TITLE,
        "rows": list(rows),
        "bootstrap": {"replicates": intervals.replicates, "seed": intervals.seed},
        "r_peaks": R_PEAKS,
        "features": {name: list(features) for name, features in METHODS.items()},
        **facts,
        "machine": machine_facts("cpu"),
        "versions": version_facts(),
        "command": command_line(),
    }


def noise_page(report: dict) -> str:
    """The report in Markdown: a table for each corpus, and one of its groups."""
    lines = [
        f"# {report['title']}",
        "",
        f"* R peaks: {report['r_peaks']['detector']}, version {report['r_peaks']['version']}",
        f"* intervals: 95 %, {report['bootstrap']['replicates']} resamples of subjects",
        *(f"* {note}" for note in report.get("notes", [])),
    ]
    for corpus in dict.fromkeys(row["judged_on"] for row in report["rows"]):
        rows = [row for row in report["rows"] if row["judged_on"] == corpus]
        lines += [
            "",
            f"## {corpus}",
            "",
            *_figures([row for row in rows if "auroc" in row["figures"]]),
            *_shares(rows),
        ]
    return "\n".join([*lines, "", "```", report["command"], "```", ""])


def noise_summary(report: dict) -> list[str]:
    """A line a row, for a terminal."""
    lines = []
    for row in report["rows"]:
        found = row["figures"]
        told = (
            f"AUROC {interval_text(found['auroc'])}, AUPRC {interval_text(found['auprc'])}"
            if "auroc" in found
            else f"{found['called_noisy']:.1%} called noisy"
        )
        lines.append(f"{_who(row)}, on {row['judged_on']} ({row['protocol']}): {told}")
    return lines


def _who(row: dict) -> str:
    return f"{row['method']}, {row['classifier']} of {' + '.join(row['trained_on'])}"


def _figures(rows: Sequence[dict]) -> list[str]:
    if not rows:
        return []
    first = rows[0]["figures"]
    lines = [
        f"{first['units']} units of {first['subjects']} subjects, {first['noisy']} noisy (prevalence"
        f" {first['prevalence']:.3f}, which is the AUPRC of chance).",
        "",
        f"| method | classifier | trained on | protocol | {' | '.join(_METRICS.values())} |",
        "| --- | --- | --- | --- |" + " --- |" * len(_METRICS),
    ]
    for row in rows:
        told = " | ".join(interval_text(row["figures"][name]) for name in _METRICS)
        trained = " + ".join(row["trained_on"])
        lines.append(f"| {row['method']} | {row['classifier']} | {trained} | {row['protocol']} | {told} |")
    return lines


def _shares(rows: Sequence[dict]) -> list[str]:
    lines = ["", "Share called noisy by group, and for clean groups the AUROC of noise against them:", ""]
    groups = rows[0]["figures"]["groups"]
    heads = " | ".join(f"{name} ({entry['units']})" for name, entry in groups.items())
    lines += [
        f"| method | classifier | trained on | {heads} |",
        "| --- | --- | --- |" + " --- |" * len(groups),
    ]
    for row in rows:
        cells = []
        for entry in row["figures"]["groups"].values():
            auroc = entry.get("auroc_against")
            cells.append(f"{entry['called_noisy']:.3f}" + (f", AUROC {interval_text(auroc)}" if auroc else ""))
        trained = " + ".join(row["trained_on"])
        lines.append(f"| {row['method']} | {row['classifier']} | {trained} | {' | '.join(cells)} |")
    return lines
