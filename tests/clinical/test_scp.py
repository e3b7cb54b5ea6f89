import pytest

from hf_ecg.clinical.scp import (
    SUPERCLASSES,
    compose_text,
    label_sets,
    labels_of,
    mentioning,
    parse_scp_codes,
    read_statements,
    split_sentences,
)


@pytest.fixture(scope="module")
def statements(ptb_xl_dir):
    return read_statements(ptb_xl_dir / "scp_statements.csv")


def test_the_tasks_of_the_benchmark(statements):
    sets = label_sets(statements)
    assert {name: len(classes) for name, classes in sets.items()} == {
        "superdiagnostic": 5,
        "subdiagnostic": 23,
        "diagnostic": 44,
        "form": 19,
        "rhythm": 12,
        "all": 71,
    }
    assert tuple(sets["superdiagnostic"]) == SUPERCLASSES
    assert all(list(sets[name]) == sorted(sets[name]) for name in sets if name != "superdiagnostic")
    assert set(sets["subdiagnostic"]["IMI"]) == {"IMI", "ILMI", "IPLMI", "IPMI", "INJIN", "INJIL"}
    assert len({statement.sentence for statement in statements.values()}) == 71


def test_text_words_likelihoods(statements):
    codes = {"IMI": 100.0, "LVH": 35.0, "SR": 0.0}
    assert compose_text(codes, statements) == (
        "inferior myocardial infarction. possible left ventricular hypertrophy. sinus rhythm"
    )
    assert compose_text(codes, statements, min_likelihood=50) == "inferior myocardial infarction. sinus rhythm"
    assert compose_text({"LVH": 50.0}, statements) == "left ventricular hypertrophy"
    assert compose_text({"LVH": 49.0}, statements) == "possible left ventricular hypertrophy"
    assert compose_text({"ISCAL": 0.0}, statements) == "ischemic ST-T changes in anterolateral leads"
    assert compose_text({}, statements) == ""


def test_equal_statements_give_equal_texts_that_split_back(statements):
    text = compose_text({"NORM": 100.0, "SR": 0.0}, statements)
    assert text == compose_text({"SR": 0.0, "NORM": 100.0}, statements)
    assert split_sentences(text) == ["normal ECG", "sinus rhythm"]
    assert split_sentences("sinus rhythm. normal ecg.") == ["sinus rhythm", "normal ecg"]
    assert split_sentences("") == []


def test_held_out_statements_are_mentioned_nowhere(statements):
    assert mentioning(["LVH"], statements) == {"LVH", "VCLVH"}
    assert mentioning(["CLBBB"], statements) == {"CLBBB"}
    assert mentioning(["SVTAC"], statements) == {"SVTAC", "PSVT"}
    codes = dict.fromkeys(["CLBBB", "ILBBB", "LVH", "VCLVH"], 10.0)
    text = compose_text(codes, statements, hold_out=["CLBBB", "LVH"])
    assert text == "possible incomplete left bundle branch block"
    with pytest.raises(ValueError, match="XYZ"):
        compose_text(codes, statements, hold_out=["XYZ"])


def test_null_is_not_annotated(statements):
    sets = label_sets(statements)
    assert labels_of(["IMI", "ASMI", "SR"], sets["superdiagnostic"]) == ["MI"]
    assert labels_of(["SR"], sets["superdiagnostic"]) is None
    assert labels_of([], sets["all"]) is None


@pytest.mark.parametrize(
    "text",
    ["", "NORM", "['NORM']", "{'NORM': 'x'}", "{1: 2}", "{'A': 101}", "{'A': True}", "dict(A=1)", "{'A': 1e999}"],
)
def test_codes_that_are_no_literal_dict(text):
    with pytest.raises(ValueError, match="scp_codes"):
        parse_scp_codes(text)


@pytest.mark.parametrize("old, new", [("\n1AVB,", "\n1.0AVB,"), ("\n1AVB,", "\nNORM,"), ("diagnostic_class,", "x,")])
def test_a_mangled_table(ptb_xl_dir, tmp_path, old, new):
    text = (ptb_xl_dir / "scp_statements.csv").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "scp.csv").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=r"1AVB|diagnostic_class"):
        read_statements(tmp_path / "scp.csv")
