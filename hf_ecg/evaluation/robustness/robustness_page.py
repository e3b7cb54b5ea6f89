"""The report of `hf-ecg evaluate robustness` as a Markdown page."""

from ...data.added_noise import NSTDB
from ..metrics.interval_text import interval_text
from ..protocol import SUPERVISED
from ..reports.evaluation_report import fold_words

TITLE, AGAINST = "Robustness", "against"
_KIND_WORDS = {
    "classifier": "a fine-tuned classifier, by its logits",
    "prompts": "a model of ECGs and texts, by prompts",
    "probe": "a frozen encoder, by a linear probe of the clean training rows",
}
_RULES = {
    NSTDB: "the signal's power is that of a sine with the peak-to-peak voltage of the beats (NSTDB)",
    "compat_tolerantecg": "the signal's power is the mean square of the raw lead, offset included (TolerantECG)",
}


def table_names(task: dict) -> tuple[list[str], list[str]]:
    """Rows (noises) and columns (sets of leads) of a task's table, in their order."""
    return tuple(list(dict.fromkeys(cell[axis] for cell in task["cells"])) for axis in ("noise", "leads"))


def robustness_tables(report: dict, named: bool = False) -> list[tuple[str, list[dict]]]:
    """Name and cells of every task, for `plotting.robustness`.

    Args:
        named: put the model's name before that of the task.

    Raises:
        ValueError: another kind of report.
    """
    if report.get("title") != TITLE:
        raise ValueError(f"a report called {report.get('title')!r} was given, wanted {TITLE!r}")
    model = f"{_models(report)}: " if named else ""
    return [(f"{model}{task['name']}", task["cells"]) for task in report["tasks"]]


def _models(report: dict) -> str:
    return _folders(entries for name, entries in report["models"].items() if name != AGAINST)


def _folders(described) -> str:
    return ", ".join(entry["folder"] for entries in described for entry in entries)


def robustness_page(report: dict) -> str:
    """The report in Markdown: of every task a table of AUROC, one of the changes, and what could not be read."""
    data, noise, bootstrap = report["data"], report["noise"], report["bootstrap"]
    source = "simulated" if noise["recordings"] is None else f"recordings in {noise['recordings']}"
    lines = [
        f"# {report['title']}: {_models(report)}",
        "",
        f"* model: {_KIND_WORDS[report['kind']]}",
        f"* data: {data['path']}, config {data['config']}, folds {fold_words(data['folds'])}: {data['records']} test"
        f" records of {data['patients']} patients",
        f"* noise: {source}, seed {noise['seed']}; {_RULES[noise['rule']]}",
        "* removed leads are absent from the recording that the feature extractor gets; limb leads that follow from"
        " two others are derived" + _masked_words(report),
        f"* intervals: {bootstrap['confidence']:.0%}, {bootstrap['replicates']} resamples of patients, the same for"
        " all cells",
        *(f"* {note}" for note in report["notes"]),
    ]
    for task in report["tasks"]:
        lines += ["", f"## {task['name']}", "", _task_words(task), "", *_table(task, _value)]
        lines += ["", f"Change against {task['reference']}, paired:", "", *_table(task, _change)]
        if AGAINST in report["models"]:
            other = _folders([report["models"][AGAINST]])
            lines += ["", f"Minus {other} under the same condition, paired:", "", *_table(task, _difference)]
        lines += _reasons(task)
    return "\n".join([*lines, "", "```", report["command"], "```", ""])


def _masked_words(report: dict) -> str:
    if report["table"] != "tolerantecg":
        return ""
    rate = report["noise"]["mask_rate"]
    return f"; masked leads, {rate:.0%} of each record's, are gone and not derived"


def _task_words(task: dict) -> str:
    words = "" if task["protocol"] == SUPERVISED else f" {task['protocol']} figures."
    rare = f" Too rare to count: {', '.join(task['rare'])}." if task["rare"] else ""
    return (
        f"Macro AUROC over {len(task['classes'])} classes ({', '.join(task['classes'])}), {task['records']} records of"
        f" {task['patients']} patients.{words}{rare}"
    )


def _table(task: dict, text) -> list[str]:
    rows, columns = table_names(task)
    cells = {(cell["noise"], cell["leads"]): cell for cell in task["cells"]}
    lines = [f"| noise | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    return lines + [f"| {row} | {' | '.join(text(cells[row, column]) for column in columns)} |" for row in rows]


def _value(cell: dict) -> str:
    return "-" if "reason" in cell else interval_text(cell["auroc"])


def _change(cell: dict) -> str:
    return interval_text(cell["change"], sign=True) if "change" in cell else "-"


def _difference(cell: dict) -> str:
    return interval_text(cell[AGAINST], sign=True) if AGAINST in cell else "-"


def _reasons(task: dict) -> list[str]:
    """Why cells are empty, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for cell in task["cells"]:
        if "reason" in cell:
            by_reason.setdefault(cell["reason"], []).append(f"{cell['leads']}, {cell['noise']}")
    lines = [f"* `-` in {cells[0]}{_and_more(cells)}: {reason}" for reason, cells in by_reason.items()]
    return ["", *lines] if lines else []


def _and_more(cells: list[str]) -> str:
    return f" and {len(cells) - 1} more" if len(cells) > 1 else ""


def robustness_summary(report: dict) -> list[str]:
    """A few lines for a terminal: of every task the reference, and the worst cell of every column."""
    lines = []
    for task in report["tasks"]:
        known = [cell for cell in task["cells"] if "auroc" in cell]
        first = next(cell for cell in known if f"{cell['leads']}, {cell['noise']}" == task["reference"])
        lines.append(f"{task['name']}, macro AUROC, {task['reference']}: {interval_text(first['auroc'])}")
        for leads in table_names(task)[1]:
            of_column = [cell for cell in known if cell["leads"] == leads and cell["auroc"]["value"] is not None]
            if not of_column:
                lines.append(f"  {leads}: not read")
                continue
            best, worst = of_column[0], min(of_column, key=lambda cell: cell["auroc"]["value"])
            lines.append(
                f"  {leads}: {best['noise']} {best['auroc']['value']:.3f}, worst {worst['auroc']['value']:.3f}"
                f" ({worst['noise']})"
            )
    return lines
