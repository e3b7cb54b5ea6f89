"""Tables of samples as text, in the ways that programs and people write them."""

from datetime import UTC, datetime

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals.formats import find_record_files

ROWS = 400
FIRST = np.round(np.sin(np.arange(ROWS) / 9), 4)
SECOND = np.round(np.cos(np.arange(ROWS) / 7), 4)


def table(header, row, separator=","):
    lines = [separator.join(map(str, row(i))) for i in range(ROWS)]
    return "\n".join([*header, *lines, ""])


def comma(value):
    return str(value).replace(".", ",")


def timed_not(i):
    return [FIRST[i], SECOND[i]]


def timed(i):
    return [2 * i, FIRST[i], SECOND[i]]


PLAIN = table(["time [ms],I [mV],II [mV]"], timed)
POLAR = table(
    ["Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]"],
    lambda i: [
        # a telephone takes a packet of 73 at once
        f"2021-05-12T10:51:{20 + i // 73 * 73 / 130:06.3f}",
        599615880000000000 + round(i * 1e9 / 130),
        round(i * 1000 / 130, 6),
        int(1000 * FIRST[i]),
    ],
    ";",
)
GERMAN = table(["Zeit [s];I [mV];II [mV]"], lambda i: [comma(i / 500), comma(FIRST[i]), comma(SECOND[i])], ";")
# as rdsamp of WFDB writes it: rounded times, and units in a line of their own
RDSAMP = table(
    ["'Elapsed time','MLII','V5'", "'seconds','mV','mV'"], lambda i: [round(i / 360, 3), FIRST[i], SECOND[i]]
)
STOPWATCH = table(['"time";"I (mV)"'], lambda i: [f'"00:00:{i / 500:06.3f}"', f'"{FIRST[i]:+}"'], ";")
ROMANCE = table(["t\tDI (mV)\tDII (uV)\t"], lambda i: [i / 512.414, FIRST[i], 1000 * SECOND[i], ""], "\t")
# what is no ECG, and a number of each row
NUMBERED = table(["sample #,time_s,I [mV],resp [ohm],II [mV]"], lambda i: [i, i / 250, FIRST[i], 7, SECOND[i]])
MIXED = table(["time,I [mV]"], lambda i: ["2020-01-01T00:00:00" if i == 200 else f"10:00:{i / 100:06.3f}", FIRST[i]])
SHIFTED = PLAIN.replace("\n402,", "\n400.5,")
BOTH, ONE = ("I", "II"), ("ECG",)


@pytest.mark.parametrize(
    ("text", "leads", "rate", "units"),
    [
        (PLAIN, BOTH, 500, "mV mV"),
        (GERMAN, BOTH, 500, "mV mV"),
        (RDSAMP, ("MLII", "V5"), 360, "mV mV"),
        (
            table(["# fs = 250 Hz", "% Units: uV", "I V1"], lambda i: ["  ", 1000 * FIRST[i], 1000 * SECOND[i]], "  "),
            ("I", "V1"),
            250,
            "uV uV",
        ),
        (POLAR, ONE, 130, "uV"),
        (table(["timestamp,ecg (mV)"], lambda i: [f"2020-03-28 07:27:{i / 100:06.3f}", FIRST[i]]), ONE, 100, "mV"),
        (ROMANCE, BOTH, 512.414, "mV uV"),
        (STOPWATCH, ("I",), 500, "mV"),
        (NUMBERED, BOTH, 250, "mV mV"),
        (PLAIN.replace("\n", "\r\n"), BOTH, 500, "mV mV"),
        (("\ufeff" + PLAIN).encode("utf-8"), BOTH, 500, "mV mV"),
        (PLAIN.encode("utf-16"), BOTH, 500, "mV mV"),
        (PLAIN.encode("utf-16-le"), BOTH, 500, "mV mV"),
        (PLAIN.replace("mV", "millivolt").replace("\n4,", "\n\n# a remark\n4,"), BOTH, 500, "millivolt millivolt"),
    ],
)  # fmt: skip
def test_tables_that_say_everything(tmp_path, text, leads, rate, units):
    path = tmp_path / "some.table"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    record = hf_ecg.read(path)
    assert (record.leads, record.sampling_rate, " ".join(record.units)) == (leads, rate, units)
    wanted = np.stack([FIRST, SECOND])[: len(leads)]
    np.testing.assert_allclose(record.to_millivolts(), wanted, atol=1e-3 if leads == ONE else 1e-12)
    assert record.source_format == "table" and record.name == "some"


