from pathlib import Path

import pytest
import yaml

from hf_ecg.studies.comparison.arm_budget import told_budget, with_budget
from hf_ecg.studies.comparison.arm_runs import plan_runs, recipe_of, slug
from hf_ecg.studies.comparison.comparison_spec import load_comparison, rotation
from hf_ecg.training.step_costs import StepCosts

CONTENT = {
    "title": "A and B",
    "recipe": "recipe.yaml",
    "overrides": ["run.epochs=2"],
    "arms": {
        "A": {},
        "B, after A": {"overrides": ["model.init_from.ecg_model={arm:A}", "data.columns.text=text_{turn}_{seed}"]},
        "unasked": {"measured": False},
    },
    "measures": {"probe": {"kind": "probe", "label_set": "form"}, "age": {"kind": "regression", "target": "age"}},
    "differences": [["A", "B, after A"]],
}


@pytest.fixture
def written(tmp_path, text_recipe):
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(text_recipe))

    def write(**changes) -> Path:
        (tmp_path / "comparison.yaml").write_text(yaml.safe_dump(CONTENT | changes))
        return tmp_path / "comparison.yaml"

    return write


def test_a_rotation_tests_every_fold_once_and_never_mixes_them():
    turns = rotation()
    assert sorted(fold for turn in turns for fold in turn.test) == list(range(1, 11))
    for turn in turns:
        assert sorted([*turn.test, *turn.validation, *turn.train]) == list(range(1, 11))
    assert [turn.validation for turn in turns] == [(3,), (5,), (7,), (9,), (1,)]
    with pytest.raises(ValueError, match="5 folds"):
        rotation(range(1, 6))


def test_one_split_takes_the_place_of_the_rotation(written):
    folds = {"train": [1, 2], "validation": [3], "test": [4, 5]}
    (turn,) = load_comparison(written(folds=folds)).planned_turns(range(1, 6))
    assert (turn.name, turn.train, turn.validation, turn.test) == ("test_4_5", (1, 2), (3,), (4, 5))
    with pytest.raises(ValueError, match=r"folds names \[5\], the corpus has"):
        load_comparison(written(folds=folds)).planned_turns([1, 2, 3, 4])
    assert load_comparison(written(turns=2)).planned_turns(range(1, 11)) == rotation()[:2]


def test_every_arm_trains_as_long_as_the_minutes_say(written, monkeypatch, tmp_path):
    costs = {"A": StepCosts(1.0, 10, 0.0, 0.0), "B, after A": StepCosts(2.0, 10, 0.0, 0.0)}
    measured = []

    def measure(recipe, clock):
        measured.append(clock)
        return costs["A" if recipe.data.columns.text == "text" else "B, after A"]

    monkeypatch.setattr("hf_ecg.studies.time_budget.measure_costs", measure)
    arms = CONTENT["arms"] | {"unasked": {"trained": False}}
    path = written(minutes=1.0, clock="cpu", arms=arms)
    comparison = load_comparison(path)
    runs = plan_runs(comparison, rotation()[:2], [0, 1], tmp_path / "out")
    recipes = {run: recipe_of(comparison, run, path.parent, ["data.sources.0.path=CORPUS"]) for run in runs}
    planned = with_budget(comparison, recipes, tmp_path / "out")
    # what an arm begins with is not there before the other one has run
    assert measured == ["cpu"]
    assert {recipe.run.epochs for run, recipe in planned.items() if run.arm == "B, after A"} == {2}
    for _ in range(2):
        planned = with_budget(comparison, recipes, tmp_path / "out", waiting=True)
    assert measured == ["cpu", "cpu"]
    epochs = {(run.arm, recipe.run.epochs) for run, recipe in planned.items()}
    assert epochs == {("A", 6), ("B, after A", 3), ("unasked", 2)}
    assert all(planned[run].run.seed == run.seed for run in runs)
    (told,) = told_budget(comparison, planned)
    assert told == "1 minutes a training by the cpu clock, which are epochs: A 6, B, after A 3"


def test_runs_hold_one_seed_after_the_other(written):
    comparison = load_comparison(written())
    runs = plan_runs(comparison, rotation(), [3, 4], "OUT")
    assert len(runs) == 2 * 5 * 3 and [run.seed for run in runs] == [3] * 15 + [4] * 15
    assert len({run.folder for run in runs}) == 30
    assert runs[1].folder == Path("OUT/b_after_a/seed_3/test_1_2")
    assert comparison.arms_of("probe") == ["A", "B, after A"]
    assert slug("SimCLR, mean of negatives") == "simclr_mean_of_negatives"


