"""The paper's tables: all tasks beside each other, the published figures below, and what may be compared."""

from collections.abc import Sequence

from ..judging.validation import LABELLED
from ..metrics.classification import METRICS
from ..metrics.interval_text import interval_text
from ..protocol import SUPERVISED, TrainingFacts
from ..reports.evaluation_report import NAMES, fold_words
from .published import PUBLISHED, Measured, obstacles, remarks
from .settings import CLASSIFIER, ENSEMBLE, MODEL, PROBE, PROMPTS, RANDOM, BenchmarkSettings
from .tasks import ROWS, STATEMENTS, BenchmarkCorpus, BenchmarkTask

NOT_RUN = "not run"
LABELLED_ROWS = ROWS[LABELLED]


def summarise(
    tasks: Sequence[BenchmarkTask],
    corpora: Sequence[BenchmarkCorpus],
    reports: dict[str, dict],
    settings: BenchmarkSettings,
    facts: Sequence[TrainingFacts | None],
    reasons: Sequence[str] = (),
) -> dict:
    """All tasks of a benchmark.

    Args:
        tasks: those wanted.
        corpora: those at hand.
        reports: corpus name -> its report.
        facts: of the models.
        reasons: why something was not run of any task, such as prompts of a model without a text tower.

    Returns:
        "tasks": one entry each, with `status` "run" or "not run" (and `reason`), `rows`: which records -> systems with
        their macros, and `published`: figures with the reasons why they cannot be compared.
    """
    at_hand = {corpus.name: corpus for corpus in corpora}
    entries = [
        _task(task, at_hand[task.corpus], reports[task.corpus], settings, facts)
        if task.corpus in at_hand
        else {
            "name": task.name,
            "title": task.title,
            "status": NOT_RUN,
            "reason": f"no prepared corpus {task.corpus} was given",
        }
        for task in tasks
    ]
    first = next(iter(reports.values()))
    shared = {key: first[key] for key in ("command", "models", "bootstrap", "machine", "versions")}
    return {"title": "Benchmark", **shared, "folds": settings.folds, "not_run": list(reasons), "tasks": entries}


def _task(task, corpus: BenchmarkCorpus, report: dict, settings: BenchmarkSettings, facts) -> dict:
    rows, unable = {}, {}
    for which, words in ROWS.items():
        parts = [entry for entry in report["tasks"] if entry["benchmark"] == task.name and entry["rows"] == words]
        reasons = [one["reason"] for one in report["not_run"] if (one["benchmark"], one["rows"]) == (task.name, words)]
        if reasons:
            unable[words] = reasons[0]
            continue
        if not parts:
            rows[words] = rows[LABELLED_ROWS] | {"same_as": LABELLED_ROWS}
            continue
        rows[words] = {
            "records": parts[0]["records"],
            "patients": parts[0]["patients"],
            "classes": parts[0]["classes"],
            "rare": parts[0]["rare"],
            "unannotated": which,
            "protocols": {system: _word(entry, system) for entry in parts for system in entry["systems"]},
            "systems": {system: _macro(found) for entry in parts for system, found in entry["systems"].items()},
        }
    if not rows:
        reason = "; ".join(f"{words}: {why}" for words, why in unable.items())
        return {"name": task.name, "title": task.title, "status": NOT_RUN, "reason": reason}
    return {
        "name": task.name,
        "title": task.title,
        "status": "run",
        "unable": unable,
        "report": f"{corpus.name}.json",
        "data": report["data"],
        "labels": corpus.summary.get("labels"),
        "rows": rows,
        "published": _published(task, corpus, rows, settings, facts),
    }


def _word(entry: dict, system: str) -> str:
    return SUPERVISED if system == CLASSIFIER else entry["protocol"]


def _macro(found: dict) -> dict:
    """Macros with intervals, and the mean over every class that can be measured, which the papers print."""
    every = {}
    for metric in METRICS:
        values = [entry[metric]["value"] for entry in found["classes"].values()]
        known = [value for value in values if value is not None]
        every[metric] = sum(known) / len(known) if known else None
    return {
        **{metric: found["macro"][metric] for metric in METRICS},
        "every_class": every,
        "unmeasured": [name for name, entry in found["classes"].items() if entry["auroc"]["value"] is None],
        "num_classes": len(found["classes"]),
        "num_seeds": found["num_seeds"],
        "seeds": found["seeds"],
    }


def _published(task, corpus: BenchmarkCorpus, rows: dict, settings: BenchmarkSettings, facts) -> list[dict]:
    entries = []
    which = LABELLED
    part = rows.get(LABELLED_ROWS, {"systems": {}})
    for row in PUBLISHED:
        entry = {"system": row.system, "kind": row.kind, "auroc": row.auroc[task.name] / 100, "source": row.source}
        ours = part["systems"].get(f"{MODEL} {row.kind}")
        if ours is None:
            entries.append(entry | {"comparable": False, "why_not": [f"{row.kind} was not run"], "ours": None})
            continue
        measured = Measured(
            which,
            part["protocols"][f"{MODEL} {row.kind}"],
            part["records"],
            ours["num_classes"],
            ours["unmeasured"],
            settings.folds,
        )
        why_not = obstacles(row, task, measured, corpus, facts)
        notes = remarks(row, task, settings.prompts.get(task.name, STATEMENTS))
        entry |= {"comparable": not why_not, "why_not": why_not, "remarks": notes}
        entries.append(entry | {"ours": ours["every_class"]["auroc"]})
    return entries


