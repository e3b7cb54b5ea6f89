"""Populations that rows are told apart by."""

import datasets
import pytest
from huggingface_hub.errors import StrictDataclassClassValidationError

from hf_ecg.data.environments import Division, EnvironmentNumbers, Environments

ROWS = datasets.Dataset.from_dict(
    {
        "age": [49.0, 50.0, 69.9, 70.0, None, 90.0],
        "sex": ["male", "female", None, "male", "male", "female"],
        "site": [2.0, 10.0, None, 2.0, 0.0, 0.0],
    }
)
BANDS = Division("age", [50, 70])


def test_bands_begin_at_their_cuts_and_the_unknown_are_an_environment_of_their_own():
    by = Environments([BANDS])
    assert by.names(ROWS) == [
        *("age < 50", "age 50 to < 70", "age 50 to < 70", "age >= 70", "age not known", "age >= 70")
    ]
    assert by.order([ROWS]) == ["age < 50", "age 50 to < 70", "age >= 70", "age not known"]
    assert [by.name(row) for row in ROWS] == by.names(ROWS)
    with pytest.raises(ValueError, match="1 of 6 rows do not know age; missing: own makes an environment"):
        Environments([BANDS], missing="refuse").names(ROWS)


def test_values_and_crossed_columns_and_the_corpus():
    assert set(Environments([Division("site")]).names(ROWS)) == {"site 0", "site 2", "site 10", "site not known"}
    crossed = Environments([Division("sex"), Division("corpus")])
    assert crossed.order([ROWS, ROWS.select([0])]) == [
        *("sex female, corpus 0", "sex male, corpus 0", "sex male, corpus 1", "sex not known, corpus 0"),
    ]
    assert crossed.name({"sex": None, "source": 3}) == "sex not known, corpus 3"


def test_rows_of_the_kept_environments_are_selected_and_numbered():
    by = Environments([BANDS], kept=["age >= 70", "age < 50"])
    assert by.select(ROWS)["age"][:] == [49.0, 70.0, 90.0]
    numbers = EnvironmentNumbers(by, by.order([by.select(ROWS)]))
    assert numbers.columns == ["age"] and numbers.known == ["age < 50", "age >= 70"]
    assert numbers([{"age": 80}, {"age": 20}])["environments"].tolist() == [1, 0]
    with pytest.raises(ValueError, match="environment 'age 50 to < 70', known are"):
        numbers([{"age": 60}])
    with pytest.raises(ValueError, match=r"names 'age < 5' \(did you mean 'age < 50'\?\)"):
        Environments([BANDS], kept=["age < 5"]).select(ROWS)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"by": []}, "wanted at least one"),
        ({"by": [Division("sex"), Division("sex")]}, "each once"),
        ({"by": [BANDS], "missing": "drop"}, "missing"),
        ({"by": [BANDS], "kept": []}, "kept is empty"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(StrictDataclassClassValidationError, match=message):
        Environments(**options)


def test_cuts_rise_and_cut_numbers():
    for cuts, column in (([70, 50], "age"), ([float("nan")], "age"), ([1], "corpus")):
        with pytest.raises(StrictDataclassClassValidationError, match="wanted numbers that rise"):
            Division(column, cuts)
    with pytest.raises(ValueError, match="sex is 'male', which the cuts"):
        Environments([Division("sex", [1])]).names(ROWS)
    with pytest.raises(ValueError, match="has no column 'ages'"):
        Environments([Division("ages")]).names(ROWS)
    many = datasets.Dataset.from_dict({"age": [number / 2 for number in range(100)]})
    with pytest.raises(ValueError, match="make 100 environments, wanted 64 at most: give cuts"):
        Environments([Division("age")]).names(many)
