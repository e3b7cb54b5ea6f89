"""FG-CLEP's stages over settings: what a setting does not concern is made once."""

import pytest

from hf_ecg.data.corpus import load_corpus
from hf_ecg.studies.ablation import plan_arms, train_arm
from hf_ecg.studies.fg_clep import stages
from hf_ecg.studies.fg_clep.stages import stages_plan
from hf_ecg.training import load_recipe
from tests.studies.fg_clep import stage_files
from tests.training_fixtures import empty_datasets_cache, fresh_accelerate_state  # noqa: F401


@pytest.fixture(scope="module")
def work(tmp_path_factory, empty_datasets_cache):  # noqa: F811
    return stage_files.write(tmp_path_factory.mktemp("ablation"))


def test_a_threshold_trains_no_second_first_stage(work, tmp_path, monkeypatch):
    overrides = [
        "both.data.sources.0.folds.train=[1,2,3,4,5,6,7]",
        "both.data.sources.0.folds.validation=[8]",
        "third.run.epochs=1",
    ]
    plan = stages_plan(work / "stages.yaml", str(work / "corpus"), tmp_path / "shared", overrides)
    setting = "verification.compat_fixed_threshold=0.0001,0.9"
    arms = plan_arms(plan, [setting, "third.optimizer.lr=0.001"], [3], tmp_path / "runs")
    trained = []
    real = stages.train_once
    monkeypatch.setattr(
        stages, "train_once", lambda recipe, folder: trained.append(folder.name) or real(recipe, folder)
    )
    folders = [train_arm(arm)[0] for arm in arms]
    assert len({folder.parent for folder in folders}) == 2 and all(folder.name == "fg_clep" for folder in folders)
    found = sorted(path.name.partition("-")[0] for path in (tmp_path / "shared").iterdir())
    assert found == ["clep", "judges", "proposals"]
    assert [name.partition("-")[0] for name in trained] == ["clep", "fg_clep", "clep", "fg_clep"]
    assert len(set(trained)) == 2
    recipes = [load_recipe(folder / "recipe.yaml") for folder in folders]
    assert {recipe.run.seed for recipe in recipes} == {3} and {recipe.optimizer.lr for recipe in recipes} == {0.001}
    low, high = (load_corpus(folder.parent / "corpus")["waveform_features"] for folder in folders)
    kept = [sum(f["verdict"] == "kept" for row in rows for f in row) for rows in (low, high)]
    assert kept[0] > kept[1]


@pytest.mark.parametrize(
    ("setting", "overrides", "message"),
    [
        ("verification.precision=1,2", [], "unknown key verification.precision"),
        ("first.run.epoch=1,2", [], "unknown key run.epoch"),
        ("third.data.columns.text=text", [], "trains on data.columns.text=text"),
        ("proposer.name=table,oracle", [], "the proposer is 'oracle'"),
        ("first.run.seed=1,2", [], "which --seeds sets"),
        ("proposer.name=table", ["both.run.seed=1"], "which --seeds sets"),
    ],
)
def test_mistakes_are_told_before_the_first_stage(work, tmp_path, setting, overrides, message):
    with pytest.raises(ValueError, match=message):
        plan = stages_plan(work / "stages.yaml", str(work / "corpus"), tmp_path / "shared", overrides)
        plan_arms(plan, [setting], [0], tmp_path / "runs")
    assert not any(tmp_path.iterdir())
