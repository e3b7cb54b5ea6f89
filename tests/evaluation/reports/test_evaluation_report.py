import dataclasses
import json

import numpy as np
import pytest

from hf_ecg.evaluation.loading import budget_notes, check_label_sets
from hf_ecg.evaluation.metrics.bootstrap import bootstrap_evaluation
from hf_ecg.evaluation.metrics.interval_text import interval_text
from hf_ecg.evaluation.protocol import SourceFacts, TrainingFacts
from hf_ecg.evaluation.reports.evaluation_report import machine_facts, render, task_entry, version_facts, write_report
from tests.evaluation import tiny

NAMES = ["MI", "NORM", "RARE", "NONE"]


@pytest.fixture(scope="module")
def report():
    generator = np.random.default_rng(0)
    labels = generator.random((200, 4)) < 0.3
    labels[3:, 2] = False
    labels[:3, 2] = True
    labels[:, 3] = False
    scores = {"prompts": labels + generator.normal(size=(3, 200, 4)), "BCE classifier": labels + 0.0}
    patients = [index // 2 for index in range(200)]
    systems = {
        name: bootstrap_evaluation(labels, values, patients, NAMES, replicates=50) for name, values in scores.items()
    }
    words = dict.fromkeys(NAMES, "label-text") | {"MI": "zero-shot"}
    task = task_entry(
        "ptb_xl_x", "label-text", systems, [("prompts", "BCE classifier")], label_set="x", class_protocols=words
    )
    return {
        "title": "Classification by prompts",
        "command": "python train/zero_shot.py --seed 0",
        "data": {"path": "corpus", "config": "ptb_xl_100hz", "folds": [9, 10], "records": 210, "patients": 105},
        "models": {"prompts": [{"folder": "OUT0", "seed": 0}]},
        "notes": ["a note"],
        "bootstrap": {"replicates": 50, "seed": 0, "confidence": 0.95, "minimum": 10, "seeds_resampled": True},
        "machine": machine_facts("cpu"),
        "versions": version_facts(),
        "tasks": [task],
    }


def test_page_says_what_a_figure_needs(report):
    page = render(report)
    for text in (
        "## ptb_xl_x: label-text",
        "200 records, 100 patients",
        "macro over 2: MI, NORM",
        "RARE (n = 3), NONE (n = 0)",
        "folds 9+10",
        "python train/zero_shot.py --seed 0",
        "| prompts - BCE classifier |",
        "OUT0 (seed 0)",
        "over patients and seeds",
        "a note",
        "torch ",
    ):
        assert text in page
    entry = report["tasks"][0]["systems"]["prompts"]["macro"]["auroc"]
    assert f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]" in page


def test_class_rows_carry_protocol_prevalence_and_difference(report):
    rows = {line.split(" | ")[0].strip("| "): line for line in render(report).splitlines() if line.startswith("| ")}
    assert "| zero-shot |" in rows["MI"] and "| label-text |" in rows["NORM"]
    assert rows["NONE (rare)"].count("no value") == 5
    difference = report["tasks"][0]["differences"][0]["MI"]["auroc"]
    assert f"{difference['value']:+.3f}" in rows["MI"]
    header = next(line for line in render(report).splitlines() if line.startswith("| class"))
    assert all(line.count("|") == header.count("|") for line in (rows["MI"], rows["RARE (rare)"]))


def test_an_interval_of_one_seed_says_so_in_its_cell(report):
    tables = [line for line in render(report).splitlines() if line.startswith("| ") and "[" in line]
    # three seeds of the model, one of the classifier, so that of their difference
    assert tiny.cells_of_one_seed(tables) == {
        "BCE classifier",
        "prompts - BCE classifier",
        "MI",
        "NORM",
        "RARE (rare)",
    }
    model = next(line for line in tables if line.startswith("| prompts |"))
    assert "one seed" not in model and model.count("[") == 2
    classes = next(line for line in tables if line.startswith("| MI "))
    assert [("one seed" in cell) for cell in classes.split("|") if "[" in cell] == [False, False, True, True, True]
    assert interval_text({"value": None, "low": None, "high": None}, seeds=1) == "no value"
    interval = {"value": 0.5, "low": 0.25, "high": 0.75}
    assert interval_text(interval, seeds=3, seeds_resampled=False) == "0.500 [0.250, 0.750] (patients only)"
    assert interval_text(interval) == interval_text(interval, seeds=3) == "0.500 [0.250, 0.750]"


def test_json_and_page_are_written_together(report, tmp_path):
    page = write_report(report, tmp_path / "new" / "results.json")
    assert json.loads((tmp_path / "new" / "results.json").read_text()) == report
    assert page == tmp_path / "new" / "results.md" and page.read_text() == render(report)
    assert sorted(path.name for path in page.parent.iterdir()) == ["results.json", "results.md"]
    with pytest.raises(ValueError, match="ends in .json"):
        write_report(report, tmp_path / "results")


def test_notes_tell_unequal_budgets():
    source = SourceFacts(config="ptb_xl_100hz", train_folds=(1, 2), validation_folds=(8,))
    ours = TrainingFacts(sources=(source,))
    assert budget_notes([ours], []) == [] and budget_notes([ours], [ours]) == []
    assert "2 seeds" in budget_notes([ours, ours], [ours])[0]
    assert "not verified" in budget_notes([ours], [None])[0]
    more = TrainingFacts(sources=(dataclasses.replace(source, train_folds=(1, 2, 3)),))
    assert budget_notes([ours], [more]) == ["train_folds differ: model 1+2; classifier 1+2+3"]
    # the encoder's pretraining and its fine-tuning are entries of one corpus, whose folds count together
    twice = TrainingFacts(sources=(dataclasses.replace(source, train_folds=(1,)), source))
    assert budget_notes([ours], [twice]) == []
    other = SourceFacts(config="georgia_500hz", train_folds=(1,))
    config, folds, _ = budget_notes([ours], [TrainingFacts(sources=(source, other))])
    assert config == "config differ: model ptb_xl_100hz; classifier georgia_500hz and ptb_xl_100hz"
    assert folds == "train_folds differ: model 1+2; classifier georgia_500hz: 1 ptb_xl_100hz: 1+2"


def test_a_classifier_of_another_label_set_is_refused():
    diagnostic = TrainingFacts(sources=(SourceFacts(label_sets=("diagnostic",)),))
    check_label_sets(["BCE", "OLD"], [diagnostic, None], ["diagnostic"])
    with pytest.raises(ValueError, match=r"BCE was trained on the label sets \['diagnostic'\]"):
        check_label_sets(["BCE"], [diagnostic], ["subdiagnostic"])
