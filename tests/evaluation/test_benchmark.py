import dataclasses
import re

import pytest

from hf_ecg.evaluation.benchmark.published import (
    FG_CLEP,
    MERL,
    PTB_XL_FOLDS,
    PUBLISHED,
    Measured,
    obstacles,
    remarks,
)
from hf_ecg.evaluation.benchmark.tasks import (
    TASKS,
    BenchmarkCorpus,
    choose_tasks,
    open_corpora,
    parse_prompts,
    task_prompts,
)
from hf_ecg.evaluation.protocol import LABEL_TEXT, SUPERVISED, ZERO_SHOT, SourceFacts, TrainingFacts
from tests.evaluation import tiny

FOLDS = {"train": [1, 2, 3, 4, 5, 6, 7], "validation": [8], "test": [9, 10]}
BY_NAME = {task.name: task for task in TASKS}
RHYTHM = BY_NAME["ptb_xl_rhythm"]
MIMIC = TrainingFacts(sources=(SourceFacts(config="mimic_iv_ecg_500hz", text_column="text", text_source="report"),))
# task -> test records and classes of the published figures
FULL = {
    "ptb_xl_superdiagnostic": (2158, 5),
    "ptb_xl_subdiagnostic": (2158, 23),
    "ptb_xl_form": (880, 19),
    "ptb_xl_rhythm": (2098, 12),
    "cpsc2018": (1376, 9),
    "csn": (4620, 38),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    tiny.write_corpus(folder / "ptb_xl", 240, config="ptb_xl_100hz")
    whole = tiny.dataset(240).rename_column("rhythm", "statements")
    tiny.write_corpus(folder / "csn", 240, whole, "csn_100hz")
    tiny.write_corpus(folder / "csn_merl", 240, whole.rename_column("form", "merl"), "csn_100hz")
    tiny.write_corpus(folder / "tiny")
    return folder


def test_corpora_are_known_by_their_configuration(folder):
    tasks = choose_tasks(["ptb_xl_rhythm", "ptb_xl_form", "cpsc2018", "csn"])
    ptb_xl, csn = open_corpora([folder / "ptb_xl", folder / "csn"], [], FOLDS, tasks)
    assert (ptb_xl.name, csn.name) == ("ptb_xl", "csn")
    assert [task.name for task in ptb_xl.tasks] == ["ptb_xl_form", "ptb_xl_rhythm"]
    assert set(ptb_xl.splits["test"]["fold"]) == {9, 10}
    assert csn.tasks[0].label_set == "statements" and csn.class_names(csn.tasks[0]) == ["AFIB", "SR"]
    (merl,) = open_corpora([folder / "csn_merl"], [], FOLDS, tasks)
    assert merl.tasks[0].label_set == "merl"
    assert choose_tasks(None) == TASKS


@pytest.mark.parametrize(
    "names, tasks, message",
    [
        (["ptb_xl"], ["ptb_xl_superdiagnostic"], "PTB-XL superdiagnostic: the corpus has no label set"),
        (["csn", "csn_merl"], None, "both hold csn, wanted one"),
        (["tiny"], None, "tiny_100hz, of which no task is asked"),
        (["ptb_xl"], ["csn"], "of which no task is asked"),
    ],
)
def test_corpora_that_do_not_fit_are_refused(folder, names, tasks, message):
    with pytest.raises(ValueError, match=message):
        open_corpora([folder / name for name in names], [], FOLDS, choose_tasks(tasks))


def test_a_folder_without_a_corpus_is_refused(tmp_path):
    with pytest.raises(OSError, match="no prepared corpus"):
        open_corpora([tmp_path], [], FOLDS, TASKS)
    with pytest.raises(ValueError, match=r"\['rythm'\] are unknown"):
        choose_tasks(["rythm"])


def test_prompts_of_a_task(shared_data_dir):
    names = task_prompts(BY_NAME["ptb_xl_superdiagnostic"], ["MI", "NORM"], "names")
    assert names.classes == {"MI": ["myocardial infarction"], "NORM": ["normal ECG"]}
    assert task_prompts(RHYTHM, ["SR"], "names") == task_prompts(RHYTHM, ["SR"])
    csn = dataclasses.replace(BY_NAME["csn"], label_set="merl")
    assert task_prompts(csn, ["AF"]).classes == {"AF": ["atrial flutter"]}
    assert task_prompts(csn, ["AF"]).label_set == "merl"
    ckepe = shared_data_dir / "merl_splits" / "zeroshot" / "CKEPE_prompt.json"
    assert task_prompts(csn, ["AF"], str(ckepe)).classes["AF"][0].startswith("atrial flutter, atrial fib")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("  SR:\n  - sinus rhythm\n", "", r"without prompts \['SR'\]"),
        ("  SR:\n", "  SR:\n  - first\n  SR:\n", "'SR' is given twice"),
        ("label_set: rhythm", "label_set: form", "is of the label set form"),
    ],
)
def test_prompt_files_that_do_not_fit_are_refused(tmp_path, old, new, message):
    path = tiny.save_prompts(tmp_path / "mine.yaml")
    assert list(task_prompts(RHYTHM, ["SR", "AFIB"], str(path)).classes) == ["SR", "AFIB"]
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        task_prompts(RHYTHM, ["SR", "AFIB"], str(path))


