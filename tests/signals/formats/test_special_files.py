"""Files that are not ordinary files, or of another size than they say: refused at once, in little memory."""

import io
import os
import resource
import socket
import zipfile

import numpy as np
import pytest

import hf_ecg
from hf_ecg.clinical.tables import read_table
from hf_ecg.embed.records import find_records
from hf_ecg.input_files import InputFile, read_input
from hf_ecg.signals.formats import find_record_files
from hf_ecg.strict_json import read_json_object
from hf_ecg.training.recipe import load_recipe

HEADER = "r 2 100 50\nr.dat {} 1000/mV 16 0 0 0 0 I\nr.dat {} 1000/mV 16 0 0 0 0 II\n"


@pytest.fixture
def folder(tmp_path):
    """A record of 50 samples of two leads, zeros."""
    write(tmp_path)
    return tmp_path


def write(folder, storage="16", record="r 2 100 50"):
    (folder / "r.dat").write_bytes(bytes(200))
    (folder / "r.hea").write_text(HEADER.format(storage, storage).replace("r 2 100 50", record))


@pytest.fixture
def limited():
    """A process that may take no more than another gibibyte of addresses."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("ending", ["hea", "dat"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [("pipe", "a pipe .FIFO."), ("device", "a device"), ("socket", "not an ordinary file"), ("folder", "a folder")],
)
def test_only_files_are_opened(folder, ending, kind, message, monkeypatch):
    path = folder / f"r.{ending}"
    path.unlink()
    make(path, kind, monkeypatch)
    with pytest.raises(ValueError, match=f"r.{ending} is {message}, wanted a file"):
        hf_ecg.read(folder / "r")
    if ending == "hea":
        with pytest.raises(ValueError, match="wanted a file"):
            hf_ecg.read(path)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.csv"])
def test_whatever_the_format(tmp_path, name, kind, monkeypatch):
    make(tmp_path / name, kind, monkeypatch)
    with pytest.raises(ValueError, match="wanted a file"):
        hf_ecg.read(tmp_path / name)
    write(tmp_path)  # one such file does not hide the records beside it
    assert set(find_record_files(tmp_path)) - {str(tmp_path / name)} == {str(tmp_path / "r.hea")}


def make(path, kind, monkeypatch):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        monkeypatch.chdir(path.parent)  # addresses of sockets are short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)


@pytest.mark.parametrize("storage", ["16", "212", "8", "24", "310", "516"])
def test_a_file_far_longer_than_its_header_says_is_not_read(folder, limited, storage):
    write(folder, storage)
    os.truncate(folder / "r.dat", 30 << 30)
    with pytest.raises(ValueError, match="longer than its header says|not a whole FLAC stream"):
        hf_ecg.read(folder / "r")


@pytest.mark.parametrize(
    ("storage", "record", "message"),
    [
        ("16:1000000000", "r 2 100 50", "a skew of 1000000000 frames and the record 50"),
        ("16", "r 2 100 1000000000000", "wanted at most 1073741824"),
        ("16", "r 2 100 500000000", "wanted 2000000000: .*truncated"),
        ("16x100000000000", "r 2 100 50", "wanted at most 1073741824"),
        ("16", "r 1000000 100 50", "announces 1000000 signals and describes 2"),
        ("16+1000000000000", "r 2 100 50", "wanted 1000000000200"),
        ("16", "r 2 100", None),
    ],
)
def test_headers_that_want_much(folder, limited, storage, record, message):
    write(folder, storage, record)
    if message is None:
        assert hf_ecg.read(folder / "r").num_samples == 50
        return
    with pytest.raises(ValueError, match=message):
        hf_ecg.read(folder / "r")


def test_a_record_that_fills_the_memory_is_refused(folder, limited):
    write(folder, record="r 2 100 500000000")
    os.truncate(folder / "r.dat", 2_000_000_000)
    with pytest.raises(ValueError, match="does not fit into memory: choose some"):
        hf_ecg.read(folder / "r")


def test_a_million_described_signals(tmp_path):
    line = "r.dat 16 1000/mV 16 0 0 0 0 I\n"
    (tmp_path / "r.hea").write_text("r 5000 100 50\n" + line * 5000)
    with pytest.raises(ValueError, match="5000 signals, wanted at most 4096"):
        hf_ecg.read(tmp_path / "r")
    (tmp_path / "r.hea").write_text("r 1000000 100 50\n" + line * 600_000)
    with pytest.raises(ValueError, match="bytes, wanted at most 16777216"):
        hf_ecg.read(tmp_path / "r")


@pytest.mark.parametrize(("storage", "wanted"), [("8", 100), ("24", 300), ("32", 400), ("61", 200), ("310", 134)])
def test_cut_files_tell_both_sizes(folder, storage, wanted):
    write(folder, storage)
    os.truncate(folder / "r.dat", wanted - 20)
    with pytest.raises(ValueError, match=f"r.dat has {wanted - 20} bytes, wanted {wanted}: .*truncated"):
        hf_ecg.read(folder / "r")


def test_a_cut_flac_file_is_called_so(tmp_path):
    import soundfile

    counts = np.random.default_rng(0).integers(-999, 999, (9000, 2)).astype(np.int16)
    soundfile.write(tmp_path / "r.dat", counts, 96000, format="FLAC")
    (tmp_path / "r.hea").write_text(HEADER.format("516", "516").replace("r 2 100 50", "r 2 100 9000"))
    np.testing.assert_array_equal(hf_ecg.read(tmp_path / "r").counts, counts.T)
    size = (tmp_path / "r.dat").stat().st_size
    for left in (size - 50, size // 2, 30, 0):
        os.truncate(tmp_path / "r.dat", left)
        with pytest.raises(ValueError, match=f"{left} bytes.* of 9000 samples.*(truncated|empty)"):
            hf_ecg.read(tmp_path / "r")


def test_a_record_of_no_samples_is_not_truncated(folder):
    (folder / "r.dat").write_bytes(b"")
    for record in ("r 2 100 0", "r 2 100"):
        (folder / "r.hea").write_text(HEADER.format("16", "16").replace("r 2 100 50", record))
        with pytest.raises(ValueError, match="a record without samples") as error:
            hf_ecg.read(folder / "r")
        assert "truncated" not in str(error.value)


def test_a_byte_order_mark_and_a_name_with_an_ending(folder):
    text = HEADER.format("16", "16").replace("r 2 100 50", "r.mat 2 100 50 05-May-2020 09:49:17")
    (folder / "r.hea").write_text("\ufeff" + text, encoding="utf-8")
    assert hf_ecg.read(folder / "r").name == "r"


def test_what_macos_keeps_beside_a_file(folder, caplog):
    (folder / "._r.hea").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(80))
    assert len(find_records([folder])) == 1
    assert "1 files of macOS" in caplog.text
    with pytest.raises(ValueError, match="what macOS keeps beside a file .*AppleDouble"):
        hf_ecg.read(folder / "._r.hea")


def test_an_archive_that_unpacks_to_far_more(tmp_path, limited):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (2, 2**24)})
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("signals.npy", "w", force_zip64=True) as entry:
            entry.write(head.getvalue())
            for _ in range(16):
                entry.write(bytes(2**24))
    with pytest.raises(ValueError, match="bomb.npz: signals unpacks from .* bytes to 268435"):
        hf_ecg.read(tmp_path / "bomb.npz")
    with zipfile.ZipFile(tmp_path / "lies.npz", "w") as archive:
        archive.writestr("signals.npy", head.getvalue() + bytes(64))
    with pytest.raises(ValueError, match="lies.npz: signals holds 64 bytes, wanted 268435456"):
        hf_ecg.read(tmp_path / "lies.npz")


def test_an_input_is_read_to_its_limit(tmp_path):
    (tmp_path / "x").write_bytes(bytes(100))
    assert len(read_input(tmp_path / "x", 100)) == 100
    with pytest.raises(ValueError, match="x has 100 bytes, wanted at most 99"):
        read_input(tmp_path / "x", 99)
    # the system says that it is empty
    assert read_input("/proc/self/status", 10**6).startswith(b"Name:")
    with InputFile(tmp_path / "x") as file:
        assert len(file.read(90, 20)) == 10 and file.read(200, 5) == b""


@pytest.mark.parametrize("read", [load_recipe, read_json_object, lambda path: read_table(path, [])])
def test_what_else_is_named_by_people_is_a_file(tmp_path, read):
    path = tmp_path / "x.yaml"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is a pipe .FIFO., wanted a file"):
        read(path)
