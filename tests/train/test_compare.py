import json
import shutil

import numpy as np
import pytest
import yaml

from hf_ecg.locks import OutputLock
from hf_ecg.studies.comparison.arm_runs import plan_runs, recipe_of
from hf_ecg.studies.comparison.comparison_spec import load_comparison
from hf_ecg.studies.comparison.kept_scores import KeptScores
from hf_ecg.studies.comparison.measures import JudgedRows, write_scores
from hf_ecg.studies.source_overrides import source_overrides
from hf_ecg.training.step_costs import StepCosts
from tests.evaluation import tiny

EXTRACTOR = {
    "sampling_rate": 100,
    "leads": ["I"],
    "num_samples": tiny.SAMPLES,
    "steps": [{"name": "pick_lead"}, {"name": "normalise", "method": "zscore"}],
}
RECIPE = {
    "model": {
        "class": "ECGForContrastivePreTraining",
        "config": {
            "ecg_config": {
                **{"model_type": "ecg_resnext", "num_leads": 1, "num_samples": tiny.SAMPLES, "sampling_rate": 100},
                **{"widths": [8, 16], "depths": [1, 1], "group_width": 4, "kernel_size": 6},
            }
        },
    },
    "processor": {"feature_extractor": EXTRACTOR},
    "data": {"sources": [{"folds": {"train": [1]}}], "columns": {"risk": "age"}},
    "method": {"name": "view_pairs", "options": {"views": [{"name": "electrode_noise", "rms": 0.1}]}},
    "optimizer": {"lr": 1e-3},
    "run": {"epochs": 1, "batch_size": 32, "num_workers": 0, "num_threads": 1},
}
COMPARISON = {
    "title": "Tiny comparison",
    "recipe": "recipe.yaml",
    # of five, which no part of this depends on
    "turns": 2,
    "arms": {
        "random encoder": {"trained": False},
        "SimCLR": {"overrides": ["model.config.loss_type=info_nce"]},
        "CLEF": {},
    },
    "measures": {
        "rhythm probe": {"kind": "probe", "label_set": "rhythm"},
        "rhythm probe, half": {"kind": "probe", "label_set": "rhythm", "fraction": 0.5, "arms": ["CLEF"]},
        "age": {"kind": "regression", "target": "age"},
        "rhythm fine-tuned": {
            **{"kind": "finetune", "label_set": "rhythm", "arms": ["CLEF"]},
            "overrides": ["run.epochs=1", "run.num_workers=0", "run.num_threads=1"],
        },
    },
    "differences": [["CLEF", "SimCLR"]],
}


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "compare")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    tiny.write_corpus(folder / "corpus", whole=tiny.dataset(480))
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (folder / "comparison.yaml").write_text(yaml.safe_dump(COMPARISON))
    return folder


def command(work, name, *options):
    arguments = ["--comparison", str(work / "comparison.yaml"), "--data", str(work / "corpus")]
    arguments += ["--config", tiny.CONFIG, "--output_dir", str(work / name), "--bootstrap", "20", "--minimum", "3"]
    return [*arguments, *options]


@pytest.fixture(scope="module")
def done(script, work):
    """The report of OUT, made in two shares."""
    assert script.main(command(work, "OUT", "--share", "2/2")) is None
    return script.main(command(work, "OUT", "--share", "1/2"))


def test_two_shares_make_one_report_of_every_turn(script, work, done):
    report = done
    tasks = {task["name"]: task for task in report["tasks"]}
    assert set(tasks["rhythm probe"]["systems"]) == {"random encoder", "SimCLR", "CLEF"}
    assert set(tasks["rhythm fine-tuned"]["systems"]) == {"CLEF"} and not tasks["rhythm fine-tuned"]["differences"]
    folds = np.array(tiny.dataset(480)["fold"][:])
    assert tasks["age"]["records"] == (folds <= 4).sum()  # every record of the turns was tested, and none twice
    assert [entry["first"] for entry in tasks["rhythm probe"]["differences"]] == ["CLEF"]
    folder = work / "OUT/clef/seed_0/test_1_2/scores"
    whole, half = (np.load(folder / f"rhythm_probe{end}.npz")["scores"] for end in ("", "_half"))
    assert whole.shape == half.shape and (whole != half).any()  # of the same rows, by half of the training labels
    page = (work / "OUT/comparison.md").read_text()
    assert "wanted" not in page
    cells = [cell for line in page.splitlines() if line.startswith("| ") for cell in line.split("|") if "[" in cell]
    assert len(cells) > 10 and all(cell.endswith("] (one seed) ") for cell in cells)
    saved = json.loads((work / "OUT/comparison.json").read_text())
    assert saved["data"]["folds"] == list(range(1, 5)) and saved["tasks"][0]["seeds"] == [0]

    # Whatever is there is neither trained nor measured again, and gives the same report.
    first = {path: path.stat().st_mtime_ns for path in (work / "OUT").rglob("*.npz")}
    lost = work / "OUT/clef/seed_0/test_3_4/scores/age.npz"
    before = np.load(lost)["scores"]
    lost.unlink()
    again = script.main(command(work, "OUT"))
    assert again["tasks"] == report["tasks"]
    assert {path for path, time in first.items() if path.stat().st_mtime_ns != time} == {lost}
    np.testing.assert_array_equal(np.load(lost)["scores"], before)


