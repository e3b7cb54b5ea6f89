"""Tables as watches, belts and small recorders export them; made, with values and rates that are known.

Sources of the forms: README of Polar Sensor Logger and of ECGLogger; `signal.csv` of Withings' "Download your data";
the table of Samsung Health's "Download personal data"; the converter of Contec's ECG90A (rows of twelve leads without
names). Garmin's and Samsung's ECG applications export a PDF; what others make of it is lines of keys and values.
"""

import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import hf_ecg
from hf_ecg.embed.records import find_records
from hf_ecg.signals.leads import STANDARD_LEADS

MICROVOLTS = np.random.default_rng(3).integers(-900, 900, 640)


def lines(head, row):
    return "\n".join([*head, *(row(i, value) for i, value in enumerate(MICROVOLTS.tolist()))]) + "\n"


def keys(device, rate, unit, factor):
    """Lines of a key and a value above numbers."""
    told = ["Recorded Date,2024-01-02 03:04:05 +0100", "Classification,Sinus Rhythm", f'Device,"{device}"']
    told += [f"Sample Rate,{rate} Hz", "Lead,Lead I", f"Unit,{unit}", ""]
    return lines(told, lambda i, value: f"{value * factor:.6g}")


def polar(i, value):
    stamp = f"2024-01-02T03:04:{5 + i // 130:02d}.{i % 130 * 7:03d}"
    return f"{stamp};{599616000000000000 + round(i * 1e9 / 130)};{i * 1000 / 130:.6f};{value}"


WITHINGS = "date,type,frequency,duration,wearposition,signal,doctor_assessment,doctor_name,checkup_date\n" + "".join(
    f'2024-01-0{day}T03:04:05+00:00,ecg,300,30,left,"[{",".join(map(str, sign * MICROVOLTS))}]",fine,Zaphod B.,\n'
    for day, sign in ((2, 1), (3, -1))
)
CONTEC = lines([], lambda i, value: ",".join([str(value)] * 12))
TWELVE = {"leads": list(STANDARD_LEADS), "sampling_rate": 800, "units": "uV"}
# empty files of these endings, and of none
KNOWN = (".hea", ".csv", ".edf", ".npz", ".npy", ".h5", ".parquet", ".dcm", ".mat", ".xml", ".atc", "")
EXPORTS = {
    "garmin": (keys("Venu 3", 128, "mV", 1e-3), {}, "I", 128),
    "samsung": (keys("Galaxy Watch6", 500, "mV", 1e-3), {}, "I", 500),
    "withings": (WITHINGS, {"record": 0}, "I", 300),
    "polar sensor logger": (
        lines(["Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]"], polar),
        {"rename": {"ecg": "I"}},
        "I",
        130,
    ),
    "ecglogger": (
        lines(
            ["time,ecg,hr,rr"],
            lambda i, v: f"{1700000000000000000 + round(i * 1e9 / 130)},{v},{'60' * (i % 130 == 0)},",
        ),
        {"units": "uV"},
        "ECG",
        130,
    ),
    "belt": (lines(["timestamp;ecg_uv"], lambda i, v: f"{i / 130:.5f};{v}"), {"rename": {"ecg": "I"}}, "I", 130),
    "contec": (CONTEC, TWELVE, "I", 800),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_values_and_rate(tmp_path, name):
    text, told, lead, rate = EXPORTS[name]
    (tmp_path / "export.csv").write_text(text)
    record = hf_ecg.read(tmp_path / "export.csv", **told)
    assert record.leads[0] == lead and record.sampling_rate == rate
    np.testing.assert_allclose(record.to_millivolts()[0], MICROVOLTS / 1000, rtol=1e-6, atol=1e-9)


def test_rows_of_withings(tmp_path):
    path = tmp_path / "signal.csv"
    path.write_text(WITHINGS)
    with pytest.raises(ValueError, match="signal.csv: it holds 2 records: choose one by record=.*2024-01-02T03"):
        hf_ecg.read(path)
    record = hf_ecg.read(path, record="2024-01-03T03:04:05+00:00")
    np.testing.assert_allclose(record.to_millivolts()[0], -MICROVOLTS / 1000)
    assert record.start_time == datetime(2024, 1, 3, 3, 4, 5, tzinfo=UTC) and record.device == "Withings"
    assert "Zaphod" not in repr(vars(record)) and "fine" not in repr(vars(record))
    assert hf_ecg.read(path, record=0, keep_identifiers=True).patient == {"physician": "Zaphod B."}
    for old, new, message in (
        ("[", "[1,2,3,4,5,6,7,8,x,", "samples of record 0 holds something that is not a number"),
        (",fine", "", "row 2 has 8 columns, wanted 9: is the file cut"),
        (",300,", ",0,", "frequency is 0.0, wanted one positive number"),
    ):
        path.write_text(WITHINGS.replace(old, new))
        with pytest.raises(ValueError, match=f"signal.csv: .*{message}"):
            hf_ecg.read(path, record=0)
    path.write_text("id,ecg,fs\n" + f'a,"{"; ".join(map(str, MICROVOLTS))}",250\n')
    with pytest.raises(ValueError, match="does not say the unit"):
        hf_ecg.read(path)
    record = hf_ecg.read(path, units="uV")
    assert (record.sampling_rate, record.leads, record.num_samples) == (250, ("ECG",), 640)


def health_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("apple_health_export/export.xml", "<HealthData/>")


def health_list(path):
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n]>\n<HealthData locale="de_DE"/>')


def samsung_list(path):
    head = "com.samsung.health.ecg,1,1\ndatauuid,start_time,time_offset,mean_heart_rate,sample_frequency,chart_data,\n"
    path.write_text(head + "x,2024-06-01 09:00:00.000,UTC+0200,72,500,x.chart_data.json,\n" * 9)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("export.zip", health_archive, "unpack it, and read the ECGs in its folder electrocardiograms.*ecg_.*csv"),
        ("export.xml", health_list, "lie beside it, in the folder electrocardiograms.*ecg_.*csv"),
        ("com.samsung.health.ecg.2024.csv", samsung_list, "lists records and holds no samples"),
        *((f"none{ending}", Path.touch, "none[^ ]* is empty, wanted a recording$") for ending in KNOWN),
    ],
)
def test_what_holds_no_samples_says_so_at_every_door(tmp_path, name, make, message):
    path = tmp_path / name
    make(path)
    for door in (hf_ecg.read, lambda path: find_records([path]), hf_ecg.signals.RecordStream):
        with pytest.raises(ValueError, match=message):
            door(str(path))


def test_a_table_that_is_too_large_says_how_to_go_on(tmp_path):
    path = tmp_path / "big.csv"
    text = lines(["# fs: 500", "I [uV],II [uV]"], lambda i, value: f"{value},{value}") * 20
    path.write_text(text)
    with open(path, "r+b") as file:
        file.truncate(2**28 + 1)  # it takes no room on the disk
    with pytest.raises(ValueError, match="big.csv: it has 268435457 bytes, .*convert-signal part1.csv") as caught:
        hf_ecg.read(path)
    (first,) = re.findall(r"\(head -n (\d+) big.csv; sed -n '(\d+),(\d+)p'", str(caught.value))
    assert first[:2] == ("2", "3") and int(first[2]) > 5e6
