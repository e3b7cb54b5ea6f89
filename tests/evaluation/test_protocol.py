import json
from types import SimpleNamespace

import pytest

from hf_ecg.evaluation.protocol import (
    TrainingFacts,
    check_folds,
    class_protocols,
    parse_folds,
    read_training_facts,
    task_protocol,
)

CONFIG = "ptb_xl_100hz"


def prompts(classes=("AFIB", "SR"), label_set="all"):
    return SimpleNamespace(name="set", label_set=label_set, classes={name: [name.lower()] for name in classes})


def facts(**values):
    return TrainingFacts(**{"config": CONFIG, "text_column": "text", "text_source": "statements"} | values)


def test_held_out_classes_are_zero_shot_one_by_one():
    assert class_protocols(facts(hold_out=("AFIB",)), prompts(), CONFIG) == {"AFIB": "zero-shot", "SR": "label-text"}


def test_zero_shot_is_refused_for_classes_in_the_training_text():
    with pytest.raises(ValueError, match=r"zero-shot is claimed for \['SR'\].*held out: \['AFIB'\]"):
        task_protocol([facts(hold_out=("AFIB",))], prompts(), CONFIG, "zero-shot")
    word, _ = task_protocol([facts(hold_out=("AFIB", "SR"))], prompts(), CONFIG, "zero-shot")
    assert word == "zero-shot"


def test_every_seed_must_have_held_the_class_out():
    seeds = [facts(hold_out=("AFIB", "SR")), facts(hold_out=("AFIB",))]
    assert task_protocol(seeds, prompts(), CONFIG) == ("label-text", {"AFIB": "zero-shot", "SR": "label-text"})


def test_without_facts_only_label_text():
    assert task_protocol([None], prompts(), CONFIG)[0] == "label-text"
    with pytest.raises(ValueError, match="no training_facts.json"):
        task_protocol([None], prompts(), CONFIG, "zero-shot")


def test_a_class_that_gathers_statements_is_not_held_out_by_its_name():
    held_out = facts(hold_out=("IMI",))
    assert class_protocols(held_out, prompts(["IMI"], "subdiagnostic"), CONFIG) == {"IMI": "label-text"}
    assert class_protocols(held_out, prompts(["IMI"], "diagnostic"), CONFIG) == {"IMI": "zero-shot"}
    with pytest.raises(ValueError, match="gathers several statements"):
        task_protocol([held_out], prompts(["IMI"], "subdiagnostic"), CONFIG, "zero-shot")


def test_original_reports_and_other_corpora_are_zero_shot():
    assert task_protocol([facts(text_column="report", text_source="report")], prompts(), CONFIG)[0] == "zero-shot"
    assert task_protocol([facts(config="mimic_iv_ecg_500hz")], prompts(), CONFIG)[0] == "zero-shot"
    assert task_protocol([facts(config="ptb_xl_500hz")], prompts(), CONFIG)[0] == "label-text"
    assert task_protocol([facts(config=None)], prompts(), CONFIG)[0] == "label-text"


def test_unknown_word():
    with pytest.raises(ValueError, match="protocol is 'supervised'"):
        task_protocol([facts()], prompts(), CONFIG, "supervised")


def test_folds_seen_in_training_or_selection_are_refused():
    seen = facts(train_folds=(1, 2, 3), validation_folds=(8,))
    check_folds("OUT", seen, CONFIG, [9, 10])
    for folds in ([3, 9], [8]):
        with pytest.raises(ValueError, match="OUT was trained on folds"):
            check_folds("OUT", seen, CONFIG, folds)
    with pytest.raises(ValueError, match="OUT was trained on folds"):
        check_folds("OUT", seen, "ptb_xl_500hz", [1])
    check_folds("OUT", seen, "georgia_500hz", [1])


def test_facts_are_read_from_the_run_around_an_encoder(tmp_path):
    (tmp_path / "encoder").mkdir()
    assert read_training_facts(tmp_path) is None and read_training_facts(tmp_path / "encoder") is None
    content = {"config": CONFIG, "hold_out": ["AFIB"], "train_folds": [1, 2], "seed": 3, "label_sets": None}
    (tmp_path / "training_facts.json").write_text(json.dumps(content))
    for folder in (tmp_path, tmp_path / "encoder"):
        found = read_training_facts(folder)
        assert (found.hold_out, found.train_folds, found.seed, found.label_sets) == (("AFIB",), (1, 2), 3, ())


@pytest.mark.parametrize("content", ["[1]", '{"holdout": []}', "{"])
def test_bad_facts_are_refused(tmp_path, content):
    (tmp_path / "training_facts.json").write_text(content)
    with pytest.raises(ValueError, match="training_facts.json"):
        read_training_facts(tmp_path)


def test_parse_folds():
    assert parse_folds("1-3, 5,2") == [1, 2, 3, 5]
    for text in ("", "a", "3-1", "1;2", "-1"):
        with pytest.raises(ValueError, match="folds are"):
            parse_folds(text)
