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


def test_notes_and_ecgs_make_the_columns_of_the_tasks(tmp_path):
    """As `hf-ecg prepare targets` joins them."""
    import datasets

    from hf_ecg.data.corpus import label_matrix, label_names, load_corpus
    from hf_ecg.data.joined_targets import OtherTable, prepare_joined
    from hf_ecg.data.schema import row_features
    from hf_ecg.evaluation.clef_tasks.task_rows import find_corpora, with_column
    from hf_ecg.evaluation.clef_tasks.task_table import choose_tasks
    from tests.evaluation import tiny

    notes = tmp_path / "notes.csv"
    notes.write_text('subject_id,charttime,text\np0,2150-01-03 10:00:00,"LVEF 35%"\np2,2150-01-03 10:00:00,"EF 60%"\n')
    write_ejection_fractions(notes, tmp_path / "lvef.csv", progress=False)
    features = row_features(12, tiny.SAMPLES, {}, {"recording_date": datasets.Value("string")})
    rows = [row | {"recording_date": "2150-01-01 09:00:00"} for row in tiny.rows(42)]
    columns = {key: [row.get(key) for row in rows] for key in features}
    whole = datasets.Dataset.from_dict(columns, features=features)
    tiny.write_corpus(tmp_path / "mimic", whole=whole, config="mimic_iv_ecg_500hz")
    table = OtherTable(
        *(tmp_path / "lvef.csv", "subject_id", "time"), targets=["lvef"], labels=["lvef_class=lvef_under_50"]
    )
    prepare_joined(tmp_path / "mimic", table, tmp_path / "corpora/mimic", num_proc=1, progress=False)
    joined = load_corpus(tmp_path / "corpora/mimic")
    by_record = dict(zip(joined["record_id"], joined["lvef"], strict=True))
    assert (by_record["r0"], by_record["r1"], by_record["r2"], by_record["r4"]) == (35, 35, None, 60)
    matrix, known = label_matrix(joined, "lvef_class")
    assert label_names(joined, "lvef_class") == ["lvef_under_50"] and sorted(matrix[known][:, 0]) == [0, 0, 1, 1]
    found = find_corpora(tmp_path / "corpora")["mimic_iv_ecg"]
    for task in choose_tasks(["lvef", "lvef_class"]):
        assert with_column(task, found, joined, {}).column == task.column
    with pytest.raises(ValueError, match="no column 'lvef'.*: hf-ecg prepare lvef and hf-ecg prepare targets make it"):
        with_column(choose_tasks(["lvef"])[0], found, whole, {})
