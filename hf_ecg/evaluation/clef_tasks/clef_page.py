"""The report of CLEF's tasks as a Markdown page, and in a few lines."""

from collections.abc import Iterator

from ..judging.supervised import RANDOM
from ..metrics.figures import TRAINING_MEAN
from ..metrics.interval_text import interval_text
from ..reports.evaluation_report import fold_words, render_task

_SECOND = {"single_label": ("macro F1", "macro_f1"), "regression": ("R²", "r2")}


def clef_page(report: dict) -> str:
    """Markdown page of a report of `run_clef_tasks`."""
    bootstrap, run = report["bootstrap"], _with_status(report, "run")
    folders = "; ".join(f"{name} ({entries[0]['folder']})" for name, entries in report["models"].items())
    lines = [
        f"# {report['title']}",
        "",
        f"* data: {report['data']['path']}, folds {fold_words(report['data']['folds'])} where a corpus has folds",
        f"* lead {report['lead']} of corpora that have several, others as they are",
        *(["* `compat_order`: splits by the order of rows, as the released code has them"] * report["compat_order"]),
        f"* method: {report['method']}",
        f"* models: {folders}",
        f"* intervals: {bootstrap['confidence']:.0%} percentile, {bootstrap['replicates']} bootstrap replicates over"
        f" patients, seed {bootstrap['seed']}; differences are paired; one seed each",
        f"* macro: classes with at least {bootstrap['minimum']} positives and as many negatives in the test rows",
        f"* machine: {', '.join(f'{key} {value}' for key, value in report['machine'].items())}",
        f"* versions: {', '.join(f'{key} {value}' for key, value in report['versions'].items())}",
        "",
        "```",
        report["command"],
        "```",
        "",
        "## All tasks",
        "",
        "Macro AUROC of labels, mean absolute error of numbers (less is better).",
        "",
        "| task | test rows (patients) | lead | model | AUROC or MAE | random weights | difference | macro F1 or R² |",
        f"|{' --- |' * 8}",
        *(f"| {' | '.join(cells)} |" for task in run for cells in _rows(task)),
        *_not_run(report),
    ]
    for task in run:
        lines += ["", *_section(task)]
    return "\n".join(lines) + "\n"


def clef_summary(report: dict) -> list[str]:
    """A line for each task and model, and what was not run."""
    lines = []
    for task in _with_status(report, "run"):
        lines += [f"{task['title']}, lead {lead}: {model} {figure}" for _, _, lead, model, figure, *_ in _rows(task)]
    missing = _with_status(report, "not run")
    lines += [f"not run: {task['title']}: {task['reason']}" for task in missing]
    return [line if len(line) <= 100 else f"{line[:97]}..." for line in lines]


def _with_status(report: dict, status: str) -> list[dict]:
    return [task for task in report["tasks"] if task["status"] == status]


def _rows(task: dict) -> Iterator[tuple[str, ...]]:
    """Cells of the table, a row for each model."""
    systems = task["systems"] or task["figures"]
    rows = f"{task['records']} ({task['patients']})"
    for name in systems:
        if name.endswith(RANDOM) or name == TRAINING_MEAN:
            continue
        beside = interval_text(_figure(task, name + RANDOM), seeds=1) if name + RANDOM in systems else ""
        difference = next((one for one in _differences(task) if one["first"] == name), None)
        told = "" if difference is None else interval_text(_difference(difference), True, 1)
        second = _SECOND.get(task["problem"])
        more = "" if second is None else f"{second[0]} {interval_text(task['figures'][name][second[1]], seeds=1)}"
        figure = interval_text(_figure(task, name), seeds=1)
        unit = f" {task['unit']}" if task.get("unit") else ""
        yield task["title"], rows, task["leads"].get(name, ""), name, figure + unit, beside, told, more


def _figure(task: dict, system: str) -> dict:
    if task["systems"]:
        return task["systems"][system]["macro"]["auroc"]
    return task["figures"][system]["mae"]


def _differences(task: dict) -> list[dict]:
    return task["differences"] or task.get("figure_differences", [])


def _difference(entry: dict) -> dict:
    return entry["macro"]["auroc"] if "macro" in entry else entry["mae"]


def _not_run(report: dict) -> list[str]:
    missing = _with_status(report, "not run")
    if not missing:
        return []
    lines = ["", "## Not run", "", "| task | why | how to get it | data |", f"|{' --- |' * 4}"]
    return lines + [
        f"| {task['title']} | {task['reason']} | `{task['how_to']}` | {task['access']} |" for task in missing
    ]


def _section(task: dict) -> list[str]:
    lines = render_task(task | {"name": f"{task['title']} ({task['name']})"})
    counts = ", ".join(f"{split} {rows} ({patients})" for split, (rows, patients) in task["splits"].items())
    facts = [
        f"* corpus: {task['corpus']}, {task['config']}; split {task['split']}; rows (patients): {counts}",
        f"* the paper trains on {task['paper_loss']}",
        *(["* **simulated records: no results**"] if task["simulated"] else []),
        *(f"* {remark}" for remark in task["remarks"]),
        *(f"* {note}" for note in task.get("notes", ())),
        *([f"* F1 is the mean over {', '.join(task['f1_classes'])}"] if "f1_classes" in task else []),
    ]
    return [*lines[:2], *facts, "", *lines[2:]]
