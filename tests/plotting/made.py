"""ECGs and logs to draw, and how to measure on a figure."""

import json

import numpy as np

from hf_ecg.plotting import plot_ecg
from hf_ecg.signals import STANDARD_LEADS

RATE = 100
NAMES = {
    1: ("II",),
    2: ("MLII", "V5"),
    3: ("I", "II", "V1"),
    8: ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"),
    12: STANDARD_LEADS,
    15: STANDARD_LEADS + ("V7", "V8", "V9"),
}


def ecg(leads: int = 12, seconds: float = 10.0) -> np.ndarray:
    """A beat a second: 1 mV for two samples, a millimetre of noise; float64 (leads, samples)."""
    times = np.arange(round(seconds * RATE))
    beats = ((times % RATE > 48) & (times % RATE <= 50)).astype(float)
    return beats + 0.05 * np.sin(times[None] + np.arange(leads)[:, None])


def draw(signals, leads=None, **options):
    leads = NAMES[len(signals)] if leads is None else leads
    return plot_ecg(signals, RATE, leads, "mV", **options)


def line(figure, gid: str):
    (found,) = [item for item in figure.axes[0].lines if item.get_gid() == gid]
    return found


def lines(figure, kind: str) -> dict:
    found = [item for item in figure.axes[0].lines if item.get_gid().startswith(f"{kind}-")]
    return {item.get_gid().partition("-")[2]: item for item in found}


def label(figure, gid: str) -> str:
    return [text.get_text() for text in figure.axes[0].texts if text.get_gid() == gid][-1]


def on_paper(figure, item) -> tuple[np.ndarray, np.ndarray]:
    """Where a line lies on the printed sheet, in millimetres."""
    points = figure.axes[0].transData.transform(np.column_stack([item.get_xdata(), item.get_ydata()]))
    return tuple(points.T / figure.dpi * 25.4)


def write_log(folder, metrics=(0.6, 0.8, 0.7), recipe=True):
    folder.mkdir()
    steps = [{"kind": "train", "step": i + 1, "loss": 9.0 - i / 10, "lr": 1e-3, "waiting": 0.25} for i in range(30)]
    checks = [{"kind": "validation", "step": 10 * i + 10, "other": 0.1, "auroc": v} for i, v in enumerate(metrics)]
    lines = [json.dumps(entry) + "\n" for entry in sorted(steps + checks, key=lambda entry: entry["step"])]
    (folder / "log.jsonl").write_text("".join(lines))
    if recipe:
        (folder / "recipe.yaml").write_text("validation: {metric: auroc, greater_is_better: true}\n")
    return folder
