import pytest

from hf_ecg.clinical.scp import label_sets, labels_of, parse_scp_codes, read_statements
from hf_ecg.clinical.tables import read_table
from hf_ecg.data.readers.merl_tables import TASKS, read_merl_table
from tests.data.made_snomed import write_tables


@pytest.fixture(scope="module")
def released(shared_data_dir):
    tables = {}

    def read(task):
        if task not in tables:
            tables[task] = read_merl_table(shared_data_dir / "merl_splits", task)
        return tables[task]

    return read


@pytest.mark.parametrize("task", TASKS)
def test_the_released_tables_have_the_published_sizes(released, task):
    table = released(task)
    assert tuple(table.sizes().values()) == TASKS[task].records
    assert not any("records in train" in problem for problem in table.problems())


def test_the_wrong_positives_of_the_released_csn_table(released):
    table = released("csn")
    wrong = {
        "VB": (913, 916),
        "AVB": (737, 913),
        "AF": (1413, 4753),
        "ST": (1184, 6338),
        "SA": (721, 2828),
        "CR": (141, 216),
        "2AVB": (16, 38),
    }
    assert len(table.rows) == 23_026 and len(table.classes) == 38
    assert table.wrong_positives("merl") == wrong
    assert table.wrong_positives("exact") == {}
    # nor does "exact" miss any: it is what is written, without what is not a class of the task
    counts = dict.fromkeys(table.classes, 0)
    for row in table.rows.values():
        assert set(row.labels("exact")) == set(row.written) & set(table.classes)
        for name in row.labels("exact"):
            counts[name] += 1
    assert {name: total - counts[name] for name, (_, total) in wrong.items()} == {n: w for n, (w, _) in wrong.items()}
    assert "VB 913 of 916" in table.problems()[0]
    assert not any(row.written == ("SB",) for row in table.rows.values())


def test_the_column_order_error_of_ptb_xl_is_found_where_it_is(released, caplog):
    table = released("ptb_xl_subdiagnostic")
    assert table.moved_columns == {"train": {"AVB": "ISC", "RAO/RAE": "AVB", "ISC": "RAO/RAE"}}
    assert table.wrong_by_position() == {"train": 1697}
    (problem,) = table.problems()
    assert "columns of train" in problem and "1697 of 17084" in problem
    for task in ("ptb_xl_superdiagnostic", "ptb_xl_form", "ptb_xl_rhythm", "cpsc2018"):
        assert released(task).problems() == [] and released(task).moved_columns == {}


@pytest.mark.parametrize("task", [task for task in TASKS if task.startswith("ptb_xl")])
def test_by_name_the_tables_agree_with_ptb_xl_itself(released, ptb_xl_dir, task):
    table, compared = released(task), 0
    classes = label_sets(read_statements(ptb_xl_dir / "scp_statements.csv"))[task.removeprefix("ptb_xl_")]
    for line in read_table(ptb_xl_dir / "ptbxl_database.csv", ("ecg_id", "scp_codes", "strat_fold")):
        row = table.rows.get(line["ecg_id"])
        if row is not None:
            # MERL took the underscores off
            own = {name.strip("_") for name in labels_of(parse_scp_codes(line["scp_codes"]), classes) or ()}
            assert own == set(row.labels()), line["ecg_id"]
            assert row.split == {"9": "validation", "10": "test"}.get(line["strat_fold"], "train")
            compared += 1
    assert compared > 900


def rows(**changes):
    made = {
        "train": [{"filename": "A0001", "age": "9", "positives": ["NORM"]}],
        "validation": [{"filename": "A0002", "age": "9", "positives": ["STE", "PAC"]}],
        "test": [{"filename": "A0003", "age": "9", "positives": []}],
    }
    return made | changes


def test_columns_are_matched_by_name_in_any_order(tmp_path):
    backwards = list(TASKS["cpsc2018"].classes)[::-1]
    write_tables(tmp_path, "cpsc2018", rows(), {"validation": backwards})
    table = read_merl_table(tmp_path, "cpsc2018")
    assert set(table.rows["A0002"].labels()) == {"STE", "PAC"}
    assert table.wrong_by_position() == {"validation": 1}
    assert any("columns of val are in another order" in problem for problem in table.problems())


@pytest.mark.parametrize(
    "damage, message",
    [
        (
            lambda text: text.replace(",STE", "").replace("0,1,0,0\n", "0,1,0\n"),
            r"icbeb_val.csv lacks the columns \['STE'\]",
        ),
        (lambda text: text.replace(",STE,", ",STEMI,"), "icbeb_val.csv lacks"),
        (
            lambda text: text.replace("STD\n", "STD,VT\n").replace("0\n", "0,1\n"),
            r"icbeb_val.csv has the label columns \['VT'\]",
        ),
        (lambda text: text.replace(",1,", ",2,", 1), "icbeb_val.csv, line 2.*neither 0 nor 1"),
        (
            lambda text: text.replace("A0002", "A0001"),
            "icbeb_val.csv, line 2.*twice, first in .*icbeb_train.csv, line 2",
        ),
        (lambda text: text + "A0009,9,0\n", "icbeb_val.csv, line 3: 3 fields"),
        (lambda text: text.splitlines()[0] + "\n", "icbeb_val.csv has no records"),
    ],
)
def test_damaged_tables_are_refused_by_the_name_of_the_file(tmp_path, damage, message):
    write_tables(tmp_path, "cpsc2018", rows())
    path = tmp_path / "icbeb" / "icbeb_val.csv"
    path.write_text(damage(path.read_text().replace("\r\n", "\n")))
    with pytest.raises(ValueError, match=message):
        read_merl_table(tmp_path, "cpsc2018")


def test_no_table_and_no_task(tmp_path):
    with pytest.raises(FileNotFoundError, match="chapman_train.csv"):
        read_merl_table(tmp_path, "csn")
    with pytest.raises(ValueError, match="chapman"):
        read_merl_table(tmp_path, "chapman")
