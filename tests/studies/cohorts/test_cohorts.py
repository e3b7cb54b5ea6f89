"""A study of cohorts: what it trains, what its probes see, and that what is there is not done again."""

import copy
import json

import numpy as np
import pytest
import yaml
from sklearn.linear_model import Ridge

from hf_ecg.data.corpus import load_corpus
from hf_ecg.evaluation.options import IntervalOptions
from hf_ecg.recipes_found import COHORTS, find_recipe, recipe_names
from hf_ecg.studies.cohorts.cohort_figures import cell_figures, cohort_figures
from hf_ecg.studies.cohorts.cohort_probes import grouped_probe, planned_cells, probe_scores, recalls
from hf_ecg.studies.cohorts.cohort_rows import CohortRows
from hf_ecg.studies.cohorts.cohorts_run import CohortOptions, run_cohorts
from hf_ecg.studies.cohorts.cohorts_spec import TruthSection, arm_recipe, folders_of, load_study
from hf_ecg.training.log_file import read_log
from hf_ecg.training.recipe import load_recipe
from tests.training.test_two_corpora import other_corpus  # noqa: F401

NAMES = {"tiny": "tiny_100hz", "other": "other_500hz"}
RESNET = {"num_leads": 12, "num_samples": 100, "sampling_rate": 100, "stem_width": 4, "widths": [8], "depths": [1]}
RECIPE = {
    "model": {
        "class": "ECGForContrastivePreTraining",
        "config": {"ecg_config": {"model_type": "ecg_resnet", **RESNET}, "projection_dim": 4}
        | {"loss_type": "info_nce", "same_patient": "mask"},
    },
    "data": {"sources": [{}], "batches": "one_source", "temperature": 2, "records_per_epoch": 16},
    "method": {"name": "view_pairs", "options": {"second_view": "patient", "patient_ids": True}},
    "optimizer": {"lr": 1e-3},
    "run": {"epochs": 1, "batch_size": 8, "num_workers": 0, "num_threads": 1},
}
TRUTH = {"label_set": "superdiagnostic", "positive": ["NORM"]}
STUDY = {
    "title": "Two cohorts",
    "recipe": "recipe.yaml",
    "minutes": 0.001,
    "folds": {"train": [1, 2, 3], "test": [4, 5]},
    "cohorts": {name: {"config": config} for name, config in NAMES.items()},
    "tasks": {
        "NORM": {"truth": dict.fromkeys(NAMES, TRUTH)},
        "AFIB": {"truth": {"other": {"label_set": "rhythm", "positive": ["AFIB"]}}},
    },
    "arms": {
        "random": {"cohorts": ["tiny"], "trained": False},
        "tiny": {"cohorts": ["tiny"]},
        "all, mixed": {"cohorts": list(NAMES)},
        "all, in-distribution": {"cohorts": list(NAMES), "batches": "one_source"},
    },
    "differences": [["all, in-distribution", "all, mixed"]],
}
INTERVALS = IntervalOptions(20, 0, 3)
OPTIONS = CohortOptions(intervals=INTERVALS)


@pytest.fixture
def study_file(tmp_path, label_recipe):
    extractor = dict(label_recipe["processor"]["feature_extractor"])
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"processor": {"feature_extractor": extractor}}))

    def write(**changes):
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(copy.deepcopy(STUDY) | changes, sort_keys=False))
        return tmp_path / "study.yaml"

    return write


@pytest.fixture
def data(corpus, other_corpus):  # noqa: F811
    return [f"tiny={corpus}", f"other={other_corpus}"]


