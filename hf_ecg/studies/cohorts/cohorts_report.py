"""The page of a study of cohorts."""

from ...evaluation.metrics.interval_text import interval_text
from ...evaluation.reports.evaluation_report import render
from .cohort_figures import COHORT_METRICS, RECALL
from .cohort_probes import OTHERS, OWN

_PROBE_WORDS = {OWN: "the probe learns on the cohort it is judged on", OTHERS: "the probe learns on the other cohorts"}
_METRIC_WORDS = {RECALL: "mean recall", "auroc": "AUROC, one against the rest"}


def render_study(report: dict) -> str:
    """Markdown page: who the patients are, what each arm saw, figures of each task, and how well cohorts are named."""
    lines = [render(report).rstrip("\n"), "", *_demographics(report), "", *_arms(report)]
    for key in report["means"] or {}:
        lines += ["", *_task(report, *key.rsplit("/", 1))]
    for task, probe in dict.fromkeys((cell["task"], cell["probe"]) for cell in report["cells"]):
        if f"{task}/{probe}" not in report["means"]:
            lines += ["", *_task(report, task, probe)]
    return "\n".join([*lines, "", *_named(report)]) + "\n"


def study_lines(report: dict) -> list[str]:
    """For a person: of each arm the means of the tasks, and how well its embedding names the cohort."""
    seeds, lines = _seeds(report), []
    for arm in report["arms"]:
        figures = {key: entry["figures"][arm] for key, entry in report["means"].items()}
        figures["cohort"] = report["cohort_probe"][RECALL]["figures"][arm]
        told = ", ".join(
            f"{key} {interval_text(figure, seeds=seeds, seeds_resampled=False)}" for key, figure in figures.items()
        )
        lines.append(f"{arm}: {told}")
    return lines


def _demographics(report: dict) -> list[str]:
    lines = [
        "## Who the patients are",
        "",
        "| cohort | records (train, judged) | patients (with several) | age: median (quartiles), known | female, known"
        " | seconds: median, shortest | rate as it came |",
        "|" + " --- |" * 7,
    ]
    for name, of in report["demographics"].items():
        age, female = "not known", "not known"
        if of["age"] is not None:
            low, middle, high = of["age"]
            age = f"{middle:.0f} ({low:.0f} to {high:.0f}), {of['ages_known']}"
        if of["female"] is not None:
            female = f"{of['female']:.0%}, {of['sexes_known']}"
        cells = [
            f"{of['records']} ({of['train']}, {of['test']})",
            f"{of['patients']} ({of['patients_of_several']})",
            age,
            female,
            f"{of['seconds'][1]:.1f}, {of['shortest']:.1f}",
            ", ".join(f"{rate:g}" for rate in of["rates"]) + " Hz",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _arms(report: dict) -> list[str]:
    lines = [
        "## What each arm is pretrained on",
        "",
        "| arm | cohorts | a step is | share of the records |",
        "|" + " --- |" * 4,
    ]
    for name, arm in report["arms"].items():
        batches = {None: "of its cohort", "mixed": "of all together", "one_source": "of one cohort"}[arm["batches"]]
        shares = ", ".join(f"{source} {share:.1%}" for source, share in (arm["shares"] or {}).items())
        cells = [", ".join(arm["cohorts"]), batches, shares] if arm["trained"] else ["none: first weights", "", ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _task(report: dict, task: str, probe: str) -> list[str]:
    cells = [cell for cell in report["cells"] if (cell["task"], cell["probe"]) == (task, probe)]
    mean = report["means"].get(f"{task}/{probe}")
    headers = [f"{c['cohort']} ({c['positives']} of {c['records']}{'' if c['counted'] else ', rare'})" for c in cells]
    headers += ["mean"] if mean else []
    entries = cells + ([mean] if mean else [])
    seeds = _seeds(report)
    lines = [
        f"## {task}: {_PROBE_WORDS[probe]}",
        "",
        "AUROC; * = a cohort that the arm was not pretrained on. Rare ones are not in the mean.",
        "",
        f"| arm | {' | '.join(headers)} |",
        "|" + " --- |" * (len(headers) + 1),
    ]
    for name, arm in report["arms"].items():
        outside = arm["trained"]
        texts = [interval_text(entry["figures"][name], seeds=seeds, seeds_resampled=False) for entry in entries]
        marks = ["*" if outside and cell["cohort"] not in arm["cohorts"] else "" for cell in cells] + [""]
        lines.append(f"| {name} | {' | '.join(a + b for a, b in zip(texts, marks, strict=False))} |")
    return lines + _differences(entries, headers, seeds)


def _named(report: dict) -> list[str]:
    probe, seeds = report["cohort_probe"], _seeds(report)
    headers = [_METRIC_WORDS[metric] for metric in COHORT_METRICS]
    lines = [
        "## Which cohort is a record of?",
        "",
        "A linear probe names the cohort from the embedding. By chance the mean recall is"
        f" {1 / probe['classes']:.3f}, the AUROC 0.500.",
        "",
        f"| arm | {' | '.join(headers)} |",
        "|" + " --- |" * 3,
    ]
    entries = [probe[metric] for metric in COHORT_METRICS]
    for name in report["arms"]:
        texts = [interval_text(entry["figures"][name], seeds=seeds, seeds_resampled=False) for entry in entries]
        lines.append(f"| {name} | {' | '.join(texts)} |")
    return lines + _differences(entries, headers, seeds)


def _differences(entries: list[dict], headers: list[str], seeds: int) -> list[str]:
    pairs = entries[0]["differences"]
    if not pairs:
        return []
    lines = ["", f"| paired difference | {' | '.join(headers)} |", "|" + " --- |" * (len(headers) + 1)]
    for place, pair in enumerate(pairs):
        texts = [interval_text(entry["differences"][place], True, seeds, False) for entry in entries]
        lines.append(f"| {pair['first']} - {pair['second']} | {' | '.join(texts)} |")
    return lines


def _seeds(report: dict) -> int:
    return min(len(entries) for entries in report["models"].values())
