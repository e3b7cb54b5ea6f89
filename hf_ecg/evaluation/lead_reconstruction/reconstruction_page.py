"""The report of `hf-ecg evaluate lead-reconstruction` as a Markdown page."""

from ..reports.evaluation_report import fold_words
from .linear_baselines import LINEAR, MODEL, NEIGHBOURS, OWN
from .reconstruction_run import HALF, WHOLE


def value(interval: dict, form: str = ".3f") -> str:
    """A value with its interval."""
    if interval["value"] is None:
        return "-"
    if interval["low"] is None:
        return f"{interval['value']:{form}}"
    return f"{interval['value']:{form}} [{interval['low']:{form}}, {interval['high']:{form}}]"


def better_leads(one: dict, than: str = LINEAR, part: str = WHOLE) -> tuple[list[str], list[str]]:
    """The leads whose error is less than a baseline's with the whole interval, and the others.

    Args:
        one: an entry of the report's "sets".
    """
    leads = {entry["lead"]: entry["parts"][part]["model_minus"][than]["mse"]["high"] for entry in one["leads"]}
    better = [lead for lead, high in leads.items() if high is not None and high < 0]
    return better, [lead for lead in leads if lead not in better]


def summary(report: dict) -> list[str]:
    """For every set of leads one line for a person."""
    lines = []
    for one in report["sets"]:
        better, others = better_leads(one)
        told = f"from {one['inputs']}: less error than linear regression in {', '.join(better) or 'no lead'}"
        lines.append(told + (f"; not in {', '.join(others)}" if others and better else ""))
    return lines


def reconstruction_page(report: dict) -> str:
    """The report in Markdown: for every set of leads a table of whole records and one of second halves."""
    data, bootstrap = report["data"], report["bootstrap"]
    folder = report["models"][MODEL][0]["folder"]
    lines = [
        f"# {report['title']}: {folder}",
        "",
        f"* data: {data['path']}, config {data['config']}, folds {fold_words(data['folds'])}: {data['records']}"
        f" records of {data['patients']} patients",
        f"* linear: least squares of all training records (folds {report['fitted_on_folds']}) on the shown leads and a"
        " constant; neighbours: the same with the samples up to 0.08 s before and behind",
        "* MSE in square microvolts: mean over records; information = MSE / variance = 1 - R2; r: mean over records of"
        " Pearson's correlation",
        f"* intervals: {bootstrap['confidence']:.0%}, percentile, {bootstrap['replicates']} replicates over patients,"
        " the same for all systems; a difference is model minus baseline on the same records",
        *(f"* {note}" for note in report["notes"]),
        f"* command: `{report['command']}`",
        "",
    ]
    for one in report["sets"]:
        lines += [f"## From {one['inputs']}", "", *_whole(one), "", *_half(one), ""]
    return "\n".join(lines)


def _whole(one: dict) -> list[str]:
    names = ("lead", "n", "MSE, linear", "neighbours", "model", "model minus linear", "in percent")
    names += ("RMSE, uV", "r", "R2", "information")
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    for entry in one["leads"]:
        systems, minus = (entry["parts"][WHOLE][key] for key in ("systems", "model_minus"))
        model = systems[MODEL]
        errors = [value(systems[name]["mse"], ".0f") for name in (LINEAR, NEIGHBOURS, MODEL)]
        percent = {key: None if part is None else 100 * part for key, part in minus[LINEAR]["part"].items()}
        cells = [
            entry["lead"],
            str(model["records"]),
            *errors,
            value(minus[LINEAR]["mse"], "+.0f"),
            value(percent, "+.1f"),
            value(model["rmse"], ".0f"),
            *(value(model[key]) for key in ("r", "r2", "information")),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _half(one: dict) -> list[str]:
    lines = [
        "Second half of each record, where its own regression, fitted on the first half with all leads known, stands"
        " beside:",
        "",
        "| lead | MSE, linear | model | patient's own linear | model minus own | information, own |",
        "|" + " --- |" * 6,
    ]
    for entry in one["leads"]:
        systems, minus = (entry["parts"][HALF][key] for key in ("systems", "model_minus"))
        errors = [value(systems[name]["mse"], ".0f") for name in (LINEAR, MODEL, OWN)]
        own = value(minus[OWN]["mse"], "+.0f")
        lines.append(f"| {entry['lead']} | {' | '.join(errors)} | {own} | {value(systems[OWN]['information'])} |")
    return lines