def test_a_row_that_is_refused_is_in_no_arm(script, work, tmp_path):
    rows = tiny.dataset(480)
    change = {"signal": [-32768] * len(rows[7]["signal"])}
    rows = rows.map(lambda row, place: change if place == 7 else {}, with_indices=True, features=rows.features)
    tiny.write_corpus(tmp_path / "corpus", whole=rows)
    arms = {"random encoder": {"trained": False}}
    content = COMPARISON | {"turns": None, "arms": arms, "measures": {"age": {"kind": "regression", "target": "age"}}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "comparison.yaml").write_text(yaml.safe_dump(content | {"differences": []}))
    report = script.main(command(tmp_path, "OUT", "--scores", str(tmp_path / "kept")))
    assert [entry["record"] for entry in report["refused"]] == [rows[7]["record_id"]]
    assert report["tasks"][0]["records"] == 479 and "in no figure: 1" in (tmp_path / "OUT/comparison.md").read_text()
    again = script.main(command(tmp_path, "elsewhere", "--scores", str(tmp_path / "kept")))
    assert again["tasks"] == report["tasks"] and [entry["record"] for entry in again["refused"]] == [
        rows[7]["record_id"]
    ]


def test_runs_whose_scores_are_kept_are_not_trained_again(script, work, done, tmp_path):
    kept = ["--scores", str(tmp_path / "kept")]
    script.main(command(work, "OUT", *kept))
    report = script.main(command(work, tmp_path / "elsewhere", *kept))
    assert not list((tmp_path / "elsewhere").rglob("*.safetensors"))
    assert report["tasks"] == done["tasks"]
    with pytest.raises(ValueError, match="npz is of another run, by optimizer.lr"):
        script.main(command(work, tmp_path / "another", *kept, "optimizer.lr=0.01"))
    with pytest.raises(ValueError, match="npz is of another run, by run.epochs"):
        script.main(command(work, tmp_path / "another", *kept, "run.epochs=2"))
    path = tmp_path / "kept/simclr/seed_0_test_1_2.npz"
    whole = path.read_bytes()
    with np.load(path) as content:
        arrays = dict(content)
    for damaged in (
        whole[:400],
        whole[:60] + bytes(20) + whole[80:],
        arrays | {"age": arrays["age"][1:]},
        arrays | {"told": "1"},
    ):
        np.savez(path, **damaged) if isinstance(damaged, dict) else path.write_bytes(damaged)
        with pytest.raises(ValueError, match="seed_0_test_1_2.npz is damaged"):
            script.main(command(work, tmp_path / "another", *kept))


