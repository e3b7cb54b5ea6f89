"""No reader tells who was recorded: what comes of a file of every format is searched for the patient in its fields."""

import json
import logging
import random

import pyarrow.parquet as pq
import pytest

import hf_ecg
from hf_ecg.cli import call
from hf_ecg.cli.record_facts import describe_record
from hf_ecg.signals import RecordStream, write
from hf_ecg.signals.formats import FORMATS

from .samples import FIRST, LAST, SAMPLES, WHO

# BDF is EDF of three bytes.
NAMES = {one.FORMAT for one in FORMATS} | {"BDF"}
DAMAGED = 6


def told(*texts):
    """Which of the patient's fields stand in the texts, with or without case, also in UTF-16 and by halves."""
    found = "\n".join(map(str, texts)).lower()
    return sorted({word for word in (*WHO.values(), FIRST[:6], LAST[:6]) if word.lower() in found})


def in_bytes(path):
    content = path.read_bytes()
    texts = [content.decode("latin-1"), content.replace(b"\0", b"").decode("latin-1")]
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        texts += [table.drop_columns(["signal"] if "signal" in table.column_names else []).to_pylist(), table.schema]
    return texts


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Each in a folder of its own: a header has its signal file beside it."""
    return {name: make(tmp_path_factory.mktemp("sample")) for name, make in SAMPLES.items()}


def test_every_format_has_a_sample():
    assert set(SAMPLES) == NAMES


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_read(files, name, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    assert told(*in_bytes(files[name])), "the sample names nobody"
    record = hf_ecg.read(files[name])
    facts = describe_record(str(files[name]), leads=[record.leads[0]])
    assert not told(repr(record), vars(record), facts, caplog.text)
    assert not record.patient
    # as another file, and in parts
    part = record.cut(0, 50)
    for ending in (".hea", ".edf", ".csv", ".parquet"):
        write(part, tmp_path / f"out{ending}")
    stream = RecordStream(files[name])
    pieces = [vars(stream.part(0, 10)), stream.comments]
    assert not told(pieces, *(text for path in tmp_path.iterdir() for text in in_bytes(path)), caplog.text)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_said_of_damaged_files(files, name, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    chance = random.Random(name)
    content, messages = files[name].read_bytes(), []
    for number in range(DAMAGED):
        # near the beginning, where the fields are
        damaged = bytearray(content[: chance.randrange(20, 6000)] if number % 3 == 0 else content)
        for _ in range(chance.choice([1, 4, 40])):
            damaged[chance.randrange(min(len(damaged), 3000))] = chance.choice([0, 32, 48, 60, 92, 255])
        path = tmp_path / f"damaged{files[name].suffix}"
        path.write_bytes(damaged)
        try:
            messages.append(vars(hf_ecg.read(path)))
        except (ValueError, OSError) as error:
            while error is not None:
                messages.append(error)
                error = error.__cause__
    # a damaged field may no longer be the field that it was, but no message repeats it
    assert not told([one for one in messages if isinstance(one, Exception)], caplog.text)


def test_what_commands_make_of_a_folder(files, tmp_path, capsys, caplog):
    """Rows, their card and what was not read; embeddings and what belongs to them; pictures."""
    caplog.set_level(logging.DEBUG)
    chosen = [files[name] for name in ("HL7 aECG", "GE MUSE XML", "DICOM", "EDF", "SCP-ECG", "WFDB", "table")]
    embeddings = ["--model", "ecg-text-small", "--output", str(tmp_path / "out.parquet")]
    call("embed", [*map(str, chosen), *embeddings, "--json"])
    call("plot", [*map(str, chosen[:2]), "--output", str(tmp_path / "pictures"), "--format", "svg"])
    (tmp_path / "in").mkdir()
    for path in chosen:
        for beside in path.parent.iterdir():
            (tmp_path / "in" / beside.name).write_bytes(beside.read_bytes())
    (tmp_path / "in" / "cut.xml").write_bytes(chosen[0].read_bytes()[:2500])
    call("prepare folder", ["--data_dir", str(tmp_path / "in"), "--output_dir", str(tmp_path / "rows"), "--json"])
    written = [path for path in tmp_path.rglob("*") if path.is_file() and tmp_path / "in" not in path.parents]
    assert {path.suffix for path in written} >= {".parquet", ".svg", ".md", ".json", ".csv"}
    output = capsys.readouterr()
    assert json.loads(output.out.splitlines()[-1])["status"] == 0
    assert not told(output.out, output.err, caplog.text)
    for path in written:
        assert not told(*in_bytes(path)), path
