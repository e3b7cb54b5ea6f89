"""The figures of docs/concepts, from simulated records: python docs/figures.py [FOLDER]"""

import sys
import textwrap
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap

from hf_ecg import ECGFeatureExtractor
from hf_ecg.clinical.feature_rules import measured_verdicts
from hf_ecg.plotting import plot_ecg
from hf_ecg.signals import STANDARD_LEADS
from hf_ecg.signals.delineation import measure_ecg
from hf_ecg.simulation import simulate_ecg
from hf_ecg.studies.comparison.comparison_spec import rotation

GREY, GREEN, BLUE, RED = "#e0e0e0", "#7cb342", "#42a5f5", "#e57373"
CONDITIONS = ["sinus_rhythm", "first_degree_av_block", "left_bundle_branch_block", "sinus_tachycardia"]
FEATURES = [
    "prolonged PR interval (over 200 ms)",
    "wide QRS complex (120 ms or more)",
    "rate over 100 per minute",
    "delta wave",
]
VERDICTS = {"kept": 2, "rejected": 1, "undecided": 0}


def ecg():
    """Twelve leads on paper."""
    made = simulate_ecg("atrial_fibrillation", sampling_rate=500, seed=7)
    return plot_ecg(made.signal, made.sampling_rate, made.leads, "mV", title="simulated: atrial fibrillation")


def lead_mask():
    """What a model of twelve leads gets of a record with three."""
    made = simulate_ecg("sinus_rhythm", sampling_rate=500, seed=1)
    given = ["I", "II", "V2"]
    signal = made.signal[[made.leads.index(lead) for lead in given]]
    inputs = ECGFeatureExtractor(sampling_rate=100, num_samples=1000)(
        signal, sampling_rate=500, leads=given, units="mV", return_tensors="np"
    )
    present = dict(zip(STANDARD_LEADS, inputs["lead_mask"][0], strict=True))
    states = [(2 if lead in given else 1) * there for lead, there in present.items()]
    return _table([states], STANDARD_LEADS, [""], [GREY, BLUE, GREEN], ["absent", "computed from I and II", "given"])


def extractor():
    """One lead before and after the steps of a recipe."""
    made = simulate_ecg("sinus_rhythm", sampling_rate=500, seed=3)
    time = np.arange(made.signal.shape[1]) / 500
    drift = made.signal + 0.8 * np.sin(2 * np.pi * 0.15 * time)
    bandpass = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 3, "form": "sos", "zero_phase": True}
    steps = [
        {"name": "select_leads"},
        {"name": "fill_missing", "method": "linear"},
        {"name": "resample", "method": "polyphase"},
        {"name": "filter", "filter": bandpass},
        {"name": "normalise", "method": "zscore", "over": "lead"},
    ]
    recipe = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=steps)
    after = recipe(drift, sampling_rate=500, leads=made.leads, units="mV", return_tensors="np")["input_values"][0]
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 3.6), sharex=True, layout="constrained")
    above.plot(time, drift[made.leads.index("II")], color="black", linewidth=0.8)
    above.set(ylabel="mV", title="lead II as recorded: 500 Hz, the baseline drifts")
    below.plot(np.arange(1000) / 100, after[STANDARD_LEADS.index("II")], color="black", linewidth=0.8)
    below.set(ylabel="no unit", xlabel="seconds", title="as the model gets it: 100 Hz, filtered, z-scored")
    return figure


def folds():
    """The five turns of a rotation."""
    rows = []
    for turn in rotation():
        place = dict.fromkeys(turn.train, 0) | dict.fromkeys(turn.validation, 1) | dict.fromkeys(turn.test, 2)
        rows.append([place[fold] for fold in range(1, 11)])
    names = [f"turn {number}" for number in range(1, len(rows) + 1)]
    return _table(
        rows, [f"fold {fold}" for fold in range(1, 11)], names, [GREY, BLUE, RED], ["train", "select", "test"]
    )


def truth():
    """Features of four simulated records: true, false, or not known."""
    rows = []
    for condition in CONDITIONS:
        made = simulate_ecg(condition, sampling_rate=250, seed=1)
        found = measure_ecg(made.signal, made.sampling_rate, made.leads)
        rows.append([VERDICTS[one.verdict] for one in measured_verdicts(found, FEATURES)])
    names = [textwrap.fill(condition.replace("_", " "), 16) for condition in CONDITIONS]
    return _table(np.transpose(rows), names, FEATURES, [GREY, RED, GREEN], ["not known", "false", "true"])


def _table(states, columns, rows, colours, words):
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.36 * len(rows)), layout="constrained")
    axes.pcolormesh(states, cmap=ListedColormap(colours), vmin=0, vmax=2, edgecolors="white", linewidth=2)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in colours]
    axes.legend(patches, words, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return figure


def main(folder: Path) -> None:
    """Draws all of them."""
    folder.mkdir(exist_ok=True)
    for figure in (ecg, lead_mask, extractor, folds, truth):
        drawn = figure()
        drawn.savefig(folder / f"{figure.__name__}.png", dpi=70 if figure is ecg else 100)
        plt.close(drawn)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "concepts")
