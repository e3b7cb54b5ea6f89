"""WFDB records: real ones against the wfdb package, and broken ones."""

import shutil
from datetime import datetime, time

import numpy as np
import pytest
import wfdb

from hf_ecg.signals import read
from hf_ecg.signals.formats import find_record_files
from tests.signals.formats.sample_parts import FIRST, LAST, WHO
from tests.signals.formats.samples import SAMPLES


@pytest.mark.parametrize(
    "name",
    ["ptb-xl/records100/00000/00317_lr", "ptb-xl/records500/00000/00210_hr", "cinc2021/E07500", "cpsc2018/A0001"],
)
def test_real_records_equal_the_wfdb_package(shared_data_dir, name):
    path = shared_data_dir / name
    record, expected = read(f"{path}.hea"), wfdb.rdrecord(str(path))
    np.testing.assert_allclose(record.to_millivolts().T, expected.p_signal, atol=1e-9)
    assert record.sampling_rate == expected.fs
    assert [lead.upper() for lead in record.leads] == [lead.upper() for lead in expected.sig_name]
    assert record.comments == expected.comments


def test_another_format_equals_the_wfdb_package(shared_data_dir):
    record = read(shared_data_dir / "mitdb" / "100")
    assert record.leads == ("MLII", "V5") and record.counts.shape == (2, 650000)
    assert record.baseline.tolist() == [1024.0, 1024.0] and record.gain.tolist() == [200.0, 200.0]
    expected = wfdb.rdrecord(str(shared_data_dir / "mitdb" / "100"), sampto=1000).p_signal
    np.testing.assert_allclose(record.to_millivolts()[:, :1000].T, expected, atol=1e-9)


@pytest.fixture
def made(tmp_path):
    """A record of two leads, 50 samples, written by hand."""
    counts = np.random.default_rng(0).integers(-500, 500, (2, 50)).astype("<i2")
    counts[0, 3] = -32768
    write(tmp_path, counts)
    return tmp_path, counts


def write(folder, counts, lines=None, record="rec 2 100 50", name="rec"):
    sums = [int(row.sum(dtype=np.int64)) & 0xFFFF for row in counts]
    lines = lines or [
        f"rec.dat 16 200(100)/mV 16 0 0 {sums[0]} 0 I",
        f"rec.dat 16 1000/uV 16 7 0 {sums[1]} 0 AVR",
    ]
    (folder / f"{name}.hea").write_text("\n".join([record, *lines, "# Age: 50"]) + "\n")
    counts.T.astype("<i2").tofile(folder / "rec.dat")


def test_gain_baseline_units_and_missing_samples(made):
    folder, counts = made
    for path in (folder / "rec", folder / "rec.hea", str(folder / "rec.dat")):
        record = read(path)
    assert record.leads == ("I", "aVR") and record.comments == ["Age: 50"]
    millivolts = record.to_millivolts()
    assert np.isnan(millivolts[0, 3]) and np.isnan(millivolts).sum() == 1
    np.testing.assert_allclose(millivolts[0, :3], (counts[0, :3] - 100) / 200)
    # without a baseline in parentheses the ADC zero (7) is the baseline; 1000 counts a microvolt
    np.testing.assert_allclose(millivolts[1], (counts[1].astype(float) - 7) / 1e6)


def test_a_truncated_signal_file(made):
    folder, _ = made
    (folder / "rec.dat").write_bytes((folder / "rec.dat").read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"has 190 bytes, wanted 200: rec.hea says 50 frames of 2 samples.*truncated"):
        read(folder / "rec")


@pytest.mark.parametrize("more", [1, 50, 200])
def test_bytes_behind_the_end_are_told_and_not_read(made, more):
    folder, counts = made
    with open(folder / "rec.dat", "ab") as file:
        file.write(b"\x55" * more)
    record = read(folder / "rec")
    np.testing.assert_array_equal(record.counts, counts)
    assert any(f"{more} bytes behind its end" in remark for remark in record.remarks)


