"""The report of `hf-ecg study beats` in Markdown: both splittings side by side, and what others published."""

from typing import NamedTuple

from ...evaluation.metrics.confusion import ACCURACY, CLASS_FIGURES, F1
from ...evaluation.metrics.interval_text import interval_text
from .beat_study import CHOSEN_BY, seed_figures

WITHIN, BETWEEN, STRICT = "within patients (LEAKY)", "between patients (DS1 to DS2)", "the same without record 202"
_TITLES = {"sensitivity": "sensitivity", "ppv": "PPV", "f1": "F1"}


class Published(NamedTuple):
    """Sensitivity and positive predictive value of others, between patients; `source` says where they were read."""

    name: str
    supraventricular: tuple[float, float]
    ventricular: tuple[float, float]
    source: str


# not one of them was run here
PUBLISHED = (
    Published("de Chazal et al. 2004, linear discriminants, two leads", (0.759, 0.385), (0.777, 0.819), "from memory"),
    Published("Mar et al. 2011", (0.832, 0.335), (0.868, 0.759), "PMC5499251, table 4"),
    Published("Zhang et al. 2014", (0.791, 0.360), (0.855, 0.927), "PMC5499251, table 4"),
    Published("Luo et al. 2017, deep network between patients", (0.154, 0.473), (0.604, 0.668), "PMC5499251, table 4"),
    Published("Mousavi and Afghah 2019, sequences", (0.8894, 0.9257), (0.9994, 0.9950), "PMC7570975, abstract"),
)


def f1_of(figures: tuple[float, float]) -> float:
    """Of a sensitivity and a positive predictive value."""
    return 2 * figures[0] * figures[1] / sum(figures)


def beat_lines(report: dict) -> list[str]:
    """For a person: the chosen arm between patients, and the leaky figure as what it is."""
    lines = [f"chosen on four records of DS1: {report['chosen']}"]
    for entry in report["systems"]:
        split = BETWEEN if "strict" in entry else WITHIN
        shown = ", ".join(f"{_name(key)} {interval_text(entry['figures'][key])}" for key in (ACCURACY, *CHOSEN_BY))
        lines.append(f"{split}, {entry['arm']}, {entry['rate']} Hz, seed {entry['seed']}: {shown}")
    return lines


def beat_page(report: dict) -> str:
    """The whole page."""
    return "\n".join(
        [
            f"# {report['title']}",
            "",
            "Intervals: 95 %, percentile bootstrap over patients"
            f" ({report['bootstrap']['replicates']} replicates). *Within patients* deals single beats: every patient,"
            " and neighbouring beats, are on both sides, so it says nothing of a new patient.",
            "",
            *_side_by_side(report),
            *_choice(report),
            *_each_class(report),
            *_published(report),
            *_costs(report["costs"]),
            f"```\n{report['command']}\n```",
            "",
        ]
    )


def _side_by_side(report: dict) -> list[str]:
    names = (ACCURACY, *CHOSEN_BY, f"{F1}/F")
    lines = [
        "## Side by side",
        "",
        "| split | model | rate | seed | beats, patients | " + " | ".join(map(_name, names)) + " |",
        "| --- |" * 1 + " --- |" * (4 + len(names)),
    ]
    for entry in sorted(report["systems"], key=lambda one: "strict" in one):
        for split, judged in ((BETWEEN if "strict" in entry else WITHIN, entry), (STRICT, entry.get("strict"))):
            if judged is not None:
                cells = [interval_text(judged["figures"][name]) for name in names]
                size = f"{judged['beats']:,}, {judged['patients']}"
                lines.append(
                    f"| {split} | {entry['arm']} | {entry['rate']} | {entry['seed']} | {size} | {' | '.join(cells)} |"
                )
    seeds = seed_figures(report)
    told = [f"{_name(name)} {min(values):.3f} to {max(values):.3f}" for name, values in seeds.items()]
    number = len(seeds[ACCURACY])
    return [*lines, "", f"Over {number} seed(s) of the chosen model, between patients: {', '.join(told)}.", ""]


def _choice(report: dict) -> list[str]:
    rows = [
        f"| {one['arm']}{' (chosen)' if one['arm'] == report['chosen'] else ''} | "
        + " | ".join(f"{one[key]:.3f}" for key in (*CHOSEN_BY, "mean"))
        + " |"
        for one in report["validation"]
    ]
    return [
        "## What was chosen, on records 115, 124, 207 and 223 of DS1",
        "",
        "| model | " + " | ".join(map(_name, CHOSEN_BY)) + " | mean |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _each_class(report: dict) -> list[str]:
    first, lines = report["systems"][0], []
    for entry in report["systems"]:
        of_first = (entry["rate"], entry["seed"]) == (first["rate"], first["seed"])
        if not of_first or entry["arm"] not in (first["arm"], report["chosen"]):
            continue
        split = BETWEEN if "strict" in entry else WITHIN
        lines += [
            f"## Each class: {split}, {entry['arm']}, {entry['rate']} Hz",
            "",
            "| truth \\ answer | "
            + " | ".join(report["classes"])
            + " | "
            + " | ".join(_TITLES[one] for one in CLASS_FIGURES)
            + " |",
            "| --- |" + " --- |" * (len(report["classes"]) + len(CLASS_FIGURES)),
        ]
        for name, row in zip(report["classes"], entry["confusion"], strict=True):
            cells = [interval_text(entry["figures"][f"{figure}/{name}"]) for figure in CLASS_FIGURES]
            lines.append(f"| {name} | {' | '.join(f'{count:,}' for count in row)} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def _published(report: dict) -> list[str]:
    rows = []
    for one in PUBLISHED:
        cells = [
            f"{sensitivity:.3f} | {ppv:.3f} | {f1_of((sensitivity, ppv)):.3f}"
            for sensitivity, ppv in (one.supraventricular, one.ventricular)
        ]
        rows.append(f"| {one.name} | {' | '.join(cells)} | {one.source} |")
    return [
        "## What others published between patients",
        "",
        "Not run here, and not all on the same beats; F1 is computed from the two figures before it.",
        "",
        "| | S sensitivity | S PPV | S F1 | V sensitivity | V PPV | V F1 | read in |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _costs(costs: dict) -> list[str]:
    rates = list(costs["rates"])
    wanted = {
        "step_ms": ("a training step, ms", 1),
        "forward_ms": ("a forward pass, ms", 1),
        "input_bytes": ("input of a beat, bytes", 0),
        "saved_bytes": ("kept for the backward pass, a beat, bytes", 0),
        "corpus_bytes": ("the corpus in parquet, bytes", 0),
    }
    lines = [
        "## What a rate costs",
        "",
        f"Steps of {costs['batch']} beats in turn, {costs['pairs']} pairs, one thread, by the processor's clock.",
        "",
        "| | " + " | ".join(f"{rate} Hz" for rate in rates) + " | ratio |",
        "| --- |" + " --- |" * (len(rates) + 1),
    ]
    for key, (title, digits) in wanted.items():
        ratio = costs["ratios"][key]
        if isinstance(ratio, dict):
            told = f"{ratio['value']:.2f} (quartiles {ratio['low']:.2f}, {ratio['high']:.2f})"
        else:
            told = f"{ratio:.2f}"
        values = [f"{costs['rates'][rate][key]:,.{digits}f}" for rate in rates]
        lines.append(f"| {title} | {' | '.join(values)} | {told} |")
    return [*lines, ""]


def _name(figure: str) -> str:
    """ "f1/V" is "V F1"."""
    key, _, label = figure.partition("/")
    return f"{label} {_TITLES[key]}" if label else key
