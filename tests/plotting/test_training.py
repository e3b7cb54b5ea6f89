"""Curves of training runs."""

import pytest

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg.plotting import plot_training
from tests.plotting.made import write_log


def test_training_shows_loss_metric_rate_and_waiting(tmp_path):
    folder = write_log(tmp_path / "run")
    with open(folder / "log.jsonl", "a") as file:
        file.write('{"kind": "tra')  # the run goes on
    loss, metric, rate, waiting = plot_training(folder).axes
    assert loss.lines[0].get_ydata()[[0, -1]].tolist() == pytest.approx([9.0, 6.1])
    assert metric.get_title(loc="left") == "auroc"
    (best,) = [item for item in metric.lines if item.get_gid() == "best"]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (20, 0.8)
    assert set(rate.lines[0].get_ydata()) == {1e-3} and set(waiting.lines[0].get_ydata()) == {25.0}


def test_training_of_several_runs_and_of_a_log_alone(tmp_path):
    runs = [write_log(tmp_path / name) for name in ("a", "b")]
    figure = plot_training(runs)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b"]
    alone = write_log(tmp_path / "c", recipe=False)
    metric = plot_training(alone / "log.jsonl").axes[1]
    assert metric.get_title(loc="left") == "other" and len(metric.lines) == 1
    low = plot_training(alone, "auroc", greater_is_better=False).axes[1].lines[1]
    assert low.get_ydata()[0] == 0.6


def test_training_errors(tmp_path):
    folder = write_log(tmp_path / "run", metrics=())
    assert "no validation" in plot_training(folder).axes[1].texts[0].get_text()
    with pytest.raises(ValueError, match="'auroc' is not in the log; it holds none"):
        plot_training(folder, "auroc")
    (folder / "log.jsonl").write_text('{"kind": "train", "step": 1}\nnot json\n')
    with pytest.raises(ValueError, match="log.jsonl, line 2 is not JSON"):
        plot_training(folder)
    (folder / "log.jsonl").write_text("")
    with pytest.raises(ValueError, match="0 lines and no training step"):
        plot_training(folder)
    with pytest.raises(FileNotFoundError, match="wanted the log.jsonl of a run"):
        plot_training(tmp_path / "none")
