"""Settings and seeds of a recipe, or of FG-CLEP's stages: a folder for each run, one table of what benchmarks say."""

import hashlib
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..evaluation.benchmark.settings import MODEL
from ..evaluation.benchmark.summary import NOT_RUN, system_order
from ..evaluation.benchmark.tasks import ROWS
from ..evaluation.metrics.classification import METRICS
from ..evaluation.metrics.interval_text import interval_text
from ..evaluation.reports.evaluation_report import NAMES, fold_words, write_report
from ..locks import output_lock
from ..owned_folders import mark
from ..progress import progress_bar
from ..training.prior_runs import train_once
from ..training.recipe import Recipe, load_recipe

AS_WRITTEN = "as written"
# Makes what a setting and a seed stand for: something that trains in a folder and says where the model lies.
Plan = Callable[[list[str], int], Callable[[Path], Path]]


@dataclass(frozen=True)
class Arm:
    """One setting.

    Args:
        name: "model.config.mitigation_weight=0", or "as written" without any setting.
        folder: of its runs, one for each seed.
        runs: seed -> what trains, given a folder, and returns that of the model.
    """

    name: str
    folder: Path
    runs: dict[int, Callable[[Path], Path]]

    def run_folder(self, seed: int) -> Path:
        """Folder of a run."""
        return self.folder / f"seed_{seed}"


