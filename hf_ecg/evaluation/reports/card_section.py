"""Evaluation reports on a model card: the tables, `model-index`, `.eval_results`, and what was not tested."""

import json
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import EvalResult, EvalResultEntry

from ...data.corpus import corpus_name
from ..metrics.classification import METRICS
from ..metrics.interval_text import ONE_SEED
from ..protocol import LABEL_TEXT, SUPERVISED
from ..weights import weights_digest
from .evaluation_report import NAMES, fold_words, render_task

# What both scripts call the companion that was trained on labels, whatever the task is for the other systems.
_CLASSIFIER = "BCE classifier"
_METRIC_TYPES = {"auroc": "roc_auc", "auprc": "average_precision"}
_DEVICE = "As a medical device, or on the way to a decision about a patient: never."


def read_report(path) -> dict:
    """A report that `train/zero_shot.py`, `train/linear_probe.py` or, for a corpus, `train/benchmark.py` wrote.

    Raises:
        ValueError: the file is not such a report.
        OSError: it cannot be read.
    """
    path = Path(path)
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    wanted = ("title", "command", "data", "models", "bootstrap", "tasks", "versions", "machine")
    absent = [key for key in wanted if not isinstance(report, dict) or key not in report]
    if absent:
        raise ValueError(f"{path} is not an evaluation report: {', '.join(absent)} absent")
    return report


def judged_system(report: dict, folder, name: str) -> str:
    """Under which name a report judges the model in a folder, or its encoder: "prompts", "BCE classifier" ...

    Args:
        report: see `read_report`.
        folder: of the model.
        name: of the report, for the message.

    Raises:
        ValueError: it judges other weights.
    """
    folder = Path(folder)
    ours = {digest for digest in map(weights_digest, (folder, folder / "encoder")) if digest}
    for system, entries in report["models"].items():
        if any(entry.get("weights") in ours for entry in entries):
            return system
    judged = [
        f"{entry['folder']} ({str(entry.get('weights'))[:12]})" for e in report["models"].values() for entry in e
    ]
    raise ValueError(f"{name} judges {', '.join(judged)} and not the weights in {folder}: evaluate these")


def card_section(report: dict, system: str) -> dict:
    """One report as the card's template wants it."""
    bootstrap, entries = report["bootstrap"], report["models"][system]
    seeds = ""
    if len(entries) > 1:
        numbers = ", ".join(str(entry["seed"]) for entry in entries)
        seeds = f"Figures are means over {len(entries)} runs (seeds {numbers}), of which this model is one."
    data = report["data"]
    return {
        "title": report["title"],
        "corpus": data["config"] or Path(data["path"]).name,
        "folds": fold_words(data["folds"]),
        "records": data["records"],
        "patients": data["patients"],
        "system": system,
        "seeds": seeds,
        "intervals": f"{bootstrap['confidence']:.0%}, {bootstrap['replicates']} bootstrap replicates over patients"
        f"{' and seeds' if bootstrap['seeds_resampled'] else ''}",
        "minimum": bootstrap["minimum"],
        "notes": report.get("notes", []),
        # a benchmark has sixteen tasks on one corpus: its classes one by one are in its own page
        "tasks": ["\n".join(render_task(task, "####", "benchmark" not in task)) for task in report["tasks"]],
        "command": report["command"],
        "versions": ", ".join(f"{key} {value}" for key, value in report["versions"].items()),
        "machine": ", ".join(f"{key} {value}" for key, value in report["machine"].items()),
    }


def own_systems(task: dict, system: str) -> dict[str, dict]:
    """The judged model's rows of a task: one, or one for each share of a linear probe."""
    return {name: entry for name, entry in task["systems"].items() if name == system or name.startswith(f"{system} ")}


