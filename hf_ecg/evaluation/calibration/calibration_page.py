"""The Markdown of a calibration: for its own page, and shorter for a model's card."""

from collections.abc import Mapping

from ..metrics.interval_text import interval_text
from ..reports.evaluation_report import fold_words
from ..reports.table_cells import cell, listed
from .calibration_figures import AFTER, BEFORE

REPORT_NAME, PICTURE_NAME = "calibration_report.json", "reliability.png"
_WORDS = {
    "calibration_error": "calibration error (ECE)",
    "log_loss": "log loss",
    "auroc": "AUROC",
    "top_label_error": "ECE of the highest probability",
}
_OOD = "Inputs that are unlike the training rows"


def calibration_page(report: Mapping) -> str:
    """The whole page of a report that `calibrate_model` made."""
    data, bootstrap = report["data"], report["bootstrap"]
    lines = [
        f"# {report['title']}",
        "",
        f"* data: {data['path']}, config {data['config']}, folds {fold_words(data['folds'])}",
        f"* model: {model_words(report)}",
        f"* intervals: {bootstrap['confidence']:.0%} percentile, {bootstrap['replicates']} bootstrap replicates over"
        f" patients, seed {bootstrap['seed']}; maps and thresholds are as fitted once",
        "* of a calibration error the interval is about its value: rows that are drawn twice make it larger",
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
        lines += ["", *task_lines(task, report["options"])]
    lines += ["", f"## {_OOD}", "", *strangeness_lines(report["strangeness"])]
    return "\n".join(lines) + "\n"


def calibration_section(report: Mapping) -> str:
    """What a card says of it."""
    data = report["data"]
    folds = fold_words(data["folds"])
    lines = [
        f"`calibration.json` is applied by the pipelines (`calibration=False` leaves it out). Corpus"
        f" `{data['config']}`, folds {folds}; intervals over patients.",
        *[f"\n- note: {note}" for note in report.get("notes", [])],
    ]
    for task in report["tasks"]:
        lines += ["", f"**{task['name']}** ({task['protocol']})", "", *summary_lines(task, report["options"])]
    lines += ["", f"**{_OOD}**", "", *strangeness_lines(report["strangeness"])]
    return "\n".join([*lines, "", "```text", report["command"], "```"])


def calibration_summary(report: Mapping) -> list[str]:
    """Lines for a person at the command."""
    lines = []
    for task in report["tasks"]:
        before, after = (interval_text(task[when]["calibration_error"]) for when in (BEFORE, AFTER))
        lines.append(f"{task['name']}: calibration error {before} before, {after} after")
        lines.append(f"  in the set {interval_text(task['sets']['coverage'])} of the true classes")
    method = report["strangeness"]["method"]
    for name, found in report["strangeness"]["inputs"].items():
        told = interval_text(found[method]) if method in found else "all refused by the extractor"
        lines.append(f"strange, {name}: AUROC {told}")
    return lines


def model_words(report: Mapping) -> str:
    """The judged weights in words."""
    return ", ".join(
        f"{one['folder']} ({str(one.get('weights'))[:19]})" for group in report["models"].values() for one in group
    )


def task_lines(task: Mapping, options: Mapping) -> list[str]:
    """Everything of one task."""
    lines = [f"## {task['name']}: {task['protocol']}", "", *summary_lines(task, options)]
    lines += ["", *method_lines(task)]
    lines += ["", "| class | positives | map | ECE before | ECE after | not called absent when true | by chance |"]
    lines[-1] += " not called present when false | sure | answered | wrong among these |"
    lines.append(f"|{' --- |' * 11}")
    for name, one in task["classes"].items():
        chance = one["coverage_by_chance"]
        cells = [_shown(name, task), str(one["positives"]), _map_words(one)]
        cells += [interval_text(one[when]["calibration_error"]) for when in (BEFORE, AFTER)]
        cells += [_figure(one, "coverage"), "" if chance is None else f"{chance[0]:.2f} to {chance[1]:.2f}"]
        cells += [_figure(one, key) for key in ("absent_coverage", "sure", "answered", "answered_wrong")]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_operating_lines(task, options)]
    return lines


