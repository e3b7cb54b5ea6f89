"""A few hundred of the damaged files of `tests/benchmarks/fuzz.py`; the counts of 20,000 come from that."""

import pytest

from tests.fuzzing.devices import FORMATS
from tests.fuzzing.judging import ERROR, FINDING, RIGHT, judge
from tests.fuzzing.kinds import KINDS, all_cases, shares
from tests.fuzzing.misbehaving import start
from tests.fuzzing.pool import run_in_children


@pytest.fixture(scope="module")
def cases(shared_data_dir, tmp_path_factory):
    return all_cases(shared_data_dir, seed=1, folder=tmp_path_factory.mktemp("fuzzing"))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_give_an_error_or_a_right_result(cases, kind):
    number = 5 if kind in ("ptbxl_database.csv", "scp_statements.csv", "corpus records", "recipe") else 25
    outcomes = [(index, *cases.run(kind, index)) for index in range(number)]
    assert [outcome for outcome in outcomes if outcome[2] not in (ERROR, RIGHT)] == []


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_recordings_of_every_format(cases, name):
    outcomes = [(index, *cases.run(name, index)) for index in range(6)]
    assert [outcome for outcome in outcomes if outcome[2] not in (ERROR, RIGHT)] == []


def test_a_case_depends_on_its_number_alone(cases):
    first = cases.run("header", 7)
    cases.run("header", 8)
    assert cases.run("header", 7) == first
    assert sum(shares(20000).values()) >= 20000


@pytest.mark.parametrize(
    ("read", "check", "expected"),
    [
        (lambda: 1, lambda found: None, RIGHT),
        (lambda: 1, lambda found: "another number", FINDING),
        (lambda: open("/nowhere/a.hea"), lambda found: None, ERROR),
        (lambda: int("a.hea"), lambda found: None, ERROR),
        (lambda: int("x"), lambda found: None, FINDING),
        (lambda: {}["a.hea"], lambda found: None, FINDING),
        (lambda: 1, lambda found: int("x"), FINDING),
    ],
)
def test_what_is_a_finding(read, check, expected):
    assert judge(read, check, ["a.hea"])[0] == expected


def test_a_child_that_hangs_crashes_or_eats_memory_is_one_line():
    cases = ["fine", "hang", "crash", "memory", "fine too"]
    found = {case: outcome[0] for case, outcome in run_in_children(start, cases, seconds=4.0)}
    assert found["fine"] == found["fine too"] == RIGHT
    assert (found["hang"], found["crash"], found["memory"]) == ("h", "c", FINDING)
