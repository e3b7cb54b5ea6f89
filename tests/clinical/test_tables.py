import pytest

from hf_ecg.clinical.tables import read_table

GOOD = 'id,report\n1,"a, b"\n2,\n'


def test_rows_by_column(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    rows = [{"id": "1", "report": "a, b"}, {"id": "2", "report": ""}]
    assert read_table(tmp_path / "t.csv", ["report"]) == rows
    (tmp_path / "t.csv").write_text(GOOD, encoding="utf-8-sig")  # as spreadsheets write it
    assert read_table(tmp_path / "t.csv", ["id"]) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.encode() + b"3", "line 4: 1 fields, wanted the 2"),
        (GOOD.replace('"', "").encode(), "line 2: 3 fields, wanted the 2"),
        (GOOD.encode() + b'3,"cut', "is not a CSV table in UTF-8"),
        (GOOD.encode() + "3,ä".encode("latin-1"), "is not a CSV table in UTF-8"),
        (GOOD.replace("report", "words").encode(), "lacks the columns .'report'.; it has .'id', 'words'"),
        (b"", "lacks the columns"),
        (b"id,report,report\n1,a,b\n", "has the columns .'report'. more than once"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=f"t.csv.* ?{message}"):
        read_table(tmp_path / "t.csv", ["report"])