@pytest.mark.parametrize(("checksums", "more"), [(True, 201), (False, 1), (False, 200)])
def test_much_more_than_the_header_says_is_another_file(made, checksums, more):
    folder, counts = made
    if not checksums:
        write(folder, counts, ["rec.dat 16 200(100)/mV 16 0 0 0 0 I", "rec.dat 16 1000/uV 16 7 0 0 0 AVR"])
    with open(folder / "rec.dat", "ab") as file:
        file.write(b"\0" * more)
    with pytest.raises(ValueError, match=f"has {200 + more} bytes, wanted 200.*longer than its header says"):
        read(folder / "rec")


def test_segments_share_a_file_by_their_offsets(tmp_path):
    counts = np.random.default_rng(0).integers(-500, 500, (2, 60)).astype("<i2")
    for number in range(3):
        part = counts[:, number * 20 : number * 20 + 20]
        sums = [int(row.sum(dtype=np.int64)) & 0xFFFF for row in part]
        lines = [
            f"rec.dat 16+{number * 80} 200/mV 16 0 0 {x} 0 {lead}" for x, lead in zip(sums, ("I", "II"), strict=True)
        ]
        (tmp_path / f"s{number}.hea").write_text("\n".join([f"s{number} 2 100 20", *lines]) + "\n")
    counts.T.tofile(tmp_path / "rec.dat")
    (tmp_path / "rec.hea").write_text("rec/3 2 100 60\ns0 20\ns1 20\ns2 20\n")
    record = read(tmp_path / "rec")
    np.testing.assert_array_equal(record.counts, counts)
    assert not record.remarks


def test_an_ending_in_capitals(made):
    folder, counts = made
    (folder / "rec.hea").rename(folder / "REC.HEA")
    np.testing.assert_array_equal(read(folder / "REC.HEA").counts, counts)
    assert find_record_files(folder) == [str(folder / "REC.HEA")]


@pytest.mark.parametrize("name", ["rec.mat", "rec.dat", "rec.edf", "rec.1 b"])
def test_a_record_whose_own_name_has_an_ending(made, name):
    folder, counts = made
    (folder / "rec.hea").rename(folder / f"{name}.hea")
    np.testing.assert_array_equal(read(folder / name).counts, counts)