def test_an_arm_may_begin_with_another_of_the_same_turn_and_seed(written):
    path = written()
    comparison = load_comparison(path)
    run = plan_runs(comparison, rotation()[1:], [7], "OUT")[1]
    recipe = recipe_of(comparison, run, path.parent, ["data.sources.0.path=CORPUS"])
    assert recipe.model.init_from == {"ecg_model": "OUT/a/seed_7/test_3_4", **_text_tower(path)}
    assert recipe.data.columns.text == "text_test_3_4_7" and recipe.data.sources[0].path == "CORPUS"
    folds = recipe.data.sources[0].folds
    assert (folds.train, folds.validation) == ([1, 2, 6, 7, 8, 9, 10], [5])
    assert recipe.run.seed == 7 and recipe.run.epochs == 2


def _text_tower(path) -> dict:
    return yaml.safe_load((path.parent / "recipe.yaml").read_text())["model"].get("init_from", {})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {"A": {"override": []}}}, "unknown key arms.A.override .did you mean 'overrides'"),
        ({"measures": {"x": {"kind": "probe"}}}, "measures.x gives nothing, probe wants label_set or column"),
        ({"measures": {"x": {"kind": "regression", "label_set": "form"}}}, "regression wants target"),
        ({"measures": {"x": {"kind": "knn", "label_set": "form"}}}, "kind is 'knn', wanted one of probe"),
        (
            {"measures": {"x": {"kind": "probe", "label_set": "form", "fraction": 0.0}}},
            "fraction is 0.0, wanted",
        ),
        ({"measures": {"x": {"kind": "regression", "target": "age", "fraction": 0.5}}}, "fraction is 0.5, .* 'probe'"),
        ({"differences": [["A", "C"]]}, r"differences\[0\] is \['A', 'C'\], wanted arms among"),
        ({"differences": [["A"]]}, "two of a difference"),
        ({"folds": {"train": [1], "validation": [2], "test": [2]}}, "wanted some of each and none twice"),
        ({"folds": {"train": [1], "validation": [2], "test": [3]}, "turns": 1}, "turns and folds are both given"),
        ({"minutes": 0.0}, "minutes is 0.0, wanted above 0"),
        ({"clock": "sun"}, "clock is 'sun', wanted one of wall, cpu"),
        ({"measures": {"x": {"kind": "probe", "label_set": "form", "by": "names"}}}, "x.by is 'names'"),
        ({"measures": {"x": {"kind": "prompts", "prompts": "ptb_xl_form", "by": "name"}}}, "x.by is 'name', wanted"),
        ({"measures": {"x": {"kind": "prompts", "prompts": "ptb_xl_form", "rarity": True}}}, "x.rarity weighs"),
        ({"arms": {"A": {"rules": True, "recipe": "r.yaml"}}}, "arms.A is of rules, which are not trained"),
        ({"measures": {"x": {"kind": "probe", "label_set": "form", "arms": ["C"]}}}, "measures.x.arms is"),
        ({"differences": [["A", "unasked"]]}, r"names \['unasked'\], which are not measured"),
        (
            {
                "arms": {"A": {"trained": False}},
                "measures": {"x": {"kind": "prompts", "prompts": "ptb_xl_form"}},
                "differences": [],
            },
            r"asks \['A'\] by prompts, an untrained arm has no text tower",
        ),
    ],
)
def test_a_comparison_that_does_not_fit_is_refused(written, changes, message):
    with pytest.raises(ValueError, match=message):
        load_comparison(written(**changes))


def test_what_belongs_to_the_rotation_cannot_be_set(written):
    path = written(overrides=["run.seed=5"])
    comparison = load_comparison(path)
    run = plan_runs(comparison, rotation(), [0], "OUT")[0]
    with pytest.raises(ValueError, match="run.seed=5.*belong to the rotation"):
        recipe_of(comparison, run, path.parent, [])
    path = written(arms={"A": {"overrides": ["model.init_from.ecg_model={arm:Z}"]}}, differences=[])
    with pytest.raises(ValueError, match="there is no arm 'Z'"):
        recipe_of(load_comparison(path), run, path.parent, [])
    path = written(arms={"a b": {}, "A-B": {}}, differences=[])
    with pytest.raises(ValueError, match="would share a file"):
        plan_runs(load_comparison(path), rotation(), [0], "OUT")


def test_the_comparisons_in_train_can_be_read(repository):
    paths = sorted((repository / "train/comparisons").glob("*.yaml"))
    assert paths
    for path in paths:
        comparison = load_comparison(path)
        for run in plan_runs(comparison, rotation()[:1], [0], "OUT"):
            recipe_of(comparison, run, path.parent, ["data.sources.0.path=CORPUS"])