def test_time_of_a_belt(tmp_path):
    (tmp_path / "belt.txt").write_text(POLAR)
    record = hf_ecg.read(tmp_path / "belt.txt", rename={"ecg": "I"})
    assert record.start_time == datetime(2021, 5, 12, 10, 51, 20) and record.leads == ("I",)
    assert record.lead_names == ("ecg [uV]",)
    (tmp_path / "unix.csv").write_text(table(["timestamp,II [mV]"], lambda i: [1600000000000 + 4 * i, FIRST[i]]))
    record = hf_ecg.read(tmp_path / "unix.csv")
    assert record.start_time == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC) and record.sampling_rate == 250
    assert "do not say their unit: taken as units of 0.001 s" in record.remarks[0]


def test_dates_whose_order_nobody_says(tmp_path):
    midnight = [f"23:59:{58 + i / 100:06.3f}" for i in range(200)] + [f"00:00:{i / 100:06.3f}" for i in range(200)]
    stamps = [f"03/04/2020 {clock}" for clock in midnight]
    (tmp_path / "a.csv").write_text(table(["date,I [mV]"], lambda i: [stamps[i], FIRST[i]]))
    record = hf_ecg.read(tmp_path / "a.csv")
    assert record.sampling_rate == 100 and str(record.start_time) == "23:59:58"
    assert "do not say which of day and month" in record.remarks[0]
    quoted = table(['"Zeit [s]","I [mV]"'], lambda i: [f'"{comma(i / 500)}"', f'"{comma(FIRST[i])}"'])
    (tmp_path / "b.csv").write_text(quoted)
    assert hf_ecg.read(tmp_path / "b.csv").sampling_rate == 500


def test_what_is_said_above_names_nobody(tmp_path):
    above = [
        "Name: Jane Example",
        "Patient ID;4711-22",
        "Device,Belt 3",
        "Date: 2020-01-02 03:04:05",
        "Sample rate,128 Hz",
    ]
    (tmp_path / "a.csv").write_text(
        table([*above, "Sample rate,128 Hz", "Filter: 0.5 Hz", "", "I [uV],II [uV]"], timed_not)
    )
    record = hf_ecg.read(tmp_path / "a.csv")
    assert (record.sampling_rate, record.device) == (128, "Belt 3") and "Filter: 0.5 Hz" in record.comments
    assert record.start_time == datetime(2020, 1, 2, 3, 4, 5) and "Jane" not in repr(record) + str(record.patient)
    assert hf_ecg.read(tmp_path / "a.csv", keep_identifiers=True).patient == {"name": "Jane Example", "id": "4711-22"}


def test_missing_samples(tmp_path):
    text = PLAIN.replace(f"\n4,{FIRST[2]},", "\n4,,").replace(f"\n6,{FIRST[3]},", "\n6,NaN,")
    (tmp_path / "a.csv").write_text(text.replace(f"\n8,{FIRST[4]},", "\n8,-32768,"))
    record = hf_ecg.read(tmp_path / "a.csv")
    assert np.argwhere(np.isnan(record.to_millivolts())).tolist() == [[0, 2], [0, 3], [0, 4]]
    assert "1 samples are -32768" in record.remarks[0]