def test_a_header_of_dos_ends_at_control_z(made):
    folder, counts = made
    header = folder / "rec.hea"
    header.write_bytes(header.read_bytes().replace(b"\n", b"\r\n") + b"\x1a")
    np.testing.assert_array_equal(read(header).counts, counts)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 200\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rec.hea", POINTER, "rec.hea is a pointer of Git LFS.*git lfs pull"),
        ("rec.dat", POINTER, "rec.dat is a pointer of Git LFS"),
        ("rec.hea", b"\x1f\x8b\x08" + bytes(40), "rec.hea is packed by gzip"),
    ],
)
def test_what_stands_in_a_files_place_is_said(made, name, content, message):
    (made[0] / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read(made[0] / "rec.hea")


def test_a_signal_file_in_other_capitals_is_named(made):
    (made[0] / "rec.dat").rename(made[0] / "REC.DAT")
    with pytest.raises(FileNotFoundError, match="rec.dat is not there.*REC.DAT is; capitals count"):
        read(made[0] / "rec.hea")


def test_a_damaged_sample_shows_in_the_checksum(made):
    folder, counts = made
    counts[1, 10] += 1
    counts.T.tofile(folder / "rec.dat")
    with pytest.raises(ValueError, match="lead AVR has the checksum"):
        read(folder / "rec")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("rec 0 100 50\n", "no signals"),
        ("rec 2 100 50\n", "no signals"),
        ("rec 2 100 50\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "announces 2 signals and describes 1"),
        ("rec/3 2 100 50\nrec_1 50\n", "announces 3 segments and describes 1"),
        ("rec two 100 50\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "record line"),
        ("rec 1\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "line 1: the record line is not NAME LEADS RATE"),
        ("rec 1 0 50\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "sampling rate 0"),
        ("rec 1 100 50\nrec.dat sixteen 200/mV 16 0 0 0 0 I\n", "no format"),
        ("rec 1 100 50\nrec.dat 16 200/mmHg 16 0 0 0 0 I\n", "unit 'mmHg' is not a voltage"),
        ("rec 1 100 50\nrec.dat 16 0/mV 16 0 0 0 0 I\n", "'I' .its gain is 0: not calibrated"),
        ("rec 1 100 50\nrec.dat 16\n", "its gain is 0: not calibrated"),
        ("rec 1 100 50\nrec.dat 16 1e999/mV 16 0 0 0 0 I\n", "the gain is inf"),
        ("rec 1 100 50\nrec.dat 16 1.2.3/mV 16 0 0 0 0 I\n", "cannot be read"),
        ("rec 1 100 50\nrec.dat 16 200/mV 16 0 0 x 0 I\n", "cannot be read"),
        ("rec 1 100 50\n- 16 200/mV 16 0 0 0 0 I\n", "not beside the header"),
        (
            "rec 2 100 49\nrec.dat 16 200/mV 16 0 0 0 0 I\nrec.dat 16 200/mV 16 0 0 0 0 II\n",
            "wanted 196",
        ),
        (
            "rec 2 100 51\nrec.dat 16 200/mV 16 0 0 0 0 I\nrec.dat 16 200/mV 16 0 0 0 0 II\n",
            "wanted 204",
        ),
        (
            "rec 1 100 50\nrec.dat 16 200/mV 16 0 0 0 0 foot\n",
            "none of its channels.*: .foot.",
        ),
        (
            "rec 2 100 25\nrec.dat 16 200/mV 16 0 0 0 0 I\nrec.dat 16 200/mV 16 0 0 0 0 i\n",
            "are both lead I",
        ),
        ("records/rec 1 100 50\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "name is not of letters.*without a folder"),
        ("records/100 1 100 50\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "line 1: the record's name is not of letters"),
        (": 1 100 50\nrec.dat 16 200/mV 16 0 0 0 0 I\n", "the record's name is not of letters"),
        ("rec 1 100 50\n../rec.dat 16 200/mV 16 0 0 0 0 I\n", "not beside the header"),
    ],
)
def test_headers_that_make_no_sense(made, text, message):
    folder, _ = made
    (folder / "rec.hea").write_text(text)
    with pytest.raises(ValueError, match=message):
        read(folder / "rec")


@pytest.mark.parametrize(
    "name", ["HL7 aECG", "DICOM", "EDF", "SCP-ECG", "CSV of a watch", "table", "JSON of a device"]
)
def test_what_is_called_as_a_wfdb_file_goes_to_its_own_reader(made, tmp_path_factory, name):
    path = SAMPLES[name](tmp_path_factory.mktemp("other"))
    wanted = read(path)
    for called in (path.with_suffix(".hea"), path.with_suffix(".dat"), made[0] / "rec"):  # beside its header
        found = read(shutil.copy(path, called))
        assert found.source_format == name
        np.testing.assert_array_equal(found.values, wanted.values)
        called.unlink()


TEXTS = (
    f"{FIRST} {LAST}\nborn {WHO['birth_dashed']}\n{WHO['id']}\n",
    f"Name: {FIRST} {LAST}\nMRN: {WHO['id']}\n",
    f"{LAST} 61 years\n{FIRST} 16 200\n",
    f"{LAST}, 12 500 5000\n{FIRST} 16 200 16 0 0 0 0 {LAST}\n",
    f"{LAST} 2 500 5000\n{FIRST} sixteen {LAST}\n{WHO['id']} 16 {LAST}\n",
    f"{LAST}/2 2 500 5000\n../{FIRST} {LAST}\n{FIRST} 10\n",
    f"{LAST} two {FIRST}\n",
    f"{LAST} 1\n",
    f"# {FIRST}\n{LAST}\n",
)


@pytest.mark.parametrize("text", TEXTS)
def test_no_message_of_a_header_repeats_its_lines(made, text, caplog):
    folder, _ = made
    for path in (folder / "rec.hea", folder / "rec.dat", folder / "rec"):
        path.write_text(text)
        with pytest.raises(ValueError) as caught:
            read(path)
        path.unlink()
        (folder / "rec.hea").write_text(text)
        told = [caught.value]
        while told[-1].__cause__ is not None:
            told.append(told[-1].__cause__)
        told = " ".join(map(str, told)).lower() + caplog.text.lower()
        assert not any(word.lower() in told for word in (FIRST, LAST, WHO["id"], WHO["birth_dashed"]))
    with pytest.raises(ValueError, match=r"rec.hea is text, which is not a format.*called as WFDB.*NAME LEADS RATE"):
        (folder / "rec.hea").write_text(TEXTS[0])
        read(folder / "rec.hea")


def test_headers_whose_comments_come_first(made):
    folder, counts = made
    text = (folder / "rec.hea").read_text()
    (folder / "rec.hea").write_text("# a comment of some words\n" * 100 + text)
    np.testing.assert_array_equal(read(folder / "rec.hea").counts, counts)


def test_files_that_are_not_there(made):
    folder, _ = made
    with pytest.raises(FileNotFoundError, match="absent.hea"):
        read(folder / "absent")
    (folder / "rec.dat").unlink()
    with pytest.raises(FileNotFoundError, match="rec.hea names it"):
        read(folder / "rec")
    (folder / "rec.hea").write_text("rec 1 100 50\nrec.dat 212 200/mV 12 0 0 0 0 I\n")
    with pytest.raises(FileNotFoundError, match="rec.dat is not there, though .*rec.hea names it"):
        read(folder / "rec")


def test_a_record_may_not_leave_its_root(made, tmp_path_factory):
    folder, _ = made
    root = tmp_path_factory.mktemp("root")
    shutil.copy(folder / "rec.hea", root)
    (root / "rec.dat").symlink_to(folder / "rec.dat")
    for path in (root / "rec", root / ".." / folder.name / "rec"):
        with pytest.raises(ValueError, match="leaves the folder"):
            read(path, root=root)
    assert read(folder / "rec", root=folder).name == "rec"


def test_a_relative_root_is_the_folder_of_the_moment(made, tmp_path_factory, monkeypatch):
    folder, _ = made
    monkeypatch.chdir(folder)
    assert read("rec", root=".").leads == ("I", "aVR")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ValueError, match="leaves the folder"):
        read(folder / "rec", root=".")


def test_a_folder_whose_name_begins_like_the_root_is_outside(made):
    folder, _ = made
    beside = folder.parent / f"{folder.name}-2"
    shutil.copytree(folder, beside)
    with pytest.raises(ValueError, match="leaves the folder"):
        read(beside / "rec", root=folder)


def test_what_the_source_says_besides(made):
    folder, counts = made
    record = read(folder / "rec.hea")
    assert record.lead_names == ("I", "AVR") and record.units == ("mV", "uV") and record.source_format == "WFDB"
    assert record.start_time is None and record.device is None and record.annotations == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("9:30:05", time(9, 30, 5)),
        ("09:30:05.25 31/12/1999", datetime(1999, 12, 31, 9, 30, 5, 250_000)),
        ("09:30:05 05-Feb-2020", time(9, 30, 5)),
        ("09:30:05 31/02/1999", None),
        ("25:00:00", None),
        ("05-Feb-2020 11:39:46", None),
    ],
)
def test_start_time_as_the_manual_writes_it(made, written, expected):
    folder, counts = made
    write(folder, counts, record=f"rec 2 100 50 {written}")
    assert read(folder / "rec").start_time == expected
