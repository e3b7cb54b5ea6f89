"""Damaged tables and records of a corpus, judged by what the prepared corpus holds and what it says it skipped."""

import csv
import io
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import wfdb

from hf_ecg.clinical.scp import parse_scp_codes
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.signals.leads import STANDARD_LEADS

from .judging import judge
from .mutations import TOKENS, mutate_bytes, mutate_lines, pick

TABLE, STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"


class _Corpus:
    """Six records of PTB-XL in its own layout."""

    def __init__(self, data: Path, folder: Path):
        source = data / "ptb-xl"
        self.folder, self.output = folder / "raw", folder / "prepared"
        self.folder.mkdir()
        with open(source / TABLE, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        picked = [row for fold in ("3", "9", "10") for row in [r for r in rows if r["strat_fold"] == fold][:2]]
        for row in picked:
            for ending in (".hea", ".dat"):
                target = self.folder / (row["filename_lr"] + ending)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / (row["filename_lr"] + ending), target)
        with open(self.folder / TABLE, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(picked[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(picked)
        shutil.copyfile(source / STATEMENTS, self.folder / STATEMENTS)
        self.files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        self.content = {path: path.read_bytes() for path in self.files}

    def run(self, rng: np.random.Generator) -> tuple[str, str, str]:
        changed = self.damage(rng)
        for path, (_, damaged) in changed.items():
            path.write_bytes(damaged)
        shutil.rmtree(self.output, ignore_errors=True)
        names = ["ecg_id", "no record could be read", *(path.name for path in changed)]
        try:
            outcome = judge(self._prepare, self._check, names)
        finally:
            for path in changed:
                path.write_bytes(self.content[path])
        return ("; ".join(f"{path.name}: {what}" for path, (what, _) in changed.items()), *outcome)

    def _prepare(self):
        return prepare_corpus(ptb_xl_corpus(self.folder), self.output, progress=False)

    def _check(self, summary: dict) -> str | None:
        # a mark at the beginning says UTF-8 and is not part of the first column's name
        with open(self.folder / TABLE, encoding="utf-8-sig", newline="") as file:
            lines = {str(int(float(line["ecg_id"]))): line for line in csv.DictReader(file)}
        if json.loads((self.output / "summary.json").read_text())["rows"] != summary["rows"]:
            return "summary.json tells other rows"
        skipped = [entry["record"] for entry in summary["skipped_records"]]
        silent = [entry for entry in summary["skipped_records"] if not entry["reason"].strip()]
        shards = sorted(self.output.glob("*/*.parquet"))
        rows = [(shard.name.split("-")[0], row) for shard in shards for row in pq.read_table(shard).to_pylist()]
        ids = [row["record_id"] for _, row in rows]
        if silent or sorted(ids + skipped) != sorted(lines):
            lost = sorted(set(lines) ^ {*ids, *skipped})
            return f"{len(lines)} lines, {len(ids)} rows, {len(skipped)} skipped; {lost} are lost"
        if sum(summary["rows"].values()) != len(ids):
            return f"the summary counts {summary['rows']}, the files hold {len(ids)}"
        wrong = (compare_row(row, split, lines[row["record_id"]], self.folder) for split, row in rows)
        return next((text for text in wrong if text), None)


def compare_row(row: dict, split: str, line: dict, folder: Path) -> str | None:
    """What differs between a prepared row and its line of the table, its signals those that wfdb reads."""
    age, sex = _number(line["age"]), _number(line["sex"])
    wanted = {
        "patient_id": str(int(float(line["patient_id"]))),
        "age": None if age is None else np.float32(90 if age > 89 else age),
        "sex": None if sex is None else {0: "male", 1: "female"}[sex],
        "fold": int(float(line["strat_fold"])),
        "report": line["report"],
    }
    for key, value in wanted.items():
        if row[key] != value:
            return f"{key} is {row[key]!r}, the line says {value!r}"
    if split != {9: "validation", 10: "test"}.get(row["fold"], "train"):
        return f"fold {row['fold']} is in the split {split}"
    codes = parse_scp_codes(line["scp_codes"])
    if len(row["all"] or ()) != len(codes) or (not row["text"]) != (not codes):
        return f"labels {row['all']} and text {row['text']!r} for the codes {codes}"
    other = wfdb.rdrecord(str(folder / line["filename_lr"]))
    names = [name.upper() for name in other.sig_name]
    order = [names.index(lead.upper()) for lead in STANDARD_LEADS]
    counts = np.array(row["signal"], dtype=np.float64).reshape(12, -1)
    counts[counts == -32768] = np.nan
    found = (counts - np.array(row["baseline"])[:, None]) / np.array(row["gain"])[:, None]
    factor = np.array([{"mv": 1, "uv": 1e-3, "v": 1e3}[unit.lower()] for unit in other.units])
    if row["sampling_rate"] != other.fs:
        return f"{row['sampling_rate']} Hz, wfdb reads {other.fs}"
    # gain and baseline are kept in single precision
    if not np.allclose(found, (other.p_signal * factor).T[order], rtol=1e-5, atol=1e-5, equal_nan=True):
        return f"the signals of {line['filename_lr']} are not those that wfdb reads"
    return None


def _number(text: str) -> float | None:
    value = float(text) if text.strip() else math.nan
    return None if math.isnan(value) else value


class TableRows(_Corpus):
    """`ptbxl_database.csv`: a field, a line, or the whole."""

    def damage(self, rng):
        path = self.folder / TABLE
        text = self.content[path].decode()
        if rng.random() < 0.6:
            return {path: _change_cell(text, rng)}
        return {path: mutate_lines(text, rng, ",")}


def _change_cell(text: str, rng) -> tuple[str, bytes]:
    """Another value in a field, quoted as CSV wants it."""
    rows = list(csv.reader(io.StringIO(text)))
    row, column = int(rng.integers(len(rows))), int(rng.integers(len(rows[0])))
    other = rows[int(rng.integers(len(rows)))]
    described = f"{rows[0][column]} of line {row + 1}"
    value = pick(rng, [*TOKENS, other[column], rows[row][int(rng.integers(len(rows[0])))]] + CODES)
    rows[row][column] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return f"{described} = {value[:30]!r}", out.getvalue().encode("utf-8", errors="replace")


CODES = ["{'NORM': 1e999}", "{'NORM': True}", "{'NOTHING': 100}", "{'NORM': 100, 'NORM': 0}", "{1: 2}", "['NORM']"]
CODES += ["{'NORM': -1}", "{" * 200, "{'NORM': '100'}", "records100/../../secret", "/etc/hostname", "lambda: 1"]


class Statements(_Corpus):
    """`scp_statements.csv`."""

    def damage(self, rng):
        path = self.folder / STATEMENTS
        return {path: mutate_lines(self.content[path].decode(), rng, ",")}


class CorpusRecords(_Corpus):
    """One to three headers and signal files of a corpus."""

    def damage(self, rng):
        files = [path for path in self.files if path.suffix in (".hea", ".dat")]
        changed = {}
        for _ in range(int(rng.integers(1, 4))):
            path = pick(rng, files)
            data = self.content[path]
            changed[path] = mutate_lines(data.decode(), rng) if path.suffix == ".hea" else mutate_bytes(data, rng)
        return changed
