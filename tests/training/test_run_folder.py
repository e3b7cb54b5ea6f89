import pytest

from hf_ecg.training import pretrain
from hf_ecg.training.recipe import parse_recipe
from hf_ecg.training.run_folder import begin_output, check_output, check_same_recipe


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
    assert not list((tmp_path / "out").iterdir())


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
