import json

import pytest

from hf_ecg.training import parse_recipe
from hf_ecg.training import prior_runs as once
from hf_ecg.training.build import data_identity
from hf_ecg.training.prior_runs import is_done, train_once


@pytest.fixture
def trained(monkeypatch):
    """Calls of a training that leaves a checkpoint and a whole model."""
    calls = []

    def pretrain(recipe, folder, resume, disconnect):
        calls.append(resume)
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        recipe.save(folder / "recipe.yaml")
        for name in ("training_run.json", "config.json"):
            (folder / name).write_text("{}")

    monkeypatch.setattr(once, "pretrain", pretrain)
    return calls


def test_a_run_is_trained_once(trained, text_recipe, tmp_path):
    recipe = parse_recipe(text_recipe)
    assert train_once(recipe, tmp_path / "run") and not train_once(recipe, tmp_path / "run")
    assert trained == [False] and (tmp_path / "run/checkpoints").is_dir()
    text_recipe["optimizer"]["lr"] = 0.5
    with pytest.raises(ValueError, match="cannot resume the run in .*optimizer.lr"):
        train_once(parse_recipe(text_recipe), tmp_path / "run")


def test_half_a_model_is_gone_on_with(trained, text_recipe, tmp_path):
    """`config.json` comes last: killed before it, the other files of the model may be there."""
    recipe = parse_recipe(text_recipe)
    train_once(recipe, tmp_path, keep_checkpoints=False)
    assert is_done(tmp_path) and not (tmp_path / "checkpoints").exists()
    (tmp_path / "config.json").unlink()
    assert not is_done(tmp_path) and train_once(recipe, tmp_path)
    assert trained == [True, True]


def test_a_run_on_other_rows_is_not_taken_for_this_one(trained, text_recipe, tmp_path):
    recipe = parse_recipe(text_recipe)
    train_once(recipe, tmp_path)
    note = tmp_path / "training_run.json"
    note.write_text(json.dumps({"rows": data_identity(recipe)}))
    assert not train_once(recipe, tmp_path)
    note.write_text(json.dumps({"rows": "of another corpus"}))
    with pytest.raises(ValueError, match="holds a run on other rows than"):
        train_once(recipe, tmp_path)
