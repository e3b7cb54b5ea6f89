"""The report of `hf-ecg evaluate af-burden` as a Markdown page, and as lines for a terminal."""

from collections.abc import Sequence

TITLE = "AF burden"


def burden_page(report: dict) -> str:
    """Tables of the burden, of what was not judged, and of the truth where it is annotated."""
    options = report["options"]
    read = [entry for entry in report["recordings"] if "burden" in entry]
    lines = [
        f"# {report['title']}: {report['detector']['name']}",
        "",
        f"* windows of {options['window_seconds']:g} s; AF from a score of {report['detector']['threshold']:.4g} on,"
        f" {report['detector']['threshold_source']}",
        f"* AF in the annotations: {', '.join(options['rhythms'])}",
        "* burden: share of the judged time. Time that is not judged is counted apart, and is neither AF nor not",
        f"* intervals: 95 %, {options['replicates']} resamples of blocks of neighbouring windows. They are about time:"
        " what another stretch as long, of the same person, might have shown. They know nothing of wrong answers",
        "* an episode may hold up to 2 minutes that are not judged",
        "",
        *_table(
            ("recording", "hours", "judged", "burden", "if all else were not, or were, AF", "episodes", "longest"),
            [_row(entry) for entry in read],
        ),
    ]
    if any(entry["truth"] for entry in read):
        lines += ["", "## Against the annotations", "", *_truth_lines(report["summary"]), ""]
        lines += _table(
            ("recording", "annotated burden", "error, points", "sensitivity", "specificity", "flutter", "episodes"),
            [_truth_row(entry) for entry in read if entry["truth"]],
        )
    reasons = [f"* {entry['record']}: {_reasons(entry)}" for entry in read if entry["not_judged_seconds"]]
    if reasons:
        lines += ["", "## Not judged", "", *reasons]
    unread = [f"* {entry['record']}: {entry['reason']}" for entry in report["recordings"] if "reason" in entry]
    if unread:
        lines += ["", "## Left out", "", *unread]
    return "\n".join([*lines, "", "```", report["command"], "```", ""])


def burden_summary(report: dict) -> list[str]:
    """A line for each recording, ten at most, and what is known of the errors."""
    lines = []
    entries = report["recordings"]
    for entry in entries[:10]:
        if "reason" in entry:
            lines.append(f"{entry['record']}: left out: {entry['reason']}"[:100])
            continue
        truth = entry["truth"]
        told = f", annotated {_percent(truth['burden'])}" if truth else ""
        lines.append(
            f"{entry['record']}: burden {_burden(entry['burden'])}{told}, {entry['episodes']['number']} episodes,"
            f" not judged {_percent(_share_not_judged(entry))}"
        )
    if len(entries) > 10:
        lines.append(f"and {len(entries) - 10} more")
    return [*lines, *_truth_lines(report["summary"])]


def _truth_lines(summary: dict) -> list[str]:
    if not summary["recordings_with_truth"]:
        return []
    return [
        f"Mean absolute error {summary['mean_absolute_error_points']:.1f} percentage points over"
        f" {summary['recordings_with_truth']} recordings, mean error {summary['mean_error_points']:+.1f}, largest"
        f" {summary['largest_error_points']:.1f}."
    ]


def _row(entry: dict) -> tuple[str, ...]:
    bounds, episodes = entry["burden_bounds"], entry["episodes"]
    return (
        entry["record"],
        f"{entry['seconds'] / 3600:.2f}",
        _percent(1 - _share_not_judged(entry)),
        _burden(entry["burden"]),
        f"{_percent(bounds['low'])} to {_percent(bounds['high'])}",
        str(episodes["number"]),
        _duration(episodes["longest_seconds"]),
    )


def _truth_row(entry: dict) -> tuple[str, ...]:
    truth = entry["truth"]
    error = truth["error_points"]
    return (
        entry["record"],
        _percent(truth["burden"]),
        "-" if error is None else f"{error:+.1f}",
        _percent(truth["sensitivity"]),
        _percent(truth["specificity"]),
        _percent(truth["flutter_share"]),
        "-" if truth["episodes"] is None else f"{truth['episodes']}, longest {_duration(truth['longest_seconds'])}",
    )


def _share_not_judged(entry: dict) -> float:
    return 1 - entry["judged_seconds"] / entry["seconds"]


def _reasons(entry: dict) -> str:
    return ", ".join(f"{reason} {_duration(seconds)}" for reason, seconds in entry["not_judged_seconds"].items())


def _burden(interval: dict) -> str:
    if interval["value"] is None:
        return "nothing judged"
    if interval["low"] is None:
        return f"{_percent(interval['value'])} (no interval)"
    return f"{_percent(interval['value'])} [{_percent(interval['low'])}, {_percent(interval['high'])}]"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]
