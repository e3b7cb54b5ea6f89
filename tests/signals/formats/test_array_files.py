"""Files that hold arrays by name or rows: MATLAB, HDF5, parquet and NumPy, against what wrote them."""

import zlib

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io

import hf_ecg
from hf_ecg.signals import STANDARD_LEADS
from hf_ecg.signals.formats import find_record_files

LEADS = list(STANDARD_LEADS)
WAVE = np.round(np.sin(np.arange(1, 601) / 9), 3)
SIGNALS = np.stack([WAVE * (lead + 1) / 10 for lead in range(12)])
TOLD = {"sampling_rate": 500, "units": "mV", "leads": LEADS}


def as_written(record, wanted=SIGNALS, rate=500):
    np.testing.assert_allclose(record.to_millivolts(), wanted, atol=5e-4 if record.gain is not None else 1e-7)
    assert record.leads == STANDARD_LEADS[: len(wanted)] and record.sampling_rate == rate


def level_7_3(path):
    """As MATLAB writes it: axes the other way round, texts as numbers, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["ecg"], file["fs"] = SIGNALS.T, [[500.0]]
        texts = [
            file.create_dataset(f"#refs#/{n}", data=[[ord(c)] for c in lead], dtype="u2")
            for n, lead in enumerate(LEADS)
        ]
        file.create_dataset("leads", data=np.array([[text.ref] for text in texts], dtype=h5py.ref_dtype))
        file.create_dataset("units", data=[[ord(c)] for c in "mV"], dtype="u2").attrs["MATLAB_class"] = np.bytes_(
            b"char"
        )
    content = bytearray(path.read_bytes())
    content[:116], content[124:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116), b"\0\2IM"
    path.write_bytes(content)


def packed(path):
    beside = {"fs": 500, "units": "mV", "leads": np.array(LEADS, object)}
    scipy.io.savemat(path, {"ecg": SIGNALS.T, **beside}, do_compression=True)


def structure(path):
    scipy.io.savemat(
        path, {"rec": {"signal": SIGNALS * 1000, "Fs": 500.0, "unit": "uV", "lead_names": np.array(LEADS)}}
    )


def attributes(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("signals", data=SIGNALS, compression="gzip").attrs.update(
            {"fs": 500, "units": "mV", "leads": LEADS}
        )


def counts(path):
    with h5py.File(path, "w") as file:
        for number in (0, 2):
            group = file.create_group(f"r{number}")
            group["ecg"], group["fs"], group["gain"] = np.int16(np.rint(SIGNALS * 1000 * number)), 500, 1000.0
            group["leads"] = np.array(LEADS, dtype="S4")


def many_rows(path):
    rows = {"record_id": ["a", "b"], "ecg": [(SIGNALS * n).tolist() for n in (0, 1)], "fs": [500, 500]}
    pq.write_table(pa.table(rows | {"leads": [LEADS] * 2, "units": ["mV"] * 2, "patient_id": ["Jane"] * 2}), path)


def corpus_row(path):
    row = {"signal": np.int16(np.rint(SIGNALS * 1000)).reshape(-1), "num_samples": WAVE.size, "sampling_rate": 500.0}
    row |= {"leads": LEADS, "gain": [1000.0] * 12, "baseline": [0.0] * 12, "report": "sinus rhythm"}
    pq.write_table(pa.table({key: [value] for key, value in row.items()}), path)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: scipy.io.savemat(path, {"ecg": SIGNALS, "fs": 500}, format="4"), TOLD),
        (packed, {}),
        (lambda path: scipy.io.savemat(path, {"a": 2 * SIGNALS, "b": SIGNALS}), TOLD | {"record": "b"}),
        (structure, {}),
        (level_7_3, {}),
        (attributes, {}),
        (counts, {"record": "r2/ecg"} | {"rename": None}),
        (many_rows, {"record": "b"}),
        (many_rows, {"record": 1}),
        (corpus_row, {}),
        (lambda path: np.save(path.open("wb"), SIGNALS), TOLD),
        (lambda path: np.save(path.open("wb"), np.asfortranarray([0 * SIGNALS, SIGNALS])), TOLD | {"record": 1}),
        (lambda path: np.savez(path.open("wb"), signals=SIGNALS), TOLD),
        (lambda path: np.savez(path.open("wb"), signals=[0 * SIGNALS, SIGNALS], **TOLD), {"record": 1}),
    ],
)  # fmt: skip
def test_what_was_written_is_read_whatever_the_file_is_called(tmp_path, write, told):
    path = tmp_path / "some.file"
    write(path)
    record = hf_ecg.read(path, **told)
    as_written(record, SIGNALS * 2 if write is counts else SIGNALS)
    assert "Jane" not in repr(record) and not record.patient


def test_columns_of_leads(tmp_path):
    columns = {"time [ms]": np.arange(WAVE.size) * 2.0, "I (mV)": SIGNALS[0], "II (mV)": SIGNALS[1], "RR": WAVE}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    as_written(hf_ecg.read(tmp_path / "a.parquet"), SIGNALS[:2])
    assert hf_ecg.read(tmp_path / "a.parquet").lead_names == ("I (mV)", "II (mV)")


def test_exams_of_code(tmp_path):
    tracings = np.zeros((3, 900, 12), "f4")
    tracings[1, 100:700] = SIGNALS.T
    with h5py.File(tmp_path / "exams_part0.hdf5", "w") as file:
        file["tracings"], file["exam_id"] = tracings, [11, 22, 0]
    for record in (1, "22"):
        found = hf_ecg.read(tmp_path / "exams_part0.hdf5", record=record)
        as_written(found, rate=400)
        assert found.name == "22"
    for told, message in (
        ({}, "holds 3 records: choose one by record=, its place from 0 to 2, or its exam_id as text .'11', '22', '0'"),
        ({"record": 2}, "its exam 0, at 2, is zero throughout"),
        ({"record": "33"}, "holds no record '33'"),
        ({"record": 3}, "holds 3 records, counted from 0, and record=3"),
        ({"record": 1, "sampling_rate": 500}, "it says 400 Hz, and sampling_rate=500"),
    ):
        with pytest.raises(ValueError, match=f"exams_part0.hdf5: .*{message}"):
            hf_ecg.read(tmp_path / "exams_part0.hdf5", **told)


def test_published_files(shared_data_dir):
    for path in sorted((shared_data_dir / "cpsc2018").glob("A198?.mat")):
        record, stored = hf_ecg.read(path), scipy.io.loadmat(path)["ECG"][0, 0]
        np.testing.assert_array_equal(record.to_millivolts(), stored["data"])
        assert (record.leads, record.sampling_rate) == (STANDARD_LEADS, 500) and "CPSC2018" in record.remarks[0]
        assert hf_ecg.read(path, keep_identifiers=True).patient == {
            "sex": stored["sex"].item(), "age": str(stored["age"].item())
        }  # fmt: skip
    for path in sorted((shared_data_dir / "corpora-samples/sph").glob("*.h5")):
        record = hf_ecg.read(path)
        with h5py.File(path) as file:
            np.testing.assert_allclose(record.to_millivolts(), file["ecg"][()].astype(float), rtol=1e-6)
        assert (record.leads, record.sampling_rate) == (STANDARD_LEADS, 500) and "SPH" in record.remarks[0]
    path = shared_data_dir / "code15/org/code_15_1238362.mat"
    found = hf_ecg.read(path, sampling_rate=400, units="mV", leads=LEADS)
    np.testing.assert_array_equal(found.to_millivolts(), scipy.io.loadmat(path)["feats"])
    # samples of a WFDB record: the header beside them is asked
    assert hf_ecg.read(shared_data_dir / "cpsc2018/A0001.mat").source_format == "WFDB"


def test_samples_beside_their_header_are_no_second_record(tmp_path, shared_data_dir):
    for ending in (".hea", ".mat"):
        (tmp_path / f"A0001{ending}").write_bytes((shared_data_dir / f"cpsc2018/A0001{ending}").read_bytes())
    assert find_record_files(tmp_path) == [str(tmp_path / "A0001.hea")]
    (tmp_path / "A0001.hea").unlink()
    assert find_record_files(tmp_path) == [str(tmp_path / "A0001.mat")]
    with pytest.raises(
        ValueError, match="A0001.mat: its one matrix is called 'val'.*header ..hea.*give sampling_rate="
    ):
        hf_ecg.read(tmp_path / "A0001.mat")


def outside(path):
    attributes(path.with_name("other"))
    with h5py.File(path, "w") as file:
        file["ecg"], file["soft"] = h5py.ExternalLink("other", "/signals"), h5py.SoftLink("/ecg")


def virtual(path):
    attributes(path.with_name("other"))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("ecg", h5py.VirtualLayout((12, 600), "f8"), fillvalue=0)
        layout = h5py.VirtualLayout((12, 600), "f8")
        layout[:] = h5py.VirtualSource("other", "signals", (12, 600))
        del file["ecg"]
        file.create_virtual_dataset("ecg", layout)


def stored_elsewhere(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("ecg", (12, 600), "f8", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def endless(path):
    """A heap of texts with an object of no size, at which HDF5's own library goes round for ever."""
    attributes(path)
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL") + 16
    content[start : start + 16] = bytes(16)
    path.write_bytes(content)


