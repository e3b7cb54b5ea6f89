"""CLEF's tasks: what is there is run, what is not there is told, and both by their names."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset

from hf_ecg import ECGFeatureExtractor, ECGResNetModel
from hf_ecg.data.schema import row_features
from hf_ecg.evaluation.clef_tasks.clef_page import clef_page, clef_summary
from hf_ecg.evaluation.clef_tasks.clef_run import named_models, run_clef_tasks
from hf_ecg.evaluation.clef_tasks.task_judge import ClefSettings
from hf_ecg.evaluation.clef_tasks.task_rows import find_corpora, one_lead
from hf_ecg.evaluation.clef_tasks.task_table import CLEF_TASKS, CORPORA, TASKS, choose_tasks
from hf_ecg.evaluation.judging.linear_probe import ProbeRows
from hf_ecg.evaluation.judging.softmax_probe import softmax_probe
from hf_ecg.evaluation.options import IntervalOptions
from tests.evaluation import tiny

FOLDS = {"train": [1, 2, 3, 4, 5, 6, 7, 8], "validation": [9], "test": [10]}
FEW = IntervalOptions(replicates=20, minimum=3)


def save_encoder(folder, leads=("I",)):
    torch.manual_seed(0)
    config = tiny.ecg_config(num_leads=1, depths=[1], widths=[4])
    ECGResNetModel(config).save_pretrained(folder)
    steps = [{"name": "pick_lead"}]
    ECGFeatureExtractor(sampling_rate=100, leads=list(leads), num_samples=100, steps=steps).save_pretrained(folder)
    return str(folder)


def one_channel(rows, lead, label_sets, extra=()):
    """The tiny corpus as a corpus of one channel."""
    features = row_features(1, tiny.SAMPLES, label_sets, extra=dict(extra))
    made = []
    for row in rows:
        cut = {"signal": row["signal"][: tiny.SAMPLES], "leads": [lead], "gain": [1000.0], "baseline": [0.0]}
        made.append({key: ({**row, **cut}).get(key) for key in features})
    return Dataset.from_dict({key: [row[key] for row in made] for key in features}, features=features)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from datasets import Value

    folder = tmp_path_factory.mktemp("clef")
    rows = tiny.rows(150)
    for number, row in enumerate(rows):
        row["outcome"] = [] if number == 3 else row["rhythm"]
        row["rhythm_class"] = row["rhythm"]
        # a number that shows in the signal, unknown in some rows
        row["sbp"] = None if number % 7 == 0 else 100.0 + 40 * (row["rhythm"] == [0])
    corpora = folder / "corpora"
    tiny.write_corpus(corpora / "ptb_xl", whole=tiny.dataset(150), config="ptb_xl_100hz")
    whole = one_channel(rows, "X", {"outcome": ["survivor", "sudden_cardiac_death"]})
    tiny.write_corpus(corpora / "music", whole=whole, config="music_100hz")
    whole = one_channel(rows, "ECG", {}, {"sbp": Value("float32")})
    tiny.write_corpus(corpora / "aurora_bp", whole=whole, config="aurora_bp_100hz")
    whole = one_channel(rows, "I", {"rhythm_class": ["AF", "normal"]})
    tiny.write_corpus(corpora / "cinc2017", whole=whole, config="cinc2017_100hz")
    (corpora / "raw").mkdir()
    save_encoder(folder / "models/one")
    return folder


@pytest.fixture(scope="module")
def run(folder):
    """Report of one run over all tasks, and the settings."""
    settings = ClefSettings(FOLDS, intervals=FEW, strengths=(0.1, 1.0))
    report = run_clef_tasks([folder / "models/one"], folder / "corpora", TASKS, settings, folder / "out")
    return report, settings


def test_the_table_is_the_papers():
    kinds = [task.problem for task in CLEF_TASKS]
    assert (len(kinds), kinds.count("regression")) == (18, 5)
    assert len({task.name for task in TASKS}) == 19 and {task.corpus for task in TASKS} == set(CORPORA)
    with pytest.raises(ValueError, match=r"'icentia_beats' is unknown \(did you mean 'icentia_beat'\?\)"):
        choose_tasks(["icentia_beats"])


def test_what_is_there_is_run_and_the_rest_is_told(run):
    report, _ = run
    by_name = {task["name"]: task for task in report["tasks"]}
    ran = [name for name, task in by_name.items() if task["status"] == "run"]
    assert ran == ["ptb_xl_form", "ptb_xl_rhythm", "music_outcome", "aurora_sbp", "cinc2017"]
    for name in ("ptb_xl_rhythm", "music_outcome", "cinc2017"):
        systems = by_name[name]["systems"]
        assert list(systems) == ["one", "one, random weights"]
        assert systems["one"]["macro"]["auroc"]["value"] > 0.95, name
        assert [pair["first"] for pair in by_name[name]["differences"]] == ["one"]
    pressure = by_name["aurora_sbp"]
    assert pressure["figures"]["one"]["mae"]["value"] < 8 and pressure["unit"] == "mmHg"
    assert pressure["figures"]["mean of the training rows"]["mae"]["value"] > 15
    assert pressure["splits"]["test"][0] < 14  # rows that do not know it are left out
    # leads by their true names, and what the encoder was told
    assert by_name["music_outcome"]["leads"] == {"one": "X shown as I"}
    assert by_name["ptb_xl_rhythm"]["leads"] == {"one": "I"}
    assert "no label set" not in by_name["ptb_xl_diagnostic"]["reason"]
    assert "has no column 'diagnostic'" in by_name["ptb_xl_diagnostic"]["reason"]
    absent = by_name["icentia_beat"]
    assert (
        absent["reason"] == "the prepared corpus icentia11k is not there" and "prepare icentia11k" in absent["how_to"]
    )
    assert by_name["aurora_dbp"]["status"] == "not run"


def test_the_challenge_has_its_own_f1(run):
    (task,) = (task for task in run[0]["tasks"] if task["name"] == "cinc2017")
    assert task["f1_classes"] == ["normal", "AF"]  # noisy is not among them, other not in this corpus
    assert {"accuracy", "macro_f1"} == set(task["figures"]["one"])


def test_the_page_and_the_summary(run):
    report, _ = run
    page = clef_page(report)
    assert "| MUSIC outcome | " in page and "| X shown as I | one | " in page
    assert "| Icentia beat | the prepared corpus icentia11k is not there | `hf-ecg prepare icentia11k" in page
    assert " mmHg | " in page and "AUROC 0" not in page
    told = clef_summary(report)
    assert any(line.startswith("Challenge 2017 rhythm, lead I: one ") for line in told)
    assert "not run: Icentia beat: the prepared corpus icentia11k is not there" in told
    assert max(map(len, told)) <= 100


def test_a_second_run_computes_nothing_and_says_the_same(run, folder):
    report, settings = run
    parts = {path: path.stat().st_mtime_ns for path in (folder / "out/parts").rglob("*.npz")}
    some = choose_tasks(["aurora_sbp", "cinc2017"])
    again = run_clef_tasks([folder / "models/one"], folder / "corpora", some, settings, folder / "out")
    assert {path: path.stat().st_mtime_ns for path in (folder / "out/parts").rglob("*.npz")} == parts
    written = json.loads((folder / "out/clef_tasks.json").read_text())
    assert again["tasks"] == report["tasks"][-3:][::2] == written["tasks"]


def test_splits_by_order_are_called_flawed(folder, tmp_path):
    from hf_ecg.cli import call

    words = ["--model", folder / "models/one", "--data", folder / "corpora", "--tasks", "music_outcome"]
    words += ["--compat_order", "--without_random", "--bootstrap", "10", "--minimum", "3"]
    report = call("evaluate clef-tasks", [str(word) for word in [*words, "--output_dir", tmp_path / "out"]])
    (task,) = report["tasks"]
    assert task["split"].startswith("by the order of the rows, 70% / 10%") and list(task["systems"]) == ["one"]
    assert task["splits"]["train"][0] == 104  # 105 rows, one without an outcome
    # of two records a patient, the cut is between those of one
    assert task["remarks"] == ["Flawed: rows are dealt, not patients. Patients in more than one split: 1."]
    assert (tmp_path / "out/clef_tasks.md").is_file()


def test_folds_of_the_training_leave_a_model_out(folder, tmp_path):
    place = tmp_path / "seen"
    save_encoder(place)
    tiny.write_facts(place, corpus="ptb_xl", config="ptb_xl_100hz", train_folds=[10])
    settings = ClefSettings(FOLDS, random=False, intervals=FEW, strengths=(1.0,))
    tasks = choose_tasks(["ptb_xl_rhythm"])
    models = [folder / "models/one", place]
    report = run_clef_tasks(models, folder / "corpora/ptb_xl", tasks, settings, tmp_path / "out")
    (task,) = report["tasks"]
    assert list(task["systems"]) == ["one"] and "seen" in task["remarks"][0] and "trained on" in task["remarks"][0]
    with pytest.raises(
        ValueError, match="no task can be run .* no model can be judged: seen: .* was trained on folds"
    ):
        run_clef_tasks([place], folder / "corpora", tasks, settings, tmp_path / "none")


def test_mistakes_are_told_before_anything_is_computed(folder, tmp_path):
    settings = ClefSettings(FOLDS, intervals=FEW)
    model = [folder / "models/one"]
    with pytest.raises(OSError, match="holds no prepared corpus, nor does a folder in it"):
        run_clef_tasks(model, folder / "models", TASKS, settings, tmp_path)
    with pytest.raises(ValueError, match=r"a column is given for \['lvef'\]"):
        run_clef_tasks(
            model, folder / "corpora", choose_tasks(["cinc2017"]), settings, tmp_path, columns={"lvef": "x"}
        )
    with pytest.raises(ValueError, match="wanted one or more, each once"):
        named_models([folder / "models/one", folder / "models/one"])
    with pytest.raises(ValueError, match="folds"):
        run_clef_tasks(model, folder / "corpora", TASKS, ClefSettings(FOLDS | {"test": [9]}), tmp_path)
    tiny.write_corpus(folder / "twice/first", config="ptb_xl_100hz")
    tiny.write_corpus(folder / "twice/second", config="ptb_xl_500hz")
    with pytest.raises(ValueError, match="has ptb_xl 2 times: .*name one configuration"):
        find_corpora(folder / "twice")
    assert find_corpora(folder / "twice", ["ptb_xl_500hz"])["ptb_xl"].config == "ptb_xl_500hz"


def test_the_lead_that_an_encoder_sees():
    def words(known, leads, wanted="I"):
        extractor = ECGFeatureExtractor(leads=list(known), steps=[{"name": "pick_lead"}], num_samples=None)
        return one_lead(extractor, leads, wanted, "here").words

    assert words(["I"], ["X"]) == "X shown as I" and words(["I", "II"], ["II"]) == "II"
    assert words(["I", "II"], ["I", "II", "V1"], "II") == "II" and words(["I"], ["I", "II"], "II") == "II shown as I"
    with pytest.raises(ValueError, match="here has the leads V1, V2, wanted I"):
        words(["I"], ["V1", "V2"])
    with pytest.raises(ValueError, match="here has lead X, and the encoder knows II, V1, not I"):
        words(["II", "V1"], ["X"])


def test_only_the_chosen_lead_is_seen():
    extractor = ECGFeatureExtractor(
        sampling_rate=100, leads=["I", "II"], steps=[{"name": "pick_lead"}], num_samples=None
    )
    (row,) = tiny.rows(1)
    shown = one_lead(extractor, row["leads"], "II", "here")([row], return_tensors="np", window="recipe")
    np.testing.assert_allclose(shown["input_values"][0, 0] * 1000, row["signal"].reshape(12, -1)[1], atol=1e-3)


def test_the_softmax_probe():
    generator = np.random.default_rng(0)
    classes = np.array([0] * 80 + [1] * 12 + [2] * 8)
    labels = np.eye(4)[classes]  # the last class has no row
    features = labels[:, :3] + generator.normal(scale=0.6, size=(100, 3))
    rows = ProbeRows(features, labels, range(100))
    plain = softmax_probe(rows, rows, features, list("abcd"), minimum=5, strengths=(1.0,))
    even = softmax_probe(rows, rows, features, list("abcd"), balanced=True, minimum=5, strengths=(1.0,))
    np.testing.assert_allclose(np.exp(plain.scores[:, :3]).sum(axis=1), 1)
    assert plain.untrained == ["d"] and np.isfinite(plain.scores).all() and (plain.scores[:, 3] < -600).all()
    rare = classes == 2
    assert (even.scores.argmax(axis=1) == 2)[rare].mean() >= (plain.scores.argmax(axis=1) == 2)[rare].mean()
    assert (even.scores.argmax(axis=1) == 2).sum() > (plain.scores.argmax(axis=1) == 2).sum()
    with pytest.raises(ValueError, match="1 training rows do not have exactly one"):
        softmax_probe(
            ProbeRows(features, np.vstack([labels[:99], [[1, 1, 0, 0]]]), range(100)), rows, features, "abcd"
        )


def test_whole_encoders_are_fine_tuned_once(folder, tmp_path):
    from hf_ecg.cli import call

    words = ["--model", folder / "models/one", "--data", folder / "corpora", "--tasks", "cinc2017", "--finetune"]
    words += ["--epochs", "1", "--without_random", "--bootstrap", "10", "--minimum", "3", "--output_dir", tmp_path]
    first = call("evaluate clef-tasks", [str(word) for word in words])
    (task,) = first["tasks"]
    assert list(task["systems"]) == ["one"] and first["method"].startswith("full fine-tuning")
    weights = tmp_path / "finetuned/one/cinc2017/model.safetensors"
    made = weights.stat().st_mtime_ns
    assert call("evaluate clef-tasks", [str(word) for word in words])["tasks"] == first["tasks"]
    assert weights.stat().st_mtime_ns == made


def test_fine_tuning_wants_the_lead_by_its_name(folder, tmp_path):
    from hf_ecg.studies.clef_finetuning import FinetuningJudge

    settings = ClefSettings(FOLDS, random=False, intervals=FEW)
    judge = FinetuningJudge(settings, tmp_path)
    given = ([folder / "models/one"], folder / "corpora/music", choose_tasks(["music_outcome"]))
    with pytest.raises(ValueError, match="music has lead X, which one does not know: .*--lead_name I"):
        run_clef_tasks(*given, settings, tmp_path, judge=judge)
    settings = replace(settings, compat_order=True)
    with pytest.raises(ValueError, match="fine-tuning splits by folds"):
        run_clef_tasks(*given, settings, tmp_path, judge=FinetuningJudge(settings, tmp_path))
