"""One door to all formats: which reader is chosen, what is said of what none reads, who asks it."""

import os
import shutil

import numpy as np
import pytest

import hf_ecg
from hf_ecg import ECGFeatureExtractor
from hf_ecg.embed.records import find_records
from hf_ecg.plotting import plot_ecg
from hf_ecg.signals.formats import FORMATS, find_record_files, record_endings, record_file
from tests.embed.made_records import write_record

LEADS = ["I", "II", "V2"]


@pytest.fixture
def folder(tmp_path):
    """The same record as WFDB and as NumPy archive, in folders of their own."""
    header = write_record(tmp_path / "wfdb", "rec", seconds=3, leads=LEADS)
    millivolts = hf_ecg.read(header).to_millivolts()
    (tmp_path / "numpy").mkdir()
    np.savez(tmp_path / "numpy" / "rec.npz", signals=millivolts, leads=LEADS, sampling_rate=100, units="mV")
    return tmp_path


def test_one_record_in_two_formats(folder):
    first, second = hf_ecg.read(folder / "wfdb" / "rec.hea"), hf_ecg.read(str(folder / "numpy" / "rec.npz"))
    assert (first.source_format, second.source_format) == ("WFDB", "NumPy")
    assert first.leads == second.leads == tuple(LEADS) and first.sampling_rate == second.sampling_rate == 100.0
    np.testing.assert_array_equal(first.to_millivolts(), second.to_millivolts())
    for name in ("rec", "rec.dat"):
        np.testing.assert_array_equal(hf_ecg.read(folder / "wfdb" / name).values, first.values)


def test_what_a_file_holds_decides_not_its_name_alone(folder):
    # an archive that is called like an array, and a header's text called like an archive
    shutil.copy(folder / "wfdb" / "rec.hea", folder / "text.npz")
    with pytest.raises(ValueError, match=r"text.npz is text, which is not a format.*NumPy: .npz; .*WFDB: .hea.*array"):
        hf_ecg.read(folder / "text.npz")
    np.save(folder / "array.npy", np.zeros((3, 100)))
    with pytest.raises(ValueError, match="array.npy: it does not name its 3 channels: give leads="):
        hf_ecg.read(folder / "array.npy")


def test_extractor_embedding_and_plotting_read_it_too(folder):
    wfdb, archive = str(folder / "wfdb" / "rec.hea"), str(folder / "numpy" / "rec.npz")
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=300)
    # one in counts, one in millivolts: together in one batch
    batch = extractor([wfdb, archive])
    assert batch["input_values"].shape == (2, 3, 300)
    np.testing.assert_array_equal(batch["input_values"][0], batch["input_values"][1])
    assert plot_ecg(archive).axes
    found = find_records([folder])
    assert len(found) == 2 and [found.origin(i)[1] for i in range(2)] == [archive, wfdb]
    np.testing.assert_array_equal(found.read(0).to_millivolts(), found.read(1).to_millivolts())
    assert len(find_records([archive, wfdb, str(folder / "wfdb" / "rec.dat")])) == 2


def test_what_is_not_there(tmp_path):
    (tmp_path / "ecg.csv").write_text("1,2")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        hf_ecg.read(tmp_path)
    with pytest.raises(ValueError, match="ecg.csv is text, which is not a format.*A table needs 8 rows.*as an array"):
        hf_ecg.read(tmp_path / "ecg.csv")
    with pytest.raises(FileNotFoundError, match=r"absent.hea is not there .*named by its .hea file\)$"):
        hf_ecg.read(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="absent.npz is not there"):
        hf_ecg.read(tmp_path / "absent.npz")
    (tmp_path / "lonely.dat").write_bytes(b"\0" * 100)
    with pytest.raises(FileNotFoundError, match="lonely.hea is not there"):
        hf_ecg.read(tmp_path / "lonely.dat")
    (tmp_path / "none.csv").write_bytes(b"")
    with pytest.raises(ValueError, match="none.csv is empty, wanted a recording"):
        hf_ecg.read(tmp_path / "none.csv")
    for name in ("zeros.edf", "zeros.hea"):
        (tmp_path / name).write_bytes(b"\0" * 600)
        with pytest.raises(
            ValueError, match=f"{name} begins with zero bytes alone: a copy or a download that was not"
        ):
            hf_ecg.read(tmp_path / name)
    (tmp_path / "some.bin").write_bytes(b"\1\2Zaphodia")
    with pytest.raises(ValueError, match="some.bin begins with the bytes 01 02 5a 61, which is not a format"):
        hf_ecg.read(tmp_path / "some.bin")
    assert record_file(tmp_path / "ecg.csv") is None and record_file(tmp_path / "absent.hea") is None


def test_what_a_file_says_itself_is_not_told_otherwise(folder):
    path = folder / "wfdb" / "rec.hea"
    assert hf_ecg.read(path, sampling_rate=100, units="mV", record=0).name == "rec"
    for told, message in (
        ({"sampling_rate": 250}, "rec.hea: it says 100 Hz, and sampling_rate=250 was given"),
        ({"units": "uV"}, "it says 'mV', and units='uV' was given"),
        ({"units": "pm"}, "units is 'pm', wanted a voltage"),
        ({"record": 1}, "holds one record, and record=1 was asked for"),
        ({"record": -1}, "record is -1, wanted the place"),
        ({"sampling_rate": 0}, "sampling_rate is 0, wanted a positive number"),
    ):
        with pytest.raises(ValueError, match=message):
            hf_ecg.read(path, **told)


def test_nothing_outside_the_root_is_read(folder):
    (folder / "numpy" / "link.npz").symlink_to(folder / "wfdb" / "rec.hea")
    for path in (folder / "wfdb" / "rec.hea", folder / "wfdb" / "rec", folder / "numpy" / "link.npz"):
        with pytest.raises(ValueError, match="leaves the folder"):
            hf_ecg.read(path, root=folder / "numpy")
    assert hf_ecg.read(folder / "numpy" / "rec.npz", root=folder).name == "rec"
    with pytest.raises(ValueError, match="leaves the folder"):
        hf_ecg.read(folder / "numpy" / "rec.npz", root=folder / "wfdb")


def test_the_table_is_complete():
    assert {".npz", ".csv", ".edf", ".dcm", ".hea", ".tsv"} <= set(record_endings())
    for known in FORMATS:
        assert known.FORMAT and known.ENDINGS and callable(known.matches) and callable(known.read)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(PermissionError, match="closed"):
        find_record_files(tmp_path)


@pytest.mark.parametrize("name", ["watch.csv", "array.npz"])
def test_an_absent_file_is_named_as_it_was_typed(tmp_path, name):
    with pytest.raises(FileNotFoundError) as found:
        hf_ecg.read(tmp_path / name)
    assert str(found.value) == f"{tmp_path / name} is not there"
