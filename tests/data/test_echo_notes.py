"""Ejection fractions of notes, as people write them."""

import csv

import pytest

from hf_ecg.clinical.ejection_fraction import ejection_fraction, ejection_fractions
from hf_ecg.data.echo_notes import write_ejection_fractions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("LVEF = 55 %", [55]),
        ("Left ventricular ejection fraction is 30-35%", [32.5]),
        ("ejection fraction of 20 to 25 percent", [22.5]),
        ("overall left ventricular systolic function is normal (LVEF>55%)", [55]),
        ("EF was estimated at 62.5%", [62.5]),
        ("RVEF 40%. RV ejection fraction 35%", []),
        ("EF on 3/14 was seen. LVEF not given.", []),
        ("the ejection fraction is preserved. BP 120/80", []),
        ("left ejection fraction 2%", []),
        ("EF 60%, prior LVEF 58%", [60, 58]),
    ],
)
def test_mentions(text, found):
    assert ejection_fractions(text) == found


def test_a_note_of_several_studies_says_nothing():
    assert ejection_fraction("EF 60%, prior LVEF 58%") == 59 and ejection_fraction("EF 60%, prior EF 25%") is None
    assert ejection_fraction("EF 60%, prior EF 25%", spread=40) == 42.5


def test_a_table_of_notes(tmp_path):
    notes = tmp_path / "discharge.csv"
    with open(notes, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["note_id", "subject_id", "charttime", "text"])
        writer.writerow(["a", "007", "2150-01-01 00:00:00", "Echo:\nLVEF 35%, mild MR"])
        writer.writerow(["b", "8", "2150-01-02 00:00:00", "EF 50%"])
        writer.writerow(["c", "8", "", "EF 50%"])
        writer.writerow(["d", "9", "2150-01-03 00:00:00", "well, no echo"])
        writer.writerow(["e", "9", "2150-01-03 00:00:00", "EF 20%, now EF 60%"])
    counts = write_ejection_fractions(notes, tmp_path / "lvef.csv", progress=False)
    assert list(counts.values()) == [5, 1, 1, 1, 2]
    assert (tmp_path / "lvef.csv").read_text().splitlines() == [
        "subject_id,time,lvef,lvef_under_50",
        "007,2150-01-01 00:00:00,35,1",
        "8,2150-01-02 00:00:00,50,0",
    ]
    with pytest.raises(ValueError, match="no column 'note'.*; it has note_id, subject_id, charttime, text"):
        write_ejection_fractions(notes, tmp_path / "x.csv", text_column="note", progress=False)
    with pytest.raises(ValueError, match="which is the table of the notes"):
        write_ejection_fractions(notes, notes, progress=False)
    notes.write_text("subject_id,charttime,text\n1,2150-01-01,nothing\n")
    with pytest.raises(ValueError, match="none of 1 notes tells an ejection fraction"):
        write_ejection_fractions(notes, tmp_path / "y.csv", progress=False)
    assert not (tmp_path / "y.csv").exists()
