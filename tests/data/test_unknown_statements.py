"""Statements that a record's text leaves open are not false."""

import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.collators import ECGTextCollator, text_id
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.mixing import MixedRows
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.data.readers.withholding import Withholding
from hf_ecg.data.unknown_statements import SENTENCES_FACT, UnknownStatements
from tests.data import made_rows

CODES = ["{'NDT': 100.0, 'QWAVE': 0.0, 'SR': 0.0}", "{'IMI': 100.0}", "{'PVC': 0.0, 'SR': 0.0}"]
SENTENCES = {
    "NDT": "non-diagnostic T abnormalities",  # diagnostic and form
    "QWAVE": "Q waves present",  # form
    "IMI": "inferior myocardial infarction",  # diagnostic
    "SR": "sinus rhythm",  # rhythm
}

SETS = ("diagnostic", "form", "rhythm")
OF_SETS = {"QWAVE": {"form"}, "IMI": {"diagnostic"}, "SR": {"rhythm"}, "NDT": {"diagnostic", "form"}}


@pytest.fixture
def corpus(small):
    """Twelve records of PTB-XL's layout, of which some patients' texts have no statements of form."""
    for row in range(len(small.rows)):
        small.change(row, scp_codes=CODES[row % 3])
    out = small.folder.parent / "out"
    summary = prepare_corpus(
        ptb_xl_corpus(small.folder, withholding=Withholding("form", 0.5, seed=2)), out, progress=False
    )
    return load_corpus(out), summary


def unknown_of(kinds, rows, summary):
    """Codes of the four statements whose sentences are not known, for each row."""
    unknown = UnknownStatements(kinds, [rows], [summary])
    made = MixedRows([rows], ["record_id", *unknown.columns]).__getitems__(range(12))
    found = [set(unknown.of(row)) for row in made]
    for text in SENTENCES.values():
        assert all((text_id(text) in ids) == (text_id(f"possible {text}") in ids) for ids in found)
    return [{code for code, text in SENTENCES.items() if text_id(text) in ids} for ids in found]


def test_withheld_statements_are_not_known_where_they_were_withheld(corpus):
    rows, summary = corpus
    assert summary[SENTENCES_FACT]["IMI"] == SENTENCES["IMI"] and len(summary[SENTENCES_FACT]) == 71
    found = unknown_of(["withheld"], rows, summary)
    assert {True, False} == set(rows["withheld"])
    assert found == [{"NDT", "QWAVE"} if withheld else set() for withheld in rows["withheld"]]


def test_statements_of_a_label_set_that_nobody_annotated_are_not_known(corpus):
    rows, summary = corpus
    for row, found in zip(rows, unknown_of(["unannotated"], rows, summary), strict=True):
        null = {name for name in SETS if row[name] is None}
        assert found == {code for code, sets in OF_SETS.items() if sets <= null}
    assert any(row["form"] is None for row in rows) and any(row["diagnostic"] is None for row in rows)


def test_a_set_with_nothing_but_what_is_held_out_tells_nothing(corpus):
    rows, summary = corpus
    silent = summary | {"hold_out": ["PVC", "IMI"]}
    found = unknown_of(["unannotated"], rows, silent)
    for row, before, after in zip(rows, unknown_of(["unannotated"], rows, summary), found, strict=True):
        null = {name for name in SETS if row[name] is None}
        names = {name: [rows.features[name].feature.names[one] for one in row[name]] for name in {*SETS} - null}
        null |= {name for name, codes in names.items() if set(codes) <= {"PVC", "IMI"}}
        assert before <= after == {code for code, sets in OF_SETS.items() if sets <= null}
    assert found != unknown_of(["unannotated"], rows, summary)


def test_a_batch_leaves_them_out_unless_they_are_said(corpus):
    rows, summary = corpus
    collator = ECGTextCollator(made_rows.processor(num_samples=1000), true_texts=True)
    collator.unknown_statements = UnknownStatements(["withheld", "unannotated"], [rows], [summary])
    assert collator.columns[-4:] == ["withheld", "diagnostic", "form", "rhythm"]
    kept = [row for row, text in enumerate(rows["text"]) if text]
    made = MixedRows([rows], collator.columns).__getitems__(kept)
    unknown = collator(made)["unknown_text_ids"]
    for row, ids in zip(kept, unknown.tolist(), strict=True):
        assert (text_id(SENTENCES["QWAVE"]) in ids) == (rows["withheld"][row] or rows["form"][row] is None)


def test_what_cannot_be_known_is_refused(corpus):
    rows, summary = corpus
    older = {name: value for name, value in summary.items() if name != SENTENCES_FACT}
    for kinds, data, facts, message in (
        (["withheld"], rows, older, f"no {SENTENCES_FACT} of .*prepared by this version"),
        (["unannotated"], rows, {}, f"no {SENTENCES_FACT}"),
        (["unannotated"], rows.select_columns(["text"]), summary, "a corpus has none of"),
        (["withhold"], rows, summary, r"unknown_statements has \['withhold'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            UnknownStatements(kinds, [data], [facts])
    # a corpus that withheld nothing knows everything
    plain = UnknownStatements(["withheld"], [rows.remove_columns("withheld")], [{}])
    assert plain.columns == [] and plain.of({"record_id": "r"}) == []