def model_index(report: dict, system: str) -> list[EvalResult]:
    """Entries of `model-index`. None for simulated data, whose figures are not results."""
    data, results = report["data"], []
    if data.get("simulated"):
        return results
    for task in report["tasks"]:
        for name, entry in own_systems(task, system).items():
            for metric in METRICS:
                interval = entry["macro"][metric]
                if interval["value"] is None:
                    continue
                word = _word(task, system) if name == system else f"{_word(task, system)}, {name}"
                results.append(
                    EvalResult(
                        task_type="ecg-classification",
                        task_name="ECG classification",
                        dataset_type=data["path"]
                        if _hub_id(data["path"])
                        else corpus_name(data["config"]) or "unknown",
                        dataset_name=data["config"] or Path(data["path"]).name,
                        dataset_config=task["label_set"],
                        dataset_split=f"folds {fold_words(data['folds'])}",
                        metric_type=_METRIC_TYPES[metric],
                        metric_name=f"macro {NAMES[metric]} ({word}, {task['name']})",
                        metric_value=round(interval["value"], 4),
                        metric_args={
                            "interval": [round(interval["low"], 4), round(interval["high"], 4)],
                            "seeds": entry["num_seeds"],
                            "classes": task["classes"],
                        },
                    )
                )
    return results


def eval_results(report: dict, system: str, dataset_id: str | None = None) -> list[EvalResultEntry]:
    """Entries of `.eval_results/*.yaml`: macro AUROC by task. None for simulated data.

    The Hub shows them on the leaderboard of a data set that is registered as a benchmark; without the id of a data set
    there is nothing to point to.

    Args:
        report: see `read_report`.
        system: see `judged_system`.
        dataset_id: of the corpus on the Hub; by default the report's own, when it was read from there.
    """
    data = report["data"]
    dataset_id = dataset_id or (data["path"] if _hub_id(data["path"]) else None)
    if data.get("simulated") or dataset_id is None:
        return []
    entries, confidence = [], report["bootstrap"]["confidence"]
    for task in report["tasks"]:
        for name, entry in own_systems(task, system).items():
            interval = entry["macro"]["auroc"]
            one_seed = f" ({ONE_SEED})" if entry["num_seeds"] == 1 else ""
            if interval["value"] is not None:
                entries.append(
                    EvalResultEntry(
                        dataset_id=dataset_id,
                        task_id=task["name"],
                        value=round(interval["value"], 4),
                        notes=f"macro AUROC, {_word(task, system)}, {name}; {confidence:.0%} interval"
                        f" {interval['low']:.3f} to {interval['high']:.3f}{one_seed};"
                        f" folds {fold_words(data['folds'])}; {len(task['classes'])} classes",
                    )
                )
    return entries


def not_tested(
    reports: list[dict], systems: list[str], trained_on: Sequence[str | None], audited: bool = False
) -> list[str]:
    """What no report says anything about, one sentence each; `systems` as `judged_system` gave them, `trained_on` the
    configurations that the weights have seen, `audited` whether groups were compared."""
    if not reports:
        return [
            "Everything: this model was not evaluated. Figures on validation folds chose it, and flatter.",
            _DEVICE,
        ]
    tasks = [task for report in reports for task in report["tasks"]]
    corpora = sorted({corpus_name(report["data"]["config"]) or "an unnamed corpus" for report in reports})
    lines = [f"Corpora, hospitals and devices other than those of {', '.join(corpora)}."]
    if set(corpora) <= {corpus_name(config) for config in trained_on}:
        lines.append("Transfer: training and evaluation are folds of the same corpus.")
    judged = [(task, system) for report, system in zip(reports, systems, strict=True) for task in report["tasks"]]
    named = sorted({task["name"] for task, system in judged if _word(task, system) == LABEL_TEXT})
    if named:
        lines.append(
            f"Statements that its training texts did not hold: {', '.join(named)} are label-text, not zero-shot."
        )
    rare = sorted({f"{name} (n = {count})" for task in tasks for name, count in task["rare"].items()})
    if rare:
        lines.append(f"Classes too rare to count in the macro: {', '.join(rare)}.")
    return [
        *lines,
        "Fewer leads, other electrodes, other sampling rates, and damaged recordings, unless a table above says so.",
        "Children, and groups that the audit had too few of."
        if audited
        else "Groups of age and sex, one by one; children.",
        _DEVICE,
    ]


def _word(task: dict, system: str) -> str:
    return SUPERVISED if system == _CLASSIFIER else task["protocol"]


def _hub_id(path: str) -> bool:
    return str(path).count("/") == 1 and not str(path).startswith((".", "/", "~")) and not Path(path).exists()
