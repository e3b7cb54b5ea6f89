"""Pages of the studies of shift: the same table of the simulation and of a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from ...evaluation.metrics.interval_text import interval_text
from ...evaluation.reports.evaluation_report import command_line, version_facts
from .processes import PROCESSES
from .simulated import TRUTH, WITH_COVARIATES, Simulation

FIGURES = {"log_loss": "log loss", "auroc": "AUROC", "calibration_error": "calibration error"}
PLACES = ("inside", "outside")
# quantiles of the t distribution, 97.5 %, of 1 to 30 degrees of freedom; beyond the normal's
_STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


def mean_interval(values: Sequence[float]) -> dict:
    """Mean over seeds with its 95 % interval by Student's t; of one seed the interval is the value. None where a seed
    has no value, as an AUROC without positives."""
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        return dict.fromkeys(("value", "low", "high"))
    mean, degrees = float(values.mean()), len(values) - 1
    if degrees == 0:
        return {"value": mean, "low": mean, "high": mean}
    quantile = _STUDENT[degrees - 1] if degrees <= len(_STUDENT) else 1.96
    half = quantile * float(values.std(ddof=1)) / len(values) ** 0.5
    return {"value": mean, "low": mean - half, "high": mean + half}


def simulation_report(asked: Simulation, found: Sequence[dict]) -> dict:
    """Means over seeds, and paired differences to the head that is told C beside the features.

    Args:
        asked: what was tried.
        found: of `simulate`.
    """
    by = {(one["process"], one["system"], one["seed"]): one for one in found}
    processes = []
    for process in asked.processes:
        systems = [system for system in (*asked.systems, TRUTH) if (process, system, asked.seeds[0]) in by]
        each = {system: [by[process, system, seed] for seed in asked.seeds] for system in systems}
        baseline = each.get(WITH_COVARIATES)
        entry = {
            "name": process,
            "sentence": PROCESSES[process].sentence,
            "stable": PROCESSES[process].stable,
            "systems": {
                system: {place: _over_seeds(runs, place) for place in PLACES} for system, runs in each.items()
            },
        }
        if baseline is not None:
            entry["differences"] = [
                {"first": system, "second": WITH_COVARIATES}
                | {place: _differences(runs, baseline, place) for place in PLACES}
                for system, runs in each.items()
                if system != WITH_COVARIATES
            ]
        processes.append(entry)
    return {
        "title": "Shifts of a population, simulated",
        "command": command_line(),
        "study": asdict(asked),
        "processes": processes,
        "versions": version_facts(),
    }


def _over_seeds(runs: Sequence[dict], place: str) -> dict:
    return {name: mean_interval([run[place][name] for run in runs]) for name in FIGURES}


def _differences(runs: Sequence[dict], others: Sequence[dict], place: str) -> dict:
    pairs = list(zip(runs, others, strict=True))
    return {name: mean_interval([a[place][name] - b[place][name] for a, b in pairs]) for name in FIGURES}


def render_simulation(report: dict) -> str:
    """The simulation's report in Markdown."""
    study = report["study"]
    lines = [
        f"# {report['title']}",
        "",
        f"Trained where C is about -1 and 0, judged there (inside) and where it is about 1, 2 and 3 (outside):"
        f" means over {len(study['seeds'])} seed(s) with 95 % intervals of the mean, {study['rows']} rows an"
        f" environment. The difference is outside, paired by seed, to *{WITH_COVARIATES}*: above 0 is worse.",
    ]
    for process in report["processes"]:
        stable = "P(Y|C) and P(X|Y,C) are stable" if process["stable"] else "they are not stable"
        lines += ["", f"## {process['name']}", "", f"{process['sentence']}; {stable}.", ""]
        lines += table(process["systems"], process.get("differences", ()), WITH_COVARIATES)
    return "\n".join([*lines, "", f"```\n{report['command']}\n```", ""])


def render_shift(report: dict) -> str:
    """The report on a corpus in Markdown."""
    seeds = len(report["seeds"])
    drawn = f"{report['bootstrap']['replicates']} replicates"
    lines = [
        f"# {report['title']}",
        "",
        f"Label set {report['label_set']}, {seeds} seed(s), intervals over patients ({drawn}), which say nothing of"
        " other seeds. The difference is outside, paired by patient, to the first system: above 0 is worse.",
        *(f"\n- {note}" for note in report["notes"]),
    ]
    for split in report["splits"]:
        lines += ["", f"## {split['name']}", ""]
        for place in PLACES:
            rows = split["rows"][place]
            counted = ", ".join(f"{name} {rows['prevalence'][name]:.0%}" for name in rows["counted"])
            lines.append(
                f"- {place} ({'; '.join(split[place])}): {rows['records']} records of {rows['patients']} patients;"
                f" {counted}"
            )
        lines += [f"- covariates: {', '.join(split['covariates'])}", ""]
        lines += table(split["systems"], split["differences"], next(iter(split["systems"])))
        lines += _against_covariates(split)
    return "\n".join([*lines, "", f"```\n{report['command']}\n```", ""])


def table(systems: Mapping[str, dict], differences: Sequence[dict], baseline: str) -> list[str]:
    """A row for each system: figures inside and outside, and the difference of the log loss outside."""
    titles = [f"{title} {place}" for title in FIGURES.values() for place in PLACES]
    lines = [f"| system | {' | '.join(titles)} | log loss outside, difference |", f"|{' --- |' * (len(titles) + 2)}"]
    found = {entry["first"]: entry for entry in differences if entry["second"] == baseline}
    for system, places in systems.items():
        cells = [interval_text(places[place][name]) for name in FIGURES for place in PLACES]
        entry = found.get(system)
        cells.append("" if entry is None else interval_text(entry["outside"]["log_loss"], sign=True))
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return lines


def _against_covariates(split: dict) -> list[str]:
    first = next(iter(split["systems"]))
    others = [entry for entry in split["differences"] if entry["second"] != first]
    lines = ["", "| outside, paired difference | log loss | AUROC | calibration error |", "| --- | --- | --- | --- |"]
    for entry in others:
        cells = " | ".join(interval_text(entry["outside"][name], sign=True) for name in FIGURES)
        lines.append(f"| {entry['first']} - {entry['second']} | {cells} |")
    return lines if others else []