def parse_seeds(text: str) -> list[int]:
    """`"0,1,2"` -> [0, 1, 2].

    Raises:
        ValueError: anything else, or a seed twice.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts) or len(set(map(int, parts))) < len(parts):
        raise ValueError(f"seeds are {text!r}, wanted distinct numbers such as 0,1,2")
    return [int(part) for part in parts]


def parse_setting(text: str) -> list[str]:
    """`"a.b=0,0.5"` -> ["a.b=0", "a.b=0.5"]; commas inside brackets or quotes separate nothing.

    Raises:
        ValueError: no key, no value, or a value twice.
    """
    key, separator, values = text.partition("=")
    values = [part.strip() for part in _split(values)]
    if not separator or not key.strip() or not all(values) or len(set(values)) < len(values):
        raise ValueError(f"setting {text!r} is not of the form section.key=A,B with distinct values")
    return [f"{key.strip()}={value}" for value in values]


def _split(text: str) -> list[str]:
    parts, depth, quote = [""], 0, None
    for letter in text:
        if quote:
            quote = None if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def plan_arms(plan: Plan, settings: Sequence[str], seeds: Sequence[int], root) -> list[Arm]:
    """Every combination of the settings' values, all of them planned, so that mistakes are told before the first step.

    Args:
        plan: such as `recipe_plan`; called with the values of a setting and a seed.
        settings: see `parse_setting`; the last one varies fastest.
        seeds: of every arm.
        root: their folders lie in it.

    Raises:
        ValueError: a setting of the seed, a key in two settings, or what `plan` refuses.
    """
    choices = [parse_setting(setting) for setting in settings]
    keys = [choice[0].partition("=")[0] for choice in choices]
    refuse_seed(keys)
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"settings name {twice} twice")
    arms = []
    for values in itertools.product(*choices):
        name = ", ".join(values) or AS_WRITTEN
        runs = {seed: plan(list(values), seed) for seed in seeds}
        arms.append(Arm(name, Path(root) / _slug(name), runs))
    return arms


def refuse_seed(overrides: Sequence[str]) -> None:
    """Raises ValueError where one of `section.key=value` would set the seed."""
    taken = [one for one in overrides if re.match(r"(\w+\.)?run\.seed\b", one)]
    if taken:
        raise ValueError(f"{taken} would set the seed, which --seeds sets")


def recipe_plan(recipe, overrides: Sequence[str] = ()) -> Plan:
    """Runs of a recipe.

    Args:
        recipe: YAML file.
        overrides: `section.key=value` for all of them.
    """
    refuse_seed(overrides)

    def plan(values: list[str], seed: int) -> Callable[[Path], Path]:
        return partial(_train, load_recipe(recipe, [*overrides, *values, f"run.seed={seed}"]))

    return plan


def _train(recipe: Recipe, folder: Path) -> Path:
    train_once(recipe, folder)
    return folder


def _slug(name: str) -> str:
    """A name as that of a folder; its digest keeps apart what differs in other signs alone."""
    digest = hashlib.blake2b(name.encode(), digest_size=3).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9.=-]+', '_', name)[-80:].strip('_.')}-{digest}"


def train_arm(arm: Arm) -> list[Path]:
    """Trains the runs of an arm: resumes unfinished ones, leaves finished ones alone.

    Returns:
        The folders of the models.

    Raises:
        ValueError: a folder holds a run of another recipe.
    """
    return [train(arm.run_folder(seed)) for seed, train in progress_bar(arm.runs.items(), desc=arm.name, unit="run")]


def run_ablation(
    recipe: str, arms: Sequence[Arm], judge: Callable[[list[str], Path], dict], output: str | Path
) -> dict:
    """Trains every arm, judges its models and writes OUTPUT/ablation.json and ablation.md; the summary.

    Args:
        recipe: name of the file that the settings change.
        arms: of `plan_arms`.
        judge: called with the model folders of an arm and a folder for its figures; the summary of a benchmark.
        output: folder of the report.
    """
    with output_lock(output):
        return _run(recipe, arms, judge, Path(output))


def _run(recipe: str, arms: Sequence[Arm], judge, output: Path) -> dict:
    output.mkdir(parents=True, exist_ok=True)
    mark(output, "study")
    found = {arm.name: judge([str(folder) for folder in train_arm(arm)], arm.folder / "benchmark") for arm in arms}
    summary = ablation_summary(recipe, arms, found)
    write_report(summary, output / "ablation.json", render_ablation)
    return summary


def ablation_summary(recipe, arms: Sequence[Arm], summaries: dict[str, dict]) -> dict:
    """One report over the benchmarks of several arms.

    Args:
        recipe: name of the file that the settings change.
        summaries: arm -> `evaluation.benchmark.run.run_benchmark`.
    """
    first = summaries[arms[0].name]
    shared = {key: first[key] for key in ("command", "bootstrap", "machine", "versions", "folds")}
    return {
        "title": f"Ablation of {Path(recipe).name}",
        "recipe": str(recipe),
        **shared,
        "seeds": list(arms[0].runs),
        "arms": [{"name": arm.name, "folder": arm.folder.name, "tasks": summaries[arm.name]["tasks"]} for arm in arms],
    }


def render_ablation(summary: dict) -> str:
    """Markdown page: for every choice of records, metric and system a table of arms and tasks."""
    bootstrap, arms = summary["bootstrap"], summary["arms"]
    resampled = "patients and seeds" if len(summary["seeds"]) > 1 else "patients"
    lines = [
        f"# {summary['title']}",
        "",
        f"* {len(arms)} settings, seeds {', '.join(map(str, summary['seeds']))}; figures are means over seeds",
        f"* folds {fold_words(summary['folds'])}; {bootstrap['confidence']:.0%} intervals, {bootstrap['replicates']} "
        f"bootstrap replicates over {resampled}: one below the other, not of differences",
        f"* macro over classes with at least {bootstrap['minimum']} positives and as many negatives",
        *(f"* not run: {task['title']}: {task['reason']}" for task in arms[0]["tasks"] if task["status"] == NOT_RUN),
        "",
        "```",
        summary["command"],
        "```",
    ]
    systems = list(dict.fromkeys(system for arm in arms for system in system_order(arm)))
    systems = [system for system in systems if system.startswith(f"{MODEL} ")]
    tasks = [task for task in arms[0]["tasks"] if task["status"] != NOT_RUN]
    for words, metric, system in itertools.product(ROWS.values(), METRICS, systems):
        lines += [
            "",
            f"## {system.removeprefix(f'{MODEL} ')}: macro {NAMES[metric]}, {words}",
            "",
            f"| setting | {' | '.join(task['title'] for task in tasks)} |",
            f"|{' --- |' * (len(tasks) + 1)}",
        ]
        for arm in arms:
            found = [
                task["rows"].get(words, {"systems": {}})["systems"].get(system)
                for task in arm["tasks"]
                if "rows" in task
            ]
            cells = [NOT_RUN if one is None else interval_text(one[metric], seeds=one["num_seeds"]) for one in found]
            lines.append(f"| {arm['name']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