def test_every_arm_is_trained_for_as_many_steps_and_judged_in_and_out_of_each_cohort(study_file, data, tmp_path):
    out = tmp_path / "out"
    report = run_cohorts(study_file(), data, out, OPTIONS)
    folders = [out / name / "seed_0" for name in ("tiny", "all_mixed", "all_in_distribution")]
    recipes = [load_recipe(folder / "recipe.yaml") for folder in folders]
    assert len({(recipe.run.epochs, recipe.run.max_steps) for recipe in recipes}) == 1
    steps = [[line for line in read_log(folder) if line["kind"] == "train"] for folder in folders]
    assert len({len(each) for each in steps}) == 1 and steps[0]
    assert [recipe.data.batches for recipe in recipes] == ["mixed", "mixed", "one_source"]
    assert {tuple(source.folds.train) for recipe in recipes for source in recipe.data.sources} == {(1, 2, 3)}
    cells = [(cell["task"], cell["cohort"], cell["probe"]) for cell in report["cells"]]
    assert cells == [
        *(("NORM", name, probe) for name in NAMES for probe in ("own", "others")),
        ("AFIB", "other", "own"),  # no other cohort knows it
    ]
    for cell in report["cells"]:
        assert set(cell["figures"]) == set(STUDY["arms"]) and 0 <= cell["figures"]["tiny"]["value"] <= 1
        first, second = (cell["figures"][arm]["value"] for arm in STUDY["differences"][0])
        assert cell["differences"][0]["value"] == pytest.approx(first - second)
    own = [cell for cell in report["cells"] if (cell["task"], cell["probe"]) == ("NORM", "own")]
    mean = np.mean([cell["figures"]["tiny"]["value"] for cell in own])
    assert report["means"]["NORM/own"]["figures"]["tiny"]["value"] == pytest.approx(mean)
    people = report["demographics"]
    assert (people["tiny"]["patients"], people["tiny"]["patients_of_several"]) == (40, 40)
    assert people["other"]["female"] == 1.0 and people["other"]["rates"] == [500.0]
    page = (out / "cohorts.md").read_text()
    assert "| tiny | tiny | of its cohort |" in page and "| random | none: first weights |" in page
    # outside of its cohort a figure is marked, and an encoder that saw nothing is outside of none
    row = next(line for line in page.splitlines() if line.startswith("| tiny | 0") or line.startswith("| tiny | 1"))
    assert row.count("*") == 1

    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")}
    assert len(stamps) == 4
    torn = out / "tiny" / "seed_0" / "scores.npz"
    torn.write_bytes(torn.read_bytes()[:100])
    again = run_cohorts(study_file(), data, out, OPTIONS)
    for key in ("cells", "means", "cohort_probe", "arms"):
        assert again[key] == report[key]
    assert all((path.stat().st_mtime_ns == stamp) == (path != torn) for path, stamp in stamps.items())
    assert json.loads((out / "cohorts.json").read_text())["cells"] == report["cells"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cohorts": {"tiny": {}}}, "wanted at least two"),
        ({"folds": {"train": [1, 2], "test": [2, 3]}}, "none twice"),
        ({"arms": {"a": {"cohorts": ["tine"]}}}, "arms.a.cohorts names 'tine'.*tiny"),
        ({"arms": {"a": {"cohorts": ["tiny"], "trained": False}}}, "at least one that is trained"),
        ({"arms": {"a": {"cohorts": ["tiny"], "batches": "none"}}}, "batches is 'none'"),
        ({"tasks": {"NORM": {"truth": {"tiny": {"positive": ["NORM"]}}}}}, "either a label set or a column"),
        ({"differences": [["tiny", "random", "all, mixed"]]}, "wanted two arms"),
        ({"minutes": 0}, "minutes is 0"),
        ({"overrides": ["run.seed=3"]}, "which the study sets"),
        ({"overrides": ["data.records_per_epoch=null"]}, "no data.records_per_epoch"),
        ({"tasks": {"N": {"truth": {"tiny": TRUTH | {"positive": ["NRM"]}}}}}, "no class 'NRM'.*NORM"),
        ({"folds": {"train": [1], "test": [7]}}, "tiny has no rows to judge on"),
    ],
)
def test_mistakes_are_told_before_the_first_step(study_file, data, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        run_cohorts(study_file(**changes), data, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def test_every_cohort_has_a_folder(study_file, data):
    study = load_study(study_file())
    assert list(folders_of(study, data[::-1])) == list(NAMES)
    for given, message in (
        (data[:1], "no folder for \\['other'\\]"),
        ([*data, data[0]], "'tiny' twice"),
        (["corpus"], "wanted COHORT=FOLDER"),
        (["tyni=x", data[1]], "names 'tyni'"),
    ):
        with pytest.raises(ValueError, match=message):
            folders_of(study, given)


@pytest.fixture
def rows(corpus, other_corpus):  # noqa: F811
    paths = zip(NAMES, (corpus, other_corpus), strict=True)
    return {name: CohortRows(name, load_corpus(path), **STUDY["folds"]) for name, path in paths}


def test_own_probes_learn_inside_and_others_outside(study_file, rows):
    """What is a sign of the class in one cohort is one of its absence in the other, as shifted cohorts have it."""
    study, random = load_study(study_file()), np.random.default_rng(0)
    signs = {"tiny": 1, "other": -1}
    features = {}
    for name, of in rows.items():
        labels, _ = of.truth(study.tasks["NORM"].truth[name])
        features[name] = random.normal(size=(len(of), 3)) + 20 * signs[name] * (labels - 0.5)[:, None]
    cells = planned_cells(study, rows)
    scores = {"arm": [probe_scores(study, rows, cells, features, seed=0)]}
    found = {
        one["cell"].key: one["figures"]["arm"].value for one in cell_figures(study, rows, cells, scores, INTERVALS)
    }
    for name in NAMES:
        assert found[f"NORM/{name}/own"] == 1.0 and found[f"NORM/{name}/others"] == 0.0
    # and a cohort that features tell apart is named
    apart = {name: random.normal(size=(len(of), 3)) + 20 * signs[name] for name, of in rows.items()}
    named = cohort_figures(rows, {"arm": [probe_scores(study, rows, cells, apart, seed=0)]}, INTERVALS)
    assert named["mean_recall"]["arm"].value == named["auroc"]["arm"].value == 1.0


def test_a_probe_never_learns_on_rows_that_it_is_judged_on(study_file, rows):
    assert len(planned_cells(load_study(study_file()), rows)) == 5
    for of in rows.values():
        assert not (of.train & of.test).any() and (of.train | of.test).all()
    labels, known = rows["other"].truth(TruthSection(["AFIB"], label_set="rhythm"))
    assert known.all() and labels.tolist() == [1, 0] * 20
    women, known = rows["tiny"].truth(TruthSection(["female"], column="sex"))
    assert known.all() and not women.any()
    assert not set(rows["tiny"].patients) & set(rows["other"].patients)  # both have a patient-0


def made(classes, rows=240, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=rows)
    return random.normal(size=(rows, 12)) + 1.5 * np.eye(classes, 12)[labels], labels


@pytest.mark.parametrize("classes", [2, 4])
def test_the_probe_is_a_ridge_of_even_classes(classes):
    features, labels = made(classes)
    patients = np.arange(len(labels)) // 2
    found = grouped_probe(features[:160], labels[:160], patients[:160], features[160:], seed=0, penalties=[0.1])
    train = (features[:160] - features[:160].mean(0)) / features[:160].std(0)
    test = (features[160:] - features[:160].mean(0)) / features[:160].std(0)
    weights = 160 / classes / np.bincount(labels[:160])[labels[:160]]
    targets = np.where(labels[:160, None] == np.arange(classes), 1.0, -1.0)
    wanted = Ridge(alpha=0.1 * 160).fit(train, targets, sample_weight=weights).predict(test)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)


def test_the_penalty_is_chosen_by_patients_that_a_part_has_not_seen():
    """Every record twice: split by rows, a part would know what it is asked; the labels are nobody's but chance's."""
    random = np.random.default_rng(0)
    features, labels, patients = random.normal(size=(60, 40)), random.integers(2, size=60), np.arange(60)
    test = random.normal(size=(20, 40))
    once = grouped_probe(features, labels, patients, test, seed=0)
    twice = [np.repeat(values, 2, axis=0) for values in (features, labels, patients)]
    np.testing.assert_allclose(grouped_probe(*twice, test, seed=0), once, rtol=1e-6)
    assert not np.allclose(grouped_probe(*twice[:2], np.arange(120), test, seed=0), once, rtol=1e-3)
    with pytest.raises(ValueError, match="all 60 training rows are of one class"):
        grouped_probe(features, np.zeros(60, int), patients, test, 0)


def test_mean_recall_weighs_rows_and_leaves_out_absent_classes():
    labels, scores = np.array([0, 0, 0, 1]), np.eye(2)[[0, 0, 1, 1]]
    assert recalls(labels, scores) == pytest.approx([(2 / 3 + 1) / 2])
    weights = np.array([[1, 0, 1, 2], [1, 1, 0, 0]])
    assert recalls(labels, scores, weights) == pytest.approx([(1 / 2 + 1) / 2, 1.0])


@pytest.mark.parametrize("name", recipe_names(COHORTS))
def test_the_packaged_studies_resolve(name):
    path = find_recipe(name, COHORTS)
    study = load_study(path)
    folders = dict.fromkeys(study.cohorts, "CORPUS")
    recipes = {arm: arm_recipe(study, arm, path.parent, folders) for arm in study.arms}
    assert recipes["all, in-distribution"].data.batches == "one_source"
    assert recipes["all, mixed"].data.batches == "mixed" and len(recipes["all, mixed"].data.sources) == 4
    assert study.largest_arm == "all, mixed"