def test_sources_of_prompts():
    tasks = choose_tasks(["ptb_xl_form", "csn"])
    assert parse_prompts([], tasks) == {"ptb_xl_form": "statements", "csn": "statements"}
    chosen = parse_prompts(["names", "ptb_xl_form=a=b.yaml"], tasks)
    assert chosen == {"ptb_xl_form": "a=b.yaml", "csn": "names"}
    for wrong in (["names", "statements"], ["ptb_xl_rhythm=mine.yaml"]):
        with pytest.raises(ValueError, match="prompts are"):
            parse_prompts(wrong, tasks)


def compare(system, kind, name, facts=(MIMIC,), summary=None, **changes):
    """What keeps a published figure from standing beside a run on the whole corpus and the published split."""
    (row,) = (row for row in PUBLISHED if (row.system, row.kind) == (system, kind))
    task = BY_NAME[name]
    summary = {"labels": "merl", "splits": "merl"} if summary is None else summary
    corpus = BenchmarkCorpus(task.corpus, "x", f"{task.corpus}_500hz", summary, {}, (task,))
    records, classes = FULL[name]
    protocol = SUPERVISED if kind.startswith("probe") else ZERO_SHOT
    measured = Measured("labelled", protocol, records, classes, [], PTB_XL_FOLDS)
    return obstacles(row, task, dataclasses.replace(measured, **changes), corpus, facts)


@pytest.mark.parametrize("name", FULL)
def test_the_whole_corpus_and_the_papers_protocol_can_be_compared(name):
    assert compare(MERL, "prompts", name) == []
    own = [] if name.startswith("ptb_xl") else [1]
    for kind in ("prompts", "ensemble"):
        assert bool(compare(FG_CLEP, kind, name)) == bool(own)
    wrong_columns = name == "ptb_xl_subdiagnostic"
    assert bool(compare(MERL, "probe 100 %", name)) == wrong_columns


@pytest.mark.parametrize(
    "change, message",
    [
        ({"which": "negative"}, "here on all records"),
        ({"protocol": LABEL_TEXT}, "label-text here"),
        ({"records": 478}, "published on 2098 test records, here on 478"),
        ({"num_classes": 11}, "published on 12 classes, here on 11"),
        ({"absent": ["PSVT"]}, "not measurable on these records: PSVT"),
        ({"folds": FOLDS}, r"published folds: test 10; here: test 9\+10"),
    ],
)
def test_each_departure_is_told(change, message):
    (told,) = compare(FG_CLEP, "prompts", "ptb_xl_rhythm", **change)
    assert re.search(message, told)


def test_labels_and_training_are_told():
    exact = compare(MERL, "prompts", "csn", summary={"labels": "exact", "splits": "merl"})
    assert len(exact) == 1 and "VB: 913 of 916" in exact[0]
    assert "other folds" in compare(MERL, "prompts", "cpsc2018", summary={"splits": "hash"})[0]
    assert "AVB, RAO/RAE, ISC" in compare(MERL, "probe 100 %", "ptb_xl_subdiagnostic")[0]
    seen = [MIMIC, TrainingFacts(sources=(*MIMIC.sources, SourceFacts(config="ptb_xl_100hz")))]
    assert "on records of this corpus" in compare(MERL, "probe 100 %", "ptb_xl_form", facts=seen)[0]
    assert "not known" in compare(MERL, "probe 100 %", "ptb_xl_form", facts=[None])[0]
    assert any("51 classes, which the paper does not name" in one for one in compare(FG_CLEP, "prompts", "csn"))
    row = next(row for row in PUBLISHED if row.kind == "probe 100 %")
    assert any("first 2,500 samples" in one for one in remarks(row, BY_NAME["cpsc2018"], "statements"))


def test_published_figures_are_those_of_the_papers():
    figures = {(row.system, row.kind): list(row.auroc.values()) for row in PUBLISHED}
    assert figures[FG_CLEP, "prompts"] == [79.28, 83.57, 67.77, 92.31, 88.24, 82.46]
    assert figures[FG_CLEP, "ensemble"] == [79.68, 83.65, 70.79, 91.52, 87.08, 84.60]
    assert figures[MERL, "prompts"] == [74.2, 75.7, 65.9, 78.5, 82.8, 74.4]
    assert figures[MERL, "probe 100 %"] == [88.67, 84.72, 79.65, 88.34, 90.57, 87.95]