def system_order(summary: dict) -> list[str]:
    """Systems of a summary: the model's, the classifier, the random encoder's."""
    found = [
        system for task in summary["tasks"] for rows in task.get("rows", {}).values() for system in rows["systems"]
    ]

    def rank(system: str) -> tuple:
        kind = [MODEL, CLASSIFIER, RANDOM].index(next(k for k in (MODEL, CLASSIFIER, RANDOM) if system.startswith(k)))
        part = next((i for i, p in enumerate((PROMPTS, ENSEMBLE, PROBE)) if f" {p}" in system), 0)
        share = float(system.split()[-2]) if system.endswith("%") else 0.0
        return kind, part, share

    return sorted(dict.fromkeys(found), key=rank)


def render_summary(summary: dict) -> str:
    """Markdown page of a summary."""
    bootstrap = summary["bootstrap"]
    seeds = {name: len(entries) for name, entries in summary["models"].items()}
    lines = [
        f"# {summary['title']}",
        "",
        *(f"* {name}: {count} seed{'s' if count > 1 else ''}" for name, count in seeds.items()),
        f"* folds {fold_words(summary['folds'])}; {bootstrap['confidence']:.0%} intervals, {bootstrap['replicates']} "
        f"bootstrap replicates over patients{' and seeds' if bootstrap['seeds_resampled'] else ''}",
        f"* macro over classes with at least {bootstrap['minimum']} positives and as many negatives",
        *(f"* not run: {reason}" for reason in summary["not_run"]),
        *(f"* not run: {task['title']}: {task['reason']}" for task in summary["tasks"] if task["status"] == NOT_RUN),
        *(
            f"* not run: {task['title']}, {words}: {reason}"
            for task in summary["tasks"]
            for words, reason in task.get("unable", {}).items()
        ),
        *_simulated(summary),
        "",
        "```",
        summary["command"],
        "```",
    ]
    for words in ROWS.values():
        for metric in METRICS:
            lines += ["", *_table(summary, words, metric)]
    return "\n".join([*lines, "", *_comparison(summary)]) + "\n"


def _simulated(summary: dict) -> list[str]:
    simulated = [task["title"] for task in summary["tasks"] if task.get("data", {}).get("simulated")]
    return [f"* **simulated records, no results: {', '.join(simulated)}**"] if simulated else []


def _table(summary: dict, words: str, metric: str) -> list[str]:
    tasks = summary["tasks"]
    title = "records with a label of the task" if words == LABELLED_ROWS else words
    lines = [
        f"## Macro {NAMES[metric]}, {title}",
        "",
        f"| system | {' | '.join(task['title'] for task in tasks)} |",
        f"|{' --- |' * (len(tasks) + 1)}",
    ]
    for label, value in (("records", _records), ("classes in the macro", _classes), ("prompts are", _protocol)):
        lines.append(f"| {label} | {' | '.join(value(task, words) for task in tasks)} |")
    for system in system_order(summary):
        cells = [_cell(task, words, system, metric) for task in tasks]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    if metric == "auroc" and words == LABELLED_ROWS:
        lines += _published_rows(tasks)
    return lines


def _rows(task: dict, words: str) -> dict | None:
    return task.get("rows", {}).get(words)


def _records(task: dict, words: str) -> str:
    rows = _rows(task, words)
    return "" if rows is None else str(rows["records"])


def _classes(task: dict, words: str) -> str:
    rows = _rows(task, words)
    return "" if rows is None else f"{len(rows['classes'])} of {len(rows['classes']) + len(rows['rare'])}"


def _protocol(task: dict, words: str) -> str:
    rows = _rows(task, words)
    return "" if rows is None else rows["protocols"].get(f"{MODEL} {PROMPTS}", "")


def _cell(task: dict, words: str, system: str, metric: str) -> str:
    rows = _rows(task, words)
    found = rows["systems"].get(system) if rows else None
    return NOT_RUN if found is None else interval_text(found[metric], seeds=found["num_seeds"])


def _published_rows(tasks: list[dict]) -> list[str]:
    lines = []
    for row in PUBLISHED:
        cells = []
        for task in tasks:
            value = f"{row.auroc[task['name']] / 100:.3f}"
            entry = next(
                (e for e in task.get("published", []) if (e["system"], e["kind"]) == (row.system, row.kind)), None
            )
            cells.append(value if entry and entry["comparable"] else f"({value})")
        lines.append(f"| published: {row.system} {row.kind} | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        "Published figures in brackets cannot be compared with these; the last section says why.",
    ]


def _comparison(summary: dict) -> list[str]:
    lines = [
        "## What the published figures can be compared with",
        "",
        "The papers take the mean over every class, however rare, so *ours, every class* does so too; it has no "
        "interval. A *no* beside it is not to be read as better or worse.",
        "",
        "| task | published | AUROC | ours, every class | comparable | why not |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    notes = {}
    for task in summary["tasks"]:
        if task["status"] == NOT_RUN:
            lines.append(f"| {task['title']} | all | | | no | {task['reason']} |")
            continue
        for entry in task["published"]:
            ours = "" if entry["ours"] is None else f"{entry['ours']:.3f}"
            why = "; ".join(entry["why_not"])
            name = f"{entry['system']} {entry['kind']}"
            lines.append(
                f"| {task['title']} | {name} | {entry['auroc']:.3f} | {ours} | "
                f"{'yes' if entry['comparable'] else 'no'} | {why} |"
            )
            for remark in entry.get("remarks", []):
                notes.setdefault(remark, []).append(name)
    lines.append("")
    return lines + [f"* {', '.join(dict.fromkeys(names))}: {remark}" for remark, names in notes.items()]
