"""Reports in a few lines for a person: macro figures with intervals, and differences; the page has the rest."""

from collections.abc import Iterable, Mapping

from ..metrics.classification import METRICS
from ..metrics.figures import TITLES
from ..metrics.interval_text import interval_text

WIDTH = 100
SIMULATED_WARNING = "SIMULATED records: these figures show that everything runs. They are not results."
_NAME_WIDTH = 44


def report_summary(report: Mapping) -> list[str]:
    """Lines of at most 100 columns: of every task the systems with their macro, and the paired differences.

    Args:
        report: as `write_report` writes it.
    """
    lines = [SIMULATED_WARNING] if report.get("data", {}).get("simulated") else []
    for task in report["tasks"]:
        lines += _task_lines(task)
    return lines


def benchmark_summary(summary: Mapping) -> list[str]:
    """The same for a benchmark: of every task the first choice of records, and why tasks were not run.

    Args:
        summary: as `run_benchmark` returns it, or an arm of an ablation.
    """
    lines = []
    if any(task.get("data", {}).get("simulated") for task in summary["tasks"]):
        lines.append(SIMULATED_WARNING)
    for task in summary["tasks"]:
        if not task.get("rows"):
            lines.append(_cut(f"{task['title']}: not run, {task['reason']}"))
            continue
        which, rows = next(iter(task["rows"].items()))
        lines.append(_cut(f"{task['title']}: {rows['records']} records, macro AUROC of {_classes(rows)} ({which})"))
        lines += _rows(
            (name, interval_text(one["auroc"], seeds=one["num_seeds"])) for name, one in rows["systems"].items()
        )
    return lines


def retrieval_summary(figures: Mapping) -> list[str]:
    """Recall with intervals and median rank of both directions.

    Args:
        figures: as `retrieval_metrics` returns them.
    """
    lines = []
    for way, found in figures.items():
        words = f"{found['queries']} queries among {found['candidates']}, median rank {found['median_rank']:g}"
        lines.append(_cut(f"{way.replace('_', ' ')}: {words}"))
        lines += _rows((key, _recall(one)) for key, one in found.items() if key.startswith("recall@"))
    return lines


def _recall(found: Mapping) -> str:
    low, high = found["interval"]
    return f"{found['value']:.3f} [{low:.3f}, {high:.3f}] (by chance {found['chance']:.3f})"


def _task_lines(task: Mapping) -> list[str]:
    subset = f", {task['subset']}" if task.get("subset") else ""
    head = f"{task['name']}, {task['protocol']}{subset}: {task['records']} records"
    if not task["systems"]:
        return [_cut(head), *_figure_rows(task)]
    systems, metric = task["systems"], task.get("primary_metric", METRICS[0])
    found = [(name, interval_text(one["macro"][metric], seeds=one["num_seeds"])) for name, one in systems.items()]
    for entry in task["differences"]:
        fewer = min(systems[entry[side]]["num_seeds"] for side in ("first", "second"))
        words = interval_text(entry["macro"][metric], True, fewer)
        found.append((f"{entry['first']} - {entry['second']}", words))
    chance = f" (chance {_prevalence(systems):.3f})" if metric == "auprc" else ""
    return [_cut(f"{head}, macro {metric.upper()} of {_classes(task)}{chance}"), *_rows(found)]


def _prevalence(systems: Mapping) -> float:
    """Mean share of positives of the classes in the macro: the AUPRC of random scores."""
    classes = next(iter(systems.values()))["classes"].values()
    counted = [facts["prevalence"] for facts in classes if facts["counted"]]
    return sum(counted) / max(1, len(counted))


def _figure_rows(task: Mapping) -> list[str]:
    """Lines of a task without macros: accuracies, or errors of a number."""
    unit = f" {task['unit']}" if task.get("unit") else ""
    seeds = len(task.get("seeds") or [0])
    found = []
    for name, figures in task["figures"].items():
        (metric, interval), *_ = figures.items()
        trained = "mean" not in name and name not in task.get("untrained", ())
        words = interval_text(interval, seeds=seeds if trained else None, seeds_resampled=False)
        found.append((name, f"{TITLES[metric]} {words}{unit if metric in ('mae', 'rmse') else ''}"))
    for entry in task["figure_differences"]:
        metric = next(key for key in entry if key in TITLES)
        words = interval_text(entry[metric], True, seeds, seeds_resampled=False)
        found.append((f"{entry['first']} - {entry['second']}", f"{TITLES[metric]} {words}"))
    return _rows(found)


def _classes(task: Mapping) -> str:
    number = len(task["classes"])
    return f"{number} class{'' if number == 1 else 'es'}"


def _rows(found: Iterable[tuple[str, str]]) -> list[str]:
    found = list(found)
    width = min(max(map(len, (name for name, _ in found)), default=0), _NAME_WIDTH)
    return [_cut(f"  {_cut(name, width):<{width}}  {words}") for name, words in found]


def _cut(text: str, most: int = WIDTH) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
