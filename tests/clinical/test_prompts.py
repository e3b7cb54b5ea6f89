import csv
import json

import pytest

from hf_ecg.clinical.prompts import (
    FOLDER,
    class_in_words,
    class_words,
    lead_texts,
    load_merl_prompts,
    load_prompts,
    meant_prompt_set,
    prompt_set_names,
)
from hf_ecg.clinical.scp import label_sets, read_statements
from hf_ecg.clinical.snomed import classes_of, scored_classes, snomed_meanings

GOOD = "label_set: rhythm\nlanguage: en\naggregate: max\nsource: tests\nclasses:\n  SR:\n  - sinus rhythm\n"


@pytest.fixture(scope="module")
def statements(ptb_xl_dir):
    return read_statements(ptb_xl_dir / "scp_statements.csv")


@pytest.mark.parametrize("label_set", ["superdiagnostic", "subdiagnostic", "form", "rhythm"])
def test_statement_prompts_are_worded_as_training_texts(statements, label_set):
    wanted = {
        name: [statements[code].sentence for code in codes]
        for name, codes in label_sets(statements)[label_set].items()
    }
    prompts = load_prompts(f"ptb_xl_{label_set}")
    assert prompts.label_set == label_set
    assert prompts.classes == wanted


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("ptb_xl_held_out", ("AFIB", "CLBBB", "LVH", "PVC", "IMI")),
        ("ptb_xl_held_out_second", ("CRBBB", "1AVB", "LAFB", "STACH", "ISCAL")),
    ],
)
def test_held_out_prompts(statements, name, codes):
    prompts = load_prompts(name)
    assert prompts.label_set == "all"
    assert prompts.classes == {code: [statements[code].sentence] for code in codes}


@pytest.mark.parametrize("label_set", ["superdiagnostic", "subdiagnostic"])
def test_names_cover_every_class_with_one_text(statements, label_set):
    names = load_prompts(f"ptb_xl_{label_set}_names").for_classes(label_sets(statements)[label_set]).classes
    assert all(len(texts) == 1 for texts in names.values())


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("[ps]*_*.yaml")))
def test_every_file_names_classes_of_its_label_set(statements, name):
    prompts = load_prompts(name)
    assert set(prompts.classes) <= set(label_sets(statements)[prompts.label_set])
    if "reports" in name:
        assert all(text == text.lower() for texts in prompts.classes.values() for text in texts)


@pytest.mark.parametrize("label_set", ["superdiagnostic", "rhythm"])
def test_report_prompts_of_both_languages_together(label_set):
    german, english, both = (load_prompts(f"ptb_xl_{label_set}_reports{end}") for end in ("_de", "_en", ""))
    for name, texts in both.classes.items():
        assert texts == german.classes.get(name, []) + english.classes.get(name, [])


@pytest.mark.parametrize(
    "old, new",
    [
        ("source: tests", "source: tests\nextra: 1"),
        ("source: tests\n", ""),
        ("max", "median"),
        ("  SR:\n  - sinus rhythm", "  SR: []"),
        ("- sinus rhythm", "- ''"),
        ("- sinus rhythm", "- a\n  - a"),
        ("classes:\n  SR:\n  - sinus rhythm", "classes: {}"),
        ("label_set: rhythm", "label_set: ["),
        ("  SR:\n", "  SR:\n  - first\n  SR:\n"),
        ("language: en", "language: \x00"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, old, new):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    assert load_prompts(path).classes == {"SR": ["sinus rhythm"]}
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ValueError, match="mine.yaml"):
        load_prompts(path)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(OSError, match="ptb_xl_rhythm"):
        load_prompts("ptb_xl_rythm")


@pytest.fixture(scope="module")
def merl_splits(shared_data_dir):
    return shared_data_dir / "merl_splits"


@pytest.mark.parametrize("name, folder, first", [("cpsc2018", "icbeb", 7), ("csn", "chapman", 3)])
def test_other_corpora_have_a_prompt_for_each_class_of_merl(merl_splits, name, folder, first):
    with (merl_splits / folder / f"{folder}_test.csv").open() as file:
        classes = next(csv.reader(file))[first:]
    chosen = load_prompts(name).for_classes(classes).classes
    assert list(chosen) == classes and len(classes) == {"cpsc2018": 9, "csn": 38}[name]
    texts = [text for texts in chosen.values() for text in texts]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("corpus", ["cpsc2018", "csn"])
def test_other_corpora_have_a_prompt_for_each_class_of_their_reader(corpus):
    meanings = snomed_meanings(corpus)
    prompts = load_prompts(corpus)
    assert list(prompts.classes) == list(classes_of(meanings)) and prompts.label_set == "statements"
    sentences = {meaning.acronym: meaning.sentence for meaning in reversed(meanings.values())}
    assert {name: [sentences[name]] for name in prompts.classes} == prompts.classes


def test_the_challenge_has_a_prompt_for_each_scored_class_and_code():
    prompts, meanings = load_prompts("cinc2021"), snomed_meanings("cinc2021")
    assert prompts.label_set == "scored" and list(prompts.classes) == list(scored_classes())
    for name, codes in scored_classes().items():
        assert prompts.classes[name] == list(dict.fromkeys(meanings[code].sentence for code in codes))
    assert prompts.codes("PVC|VPB") == ("PVC",) and prompts.codes("LAD") == ()


def test_classes_without_prompts_are_listed():
    prompts = load_prompts("ptb_xl_rhythm")
    assert list(prompts.for_classes(["SR", "AFIB"]).classes) == ["SR", "AFIB"]
    with pytest.raises(ValueError, match=r"without prompts \['AF', 'SB'\], named twice \['SR'\]"):
        prompts.for_classes(["SR", "AF", "SB", "SR"])


def test_lead_texts():
    texts = lead_texts("ST segment elevation")
    assert len(texts) == 13 and texts[:2] == ["ST segment elevation", "ST segment elevation in lead I"]
    assert texts[4] == "ST segment elevation in lead aVR"
    assert lead_texts("ischemic ST-T changes in inferior leads") == ["ischemic ST-T changes in inferior leads"]
    assert len(lead_texts("misleading rhythm")) == 13


def test_merl_prompts_of_every_task(merl_splits, statements):
    path = merl_splits / "zeroshot" / "CKEPE_prompt.json"
    for label_set in ("superdiagnostic", "subdiagnostic", "form", "rhythm"):
        classes = list(label_sets(statements)[label_set])
        prompts = load_merl_prompts(path, label_set, classes)
        assert list(prompts.classes) == classes and prompts.aggregate == "max"
    form = load_merl_prompts(path, "form", ["STD_", "PVC"])
    raw = json.loads(path.read_text())
    assert len(raw) == 131 and form.classes["STD_"] == [raw["STD"].lower()]
    for folder, first in (("icbeb", 7), ("chapman", 3)):
        with (merl_splits / folder / f"{folder}_test.csv").open() as file:
            classes = next(csv.reader(file))[first:]
        assert list(load_merl_prompts(path, folder, classes).classes) == classes


@pytest.mark.parametrize(
    "text, classes, message",
    [
        ('{"SR": "a", "SR": "b"}', ["SR"], r"\['SR'\] are given twice"),
        ('{"SR": "a"}', ["SR", "AF", "ST"], r"without a prompt: \['AF', 'ST'\]"),
        ('{"SR": "a"}', ["SR", "SR"], r"two: \['SR'\]"),
        ('{"STE": "a"}', ["STE", "STE_"], r"two: \['STE', 'STE_'\]"),
        ('{"SR": ["a"]}', ["SR"], "not texts"),
        ('{"SR": " "}', ["SR"], "not texts"),
        ("{}", ["SR"], "not texts"),
        ("[]", ["SR"], "wanted a JSON object"),
    ],
)
def test_bad_merl_prompts_are_refused(tmp_path, text, classes, message):
    path = tmp_path / "CKEPE_prompt.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_merl_prompts(path, "rhythm", classes)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ptb_xl_rhythm", "ptb_xl_rhythm"),
        ("ptb_xl_rythm", "ptb_xl_rhythm"),
        ("PTB-XL rhythm", "ptb_xl_rhythm"),
        ("ptbxl", "ptb_xl_form"),
        ("csn", "csn"),
        *(
            (text, None)
            for text in ("sinus rhythm", "rhythm", "form", "normal", "MI", "LBBB", "diagnostic Q waves", "")
        ),
    ],
)
def test_a_slip_for_a_prompt_set_is_told_from_a_text(text, meant):
    assert meant_prompt_set(text) == meant


