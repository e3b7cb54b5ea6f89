"""Recordings that are written: the same values again, whole files or none, and nobody's name."""

from datetime import datetime, time, timedelta, timezone

import numpy as np
import pytest
import wfdb

import hf_ecg
from hf_ecg.signals import Annotation, Record, write
from hf_ecg.signals.formats import FORMATS
from tests.signals.formats.samples import SAMPLES, WHO

ENDINGS = [".hea", ".edf", ".csv"] + [".parquet"] * any(one.FORMAT == "parquet" for one in FORMATS)


def record(**changes):
    values = np.random.default_rng(0).normal(0, 0.5, (2, 300)).astype(np.float32)
    content = {"values": values, "gain": None, "baseline": None, "leads": ("II", "V1"), "sampling_rate": 100.0}
    return Record("made", **(content | changes))


def counted(**changes):
    counts = np.random.default_rng(1).integers(-3000, 3000, (2, 300)).astype(np.int16)
    return record(values=counts, gain=np.array([200.0, 409.6]), baseline=np.array([0.0, 1024.0]), **changes)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("make", [record, counted])
def test_the_same_values_again(tmp_path, ending, make):
    ours = make(start_time=datetime(2020, 1, 2, 3, 4, 5))
    written = write(ours, tmp_path / f"out{ending}")
    again = hf_ecg.read(tmp_path / f"out{ending}")
    # millivolts are rounded to tenths of a microvolt, counts not at all (in CSV to a nanovolt)
    worst = 0.5e-6 if ending == ".csv" else 0.5e-4 if make is record else 1e-5
    assert np.abs(again.to_millivolts() - ours.to_millivolts()).max() <= worst * 1.01
    assert written.largest_difference_mv <= worst * 1.01
    assert (again.leads, again.sampling_rate, again.start_time) == (ours.leads, 100.0, ours.start_time)
    assert sorted(written.sha256) == sorted(str(path) for path in tmp_path.iterdir())
    if ending in (".hea", ".parquet") and make is counted:
        np.testing.assert_array_equal(again.counts, ours.counts)


@pytest.mark.parametrize("rate", [512.508, 300, 360, 257, 128.5])
@pytest.mark.parametrize("samples", [997, 1024, 3600])
def test_rates_and_lengths(tmp_path, rate, samples):
    ours = record(values=np.linspace(-1, 1, 2 * samples).reshape(2, -1), sampling_rate=rate)
    for ending in ENDINGS:
        try:
            write(ours, tmp_path / f"out{ending}", overwrite=True)
        except ValueError as error:
            # EDF has whole data records of seconds in eight characters
            assert ending == ".edf" and "cannot divide" in str(error) and samples == 997
            continue
        again = hf_ecg.read(tmp_path / f"out{ending}")
        assert again.sampling_rate == rate and again.num_samples == samples


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("start", [time(3, 4, 5), datetime(2020, 1, 2, 3, 4, 5, 678000, timezone(timedelta(hours=2)))])
def test_times_without_a_date_and_with_a_zone(tmp_path, ending, start):
    written = write(counted(start_time=start, device="Watch4,3"), tmp_path / f"out{ending}")
    again = hf_ecg.read(written.path)
    if ending == ".edf":
        assert again.start_time == start.replace(microsecond=0, tzinfo=None)
        assert any("the time zone of the start" in word for word in written.left_out) == isinstance(start, datetime)
    else:
        assert (again.start_time, again.device) == (start, "Watch4,3")


@pytest.mark.parametrize("start", [None, datetime(1950, 1, 2, 3, 4, 5)])
def test_edf_invents_no_time_of_the_start(tmp_path, start):
    written = write(counted(start_time=start), tmp_path / "out.edf")
    assert hf_ecg.read(written.path).start_time == (None if start is None else time(3, 4, 5))
    assert written.left_out == (() if start is None else ("the date of the start",))


@pytest.mark.parametrize(("gain", "zero"), [(306.0, 0.0), (204.7, -1024.0), (333.3333333, 17.0), (1000 / 4.88, 0.0)])
def test_edf_holds_counts_of_any_gain(tmp_path, gain, zero):
    ours = counted()
    ours.gain[:], ours.baseline[:] = gain, zero
    write(ours, tmp_path / "out.edf")
    again = hf_ecg.read(tmp_path / "out.edf")
    np.testing.assert_allclose(again.to_millivolts(), ours.to_millivolts(), atol=1e-6)
    np.testing.assert_array_equal(again.counts, ours.counts)


def test_missing_samples(tmp_path):
    ours = counted()
    ours.values[0, 3:9] = -32768
    for ending in ENDINGS:
        if ending == ".edf":
            with pytest.raises(ValueError, match="missing samples, for which EDF has no value"):
                write(ours, tmp_path / "out.edf")
            continue
        write(ours, tmp_path / f"out{ending}")
        again = hf_ecg.read(tmp_path / f"out{ending}").to_millivolts()
        np.testing.assert_array_equal(np.isnan(again), np.isnan(ours.to_millivolts()))
    assert not (tmp_path / "out.edf").exists()


