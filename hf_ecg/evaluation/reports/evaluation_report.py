"""Results as JSON and as a Markdown page: each figure with protocol, rows, classes, interval, companions, command."""

import importlib.metadata
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch

from ...clinical.prompts import class_in_words
from ...data.corpus_card import SIMULATED, read_summary
from ...files import atomic_file
from ...version import __version__
from ..metrics.bootstrap import CONFIDENCE, Evaluation, Interval, paired_difference
from ..metrics.classification import METRICS
from ..metrics.figures import figure_lines
from ..metrics.interval_text import interval_text
from ..options import IntervalOptions

NAMES = {"auroc": "AUROC", "auprc": "AUPRC"}


def machine_facts(device) -> dict:
    """Processor, cores and device of this machine."""
    facts = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "device": str(device),
    }
    if torch.device(device).type == "cuda":
        facts["accelerator"] = torch.cuda.get_device_name(device)
    return facts


def version_facts() -> dict[str, str]:
    """Versions that the figures depend on."""
    return {"hf_ecg": __version__, "python": platform.python_version(), **dict(_package_versions())}


@cache
def _package_versions() -> tuple[tuple[str, str], ...]:
    # by their metadata: importing scikit-learn alone takes seconds, in a run that has no other use for it
    packages = ("torch", "transformers", "datasets", "numpy", "scikit-learn")
    return tuple((name, importlib.metadata.version(name)) for name in packages)


def command_line() -> str:
    """The command that is running, as it can be typed again."""
    program = Path(sys.argv[0])
    # a script is typed behind the interpreter, an installed command by its name
    words = [Path(sys.executable).name, sys.argv[0]] if program.suffix == ".py" else [program.name]
    return shlex.join([*words, *sys.argv[1:]])


def report_frame(
    title: str,
    data: str | Path,
    config: str | None,
    intervals: IntervalOptions,
    device,
    folds,
    patients: list[Sequence],
    models: dict[str, list[dict]],
    notes: list[str],
) -> dict:
    """A report without its tasks.

    Args:
        data, config: the corpus, and its configuration if it was named.
        intervals: replicates, seed and minimum of all tasks.
        device: that the models ran on.
        folds: folds evaluated, or split -> folds.
        patients: identifiers of the patients of each split's rows.
        models: system -> one entry for each seed, see `loading.describe_seeds`.
        notes: what a reader must know besides.
    """
    summary = read_summary(data)
    return {
        "title": title,
        "command": command_line(),
        "data": {
            "path": str(data),
            "config": config or summary.get("config"),
            "simulated": bool(summary.get(SIMULATED)),
            "folds": folds,
            "records": sum(map(len, patients)),
            "patients": len({patient for split in patients for patient in split}),
        },
        "models": models,
        "notes": notes,
        "bootstrap": {
            "replicates": intervals.replicates,
            "seed": intervals.seed,
            "confidence": CONFIDENCE,
            "minimum": intervals.minimum,
            "seeds_resampled": any(len(entries) > 1 for entries in models.values()),
        },
        "machine": machine_facts(device),
        "versions": version_facts(),
    }


def task_entry(
    name: str,
    protocol: str,
    systems: dict[str, Evaluation],
    differences: list[tuple[str, str]],
    **facts,
) -> dict:
    """One task of a report.

    Args:
        systems: name -> evaluation on the same rows, the model first, then its companions.
        differences: pairs of systems to subtract, second from first.
        facts: further keys, such as `label_set` or `class_protocols`.
    """
    first = next(iter(systems.values()))
    return {
        "name": name,
        "protocol": protocol,
        "records": first.records,
        "patients": first.patients,
        "classes": first.counted,
        "rare": {key: entry.positives for key, entry in first.classes.items() if not entry.counted},
        **facts,
        "systems": {key: _evaluation_entry(evaluation) for key, evaluation in systems.items()},
        "differences": [
            {
                "first": a,
                "second": b,
                **{
                    key: {metric: _interval(interval) for metric, interval in metrics.items()}
                    for key, metrics in paired_difference(systems[a], systems[b]).items()
                },
            }
            for a, b in differences
        ],
    }


