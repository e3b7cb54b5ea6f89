"""Rules, model and both on the same records, as they are and harder to read."""

import json

import numpy as np
import pytest

from hf_ecg.cli import script
from hf_ecg.evaluation.options import ForwardOptions, IntervalOptions
from hf_ecg.studies.beyond_rules import Harder, beyond_rules, flagged_rows
from tests.evaluation import tiny

OPTIONS = {
    "config": tiny.CONFIG,
    "intervals": IntervalOptions(replicates=20, minimum=2),
    "forward": ForwardOptions(device="cpu"),
}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beyond")
    tiny.write_corpus(folder / "corpus", 120)
    tiny.save_prompts(folder / "rhythm.yaml")
    for name, seen in {"OUT": range(1, 10), "A": range(6, 11), "B": range(1, 6)}.items():
        tiny.dual_encoder(seed=len(name)).save_pretrained(folder / name)
        tiny.processor().save_pretrained(folder / name)
        tiny.write_facts(folder / name, train_folds=[*seen][:-1], validation_folds=[*seen][-1:])
    return folder


def judge(work, *models, **options):
    paths = [str(work / model) for model in models]
    return beyond_rules(paths, str(work / "corpus"), [str(work / "rhythm.yaml")], **OPTIONS | options)


def test_a_table_of_subsets(work, capsys):
    options = ["--config", tiny.CONFIG, "--bootstrap", "20", "--minimum", "2", "--device", "cpu", "--noise", "0.2"]
    paths = ["--model", str(work / "OUT"), "--data", str(work / "corpus"), "--prompts", str(work / "rhythm.yaml")]
    report = script("study beyond-rules")([*paths, *options, "--output", str(work / "beyond.json")])
    assert json.loads((work / "beyond.json").read_text()) == report
    subsets = [task["subset"] for task in report["tasks"]]
    assert subsets[0] == "all records" and subsets[-2:] == ["leads I, II alone", "noise of 0.2 mV"]
    for task in report["tasks"]:
        assert list(task["systems"]) == ["descriptions", "descriptions and rules", "rules, no model"]
    page = (work / "beyond.md").read_text()
    assert "| leads I, II alone | 12 | AFIB, SR |" in page
    told = capsys.readouterr().out
    assert "leads I, II alone: 12 records, macro AUROC of 2 classes" in told and f"made: {work / 'beyond.md'} " in told


def test_turns_of_a_rotation_judge_what_they_have_not_seen(work):
    harder = Harder(leads=(), noise_mv=0)
    report = judge(work, "A", "B", folds=range(1, 11), rotation=True, harder=harder)
    assert report["tasks"][0]["records"] == 120 and report["data"]["folds"] == list(range(1, 11))
    alone = judge(work, "A", folds=range(1, 6), harder=harder)
    assert alone["tasks"][0]["records"] == 60
    with pytest.raises(ValueError, match=r"folds \[10\] may be judged by \[0\] of the models"):
        judge(work, "A", folds=[1, 10], rotation=True, harder=harder)
    with pytest.raises(ValueError, match="was trained on folds"):
        judge(work, "A", folds=[6], harder=harder)


def test_flagged_rows():
    rows = tiny.dataset(4)
    whole = rows.map(lambda row: row | {"signal": [0] * len(row["signal"])}, features=rows.features)
    assert flagged_rows(whole).all() and len(flagged_rows(rows)) == 4 and flagged_rows(rows).dtype == np.bool_