def method_lines(task: Mapping) -> list[str]:
    """Every method on the same rows."""
    by = "chosen by the first column" if task["method_chosen"] else "named by --method"
    lines = [
        f"Methods; {task['method']} was {by}: log loss on patients of the calibration rows that no map was fitted on.",
        "",
        "| method | log loss there | ECE | after - before | log loss | after - before | AUROC, after - before |",
        f"|{' --- |' * 7}",
    ]
    for name, one in task["methods"].items():
        cells = [name, f"{one['held_out_log_loss']:.4f}"]
        for key in ("calibration_error", "log_loss"):
            cells += [interval_text(one[key]), interval_text(one["difference"][key], True)]
        cells.append(interval_text(one["difference"]["auroc"], True))
        cells = [cells[0], *("" if name == BEFORE and place in (3, 5, 6) else cells[place] for place in range(1, 7))]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def summary_lines(task: Mapping, options: Mapping) -> list[str]:
    """One task without its classes."""
    lines = [
        f"Method {task['method']}, fitted on {task['fitted_records']} records; judged on {task['records']} records of"
        f" {task['patients']} patients and {len(task['classes'])} classes with rows enough:"
        f" {listed(_shown(name, task) for name in task['classes'])}.",
        "",
        *[f"* {_shown(remark, task)}" for remark in task["remarks"]],
        "",
        "| mean over classes | before | after | after - before |",
        "| --- | --- | --- | --- |",
    ]
    for key, words in _WORDS.items():
        if key in task[BEFORE]:
            cells = [interval_text(task[when][key]) for when in (BEFORE, AFTER)]
            change = interval_text(task["difference"][key], True) if key in task["difference"] else ""
            lines.append(f"| {words} | {' | '.join(cells)} | {change} |")
    sets, answers = task["sets"], task["answers"]
    lines += [
        "",
        f"| at a coverage of {options['coverage']:.0%}, a risk of {options['risk']:.0%} | |",
        "| --- | --- |",
    ]
    lines.append(f"| true classes in the set, not called absent | {interval_text(sets['coverage'])} |")
    if "class_coverage" in sets:
        lines.append(f"| the same, mean over classes | {interval_text(sets['class_coverage'])} |")
    if "absent_coverage" in sets:  # a card may be made of a report that is older than verdicts
        lines.append(f"| false classes not called present | {interval_text(sets['absent_coverage'])} |")
        lines.append(f"| verdicts that are sure, present or absent | {interval_text(sets['sure'])} |")
        lines.append(f"| wrong among these | {interval_text(sets['sure_wrong'])} |")
    lines.append(f"| classes in a set | {interval_text(sets['size'])} |")
    lines.append(f"| share of answers that are given | {interval_text(answers['answered'])} |")
    lines.append(f"| wrong among these | {interval_text(answers['wrong'])} |")
    return lines


def strangeness_lines(found: Mapping) -> list[str]:
    """A row for each kind of strange input."""
    lines = [
        f"`ood` is by {found['method']}; its threshold lets {found['expected']:.0%} of ordinary records be called"
        f" strange, and {found['test_above_threshold']:.1%} of the test records are.",
        "",
        "| input | rows | refused by the extractor | AUROC, mahalanobis | AUROC, energy | called strange |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found["inputs"].items():
        cells = [name, str(one["rows"]), str(one["refused"])]
        cells += [interval_text(one[key]) if key in one else "" for key in ("mahalanobis", "energy")]
        cells.append(f"{one['above_threshold']:.1%}" if "above_threshold" in one else "")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _operating_lines(task: Mapping, options: Mapping) -> list[str]:
    prevalence = options["prevalence"]
    of = "the prevalence of the judged rows" if prevalence is None else f"a prevalence of {prevalence:.3g}"
    top = f"top {options['capacity']:.0%}"
    lines = [
        f"Operating points: threshold at a sensitivity of {options['sensitivity']:.0%} on the calibration rows;"
        f" predictive value at {of}.",
        "",
        f"| class | threshold | sensitivity | specificity | PPV | found in the {top} | PPV there |",
        f"|{' --- |' * 7}",
    ]
    for name, one in task["classes"].items():
        at = one["cut_at_probability"]
        cells = [_shown(name, task), "" if at is None else f"{at:.3f}"]
        cells += [_figure(one, key) for key in ("cut_sensitivity", "cut_specificity", "cut_ppv")]
        cells += [_figure(one, key) for key in ("top_true_positive_rate", "top_ppv")]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _figure(one: Mapping, key: str) -> str:
    return interval_text(one[key]) if key in one else ""


def _map_words(one: Mapping) -> str:
    if one["method"] == "temperature":
        return "T endless" if one["slope"] == 0 else f"T {1 / one['slope']:.2f}"
    return f"slope {one['slope']:.2f}, shift {one['intercept']:+.2f}" if one["method"] == "platt" else one["method"]


def _shown(name: str, task: Mapping) -> str:
    """Names as a table of the task has them: "rhythm: AFIB" without the first word."""
    return cell(name.replace(f"{task['label_set']}: ", ""))
