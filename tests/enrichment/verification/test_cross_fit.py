import json

import pytest

from hf_ecg.enrichment.verification.cross_fit import assign_judges, check_patients, plan_groups
from tests.evaluation import tiny


def folder(path, **facts):
    path.mkdir()
    tiny.write_facts(path, **facts)
    return str(path)


@pytest.fixture
def halves(tmp_path):
    """The models of `plan_groups(range(1, 9))`; folds 9 and 10 are set aside."""
    first = folder(tmp_path / "first", train_folds=[6, 7, 8], validation_folds=[5])
    second = folder(tmp_path / "second", train_folds=[2, 3, 4], validation_folds=[1])
    return [first, second]


@pytest.mark.parametrize(("folds", "groups"), [(range(1, 11), 2), (range(1, 9), 3), (range(1, 6), 5), ([1, 4, 9], 3)])
def test_every_fold_is_judged_once_by_a_model_that_never_saw_it(folds, groups):
    plan = plan_groups(folds, groups)
    assert sorted(fold for group in plan for fold in group.judged) == sorted(folds)
    for group in plan:
        assert group.train
        assert group.validation
        assert not set(group.judged) & {*group.train, *group.validation}
        assert not set(group.train) & set(group.validation)


@pytest.mark.parametrize(("folds", "groups"), [(range(1, 11), 1), ([1, 2, 3], 4)])
def test_too_few_folds_or_groups(folds, groups):
    with pytest.raises(ValueError, match="wanted at least two groups"):
        plan_groups(folds, groups)
    with pytest.raises(ValueError, match="leave nothing to train on"):
        plan_groups([1, 2, 3], 2)


def test_judges_have_not_seen_what_they_judge(halves):
    found = assign_judges(halves, tiny.CONFIG, range(1, 11))
    assert found.judge == {**dict.fromkeys((1, 2, 3, 4, 9, 10), 0), **dict.fromkeys((5, 6, 7, 8), 1)}


def test_thresholds_rest_on_other_folds_that_the_model_was_not_trained_on(halves):
    found = assign_judges(halves, tiny.CONFIG, range(1, 11))
    assert found.calibration_folds(2) == [1, 3, 4, 5]
    assert found.calibration_folds(7) == [1, 5, 6, 8]
    assert found.calibration_folds(10) == [1, 2, 3, 4, 5]  # never 9: it is set aside for evaluation


def test_a_model_that_saw_the_fold_is_refused(halves):
    with pytest.raises(ValueError, match=r"fold 5 would be judged by a model that saw it .*selected on \[5\]"):
        assign_judges(halves[:1], tiny.CONFIG, range(1, 9))
    assert assign_judges(halves[:1], tiny.CONFIG, [1, 2, 9]).judge == {1: 0, 2: 0, 9: 0}


def test_a_model_of_another_corpus_has_seen_nothing(tmp_path):
    other = folder(tmp_path / "other", config="mimic_iv_ecg_500hz")
    found = assign_judges([other], tiny.CONFIG, range(1, 11))
    assert set(found.judge.values()) == {0}
    assert found.calibration_folds(3) == [1, 2, 4, 5, 6, 7, 8, 9, 10]


def test_unknown_training_is_refused(tmp_path):
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="has no training_facts.json"):
        assign_judges([str(tmp_path / "bare")], tiny.CONFIG, [1])
    (tmp_path / "bare" / "training_facts.json").write_text(json.dumps({"sources": [{"config": tiny.CONFIG}]}))
    with pytest.raises(ValueError, match="name no train_folds"):
        assign_judges([str(tmp_path / "bare")], tiny.CONFIG, [1])


def test_a_patient_in_two_folds():
    check_patients(["a", "a", "b"], [1, 1, 2])
    with pytest.raises(ValueError, match="patient a is in folds 1 and 2"):
        check_patients(["a", "b", "a"], [1, 1, 2])
