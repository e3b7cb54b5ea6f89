import json
from types import SimpleNamespace

import pytest

from hf_ecg.cli import call
from hf_ecg.evaluation.protocol import (
    SourceFacts,
    TrainingFacts,
    check_folds,
    check_source_folds,
    class_protocols,
    parse_folds,
    read_training_facts,
    task_protocol,
)
from tests.evaluation import tiny

CONFIG = "ptb_xl_100hz"


def prompts(classes=("AFIB", "SR"), label_set="all"):
    return SimpleNamespace(name="set", label_set=label_set, classes={name: [name.lower()] for name in classes})


def source(**values):
    return SourceFacts(**{"config": CONFIG, "text_column": "text", "text_source": "statements"} | values)


def facts(**values):
    return TrainingFacts(sources=(source(**values),))


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
    for same in ("ptb_xl_500hz", "PTB_XL_500Hz"):
        assert task_protocol([facts(config=same)], prompts(), CONFIG)[0] == "label-text"
    assert task_protocol([facts(config=None)], prompts(), CONFIG)[0] == "label-text"


def test_unknown_word():
    with pytest.raises(ValueError, match="protocol is 'supervised'"):
        task_protocol([facts()], prompts(), CONFIG, "supervised")


def test_folds_seen_in_training_or_selection_are_refused():
    seen = facts(train_folds=(1, 2, 3), validation_folds=(8,))
    check_folds("OUT", seen, CONFIG, [9, 10])
    for folds in ([3, 9], [8]):
        with pytest.raises(ValueError, match="OUT was (trained|selected) on folds"):
            check_folds("OUT", seen, CONFIG, folds)
    with pytest.raises(ValueError, match="OUT was trained on folds"):
        check_folds("OUT", seen, "ptb_xl_500hz", [1])
    check_folds("OUT", seen, "georgia_500hz", [1])


def test_folds_of_every_source_are_refused():
    seen = TrainingFacts(
        sources=(
            source(train_folds=(1, 2), validation_folds=(8,)),
            SourceFacts(config="georgia_500hz", train_folds=(3,), validation_folds=(4,)),
            SourceFacts(config="ptb_xl_500hz", train_folds=(9,)),
        )
    )
    for config, fold in ((CONFIG, 1), (CONFIG, 8), (CONFIG, 9), ("georgia_500hz", 3), ("georgia_100hz", 4)):
        with pytest.raises(ValueError, match=rf"OUT was (trained|selected) on folds.*\[{fold}\]"):
            check_folds("OUT", seen, config, [fold])
    check_folds("OUT", seen, CONFIG, [3, 10])
    check_folds("OUT", seen, "georgia_500hz", [1, 2, 8, 9])
    check_folds("OUT", seen, "cpsc2018_500hz", range(1, 11))
    unknown = TrainingFacts(sources=(*seen.sources, SourceFacts(corpus="mine", train_folds=(5,))))
    with pytest.raises(ValueError, match="OUT was trained on folds"):
        check_folds("OUT", unknown, "cpsc2018_500hz", [5])


def test_zero_shot_asks_every_source_of_the_corpus():
    reports = SourceFacts(config="mimic_iv_ecg_500hz", text_column="report", text_source="report")

    def word(*sources):
        return task_protocol([TrainingFacts(sources=sources)], prompts(), CONFIG)[0]

    assert word(reports) == "zero-shot"
    assert word(reports, source()) == word(source(), reports) == "label-text"
    assert word(reports, source(text_column="report", text_source="report")) == "zero-shot"
    both = source(hold_out=("AFIB", "SR"))
    assert word(both, reports) == "zero-shot"
    assert word(both, source(config="ptb_xl_500hz", hold_out=("AFIB",))) == "label-text"
    # waveforms alone say nothing of statements, labels do, and who knows nothing of a corpus must not claim
    assert word(reports, SourceFacts(config=CONFIG, train_folds=(1,))) == "zero-shot"
    assert word(reports, SourceFacts(config=CONFIG, label_sets=("rhythm",))) == "label-text"
    assert word(reports, source(config=None)) == "label-text"
    assert word(SourceFacts(config=CONFIG)) == "label-text"


def test_facts_are_read_from_the_run_around_an_encoder(tmp_path):
    (tmp_path / "encoder").mkdir()
    assert read_training_facts(tmp_path) is None and read_training_facts(tmp_path / "encoder") is None
    first = {"config": CONFIG, "hold_out": ["AFIB"], "train_folds": [1, 2], "label_sets": None}
    content = {"method": "text_pairs", "seed": 3, "sources": [first, {"config": "georgia_500hz"}]}
    (tmp_path / "training_facts.json").write_text(json.dumps(content))
    for folder in (tmp_path, tmp_path / "encoder"):
        found = read_training_facts(folder)
        assert (found.method, found.seed) == ("text_pairs", 3)
        assert [entry.config for entry in found.sources] == [CONFIG, "georgia_500hz"]
        ours = found.sources[0]
        assert (ours.hold_out, ours.train_folds, ours.label_sets) == (("AFIB",), (1, 2), ())
        assert TrainingFacts.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "wanted a JSON object"),
        ("{", "not JSON"),
        ('{"source": []}', r"'source' \(did you mean 'sources'\?\)"),
        ('{"sources": [{}, {"holdout": []}]}', r"sources\[1\] holds 'holdout' \(did you mean 'hold_out'\?\)"),
        ('{"sources": [], "seed": 1.5}', "seed is 1.5"),
        ('{"sources": {"config": "a"}}', "wanted a list of objects"),
        ('{"sources": {}}', "sources is {}, wanted a list of objects"),
        ('{"sources": [{"train_folds": ["1"]}]}', r"sources\[0\]: train_folds is \['1'\], wanted a list of int"),
        (
            '{"corpus": "a", "train_folds": [1]}',
            r"earlier version: corpus, train_folds .* `sources: \[...\]`",
        ),
    ],
)
def test_bad_facts_are_refused(tmp_path, content, message):
    (tmp_path / "training_facts.json").write_text(content)
    with pytest.raises(ValueError, match=f"training_facts.json.*{message}"):
        read_training_facts(tmp_path)


