"""CSV files of a watch, in the forms that telephones write them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals.formats import find_record_files, record_file

VALUES = np.round(300 * np.sin(np.arange(600) / 20), 3)
ENGLISH = [
    'Name,"Jane Example"',
    'Date of Birth,"1 Jan 1980"',
    "Recorded Date,2019-03-28 07:27:13 +0000",
    "Classification,Sinus Rhythm",
    "Symptoms,",
    "Software Version,1.00",
    'Device,"Watch4,3"',
    "Sample Rate,512.508 hertz",
    "",
    "",
    "Lead,Lead I",
    "Unit,µV",
    "",
]
GERMAN = [
    'Name,"Jana Beispiel"',
    "Aufzeichnungsdatum,2023-01-02 03:04:05 +0100",
    "Klassifizierung,Sinusrhythmus",
    'Messrate,"513,7 Hertz"',
    "",
    "Ableitung,Ableitung I",
    "Einheit,µV",
    "",
]


def written(folder, header=ENGLISH, values=None, name="ecg_2019-03-28.csv"):
    numbers = [str(value) for value in VALUES] if values is None else values
    path = folder / name
    path.write_text("\n".join([*header, *numbers, ""]), encoding="utf-8")
    return path


def test_an_english_export(tmp_path):
    record = hf_ecg.read(written(tmp_path))
    np.testing.assert_allclose(record.to_millivolts(), VALUES[None] / 1000, rtol=1e-12)
    assert (record.leads, record.sampling_rate, record.units) == (("I",), 512.508, ("µV",))
    assert (record.source_format, record.device) == ("CSV of a watch", "Watch4,3")
    assert record.start_time == datetime(2019, 3, 28, 7, 27, 13, tzinfo=UTC)
    assert record.comments == ["Classification: Sinus Rhythm", "Software Version: 1.00"]
    assert record.statements == ("Sinus Rhythm",)
    assert "Jane" not in repr(record) and not record.patient
    kept = hf_ecg.read(tmp_path / "ecg_2019-03-28.csv", keep_identifiers=True)
    assert kept.patient == {"name": "Jane Example", "birth_date": "1 Jan 1980"}


def test_another_language_with_decimal_commas(tmp_path):
    record = hf_ecg.read(written(tmp_path, GERMAN, [str(value).replace(".", ",") for value in VALUES]))
    np.testing.assert_allclose(record.to_millivolts(), VALUES[None] / 1000, rtol=1e-12)
    assert (record.leads, record.sampling_rate) == (("I",), 513.7)


JAPANESE = [
    '\u540d\u524d,"Jane Example"',
    '\u751f\u5e74\u6708\u65e5,"1980/01/01"',
    "\u8a18\u9332\u65e5,2022-05-06 07:08:09 +0900",
    "\u5206\u985e,\u6d1e\u8abf\u5f8b",
    "\u75c7\u72b6,",
    "\u30bd\u30d5\u30c8\u30a6\u30a7\u30a2,2.00",
    "\u30c7\u30d0\u30a4\u30b9,Watch6,1",
    "\u30b5\u30f3\u30d7\u30eb\u30ec\u30fc\u30c8,511.98\u30d8\u30eb\u30c4",
    "\u8a98\u5c0e,\u7b2cI\u8a98\u5c0e",
    "\u5358\u4f4d,\u03bcV",
]
ARABIC = [
    '"x","y"',
    "z,2022-05-06 07:08:09 -0330",
    "rate,\u0665\u0661\u0662\u066b\u0665 \u0647\u0631\u062a\u0632",
    "q,q I",
    "u,\u00b5V",
]


@pytest.mark.parametrize(("header", "rate", "hours"), [(JAPANESE, 511.98, 9), (ARABIC, 512.5, -3.5)])
def test_other_scripts_and_time_zones(tmp_path, header, rate, hours):
    record = hf_ecg.read(written(tmp_path, header, [str(value).replace("-", "\u2212") for value in VALUES]))
    np.testing.assert_allclose(record.to_millivolts(), VALUES[None] / 1000, rtol=1e-12)
    assert (record.leads, record.sampling_rate) == (("I",), rate)
    assert record.start_time.utcoffset() == timedelta(hours=hours)
    assert "Jane" not in repr(record)
    if hours == 9:
        assert (record.device, record.statements) == ("Watch6,1", ("\u6d1e\u8abf\u5f8b",))


def test_utf_16_and_another_name(tmp_path):
    path = written(tmp_path, name="export.bin")
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    np.testing.assert_allclose(hf_ecg.read(path).to_millivolts(), VALUES[None] / 1000, rtol=1e-12)


@pytest.mark.parametrize(
    ("without", "values", "message"),
    [
        ("Lead,", None, "no line says the lead"),
        ("Unit,", None, "no line says the unit"),
        ("", ["1.5", "oops"], "line 15 is not a number, wanted one in each line"),
        ("", [], "there is no number below"),
    ],
)
def test_what_lacks_something(tmp_path, without, values, message):
    header = [line for line in ENGLISH if not without or not line.startswith(without)]
    with pytest.raises(ValueError, match=message):
        hf_ecg.read(written(tmp_path, header, values))


@pytest.mark.parametrize("first", ["-1,057.5", "-1.057,5", "-1057,5"])
def test_thousands_are_set_apart(tmp_path, first):
    record = hf_ecg.read(written(tmp_path, ENGLISH, [first, "2", first]))
    np.testing.assert_allclose(record.to_millivolts(), [[-1.0575, 0.002, -1.0575]])


def test_two_exports_in_one_file_name_nobody(tmp_path):
    path = written(tmp_path, ENGLISH, ["1", "2", *ENGLISH, "3"])
    with pytest.raises(ValueError, match="is it one record, and whole") as error:
        hf_ecg.read(path)
    assert ENGLISH[0] not in str(error.value) and "Name" not in str(error.value)


def test_other_tables_are_not_records(tmp_path):
    (tmp_path / "labels.csv").write_text("file,AF\na,1\n")
    (tmp_path / "rates.csv").write_text("file,note\na,512 hertz is its rate\n")
    path = written(tmp_path)
    assert find_record_files(tmp_path) == [str(path)]
    assert record_file(tmp_path / "labels.csv") is None and record_file(path) == str(path)


def test_a_second_rate_is_not_guessed_away(tmp_path):
    with pytest.raises(ValueError, match="give several rates, .'Filter': 40.0, 'Sample Rate': 512.508., wanted one"):
        hf_ecg.read(written(tmp_path, ["Filter,40 Hz", *ENGLISH]))


def test_numbers_and_lines_beyond_all_measure(tmp_path):
    with pytest.raises(ValueError, match="line 14 is infinite, wanted a finite number"):
        hf_ecg.read(written(tmp_path, values=["1e400", "2"]))
    with pytest.raises(ValueError, match="field larger than"):
        hf_ecg.read(written(tmp_path, [*ENGLISH, "Symptoms," + "x" * 200_000]))
