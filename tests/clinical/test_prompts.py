import pytest

from hf_ecg.clinical.prompts import FOLDER, load_prompts
from hf_ecg.clinical.scp import label_sets, read_statements

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


def test_held_out_prompts(statements):
    prompts = load_prompts("ptb_xl_held_out")
    assert prompts.label_set == "all"
    assert prompts.classes == {code: [statements[code].sentence] for code in ("AFIB", "CLBBB", "LVH", "PVC", "IMI")}


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
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
