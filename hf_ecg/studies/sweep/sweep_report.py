"""A sweep's page and picture."""

from pathlib import Path

from transformers.utils import logging

from ...evaluation.metrics.interval_text import interval_text
from ...evaluation.reports.evaluation_report import render
from ...plotting._figure import save_figure
from ...plotting.sweep import plot_sweep
from .sweep_figures import MEAN

logger = logging.get_logger(__name__)


def render_sweep(report: dict) -> str:
    """Markdown page: what each arm is and took, its macro AUROC, and its difference to the first arm."""
    arms = report["arms"]
    tasks = list(arms[0]["figures"])
    seeds = len(next(iter(report["models"].values())))
    lines = [
        render(report).rstrip("\n"),
        "",
        "## What each arm is",
        "",
        "| arm | parameters of the encoder | epochs | seconds of training | records/s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for arm in arms:
        length = arm["epochs"] if arm["max_steps"] is None else f"{arm['max_steps']} steps"
        speed = f"{arm['seconds']:.0f} | {arm['records_per_second']:.0f}"
        lines.append(f"| {arm['name']} | {arm['parameters']:,} | {length} | {speed} |")
    kinds = {"figures": "Macro AUROC", "differences": f"Macro AUROC minus that of {arms[0]['name']}, paired"}
    for key, words in kinds.items():
        lines += ["", f"## {words}", "", f"| arm | {' | '.join(tasks)} |", f"|{' --- |' * (len(tasks) + 1)}"]
        for arm in arms if key == "figures" else arms[1:]:
            cells = [interval_text(arm[key][task], key != "figures", seeds, False) for task in tasks]
            lines.append(f"| {arm['name']} | {' | '.join(cells)} |")
    lines += [
        "",
        *(f"* {task}: {len(names)} classes, {', '.join(names)}" for task, names in report["counted"].items()),
    ]
    return "\n".join(lines) + "\n"


def sweep_lines(report: dict) -> list[str]:
    """For a person: of each arm its speed and the mean of its macro AUROC over the tasks."""
    width = max(len(arm["name"]) for arm in report["arms"])
    seeds = len(next(iter(report["models"].values())))
    return [
        f"{arm['name']:<{width}}  macro AUROC {interval_text(arm['figures'][MEAN], False, seeds, False)},"
        f" {arm['records_per_second']:.0f} records/s"
        for arm in report["arms"]
    ]


def draw_sweep(report: dict, path: Path) -> None:
    """The picture beside the page; without matplotlib the log says that there is none."""
    points = [
        {
            "name": arm["name"],
            "parameters": arm["parameters"],
            "records_per_second": arm["records_per_second"],
            **arm["figures"][MEAN],
        }
        for arm in report["arms"]
    ]
    try:
        figure = plot_sweep(points, "macro AUROC, mean of the tasks", title=report["title"])
    except ImportError as error:
        logger.warning("no picture of the sweep: %s", error)
        return
    save_figure(figure, path)
