"""Tables as people have them: separators, encodings, spellings, and what is refused in them."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_ecg.data.readers.folder import ColumnChoice
from hf_ecg.data.readers.folder.table import read_own_table
from hf_ecg.data.readers.folder.table_facts import table_facts


def table(tmp_path, text, encoding="utf-8", name="labels.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_own_table(path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ('file,AF,note\na,1,"x;y, z"\nb,0,ü\n', "utf-8"),
        ('file,AF,note\r\na,1,"x;y, z"\r\nb,0,ü\r\n', "utf-8-sig"),
        ("file;AF;note\na;1;x;\n", None),
        ('file;AF;note\na;1;"x;y, z"\n\nb;0;ü\n', "utf-8"),
        ('sep=;\nfile;AF;note\na;1;"x;y, z"\nb;0;ü\n', "utf-8-sig"),
        ("file\tAF\tnote\na\t1\tx;y, z\nb\t0\tü\n", "utf-16"),
        (" file | AF | note\na | 1 | x;y, z\nb|0|ü\n", "utf-8"),
        (',file,AF,note\n0,a,1,"x;y, z"\n1,b,0,ü\n', "utf-8"),
    ],
)
def test_separators_and_encodings(tmp_path, text, encoding):
    if encoding is None:
        with pytest.raises(ValueError, match=r"labels.csv, line 2: 4 fields, wanted the 3 .*';'"):
            table(tmp_path, text)
        return
    found = table(tmp_path, text, encoding)
    assert found.columns == ("file", "AF", "note")
    assert found.column("file") == ["a", "b"] and found.column("note") == ["x;y, z", "ü"]
    assert found.truths("AF") == [True, False]


def test_parquet(tmp_path):
    columns = {"file": ["a", "b"], "AF": [1.0, math.nan], "dx": [["x", "y"], None], "ok": [True, False]}
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")
    found = read_own_table(tmp_path / "labels.parquet")
    assert found.truths("AF") == [True, None] and found.truths("ok") == [True, False]
    assert found.classes("dx") == [("x", "y"), None]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,AF\n", "has no row below its header .file, AF."),
        (b"", "is empty, wanted a table"),
        (b"PK\x03\x04rest", "is an Excel workbook: save its sheet as 'CSV UTF-8'"),
        ("file,AF\nä,1\n".encode("latin-1"), "line 2 is not text in UTF-8: save the table as 'CSV UTF-8'"),
        (b"file,AF,AF\na,1,0\n", "has the columns .'AF'. more than once"),
        (b"PAR1 and no more", "is not a whole parquet file"),
        (b'file,AF\n"a,1\n', "is not a CSV table"),
    ],
)
def test_what_is_not_a_table(tmp_path, content, message):
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_own_table(tmp_path / "labels.csv")


def facts(tmp_path, content, **choice):
    return table_facts(table(tmp_path, content), ColumnChoice(**choice))


def test_flags_become_a_label_set_and_what_is_not_known_is_not_a_negative(tmp_path):
    text = "AF,LBBB\n1,no\nFALSE,0.0\n,\n1,nan\nyes,True\n"
    found = facts(tmp_path, text, labels=["AF,LBBB"])
    assert found.label_sets == {"labels": ["AF", "LBBB"]}
    assert [row["labels"] for row in found.rows] == [["AF"], [], None, None, ["AF", "LBBB"]]
    assert len(found.told) == 1 and "line 5 of labels.csv know some of AF, LBBB" in found.told[0]
    both = facts(tmp_path, text, labels=["AF=AF", "LBBB=LBBB"])
    assert [row["AF"] for row in both.rows] == [["AF"], [], None, ["AF"], ["AF"]]


def test_class_names(tmp_path):
    found = facts(tmp_path, 'n,dx\n1,"b; a"\n2,a|c\n3,\n4,none\n5,NaN\n', label_columns=["rhythm=dx"])
    assert found.label_sets == {"rhythm": ["a", "b", "c", "none"]}
    assert [row["rhythm"] for row in found.rows] == [["b", "a"], ["a", "c"], None, ["none"], None]


def test_numbers_age_sex_text_and_folds(tmp_path):
    text = "p;ef;years;s;words;f\n1;55,5;95;M;sinus;train\n;-1e1;;female;;test\nn/a;;-1;?;x;3\n"
    columns = {"targets": ["ef"], "age": "years", "sex": "s", "text": "words", "fold": "f", "patient": "p"}
    found = facts(tmp_path, text, **columns)
    assert [row["ef"] for row in found.rows] == [55.5, -10.0, None] and list(found.targets) == ["ef"]
    assert [(row["age"], row["sex"]) for row in found.rows] == [(90.0, "male"), (None, "female"), (None, None)]
    assert [(row["text"], row["report"]) for row in found.rows] == [("sinus", "sinus"), ("", None), ("x", "x")]
    assert found.folds == [1, 10, 3] and found.patients == ["1", None, None]
    assert [row["age"] for row in facts(tmp_path, text, targets=["age=years"]).rows] == [90.0, None, None]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"labels": ["AFF"]}, "has no column 'AFF' .did you mean 'AF'.*; it has AF, age, dx, sex, ef, odd$"),
        ({"labels": ["ef"]}, "lines 2, 3: the column 'ef' has '1,5', wanted 0 or 1"),
        ({"labels": ["AF", "AF"]}, "two label sets are called 'labels': write NAME=AF"),
        ({"labels": ["sex=AF"]}, "every row has a column 'sex' of its own: write NAME=AF"),
        ({"labels": ["AF,AF"]}, "'AF'. twice"),
        ({"targets": ["ef"]}, "line 2: the column 'ef' has '1,5', wanted a number"),
        ({"targets": ["sex=AF"]}, "every row has a column 'sex' of its own: write NAME=AF"),
        ({"age": "age"}, "line 3: the age is 900, wanted years"),
        ({"sex": "sex"}, "lines 2, 3: the column 'sex' has '1', wanted male or female"),
        ({"fold": "AF"}, "line 3: the fold 'AF' is empty"),
        ({"targets": ["odd"]}, "line 2: the column 'odd' has '1_0', wanted a number"),
        ({"targets": ["ef=odd", "ef=AF"]}, "'1_0', wanted a number"),
        ({"targets": ["x=AF", "x=age"]}, "two columns are to be called 'x'"),
        ({"targets": ["age=AF", "age=AF"]}, "two columns are to be called 'age'"),
    ],
)
def test_one_sentence_for_each_mistake(tmp_path, choice, message):
    text = 'AF,age,dx,sex,ef,odd\n1,60,a,1,"1,5",1_0\n,900,b,2,2,3\n'
    with pytest.raises(ValueError, match=message):
        facts(tmp_path, text, **choice)


def test_of_many_columns_a_sentence_names_some(tmp_path):
    wide = table(tmp_path, ",".join(f"c{place}" for place in range(5000)) + "\n" + ",".join("1" * 5000) + "\n")
    with pytest.raises(ValueError, match="has no column 'AF'; it has c0, c1, .* and 4970 more$") as error:
        wide.column("AF")
    assert len(str(error.value)) < 500


def test_texts_are_not_classes_and_labels_all_the_same_are_told(tmp_path):
    lines = "\n".join(f"{place},report {place},1,0" for place in range(60))
    text = f"n,words,AF,LBBB\n{lines}\n"
    with pytest.raises(ValueError, match="60 different values in 60 rows.*--text_column"):
        facts(tmp_path, text, label_columns=["words"])
    told = facts(tmp_path, text, labels=["AF,LBBB"]).told
    assert told == [
        "all of the 60 annotated rows are 'AF': a classifier has nothing to learn of it",
        "none of the 60 annotated rows are 'LBBB': a classifier has nothing to learn of it",
    ]