def empty_and_huge(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("ecg", (12, 4_000_000), "f8", chunks=(12, 1000), compression="gzip")


def objects(path):
    with path.open("wb") as file:
        np.save(file, np.array([{}], dtype=object), allow_pickle=True)


def bomb(path):
    """A matrix of 36 MB of zeros in 36 kB."""
    size = 36_000_000
    body = np.array([6, 8, 6, 0, 5, 8, 1, size // 8, 1, 1], "<u4").tobytes() + b"ecg\0\0\0\0\0"
    head = np.array([14, len(body) + 8 + size], "<u4").tobytes()
    packer = zlib.compressobj(1)
    packed = packer.compress(head + body + np.array([9, size], "<u4").tobytes())
    packed += b"".join(packer.compress(bytes(1_000_000)) for _ in range(36)) + packer.flush()
    mark = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    path.write_bytes(mark + np.array([15, len(packed)], "<u4").tobytes() + packed)


def nested(path):
    """Cells in cells, a thousand deep."""
    content = b""
    for _ in range(1000):
        body = np.array([6, 8, 1, 0, 5, 8, 1, 1, 1, 0], "<u4").tobytes() + content
        content = np.array([14, len(body)], "<u4").tobytes() + body
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + content)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (outside, "holds no data set of numbers"),
        (virtual, "lies in another file, which is not opened"),
        (stored_elsewhere, "lies in another file, which is not opened"),
        (endless, "holds an object of 0 bytes"),
        (empty_and_huge, "unpacks from 0 bytes to 384000000"),
        (objects, "holds Python objects, which are not read"),
        (bomb, "unpacks from .* bytes to more than 33554432"),
        (nested, "matrices in matrices, more than 8 deep"),
        (lambda path: scipy.io.savemat(path, {"note": "no ECG"}), "holds no matrix of real numbers"),
        (lambda path: pq.write_table(pa.table({"age": [1]}), path), "holds no column of an ECG: age"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600)), "not a whole HDF5 file"),
        (lambda path: path.write_bytes(b"PAR1" + bytes(600) + b"PAR1"), "not a whole parquet file"),
    ],
)
def test_hostile_and_empty_files(tmp_path, write, message):
    write(tmp_path / "hostile")
    with pytest.raises(ValueError, match=f"hostile: .*{message}"):
        hf_ecg.read(tmp_path / "hostile", **TOLD)


@pytest.mark.parametrize("write", [structure, level_7_3, attributes, many_rows, corpus_row])
def test_cut_files(tmp_path, write):
    write(tmp_path / "cut")
    content = (tmp_path / "cut").read_bytes()
    for share in (0.3, 0.7, 0.99):
        (tmp_path / "cut").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match="cut"):
            hf_ecg.read(tmp_path / "cut", record=0, **TOLD)