def test_tables_that_leave_something_open(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text(table([], timed_not))
    told = {"sampling_rate": 500, "units": "mV", "leads": ["I", "II"]}
    np.testing.assert_array_equal(hf_ecg.read(path, **told).to_millivolts(), [FIRST, SECOND])
    for key, wanted in (("leads", "leads="), ("units", "units="), ("sampling_rate", "sampling_rate=")):
        with pytest.raises(ValueError, match=f"bare.csv: it does not .*give {wanted}"):
            hf_ecg.read(path, **{name: value for name, value in told.items() if name != key})
    with pytest.raises(ValueError, match="has 2 channels without names, and leads= gives 1"):
        hf_ecg.read(path, **{**told, "leads": ["I"]})
    path.write_text(table([], lambda i: [comma(FIRST[i])]))
    np.testing.assert_array_equal(hf_ecg.read(path, **{**told, "leads": ["I"]}).to_millivolts(), [FIRST])
    path.write_text(table([], timed_not))
    found = hf_ecg.read(path, rename={1: "V1"}, sampling_rate=500, units="mV")
    assert found.leads == ("V1",) and found.to_millivolts().tolist() == [SECOND.tolist()]
    # a table that says something is not told otherwise
    path.write_text(PLAIN)
    for told, message in (
        ({"sampling_rate": 250}, "it says 500 Hz"),
        ({"units": "uV"}, "it says 'mV', and units='uV'"),
    ):
        with pytest.raises(ValueError, match=message):
            hf_ecg.read(path, **told)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHIFTED, "from row 201 to 202 of the table it is 0.0005 s, and usually 0.002 s"),
        (table(["time [s],I [mV]"], lambda i: [i // 130, FIRST[i]]), "equal steps|too coarse"),
        (table(["time [s],I [mV]"], lambda i: [1, FIRST[i]]), "do not grow"),
        (table(["time,I [mV]"], lambda i: [i, FIRST[i]]), "'time', does not say its unit, such as 'time .ms.': give"),
        (MIXED, "holds dates and clock times"),
        (PLAIN + "800,0.1", "line 402 has 2 columns, wanted 3: is the file cut"),
        (PLAIN.replace(f"\n4,{FIRST[2]},", "\n4,oops,"), "line 4 holds something that is not a number, in column 2"),
        (PLAIN.replace(f"\n4,{FIRST[2]},", "\n4,1e999,"), "row 3 of the table has an infinite value"),
        (PLAIN.replace("\n4,", "\n,"), "line 4 has no time in column 1"),
        (PLAIN.replace("II [mV]", "Lead I"), "'I .mV.' and 'Lead I' are both lead I"),
        (table(["age,sex"], lambda i: [33, 1]), "none of its channels has the name of an ECG lead.*rename="),
        ("\n".join(["file,AF", "a,1"] * 9), "not a format that is read here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, message):
    (tmp_path / "wrong.csv").write_text(text)
    with pytest.raises(ValueError, match=f"wrong.csv.*(?:{message})"):
        hf_ecg.read(tmp_path / "wrong.csv")


def test_other_tables_in_a_folder_are_not_records(tmp_path):
    (tmp_path / "ecg.csv").write_text(PLAIN)
    (tmp_path / "features.csv").write_text(table(["age,ecg,AF"], lambda i: [33, i, 0]))
    (tmp_path / "motion.txt").write_text(table(["time [ms];X [mg];Y [mg];Z [mg]"], lambda i: [i * 20, 1, 2, 3], ";"))
    (tmp_path / "notes.txt").write_text("I saw II of them.\n" * 20)
    assert find_record_files(tmp_path) == [str(tmp_path / "ecg.csv")]


def test_the_extractor_tells_what_a_table_leaves_open(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text(table(["I,II"], timed_not))
    extractor = hf_ecg.ECGFeatureExtractor(sampling_rate=100, leads=["I", "II"], num_samples=ROWS)
    with pytest.raises(ValueError, match="does not say the unit.*units="):
        extractor(str(path))
    found = extractor(str(path), sampling_rate=100, units="mV")["input_values"]
    np.testing.assert_allclose(found[0], [FIRST, SECOND], atol=1e-6)
