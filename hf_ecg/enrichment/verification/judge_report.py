"""The Markdown page of what `judge_verifiers` found."""

from ...evaluation.metrics.interval_text import interval_text
from .decisions import CLEP


def judgement_page(report: dict) -> str:
    """The page: what was judged, how many features each verifier sees, and every feature."""
    records = "records whose text lacks them" if report["records"] == "withheld" else "all records"
    lines = [
        "# Do the verifiers see the features?",
        "",
        f"* corpus: {report['corpus']}, config {report['config']}; statements of `{report['label_set']}`, {records}",
        "* positives: the reader stated the feature. Statements are not exhaustive, so every precision is a lower"
        " bound.",
        "* base rate: share of positives among records of other folds with the same diagnoses, as a score. Swap: the"
        f" verifier's score of another patient's ECG with the same diagnoses, mean of {report['swaps']} draws.",
        f"* intervals: 95 % percentile, {report['replicates']} bootstrap replicates over patients, paired; seed"
        f" {report['seed']}",
        *[f"* model {m['folder']} (seed {m['seed']})" for m in report["models"]],
        f"* machine: {', '.join(f'{key} {value}' for key, value in report['machine'].items())}",
        f"* versions: {', '.join(f'{key} {value}' for key, value in report['versions'].items())}",
        "",
        "```",
        report["command"],
        "```",
        "",
    ]
    lines += [f"**{line}**" for line in verdict_lines(report)]
    for verifier in report["counts"]:
        lines += ["", f"## {verifier}", "", *_table(report, verifier)]
    return "\n".join(lines) + "\n"


def verdict_lines(report: dict) -> list[str]:
    """A sentence for each verifier."""
    return [
        f"{verifier}: above the swap with an interval that excludes 0 on {count['sees']} of {count['judged']} features"
        f" with at least {report['minimum']} positives that it can decide."
        for verifier, count in report["counts"].items()
    ]


def _table(report: dict, verifier: str) -> list[str]:
    header = ["feature", "positives / rows", "decided", "AP", "base rate's AP", "swap's AP", "AP - base", "AP - swap"]
    header += ["sees it", "kept (precision)", *(["folds with a threshold"] if verifier == CLEP else [])]
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    # the rules are not trained; each record is judged by one model
    seeds = len({model["seed"] for model in report["models"]}) if verifier == CLEP else None
    for entry in report["features"]:
        found = entry[verifier]
        few = "" if entry["counted"] else " (few)"
        cells = [entry["feature"].replace("|", "/") + few, f"{entry['positives']} / {entry['rows']}"]
        cells.append(f"{found['decided']:.0%}")
        if found["decided"] and "verifier" in found:
            # the base rate is counted, not trained
            for key, sign, runs in (
                ("verifier", False, seeds),
                ("base_rate", False, None),
                ("swapped", False, seeds),
                ("over_base_rate", True, seeds),
                ("over_swapped", True, seeds),
            ):
                cells.append(interval_text(found[key], sign, runs, seeds_resampled=False))
            cells.append("yes" if found["sees_the_signal"] else "no")
        else:
            cells += ["", "", "", "", "", "cannot decide it"]
        kept = found["kept"]
        cells.append(f"{kept} ({found['kept_precision']:.2f})" if kept else "0")
        if verifier == CLEP:
            cells.append(f"{found['certified']:.0%}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines
