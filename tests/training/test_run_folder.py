import shutil

import pytest

from hf_ecg.owned_folders import MARKER
from hf_ecg.training import pretrain
from hf_ecg.training.build import build_parts, data_identity
from hf_ecg.training.checkpoint import load_state
from hf_ecg.training.interruption import StopRequest
from hf_ecg.training.loop import TrainingRun
from hf_ecg.training.recipe import parse_recipe
from hf_ecg.training.run_folder import begin_output, check_output, check_same_recipe, load_best


def recipe(**run):
    return parse_recipe(
        {
            "model": {"class": "ECGTextModel", "config": {"ecg_config": {"hidden_size": 8}}},
            "processor": {"feature_extractor": {}},
            "data": {},
            "method": {"name": "text_pairs"},
            "optimizer": {"lr": 0.1},
            "run": {"epochs": 1, "batch_size": 2, **run},
        }
    )


def test_a_folder_with_a_run_is_refused_resumed_or_overwritten(tmp_path):
    check_output(tmp_path / "out", resume=False, overwrite=False)
    begin_output(tmp_path / "out", overwrite=False)
    recipe().save(tmp_path / "out" / "recipe.yaml")
    with pytest.raises(FileExistsError, match="--resume latest goes on"):
        check_output(tmp_path / "out", resume=False, overwrite=False)
    check_output(tmp_path / "out", resume=True, overwrite=False)
    begin_output(tmp_path / "out", overwrite=False)
    check_output(tmp_path / "out", resume=False, overwrite=True)
    assert (tmp_path / "out" / "recipe.yaml").exists()
    begin_output(tmp_path / "out", overwrite=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MARKER]


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"resume": True}])
def test_a_folder_with_something_else_is_never_touched(tmp_path, options):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(FileExistsError, match="thesis.tex"):
        check_output(tmp_path, **{"resume": False, "overwrite": False, **options})
    assert (tmp_path / "thesis.tex").exists()


def test_only_what_changes_no_weight_may_differ_on_resume(tmp_path):
    recipe().save(tmp_path / "recipe.yaml")
    check_same_recipe(recipe(num_workers=2, checkpoint_every_steps=5), tmp_path)
    with pytest.raises(ValueError, match="run.seed was 0 and is now 1"):
        check_same_recipe(recipe(seed=1), tmp_path)
    other = recipe()
    other.model.config["ecg_config"]["hidden_size"] = 16
    with pytest.raises(ValueError, match="model.config.ecg_config.hidden_size was 8 and is now 16"):
        check_same_recipe(other, tmp_path)