def test_an_unknown_prompt_set_names_the_nearest():
    with pytest.raises(OSError, match="did you mean 'ptb_xl_rhythm'"):
        load_prompts("ptb_xl_rythm")


@pytest.mark.parametrize(
    "given, wanted",
    [
        ("statements:\n  SR: [SR, SARRH]\n", ("SR", "SARRH")),
        ("", ("SR",)),
        ("statements: ptb_xl_superdiagnostic\n", ("SR",)),
    ],
)
def test_statements_of_a_class(tmp_path, given, wanted):
    (tmp_path / "made.yaml").write_text(GOOD + given)
    prompts = load_prompts(tmp_path / "made.yaml")
    assert prompts.codes("SR") == prompts.for_classes(["SR"]).codes("SR") == wanted


def test_names_of_other_label_sets_are_not_taken_for_statements(tmp_path):
    (tmp_path / "made.yaml").write_text(GOOD.replace("rhythm", "statements", 1))
    assert load_prompts(tmp_path / "made.yaml").codes("SR") == ()
    assert load_prompts("csn").codes("AMI") == ()  # acute there, anterior among SCP statements


@pytest.mark.parametrize(
    "given, message",
    [
        ("statements: [SR]\n", "statements is"),
        ("statements: other\n", "statements is 'other', wanted a mapping or a prompt set of the package"),
        ("statements: {AFIB: [AFIB]}\n", "statements names the class 'AFIB'"),
        ("statements: {SR: [SR, SR]}\n", "wanted a list of distinct"),
        ("statements: {SR: SR}\n", "wanted a list of distinct"),
        ("statements: {SR: [sinus]}\n", "which are not SCP statements"),
    ],
)
def test_bad_statements(tmp_path, given, message):
    (tmp_path / "made.yaml").write_text(GOOD + given)
    with pytest.raises(ValueError, match=message):
        load_prompts(tmp_path / "made.yaml")


def test_codes_have_words():
    assert class_words("superdiagnostic")["MI"] == "myocardial infarction"
    assert (
        class_words("all")["1AVB"] == "first degree AV block" and class_words("scored")["AF"] == "atrial fibrillation"
    )
    assert class_words("statements")["AFIB"] == "atrial fibrillation"
    # atrial fibrillation in one corpus, flutter in another; a column of somebody's own may hold anything
    assert "AF" not in class_words("statements") and class_words("labels") == {}
    for name in prompt_set_names():
        prompts = load_prompts(name)
        assert [code for code in prompts.classes if not prompts.words(code) and "|" not in code] == []
    assert load_prompts("csn").words("AF") == "atrial flutter"
    assert load_prompts("ptb_xl_rhythm_reports_de").words("AFIB") == "atrial fibrillation"
    assert class_in_words("AFIB", "rhythm") == "AFIB: atrial fibrillation" and class_in_words("AF", "x") == "AF"