def test_scores_are_kept_with_what_their_run_began_with(work, tmp_path):
    arms = {"next": {"overrides": ["model.init_from.encoder={arm:start}/encoder"]}}
    content = COMPARISON | {"measures": {"age": {"kind": "regression", "target": "age"}}, "differences": []}

    def kept(**start):
        told = content | {"arms": {"start": {"measured": False} | start} | arms}
        (work / "begun.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
        comparison = load_comparison(work / "begun.yaml")
        judged = JudgedRows(str(work / "corpus"), tiny.CONFIG, comparison.measures)
        runs = plan_runs(comparison, comparison.planned_turns(range(1, 11)), [0], tmp_path / "OUT")
        given = source_overrides(str(work / "corpus"), tiny.CONFIG)
        return KeptScores(tmp_path / "kept", comparison, work, given, judged), runs, given, comparison, judged

    scores, runs, given, comparison, judged = kept()
    assert scores.left(runs) == runs
    for run in runs[1::2]:
        rows = judged.rows(run.turn.test, "age")
        names = [judged.records[row] for row in rows]
        write_scores(run, "age", np.zeros((len(rows), 1)), names, comparison.measures["age"], "made")
        scores.keep(run, recipe_of(comparison, run, work, given), judged)
    assert not scores.left(runs)  # nobody asks about what they began with
    scores.path(runs[-1]).unlink()
    assert scores.left(runs) == runs[-2:]
    scores, runs, *_ = kept(overrides=["optimizer.lr=0.01"])
    with pytest.raises(ValueError, match="npz is of another run, by begun with"):
        scores.left(runs)


@pytest.mark.parametrize(
    ("arm", "override", "message"),
    [
        ("simclr", "optimizer.lr=0.01", "simclr.*optimizer.lr was 0.001 and is now 0.01"),
        ("random_encoder", "model.config.ecg_config.widths=[8,8]", "random_encoder.*widths"),
    ],
)
def test_runs_of_another_recipe_are_not_taken_for_these(script, work, done, tmp_path, arm, override, message):
    shutil.copytree(work / "OUT" / arm / "seed_0/test_1_2", tmp_path / arm / "seed_0/test_1_2")
    with pytest.raises(ValueError, match=f"cannot resume the run in .*{message}"):
        script.main(command(work, tmp_path, override))


def test_scores_of_another_definition_are_refused(script, work, done, tmp_path):
    fine_tuned = COMPARISON["measures"]["rhythm fine-tuned"]
    other = fine_tuned | {"overrides": [*fine_tuned["overrides"], "optimizer.lr=0.1"]}
    content = COMPARISON | {"measures": COMPARISON["measures"] | {"rhythm fine-tuned": other}}
    (work / "redefined.yaml").write_text(yaml.safe_dump(content))
    shutil.copytree(work / "OUT", tmp_path / "OUT")
    arguments = command(work, tmp_path / "OUT")
    arguments[1] = str(work / "redefined.yaml")
    with pytest.raises(ValueError, match=r"rhythm_fine_tuned.npz was measured as .*says .*optimizer.lr=0.1"):
        script.main(arguments)


def test_two_processes_at_one_turn_are_refused(script, work, tmp_path):
    lock = OutputLock(tmp_path / "OUT/locks/seed_0_test_1_2")
    lock.acquire()
    with pytest.raises(OSError, match="another process works on seed 0, test_1_2 .* --share of its own"):
        script.main(command(work, tmp_path / "OUT"))
    lock.release()
    assert [path.name for path in (tmp_path / "OUT").iterdir()] == ["locks"]


def test_a_seed_left_out_is_named(script, work, done, tmp_path):
    shutil.copytree(work / "OUT", tmp_path / "OUT")
    report = script.main(command(work, tmp_path / "OUT", "--seeds", "0,1", "--share", "9/10"))
    assert {tuple(task["seeds"]) for task in report["tasks"]} == {(0,)}
    assert "age: without the seeds [1]" in (tmp_path / "OUT/comparison.md").read_text()


def test_scores_of_other_records_are_refused(script, work, done, tmp_path):
    shutil.copytree(work / "OUT", tmp_path / "OUT")
    path = tmp_path / "OUT/clef/seed_0/test_3_4/scores/age.npz"
    content = dict(np.load(path))
    np.savez(path, **content | {"records": content["records"][::-1]})
    with pytest.raises(ValueError, match="scores of other records"):
        script.main(command(work, tmp_path / "OUT"))


def test_a_measure_that_the_corpus_cannot_answer_costs_no_training(script, work):
    (work / "wrong.yaml").write_text(
        yaml.safe_dump(COMPARISON | {"measures": {"x": {"kind": "probe", "label_set": "colour"}}, "differences": []})
    )
    arguments = command(work, "NONE")
    arguments[1] = str(work / "wrong.yaml")
    with pytest.raises(ValueError, match="colour"):
        script.main(arguments)
    assert not (work / "NONE").exists()


def test_one_turn_judges_its_two_folds(script, work):
    few = COMPARISON | {"turns": 1, "arms": {"random encoder": {"trained": False}}, "differences": []}
    few["measures"] = {"age": COMPARISON["measures"]["age"]}
    (work / "one_turn.yaml").write_text(yaml.safe_dump(few))
    report = script.main([*command(work, "ONE_TURN"), "--comparison", str(work / "one_turn.yaml")])
    folds = np.array(tiny.dataset(480)["fold"][:])
    assert report["tasks"][0]["records"] == int(np.isin(folds, [1, 2]).sum()) and report["data"]["folds"] == [1, 2]


def test_an_arm_that_begins_with_another_has_its_minutes_too(script, work, monkeypatch):
    # two epochs of 0.25 s fit, and the recipe says one
    monkeypatch.setattr("hf_ecg.studies.time_budget.measure_costs", lambda *_: StepCosts(0.01, 25, 0.0, 0.0))
    begins = {"overrides": ["model.config={}", "model.init_from.model={arm:CLEF}"]}
    only = {"turns": 1, "arms": {"CLEF": {}, "after": begins}, "differences": [], "minutes": 0.5 / 60, "clock": "cpu"}
    measures = {"rhythm probe": COMPARISON["measures"]["rhythm probe"]}
    (work / "minutes.yaml").write_text(yaml.safe_dump(COMPARISON | only | {"measures": measures}))
    script.main([*command(work, "MINUTES"), "--comparison", str(work / "minutes.yaml")])
    for arm in ("clef", "after"):
        recipe = yaml.safe_load((work / f"MINUTES/{arm}/seed_0/test_1_2/recipe.yaml").read_text())
        assert recipe["run"]["epochs"] == 2, arm
    assert "CLEF 2, after 2" in (work / "MINUTES/comparison.md").read_text()