def test_a_recipe_that_cannot_run_leaves_the_run_it_was_to_overwrite(text_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(text_recipe, run__max_steps=2), tmp_path / "out")
    before = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    with pytest.raises(ValueError, match="no column 'texts'"):
        pretrain(recipe_of(text_recipe, data__columns__text="texts"), tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == before


@pytest.mark.parametrize("trace", ["checkpoints", "log.jsonl", "recipe.yaml"])
@pytest.mark.parametrize("option", ["resume", "overwrite"])
def test_a_folder_with_other_work_is_no_run(tmp_path, trace, option):
    (tmp_path / trace).mkdir() if trace == "checkpoints" else (tmp_path / trace).write_text("mine\n")
    with pytest.raises(FileExistsError, match="no training run"):
        check_output(tmp_path, **{"resume": False, "overwrite": False, option: True})


def test_only_what_runs_write_is_thrown_away(text_recipe, recipe_of, tmp_path, caplog):
    run, out = recipe_of(text_recipe, run__max_steps=1), tmp_path / "out"
    pretrain(run, out)
    ours = sorted(path.relative_to(out) for path in out.rglob("*"))
    (out / "thesis").mkdir()
    (out / "thesis" / "chapter.tex").write_text("precious")
    # in folders that are replaced as a whole
    others = [out / "checkpoints" / "best" / "epoch3.pt", out / "encoder" / "mine" / "notes.txt"]
    for other in others:
        other.parent.mkdir(exist_ok=True)
        other.write_text("precious")
    (out / MARKER).unlink()  # of an earlier version
    pretrain(run, out, overwrite=True)
    assert [other.read_text() for other in others] == ["precious"] * 2
    others[0].unlink()
    shutil.rmtree(others[1].parent)
    assert (out / "thesis" / "chapter.tex").read_text() == "precious" and "thesis/chapter.tex" in caplog.text
    begin_output(out, overwrite=True)
    left = sorted(path.relative_to(out) for path in out.rglob("*"))
    assert [str(path) for path in left] == [MARKER, "thesis", "thesis/chapter.tex"], set(left) & set(ours)


@pytest.mark.parametrize("name", ["checkpoints", "encoder"])
def test_nothing_is_overwritten_through_a_link_in_the_folder(tmp_path, name):
    begin_output(tmp_path / "out", overwrite=False)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere")
    check_output(tmp_path / "out", resume=True, overwrite=False)
    with pytest.raises(OSError, match=f"{name} is a link to .*elsewhere"):
        check_output(tmp_path / "out", resume=False, overwrite=True)


def test_a_recipe_beside_an_empty_log_is_no_run(tmp_path):
    recipe().save(tmp_path / "recipe.yaml")
    (tmp_path / "log.jsonl").touch()
    with pytest.raises(FileExistsError, match="no training run"):
        check_output(tmp_path, resume=False, overwrite=True)


def test_a_second_run_of_the_folder_is_refused_until_the_first_one_ends(text_recipe, recipe_of, tmp_path):
    run, stop = recipe_of(text_recipe, run__max_steps=1), StopRequest()
    first = TrainingRun(run, tmp_path / "out", stop, resume=False, overwrite=False)
    try:
        with pytest.raises(OSError, match="out is being written by process"):
            TrainingRun(run, tmp_path / "out", stop, resume=False, overwrite=True)
    finally:
        first.close(disconnect=False)
        stop.close()
    pretrain(run, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "config.json").is_file()


def test_the_weights_that_are_saved_are_those_that_this_run_chose(text_recipe, recipe_of, tmp_path):
    for seed in (0, 1):
        pretrain(recipe_of(text_recipe, run__max_steps=1, run__seed=seed), tmp_path / f"out{seed}")
    out, best = tmp_path / "out0", tmp_path / "out0" / "checkpoints" / "best"
    (out / "config.json").unlink()  # killed while it saved
    shutil.rmtree(best)
    with pytest.raises(FileNotFoundError, match="best is gone"):
        pretrain(recipe_of(text_recipe, run__max_steps=1), out, resume=True)
    shutil.copytree(tmp_path / "out1" / "checkpoints" / "best", best)
    with pytest.raises(ValueError, match="best is of the run"):
        pretrain(recipe_of(text_recipe, run__max_steps=1), out, resume=True)
    assert not (out / "config.json").exists()


def test_the_best_weights_are_of_the_step_that_was_chosen(text_recipe, recipe_of, tmp_path):
    pretrain(recipe_of(text_recipe, run__max_steps=2), tmp_path)
    best = tmp_path / "checkpoints" / "best"
    saved = load_state(best)[1]
    assert load_best(best, saved["run"], saved["best_step"])
    with pytest.raises(ValueError, match=f"is of step {saved['best_step']}, this run chose step 99"):
        load_best(best, saved["run"], 99)


def test_a_run_says_on_which_rows_it_was_trained(text_recipe, recipe_of, tmp_path, monkeypatch):
    """A corpus that is prepared anew while a run trains must not pass for what it has seen."""
    recipe = recipe_of(text_recipe)
    parts, before = build_parts(recipe), data_identity(recipe)
    monkeypatch.setattr("hf_ecg.training.build.load_sources", None)
    assert data_identity(recipe, parts) == before