def test_what_the_record_says(tmp_path):
    ours = counted(
        comments=["Dx: 1"],
        device="ELI 250",
        statements=("Sinus rhythm",),
        measurements={"qt_ms": 400.0},
        remarks=("odd",),
        annotations=(Annotation(1, "beat"),),
        start_time=time(3, 4, 5),
    )
    written = write(ours, tmp_path / "out.hea")
    assert written.left_out == ("1 annotations",)
    said = ["Dx: 1", "Device: ELI 250", "Statement: Sinus rhythm", "qt_ms: 400", "Remark: odd"]
    theirs = wfdb.rdrecord(str(tmp_path / "out"), physical=False)
    assert theirs.comments == said and theirs.baseline == [0, 1024] and theirs.units == ["mV", "mV"]
    np.testing.assert_array_equal(theirs.d_signal.T, ours.counts)
    assert theirs.checksum == [int(np.int16(row.sum() & 0xFFFF)) for row in ours.counts.astype(np.int64)]
    assert "Statement: Sinus rhythm" in (tmp_path / "out.hea").read_text()
    assert set(write(ours, tmp_path / "out.edf").left_out) == {
        *("1 comments", "1 annotations", "1 statements", "measurements", "device", "remarks")
    }
    edf = pytest.importorskip("pyedflib").EdfReader(str(tmp_path / "out.edf"))
    assert edf.getSignalLabels() == ["II", "V1"] and edf.getSampleFrequency(0) == 100
    np.testing.assert_allclose(edf.readSignal(1) / 1000, ours.to_millivolts()[1], atol=1e-5)
    edf.close()


SAID = {
    "comments": ["Dx: 1", "free words, with a comma", "Filter: 40 Hz", "Age = 50", "rate: about 60 Hz"],
    "device": "ELI 250, 3",
    "statements": ("Sinus rhythm; regular", "ST-T: non-specific, lateral", "60 Hz"),
    "measurements": {"heart_rate": 61.25, "qtc_fridericia_ms": 400.0, "p_axis": -12.0},
    "remarks": ("missing: 3 samples are -32768", "layout: taken as SPH's"),
    "reconstructed": ("V1",),
    "start_time": datetime(2020, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=-2))),
}
IN_LISTS = {
    "annotations": (Annotation(1.25, "beat"), Annotation(0.1, "noise", 0.5)),
    "lead_names": ("Lead II", "C1"),
    "units": ("uV", "mV"),
}


@pytest.mark.parametrize("make", [record, counted])
@pytest.mark.parametrize("ending", [".hea", ".csv", ".parquet"])
def test_what_a_record_says_comes_back(tmp_path, ending, make):
    ours = make(**SAID, **IN_LISTS)
    # twice, so that nothing is said twice either
    again = hf_ecg.read(write(ours, tmp_path / f"one{ending}").path)
    again = hf_ecg.read(write(again, tmp_path / f"two{ending}").path)
    for name, value in (SAID | (IN_LISTS if ending == ".parquet" else {})).items():
        assert getattr(again, name) == value, name
    named = hf_ecg.read(tmp_path / f"two{ending}", leads=["V1"])
    assert named.lead_names == (("C1",) if ending == ".parquet" else named.lead_names)
    assert named.reconstructed == ("V1",) and named.statements == SAID["statements"]


def test_files_that_are_there_and_names_that_cannot_be(tmp_path):
    ours = counted()
    write(ours, tmp_path / "out.hea")
    before = (tmp_path / "out.hea").read_bytes(), (tmp_path / "out.dat").read_bytes()
    with pytest.raises(FileExistsError, match="out.dat is there"):
        write(record(), tmp_path / "out.hea")
    (tmp_path / "out.hea").unlink()
    with pytest.raises(FileExistsError, match="out.dat is there"):
        write(record(), tmp_path / "out.hea")
    assert (tmp_path / "out.dat").read_bytes() == before[1]
    write(record(), tmp_path / "out.hea", overwrite=True)
    assert (tmp_path / "out.dat").read_bytes() != before[1]
    cases = {"out.xml": "ends in '.xml'", "a b.hea": "letters, digits", "absent/out.csv": "not a folder"}
    for name, told in cases.items():
        with pytest.raises((ValueError, OSError), match=told):
            write(ours, tmp_path / name)
    with pytest.raises(ValueError, match="no samples"):
        write(ours.cut(0, 0), tmp_path / "none.csv")
    with pytest.raises(ValueError, match="infinite"):
        write(record(values=np.full((2, 3), np.inf)), tmp_path / "none.hea")
    with pytest.raises(ValueError, match="eight characters"):
        coarse = {"gain": np.full(2, 1e-6), "baseline": np.zeros(2)}
        write(record(values=np.ones((2, 100), np.int16), **coarse), tmp_path / "none.edf")
    with pytest.raises(ValueError, match="none.csv was not written: it would not be read back"):
        write(counted().cut(0, 3), tmp_path / "none.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.dat", "out.hea"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_name_is_written_only_when_it_is_asked_for(tmp_path, ending):
    source = SAMPLES["Mortara XML"](tmp_path)
    ours = hf_ecg.read(source, keep_identifiers=True)
    write(ours, tmp_path / f"out{ending}")
    found = (tmp_path / f"out{ending}").read_bytes().decode("latin-1").lower()
    assert not [value for value in WHO.values() if value.lower() in found]
    write(ours, tmp_path / f"kept{ending}", keep_identifiers=True)
    if ending != ".parquet":
        assert WHO["id"].lower() in (tmp_path / f"kept{ending}").read_bytes().decode("latin-1").lower()
    again = hf_ecg.read(tmp_path / f"kept{ending}", keep_identifiers=True)
    assert WHO["id"] in str(again.patient) and hf_ecg.read(tmp_path / f"kept{ending}").patient == {}
    assert ending != ".parquet" or again.patient == ours.patient
