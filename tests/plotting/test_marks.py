"""A picture says by itself what it shows: simulated records, which run, and how it is read."""

import json

import numpy as np
import pytest
import yaml

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg.plotting import plot_ecg, plot_similarity, plot_training
from hf_ecg.signals import read
from hf_ecg.simulation import simulate_ecg, write_wfdb
from tests.plotting.made import label, write_log

MARK = "SIMULATED: no patient was recorded"


@pytest.fixture(scope="module")
def header(tmp_path_factory):
    return write_wfdb(simulate_ecg("sinus_rhythm", 100, seed=1), tmp_path_factory.mktemp("made") / "sinus")


def test_a_simulated_record_is_called_so_under_any_title(header, ptb_xl_dir):
    assert read(header).is_simulated
    assert label(plot_ecg(header, seconds=2), "title") == f"sinus [{MARK}]"
    assert label(plot_ecg(read(header), seconds=2, title="My ECG"), "title") == f"My ECG [{MARK}]"
    real = ptb_xl_dir / "records100" / "00000" / "00001_lr.hea"
    assert not read(real).is_simulated and label(plot_ecg(real, seconds=2), "title") == "00001_lr"


@pytest.mark.parametrize("simulated", [False, True])
def test_training_curves_name_the_run_and_what_it_was_trained_on(tmp_path, simulated):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "summary.json").write_text(json.dumps({"simulated": simulated}))
    runs = [write_log(tmp_path / name) for name in ("a", "b")]
    recipe = {
        "model": {"class": "ECGTextModel"},
        "data": {"sources": [{"path": str(corpus), "config": "mine_100hz"}, {"path": "OWNER/other"}]},
        "validation": {"metric": "auroc", "greater_is_better": True},
    }
    for run in runs:
        (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    about, end = "ECGTextModel on mine_100hz, other", f" [{MARK}]" if simulated else ""
    assert plot_training(runs[0]).get_suptitle() == f"a: {about}{end}"
    assert plot_training(runs).get_suptitle() == f"{about}{end}"
    assert plot_training(runs, title="Two").get_suptitle() == f"Two{end}"


@pytest.mark.parametrize("recipe", ["- a\n", "data: 3\n", "model: {class: X}\ndata: {sources: [1]}\n", "{"])
def test_curves_of_a_recipe_of_another_kind_have_the_name_alone(tmp_path, recipe):
    run = write_log(tmp_path / "a")
    (run / "recipe.yaml").write_text(recipe)
    assert plot_training(run).get_suptitle() == "a"


def test_a_picture_of_similarities_says_how_it_is_read():
    words = "Compare within a column. " * 8
    figure = plot_similarity(np.eye(3), list("abc"), list("abc"), caption=words, title="a model " * 20)
    lines = figure.get_supxlabel().split("\n")
    assert " ".join(lines) == words.strip() and len(lines) > 1 and "\n" in figure.get_suptitle()
    assert plot_similarity(np.eye(3)).get_supxlabel() == ""
