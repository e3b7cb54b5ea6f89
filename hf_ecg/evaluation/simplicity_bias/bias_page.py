"""The report of `hf-ecg evaluate simplicity-bias` as a Markdown page."""

from ..metrics.interval_text import interval_text
from ..reports.evaluation_report import fold_words
from .cues import BOTH_KEPT, CUES, WORDS

TITLE = "Simplicity bias"
MODEL, RANDOM, AGAINST = "model", "random encoder", "against"


def bias_page(report: dict) -> str:
    """The report in Markdown: probes at equal positives, gradients by band, what is left without a cue."""
    data, bootstrap, sets = report["data"], report["bootstrap"], report["sets"]
    lines = [
        f"# {report['title']}: {_folders(report, MODEL)}",
        "",
        *(f"* {system}: {_folders(report, system)}" for system in report["models"]),
        "* every system is an encoder with linear probes on its frozen features, whatever stands around it",
        f"* easy: the label set {sets['easy']}; subtle: {sets['subtle']}",
        f"* data: {data['path']}, config {data['config']}, folds {fold_words(data['folds'])}: {data['records']} test"
        f" records of {data['patients']} patients",
        *(["* **simulated data: no results**"] if data.get("simulated") else []),
        f"* intervals: {bootstrap['confidence']:.0%}, {bootstrap['replicates']} resamples of patients"
        f"{' and seeds' if bootstrap['seeds_resampled'] else ', one seed'}, the same for all figures",
        *(f"* {note}" for note in report["notes"]),
        "",
        *_probe_lines(report),
        "",
        *_gradient_lines(report),
        "",
        *_cue_lines(report),
    ]
    return "\n".join([*lines, "", "```", report["command"], "```", ""])


def _folders(report: dict, system: str) -> str:
    return ", ".join(entry["folder"] for entry in report["models"][system])


def _probe_lines(report: dict) -> list[str]:
    probes = report["probes"]
    first = next(iter(probes["systems"].values()))["classes"]
    lines = [
        "## Easy against subtle, at equal positives",
        "",
        f"Macro AUROC of probes of single classes, each from {probes['positives']} positives and"
        f" {probes['negatives_per_positive']} times as many negatives, mean of {probes['draws']} draws. The gap is"
        " easy minus subtle: large where a model has learned what is easy alone.",
    ]
    for name, values in first.items():
        lines += ["", f"{name.capitalize()}: {', '.join(values)}."]
    if left_out := [f"{name} ({n})" for each in probes["left_out"].values() for name, n in each.items()]:
        lines += ["", f"Left out, with their positives in training: {', '.join(left_out)}."]
    lines += ["", "| system | easy | subtle | gap |", "| --- | --- | --- | --- |"]
    for system, entry in probes["systems"].items():
        cells = [interval_text(entry["easy"]), interval_text(entry["subtle"]), interval_text(entry["gap"], sign=True)]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    for entry in probes["differences"]:
        cells = [interval_text(entry[key], sign=True) for key in ("easy", "subtle", "gap")]
        lines.append(f"| {entry['first']} - {entry['second']}, paired | {' | '.join(cells)} |")
    return lines


def _gradient_lines(report: dict) -> list[str]:
    lines = [
        "## Energy of the input's gradient by frequency",
        "",
        "Of each record the gradient of its own classes' mean probe score; shares of its energy, mean over records."
        " *Input* is where the records' own energy lies, after the model's preparation.",
    ]
    for system, entry in report["gradients"]["systems"].items():
        bands = entry["bands"]
        lines += ["", f"| {system} | {' | '.join(bands)} |", "| --- |" + " --- |" * len(bands)]
        for name in ("easy", "subtle"):
            records = entry["records"][name]
            for key, words in ((name, f"{name}, {records} records"), (f"{name} input", f"input of {name}")):
                lines.append(f"| {words} | {' | '.join(interval_text(value) for value in entry[key])} |")
    return lines


def _cue_lines(report: dict) -> list[str]:
    cues = report["cues"]
    lines = ["## Without the dominant cue", ""]
    lines += [f"* *{cue}*: {words}" for cue, words in WORDS.items()]
    lines += [
        "",
        "Macro AUROC of probes of all training rows as they are recorded; below it the change,"
        f" paired: of *{BOTH_KEPT}* against the recording, of the others against *{BOTH_KEPT}*.",
    ]
    for name, task in cues["tasks"].items():
        lines += [
            "",
            f"**{name.capitalize()}**, {report['sets'][name]}: {task['records']} records, {len(task['classes'])}"
            f" classes ({', '.join(task['classes'])}).",
            "",
            f"| system | {' | '.join(CUES)} |",
            "| --- |" + " --- |" * len(CUES),
        ]
        for system, entry in cues["systems"].items():
            cells = [entry[name][cue] for cue in CUES]
            lines.append(f"| {system} | {' | '.join(interval_text(cell['auroc']) for cell in cells)} |")
            changes = [interval_text(cell["change"], sign=True) if "change" in cell else "" for cell in cells]
            lines.append(f"| {system}, change | {' | '.join(changes)} |")
        for entry in cues["differences"]:
            cells = [interval_text(entry[f"{name}, {cue}"], sign=True) for cue in CUES[1:]]
            lines.append(f"| {entry['first']} - {entry['second']}, of the changes |  | {' | '.join(cells)} |")
    return lines


def bias_summary(report: dict) -> list[str]:
    """A few lines for a terminal."""
    lines = []
    for system, entry in report["probes"]["systems"].items():
        lines.append(
            f"{system}: easy {interval_text(entry['easy'])}, subtle {interval_text(entry['subtle'])}, gap"
            f" {interval_text(entry['gap'], sign=True)}"
        )
        for name, cells in report["cues"]["systems"][system].items():
            words = ", ".join(f"{cue} {_short(cells[cue]['auroc'])}" for cue in CUES)
            lines.append(f"  {name}: {words}")
    return lines


def _short(interval: dict) -> str:
    return "no value" if interval["value"] is None else f"{interval['value']:.3f}"
