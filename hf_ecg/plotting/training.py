"""The curves of training runs, from the log that each writes."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..training.log_file import LOG_NAME
from ._figure import marked, new_figure

FAINT, SMOOTHED_OVER = 0.25, 40


@dataclass
class _Run:
    name: str
    train: list[dict]
    validation: list[dict]
    # what the recipe beside the log chose checkpoints by; None where there is none
    metric: str | None
    greater_is_better: bool | None
    # what it trains on what, as its recipe says
    about: str | None
    simulated: bool

    def points(self, lines: list[dict], key: str) -> tuple[np.ndarray, np.ndarray]:
        found = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
        return tuple(np.array(found, dtype=np.float64).reshape(-1, 2).T)


def plot_training(logs, metric: str | None = None, *, greater_is_better: bool | None = None, title: str | None = None):
    """Draw loss, validation metric, learning rate and the share of time spent waiting for data, by step.

    Args:
        logs: a run's folder or its `log.jsonl`, or several: a list of them, or name -> path (seeds of one model, say).
        metric: the validation metric; default the one that the recipe beside the log chose checkpoints by, or the
            first that was logged.
        greater_is_better: which value is marked as best; default the recipe's answer, no mark where there is none.
        title: printed above.

    Returns:
        A matplotlib `Figure` of four axes: loss (each step faint, its running median strong), metric, learning rate,
        waiting (percent of the wall time).

    Raises:
        ValueError: a log that holds no steps or a line that is not JSON, a metric that was not logged.
        OSError: a log that is not there.
        ImportError: matplotlib is not installed.
    """
    runs = [_read_run(name, path) for name, path in _named(logs)]
    measured = list(dict.fromkeys(key for run in runs for line in run.validation for key in _metrics(line)))
    if metric is None:
        metric = next((run.metric for run in runs if run.metric in measured), next(iter(measured), None))
        chosen = [run.greater_is_better for run in runs if run.metric == metric]
        if greater_is_better is None and chosen:
            greater_is_better = chosen[0]
    elif metric not in measured:
        raise ValueError(f"the validation metric {metric!r} is not in the log; it holds {measured or 'none'}")

    figure = new_figure(240, 160, layout="constrained")
    (loss, validation), (rate, waiting) = figure.subplots(2, 2, sharex=True)
    for index, run in enumerate(runs):
        color = f"C{index % 10}"
        _draw_loss(loss, run, color)
        if metric is not None:
            _draw_metric(validation, run, metric, greater_is_better, color)
        rate.plot(*run.points(run.train, "lr"), color=color)
        steps, shares = run.points(run.train, "waiting")
        waiting.plot(steps, shares * 100, color=color)
    _finish(loss, "training loss")
    _finish(validation, metric or "validation metric")
    _finish(rate, "learning rate", "step")
    _finish(waiting, "waiting for data (% of the time)", "step")
    waiting.set_ylim(0, max(5.0, waiting.get_ylim()[1]))
    rate.set_ylim(bottom=0)
    # four digits stay readable only with the power of ten taken out
    rate.ticklabel_format(axis="y", scilimits=(-2, 3))
    if metric is None:
        validation.text(0.5, 0.5, "no validation in the log", ha="center", va="center", transform=validation.transAxes)
    if validation.get_legend_handles_labels()[0]:
        validation.legend(fontsize=8, frameon=False)
    if len(runs) > 1:
        legend = loss.legend(fontsize=8, frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
    if title is None:
        title = ": ".join(_shared(runs))
    if title := marked(title, any(run.simulated for run in runs)):
        figure.suptitle(title, fontsize=11, parse_math=False)
    return figure


def _shared(runs: list[_Run]) -> list[str]:
    """Name and description that all runs have."""
    named = [{run.name for run in runs}, {run.about for run in runs}]
    return [value for values in named if len(values) == 1 for value in values if value]


def _draw_loss(axes, run: _Run, color: str) -> None:
    steps, losses = run.points(run.train, "loss")
    axes.plot(steps, losses, color=color, alpha=FAINT, linewidth=0.8)
    axes.plot(steps, _running_median(losses), color=color, linewidth=1.6, label=run.name)


def _draw_metric(axes, run: _Run, metric: str, greater_is_better: bool | None, color: str) -> None:
    steps, values = run.points(run.validation, metric)
    axes.plot(steps, values, color=color, marker="o", markersize=3)
    finite = np.flatnonzero(np.isfinite(values))
    if greater_is_better is None or not finite.size:
        return
    order = values[finite] if greater_is_better else -values[finite]
    best = finite[int(order.argmax())]
    ring = {"color": color, "marker": "o", "markersize": 8, "fillstyle": "none", "linestyle": "none", "gid": "best"}
    # in a legend, not beside the ring: the rings of several runs lie close together
    axes.plot(steps[best], values[best], **ring, label=f"best {values[best]:.4f} at step {steps[best]:g}")


def _finish(axes, title: str, xlabel: str | None = None) -> None:
    axes.set_title(title, fontsize=9, loc="left", parse_math=False)
    axes.tick_params(labelsize=8)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if xlabel:
        axes.set_xlabel(xlabel, fontsize=8)


def _running_median(values: np.ndarray) -> np.ndarray:
    """Median over a window of a fortieth of the run around each step, shorter at both ends."""
    half = max(1, len(values) // (2 * SMOOTHED_OVER))
    return np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))])


def _named(logs) -> list[tuple[str, Path]]:
    if isinstance(logs, Mapping):
        named = [(str(name), Path(path)) for name, path in logs.items()]
    elif isinstance(logs, (str, os.PathLike)):
        named = [(_run_name(Path(logs)), Path(logs))]
    elif isinstance(logs, Sequence):
        named = [(_run_name(Path(path)), Path(path)) for path in logs]
    else:
        raise ValueError(f"logs is a {type(logs).__name__}, wanted a path, a list of paths, or name -> path")
    if not named:
        raise ValueError("logs is empty, wanted at least one run")
    return named


def _run_name(path: Path) -> str:
    return path.resolve().parent.name if path.name == LOG_NAME else path.resolve().name


def _read_run(name: str, path: Path) -> _Run:
    path = path / LOG_NAME if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there, wanted the {LOG_NAME} of a run, or its folder")
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if not text.endswith("\n"):
        # a run that still goes on writes its last line
        lines = lines[:-1]
    entries = [_entry(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    train = [entry for entry in entries if entry["kind"] == "train"]
    if not train:
        raise ValueError(f"{path} holds {len(entries)} lines and no training step: nothing to draw")
    validation = [entry for entry in entries if entry["kind"] == "validation"]
    recipe = _recipe(path.parent / "recipe.yaml")
    return _Run(name, train, validation, *_selection(recipe), *_about(recipe))


def _entry(line: str, where: str) -> dict:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    if not isinstance(entry, dict) or "kind" not in entry or not _is_number(entry.get("step")):
        raise ValueError(f"{where} is {line[:80]!r}, wanted an object with kind and step")
    wrong = [key for key in ("loss", "lr", "waiting") if key in entry and not _is_number(entry[key])]
    if wrong:
        raise ValueError(f"{where}: {wrong[0]} is {entry[wrong[0]]!r}, wanted a number")
    return entry


def _recipe(path: Path) -> dict:
    """The recipe beside a log; empty where there is none, or one of another kind: the log is drawn without it."""
    if not path.is_file():
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _selection(recipe: dict) -> tuple[str | None, bool | None]:
    """Metric and direction that checkpoints were chosen by."""
    try:
        section = recipe["validation"]
        return section["metric"], bool(section["greater_is_better"])
    except (KeyError, TypeError):
        return None, None


def _about(recipe: dict) -> tuple[str | None, bool]:
    """ "ECGTextModel on ptb_xl_100hz", and whether that is simulated."""
    from ..data.corpus_card import is_simulated  # brings datasets, which an ECG's picture does without

    try:
        sources = recipe["data"]["sources"]
        names = [source.get("config") or Path(source["path"]).name for source in sources]
        simulated = any(Path(source["path"]).is_dir() and is_simulated(source["path"]) for source in sources)
        return f"{recipe['model']['class']} on {', '.join(names)}", simulated
    except (KeyError, TypeError, AttributeError):
        return None, False


def _metrics(line: dict) -> list[str]:
    return [key for key, value in line.items() if key not in ("kind", "step", "epoch") and _is_number(value)]


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isinf(value)