def check_report_path(output: str | Path) -> Path:
    """The path of a report, or a ValueError when `write_report` would refuse it: better before the work than after."""
    output = Path(output)
    if output.suffix != ".json" or output.is_dir():
        raise ValueError(f"output is {output}, wanted a file name that ends in .json")
    return output


def write_report(report: dict, output: str | Path, render_page: Callable[[dict], str] | None = None) -> Path:
    """Writes `report` to `output` (JSON) and the Markdown page beside it, whole or not; returns the page's path.

    Args:
        render_page: makes the page; `render` by default.
    """
    output = check_report_path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    page = output.with_suffix(".md")
    made = (render_page or render)(report)
    texts = {output: json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n", page: made}
    for path, text in texts.items():
        with atomic_file(path) as file:
            file.write(text)
    return page


def render(report: dict) -> str:
    """Markdown page of a report."""
    data, bootstrap = report["data"], report["bootstrap"]
    macro = f"* macro: classes with at least {bootstrap['minimum']} positives and as many negatives in the rows"
    lines = [
        f"# {report['title']}",
        "",
        f"* data: {data['path']}, config {data['config']}, folds {fold_words(data['folds'])}: "
        f"{data['records']} records of {data['patients']} patients",
        f"* models: {_models(report['models'])}",
        f"* intervals: {bootstrap['confidence']:.0%} percentile, {bootstrap['replicates']} bootstrap replicates over "
        f"patients{' and seeds' if bootstrap['seeds_resampled'] else ''}, seed {bootstrap['seed']}; "
        "differences are paired; what another seed would give is not in an interval of one seed",
        *([macro] if any(task["systems"] for task in report["tasks"]) else []),
        *(["* **simulated data: no results**"] if data.get("simulated") else []),
        *[f"* note: {note}" for note in report.get("notes", [])],
        f"* machine: {', '.join(f'{key} {value}' for key, value in report['machine'].items())}",
        f"* versions: {', '.join(f'{key} {value}' for key, value in report['versions'].items())}",
        "",
        "```",
        report["command"],
        "```",
    ]
    for task in report["tasks"]:
        lines += ["", *render_task(task)]
    return "\n".join(lines) + "\n"


def render_task(task: dict, heading: str = "##", one_by_one: bool = True) -> list[str]:
    """Lines of one task: records, classes, systems with their intervals, paired differences, classes one by one.

    Args:
        one_by_one: with the table of the classes, the longest part.
    """
    systems, differences = task["systems"], task["differences"]
    rare = ", ".join(f"{name} (n = {number})" for name, number in task["rare"].items())
    if not systems:
        count = f"{task['records']} records, {task['patients']} patients"
        count += f", {task['events']} events" if "events" in task else ""
        remarks = [part for remark in task.get("remarks", ()) for part in ("", remark)]
        return [f"{heading} {task['name']}: {task['protocol']}", "", f"{count}.", *remarks, *figure_lines(task)]
    # records that carry no statement of the label set
    others = " (records without any count as negative)" if task.get("unannotated") == "negative" else ""
    lines = [
        f"{heading} {task['name']}: {task['protocol']}",
        "",
        f"{task['records']} records, {task['patients']} patients; label set {task['label_set']}{others}; macro over "
        f"{len(task['classes'])}: {', '.join(task['classes']) or 'none'}"
        + (f". Too rare for the macro: {rare}." if rare else "."),
        *asked_lines(task),
        "",
        "| system | seeds | macro AUROC | macro AUPRC | standard deviation of AUROC over seeds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, entry in systems.items():
        macro = " | ".join(interval_text(entry["macro"][metric], seeds=entry["num_seeds"]) for metric in METRICS)
        spread = entry["seeds_standard_deviation"]
        lines.append(f"| {name} | {entry['num_seeds']} | {macro} | {'' if spread is None else f'{spread:.3f}'} |")
    if differences:
        lines += ["", "| paired difference | macro AUROC | macro AUPRC |", "| --- | --- | --- |"]
        for entry in differences:
            fewer = fewest_seeds(systems, entry)
            macro = " | ".join(interval_text(entry["macro"][metric], True, fewer) for metric in METRICS)
            lines.append(f"| {entry['first']} - {entry['second']} | {macro} |")
    if "figures" in task:
        lines += figure_lines(task)
    if not one_by_one:
        return lines
    metrics = METRICS if len(systems) <= 3 else METRICS[:1]
    columns = [f"{name} {NAMES[metric]}" for name in systems for metric in metrics]
    columns += [f"{entry['first']} - {entry['second']} AUROC" for entry in differences[:1]]
    words = task.get("class_protocols")
    header = ["class", *(["protocol"] if words else []), "positives", "prevalence", *columns]
    lines += ["", f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    for name, facts in next(iter(systems.values()))["classes"].items():
        # as in "PVC|VPB": it would end the cell
        shown = class_in_words(name, task["label_set"]).replace("|", "\\|")
        cells = [shown if facts["counted"] else f"{shown} (rare)", *([words[name]] if words else [])]
        cells += [str(facts["positives"]), f"{facts['prevalence']:.3f}"]
        cells += [
            interval_text(entry["classes"][name][metric], seeds=entry["num_seeds"])
            for entry in systems.values()
            for metric in metrics
        ]
        cells += [interval_text(entry[name]["auroc"], True, fewest_seeds(systems, entry)) for entry in differences[:1]]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def asked_lines(task: dict) -> list[str]:
    """What a reader must know of the texts that classes were asked by: those that no training text holds."""
    lines = []
    if dropped := task.get("dropped"):
        named = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in dropped.items())
        lines.append(f"Left out, since no training text holds them: {named}.")
    for key, words in (
        ("not_trained", "Prompts not in any training text"),
        ("not_told", "Described by features that are not in any training text"),
        ("not_described", "Without features in the table, told by their names"),
    ):
        if names := task.get(key):
            lines.append(f"{words}: {', '.join(names)}.")
    if silent := [name for name, features in task.get("rules", {}).items() if not features]:
        lines.append(f"Rules decide nothing of (0.5 for every record): {', '.join(silent)}.")
    return [part for line in lines for part in ("", line)]


def fewest_seeds(systems: dict[str, dict], difference: dict) -> int:
    """Seeds of a difference's two systems, the fewer of both."""
    return min(systems[difference[side]]["num_seeds"] for side in ("first", "second"))


def fold_words(folds: list[int] | dict[str, list[int]]) -> str:
    """Folds as a reader wants them: "9+10", or "1+2 (train), 3 (test)"."""
    if isinstance(folds, dict):
        return ", ".join(f"{fold_words(numbers)} ({split})" for split, numbers in folds.items())
    return "+".join(str(fold) for fold in folds)


def _models(models: dict[str, list[dict]]) -> str:
    parts = []
    for system, entries in models.items():
        seeds = ", ".join(f"{entry['folder']} (seed {entry['seed']})" for entry in entries)
        parts.append(f"{system}: {seeds}")
    return "; ".join(parts)


def _evaluation_entry(evaluation: Evaluation) -> dict:
    auroc = evaluation.seeds["auroc"]
    mean = sum(auroc) / len(auroc) if auroc else 0.0
    spread = (sum((value - mean) ** 2 for value in auroc) / (len(auroc) - 1)) ** 0.5 if len(auroc) > 1 else None
    return {
        "macro": {metric: _interval(evaluation.macro[metric]) for metric in METRICS},
        "num_seeds": evaluation.num_seeds,
        "seeds": evaluation.seeds,
        "seeds_standard_deviation": spread,
        "classes": {
            name: {
                "positives": entry.positives,
                "negatives": entry.negatives,
                "prevalence": entry.prevalence,
                "counted": entry.counted,
                **{metric: _interval(getattr(entry, metric)) for metric in METRICS},
            }
            for name, entry in evaluation.classes.items()
        },
    }


def _interval(interval: Interval) -> dict:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
