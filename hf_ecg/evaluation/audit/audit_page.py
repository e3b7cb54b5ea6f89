"""The Markdown of an audit: for its own page, and shorter for a model's card."""

from collections.abc import Mapping

from ..metrics.interval_text import interval_text
from ..reports.evaluation_report import fold_words
from ..reports.table_cells import cell, listed
from .group_figures import CONFIDENT, MEASURES, WORDS

REPORT_NAME = "audit.json"
_MOST, _FEW = 10, 5


def audit_page(report: Mapping) -> str:
    """The whole page of a report that `audit_model` made."""
    data, bootstrap = report["data"], report["bootstrap"]
    lines = [
        f"# {report['title']}",
        "",
        f"* data: {data['path']}, {_rows_words(data)}",
        f"* model: {', '.join(one['folder'] for group in report['models'].values() for one in group)}",
        f"* intervals: {bootstrap['confidence']:.0%} percentile, {bootstrap['replicates']} bootstrap replicates over"
        f" patients, seed {bootstrap['seed']}",
        *(["* **simulated data: no results**"] if data.get("simulated") else []),
        *[f"* not compared, {name}: {why}" for name, why in report["absent"].items()],
        *[f"* note: {note}" for note in report.get("notes", [])],
        f"* versions: {', '.join(f'{key} {value}' for key, value in report['versions'].items())}",
        "",
        "```",
        report["command"],
        "```",
    ]
    for task in report["tasks"]:
        lines += ["", f"## {task['name']}: {task['protocol']}", "", *gap_lines(task), "", *group_lines(task)]
    return "\n".join([*lines, "", "## Leakage", "", *leakage_lines(report["leakage"])]) + "\n"


def audit_section(report: Mapping) -> str:
    """What a card says of it."""
    data = report["data"]
    lines = [
        f"Corpus {_rows_words(data)}; intervals over patients.",
        *[f"\n- not compared, {name}: {why}" for name, why in report["absent"].items()],
    ]
    for task in report["tasks"]:
        lines += ["", f"**{task['name']}** ({task['protocol']})", "", *gap_lines(task), "", *group_lines(task, True)]
    lines += ["", "**Leakage**", "", *leakage_lines(report["leakage"])]
    return "\n".join([*lines, "", "```text", report["command"], "```"])


def audit_summary(report: Mapping) -> list[str]:
    """Lines for a person at the command."""
    lines = []
    for task in report["tasks"]:
        lines.append(f"{task['name']}: {task['comparisons']} gaps looked at, {_surely(task)} after Holm's correction")
        for one in task["gaps"][:3]:
            gap = interval_text(one["gap"], True)
            lines.append(f"  {one['attribute']} {one['group']}: {WORDS[one['measure']]} {gap} against all others")
    return [*lines, *(line.replace("**", "") for line in leakage_lines(report["leakage"]))]


def gap_lines(task: Mapping) -> list[str]:
    """The largest gaps of a task, with how many were looked at."""
    number = task["comparisons"]
    lines = [
        f"{number} gaps were looked at, each of a group against all other records. By chance alone about"
        f" {number * CONFIDENT:.0f} leave zero out; {len(task['gaps'])} did, and {_surely(task)} of these after Holm's"
        f" correction for all {number}.",
    ]
    if not task["gaps"]:
        return lines
    lines += ["", "| largest gaps | measure | group - others | p (Holm) |", "| --- | --- | --- | --- |"]
    for one in task["gaps"][:_MOST]:
        p = "< 0.001" if one["p_holm"] < 0.001 else f"{one['p_holm']:.3f}"
        classes = _classes_words(one["classes"], task["label_set"])
        name = f"{cell(one['attribute'])}: {cell(one['group'])} ({one['records']} records; {classes})"
        lines.append(f"| {name} | {WORDS[one['measure']]} | {interval_text(one['gap'], True)} | {p} |")
    return lines


def group_lines(task: Mapping, short: bool = False) -> list[str]:
    """A row for each group; `short` without the gaps and without groups that are too small."""
    measures = MEASURES[:1] if short else MEASURES
    header = ["group", "records", "patients", "classes"]
    for measure in measures:
        header += [WORDS[measure], *([] if short else ["group - others"])]
    lines = [
        f"Means over the classes that a group and its others both have enough of; one threshold for everybody, of"
        f" {task['cuts_of']}.",
        "",
        f"| {' | '.join(header)} |",
        f"|{' --- |' * len(header)}",
    ]
    for one in task["groups"]:
        if "reason" in one and short:
            continue
        cells = [f"{cell(one['attribute'])}: {cell(one['group'])}", str(one["records"]), str(one["patients"])]
        if "reason" in one:
            cells += ["too few", *[""] * (len(header) - 4)]
        else:
            cells.append(_classes_words(one["classes"], task["label_set"]))
            for measure in measures:
                cells += [interval_text(one[measure]), *([] if short else [interval_text(one[measure]["gap"], True)])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def leakage_lines(leakage: Mapping) -> list[str]:
    """What training and test rows share, a line for each corpus."""
    if not leakage["known"]:
        return ["- **not known**: the weights come without training facts"]
    lines = []
    for one in leakage["sources"]:
        where = f"{one['corpus']}, folds {fold_words(one['train_folds']) or 'not known'}"
        if "reason" in one:
            lines.append(f"- {where}: not looked into, {one['reason']}")
            continue
        told = [
            f"{one[key]['number']} of {one[key]['of']} {words}"
            for key, words in (
                ("same_records", "test records"),
                ("same_patients", "test patients"),
                ("near_duplicates", "test records as near duplicates of their waveforms"),
            )
            if one[key] is not None
        ]
        found = any(one[key] and one[key]["number"] for key in ("same_records", "same_patients", "near_duplicates"))
        mark = "**leakage**" if found else "none found"
        lines.append(f"- {where} ({one['records']} records): {mark}; {', '.join(told) or 'nothing was compared'}")
        waveforms = one["near_duplicates"] or {"listed": [], "not_comparable": 0}
        if waveforms["not_comparable"]:
            lines.append(f"    - the waveforms of {waveforms['not_comparable']} records could not be compared")
        for pair in waveforms["listed"]:
            lines.append(f"    - {pair['test']} is {pair['train']} (correlation {pair['correlation']:.3f})")
    return lines


def _rows_words(data: Mapping) -> str:
    folds = fold_words(data["folds"])
    return f"`{data['config']}`, folds {folds}: {data['records']} records of {data['patients']} patients"


def _classes_words(classes: list[str], label_set: str) -> str:
    names = [cell(name.removeprefix(f"{label_set}: ")) for name in classes]
    return listed(names) if len(names) <= _FEW else f"{len(names)} classes"


def _surely(task: Mapping) -> int:
    return sum(one["p_holm"] < CONFIDENT for one in task["gaps"])
