import pytest
import yaml

from hf_ecg.studies import ablation
from hf_ecg.studies.ablation import parse_seeds, parse_setting, plan_arms, recipe_plan, train_arm


@pytest.fixture
def recipe(tmp_path, text_recipe):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(text_recipe))
    return path


def test_values_of_a_setting():
    assert parse_setting("model.config.x=0, 0.5") == ["model.config.x=0", "model.config.x=0.5"]
    assert parse_setting("data.sources.0.folds.train=[1,2],[3]") == [
        "data.sources.0.folds.train=[1,2]",
        "data.sources.0.folds.train=[3]",
    ]
    assert parse_setting("data.sources.0.path='a,b',c") == ["data.sources.0.path='a,b'", "data.sources.0.path=c"]
    for wrong in ("x", "=1", "x=", "x=1,", "x=1,1"):
        with pytest.raises(ValueError, match="not of the form section.key=A,B"):
            parse_setting(wrong)


def test_seeds():
    assert parse_seeds("0, 3,2") == [0, 3, 2]
    for wrong in ("", "0,0", "1;2", "-1", "0,00"):
        with pytest.raises(ValueError, match="wanted distinct numbers"):
            parse_seeds(wrong)


def test_every_combination_has_its_folder_and_recipe(recipe, tmp_path, monkeypatch):
    trained = {}
    monkeypatch.setattr(ablation, "train_once", lambda recipe, folder: trained.update({folder: recipe}))
    settings = ["model.config.mitigation_weight=0,0.5", "optimizer.lr=0.1,0.2"]
    arms = plan_arms(recipe_plan(recipe, ["run.epochs=7"]), settings, [0, 4], tmp_path)
    assert arms[1].name == "model.config.mitigation_weight=0, optimizer.lr=0.2"
    assert [train_arm(arm) for arm in arms] == [[arm.run_folder(0), arm.run_folder(4)] for arm in arms]
    assert len(trained) == 8
    last, first = trained[arms[3].run_folder(4)], trained[arms[0].run_folder(0)]
    assert last.model.config["mitigation_weight"] == 0.5
    assert (last.optimizer.lr, last.run.seed) == (0.2, 4)
    assert first.run.epochs == 7 and first.run.seed == 0
    (alone,) = plan_arms(recipe_plan(recipe), [], [0], tmp_path)
    assert alone.name == "as written"
    # names that differ in signs alone keep to themselves
    two = plan_arms(recipe_plan(recipe), ["data.sources.0.path=a/b,a_b"], [0], tmp_path)
    assert two[0].folder != two[1].folder and all(arm.folder.parent == tmp_path for arm in two)


@pytest.mark.parametrize(
    "settings, overrides, message",
    [
        (["run.seed=1,2"], [], "which --seeds sets"),
        ([], ["run.seed=1"], "which --seeds sets"),
        (["run.epochs=1", "run.epochs=2"], [], r"\['run.epochs'\] twice"),
        (["run.epoch=1,2"], [], "unknown key run.epoch"),
        (["run.epochs=1,x"], [], "wanted int"),
    ],
)
def test_mistakes_are_told_before_the_first_step(recipe, tmp_path, settings, overrides, message):
    with pytest.raises(ValueError, match=message):
        plan_arms(recipe_plan(recipe, overrides), settings, [0], tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