def test_origins_join_the_entry_of_their_corpus():
    ours = TrainingFacts("text_pairs", 1, (source(train_folds=(1, 2), validation_folds=(9,), risk="column a"),))
    assert ours.merge([]) == ours
    same = source(train_folds=(2, 3), validation_folds=(8,), risk="column b")
    waveforms = SourceFacts(config=CONFIG, train_folds=(4,), risk="column a")
    (found,) = ours.merge([same, waveforms]).sources
    assert (found.train_folds, found.validation_folds) == ((1, 2, 3, 4), (8, 9))
    assert found.risk == "column a; column b" and found.text_column == "text"
    assert ours.merge([same]).method == "text_pairs"


def test_origins_of_other_corpora_or_taught_otherwise_are_entries_of_their_own():
    ours = TrainingFacts(sources=(source(text_column="report", text_source="report", train_folds=(1,)),))
    others = [source(train_folds=(2,)), source(config="ptb_xl_500hz")]
    others += [SourceFacts(corpus="a"), SourceFacts(corpus="b")]
    found = ours.merge([*others, *others])
    assert list(found.sources) == [*ours.sources, *others]
    # what was taught in words is not forgotten behind original reports of the same corpus
    assert task_protocol([found], prompts(), CONFIG)[0] == "label-text"
    assert found.folds(CONFIG)[0] == {1, 2}


def test_a_corpus_at_two_rates_may_not_be_trained_and_selected_on(tmp_path):
    def two(*sources):
        made = []
        for path, config, train, validation in sources:
            corpus = None if path is None else str(path)
            made.append(SourceFacts(corpus, config, train_folds=train, validation_folds=validation))
        check_source_folds(made)

    first = ("a", CONFIG, (1, 2), (9,))
    two(first, ("b", "ptb_xl_500hz", (1, 2, 3), (9,)))
    two(first, ("b", "georgia_500hz", (8, 9), (1,)))
    two((None, None, (1,), (9,)), ("b", "ptb_xl_500hz", (9,), (1,)))  # no path yet
    for folds, shared in ((((8, 9), ()), 9), (((), (2,)), 2)):
        with pytest.raises(ValueError, match=rf"folds \[{shared}\] of ptb_xl are trained on as ptb_xl_.*same"):
            two(first, ("b", "ptb_xl_500hz", *folds))
    with pytest.raises(ValueError, match=r"folds \[2\] of ptb_xl"):
        two(("a", CONFIG, (1, 2), (2,)))
    # a configuration that is not named is looked up
    tiny.write_corpus(tmp_path, 20)
    two(first, (tmp_path, None, (9,), (1,)))
    with pytest.raises(ValueError, match=r"folds \[1\] of tiny"):
        two(("a", "tiny_500hz", (1, 2), (9,)), (tmp_path, None, (3,), (1,)))


def test_parse_folds():
    assert parse_folds("1-3, 5,2") == [1, 2, 3, 5]
    for text in ("", "a", "3-1", "1;2", "-1"):
        with pytest.raises(ValueError, match="folds are"):
            parse_folds(text)


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    """One of the small corpus, and one of another; both saw the fold 77, which the corpus does not have."""
    folder = tmp_path_factory.mktemp("two_models")
    tiny.write_corpus(folder / "corpus", 40)
    for name, config in (("same", tiny.CONFIG), ("other", "another_500hz")):
        tiny.dual_encoder().save_pretrained(folder / name)
        tiny.processor().save_pretrained(folder / name)
        tiny.write_facts(folder / name, config=config, train_folds=[77])
    return folder


DOORS = {
    "evaluate zero-shot": ["--folds", "77", "--prompts", "ptb_xl_rhythm", "--output", "o.json"],
    "evaluate probe": ["--test_folds", "77", "--label_set", "rhythm", "--output", "o.json"],
    "evaluate robustness": ["--test_folds", "77", "--prompts", "ptb_xl_rhythm", "--output_dir", "robust"],
    "evaluate simplicity-bias": ["--test_folds", "77", "--output_dir", "bias"],
    "evaluate lead-reconstruction": ["--test_folds", "77", "--output_dir", "reconstructed"],
    "evaluate reports": ["--test_folds", "77", "--output", "o.json"],
    "study beyond-rules": ["--folds", "77", "--prompts", "ptb_xl_rhythm", "--output", "o.json"],
}


@pytest.mark.parametrize("door", DOORS)
def test_folds_of_another_corpus_are_not_those_of_this_one_though_no_configuration_is_named(
    two_models, door, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = ["--data", str(two_models / "corpus"), *DOORS[door]]
    with pytest.raises(ValueError, match=r"same was trained on folds \[77\]"):
        call(door, ["--model", str(two_models / "same"), *given])
    with pytest.raises(ValueError) as refused:  # for what comes after the check
        call(door, ["--model", str(two_models / "other"), *given])
    assert "was trained on" not in str(refused.value)
