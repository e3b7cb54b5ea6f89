"""Statements that some patients' texts leave out."""

import pytest

from hf_ecg.clinical.scp import parse_scp_codes, read_statements
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.data.readers.withholding import Withholding

CODES = "{'IMI': 100.0, 'NDT': 100.0, 'QWAVE': 0.0, 'SR': 0.0}"


def test_a_patient_is_drawn_by_seed_and_number_alone():
    patients = [str(number) for number in range(4000)]
    half, again, other = (Withholding("form", 0.5, seed) for seed in (0, 0, 1))
    drawn = [half.concerns(patient) for patient in patients]
    assert drawn == [again.concerns(patient) for patient in patients]
    assert drawn != [other.concerns(patient) for patient in patients]
    assert sum(drawn) / 4000 == pytest.approx(0.5, abs=0.03)
    quarter = [Withholding("form", 0.25).concerns(patient) for patient in patients]
    assert sum(quarter) / 4000 == pytest.approx(0.25, abs=0.03)
    assert all(more for more, less in zip(drawn, quarter, strict=True) if less)
    assert all(Withholding("form", 1.0).concerns(patient) for patient in patients)


def test_texts_lose_statements_and_labels_do_not(small):
    for row in range(len(small.rows)):
        small.change(row, scp_codes=CODES)
    withholding = Withholding("form", 0.5, seed=2)
    out = small.folder.parent / "out"
    summary = prepare_corpus(ptb_xl_corpus(small.folder, withholding=withholding), out, progress=False)
    rows = load_corpus(out)
    assert {True, False} == set(rows["withheld"])
    for row in rows:
        assert row["withheld"] is withholding.concerns(row["patient_id"])
        whole = "non-diagnostic T abnormalities. inferior myocardial infarction. Q waves present. sinus rhythm"
        assert row["text"] == ("inferior myocardial infarction. sinus rhythm" if row["withheld"] else whole)
        names = rows.features["form"].feature
        assert sorted(names.int2str(row["form"])) == ["NDT", "QWAVE"]
    told = summary["withhold"]
    withheld = sum(rows["withheld"])
    patients = {row["patient_id"] for row in rows if row["withheld"]}
    assert (told["label_set"], told["share"], told["seed"]) == ("form", 0.5, 2)
    assert told["withheld"] == {
        "patients": len(patients),
        "records": withheld,
        "records_that_lost_statements": withheld,
        "statements": 2 * withheld,
    }
    assert "Withheld: statements of `form`" in (out / "README.md").read_text(encoding="utf-8")


def test_beside_statements_held_out_of_every_text(small):
    small.change(0, scp_codes=CODES)
    corpus = ptb_xl_corpus(small.folder, hold_out=["IMI"], withholding=Withholding("form", 1.0))
    row = corpus.read(corpus.splits["train"][0])
    assert row["text"] == "sinus rhythm" and row["withheld"] is True
    assert corpus.facts["hold_out"] == ["IMI"] and corpus.facts["left_out_of_text"] == ["IMI"]


def test_without_withholding_there_is_no_such_column(small):
    corpus = ptb_xl_corpus(small.folder)
    assert "withheld" not in corpus.features and "withhold" not in corpus.facts


def test_form_statements_of_the_real_texts(ptb_xl_dir):
    statements = read_statements(ptb_xl_dir / "scp_statements.csv")
    left_out = Withholding("form", 0.5).codes(statements)
    assert left_out == {code for code, statement in statements.items() if statement.form}
    facts = Withholding("form", 0.5).facts([("1", parse_scp_codes(CODES))] * 2, statements)
    assert facts["withheld"]["patients"] in (0, 1) and facts["withheld"]["records"] in (0, 2)


def test_what_cannot_be_withheld(small):
    with pytest.raises(ValueError, match="'all'.*wanted one of"):
        Withholding("all", 0.5)
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="share"):
            Withholding("form", share)
    with pytest.raises(ValueError, match="composed texts only"):
        ptb_xl_corpus(small.folder, text_source="report", withholding=Withholding("form", 0.5))
