"""WFDB files to a corpus: ours against what people write with the wfdb package and `datasets`."""

import ast
import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
import wfdb
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from timing import compare, ratio

from hf_ecg.data.builder import prepare_corpus, rows_to_table
from hf_ecg.data.quality_counts import judge_rows
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus

FILES = {100: "filename_lr", 500: "filename_hr"}
# Of fewer records the start of a conversion (links, table, card) would be a part that no real corpus shows.
LEAST_RECORDS = 1000


def measure(data: Path, rate: int, records: int, repeats: int, folder: Path) -> dict:
    """Records a second of every way; the usual ones convert the first `records`, ours all, its start included.

    Ours does more: labels, texts, checksums, patients and folds, the quality report, compression, a card.
    """
    data = enough(data, rate, folder / f"source_{rate}")
    rows = _table(data, rate)[:records]
    corpus = ptb_xl_corpus(data, rate)
    items = [item for part in corpus.splits.values() for item in part]
    read = [corpus.read(item) for item in items[: min(records, 256)]]

    def ours(processes: int) -> int:
        out = folder / f"ptb_xl_{rate}"
        summary = prepare_corpus(ptb_xl_corpus(data, rate), out, processes, overwrite=True, progress=False)
        return sum(summary["rows"].values())

    def read_again() -> int:
        for item in items[: len(read)]:
            corpus.read(item)
        return len(read)

    ways = {
        "hf_ecg, 1 process": lambda: ours(1),
        "hf_ecg, 2 processes": lambda: ours(2),
        "wfdb + ArrowWriter, float lists": lambda: _arrow_writer(_by_wfdb(data, rows), folder, as_lists=True),
        "wfdb + ArrowWriter, arrays": lambda: _arrow_writer(_by_wfdb(data, rows), folder),
        "wfdb + from_generator + to_parquet": lambda: _from_generator(data, rows),
        "wfdb.rdrecord alone": lambda: sum(1 for _ in _by_wfdb(data, rows)),
        "numpy.fromfile + ArrowWriter, arrays": lambda: _arrow_writer(_by_numpy(data, rows, rate), folder),
        "part: read rows": read_again,
        "part: quality report": lambda: judge_rows(read)[0]["records"],
        "part: rows to Arrow": lambda: rows_to_table(read, corpus.features).num_rows,
        "ceiling: open and read both files": lambda: _bytes(data, rows),
    }
    results = compare(ways, repeats, f"conversion, {rate} Hz")
    usual = [name for name in ways if name.startswith(("wfdb +", "numpy"))]
    return {
        "records": {"hf_ecg": len(items), "usual": len(rows)},
        "records_per_second": results,
        "ratios": {
            f"{ours_name} / {name}": {clock: ratio(results, ours_name, name, clock) for clock in ("processor", "wall")}
            for ours_name in ("hf_ecg, 1 process", "hf_ecg, 2 processes")
            for name in usual
        },
        "bytes_a_record": {
            "WFDB": round(sum((data / f"{row[FILES[rate]]}.dat").stat().st_size for row in rows) / len(rows)),
            "parquet": round(
                sum(path.stat().st_size for path in (folder / f"ptb_xl_{rate}").rglob("*.parquet")) / len(items)
            ),
        },
    }


def prepare(data: Path, rate: int, folder: Path) -> None:
    """The corpus that `measure` leaves."""
    prepare_corpus(ptb_xl_corpus(enough(data, rate, folder.with_name(f"source_{rate}")), rate), folder)


def enough(data: Path, rate: int, folder: Path) -> Path:
    """PTB-XL with `LEAST_RECORDS` records of this rate and no table line without one: itself, or copies in `folder`.

    Copies are files of their own, with numbers and patients of their own.
    """
    with (data / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rows = [row for row in lines if row[FILES[rate]]]
    if len(rows) == len(lines) >= LEAST_RECORDS:
        return data
    folder.mkdir()
    made = []
    for copy in range(-(-LEAST_RECORDS // len(rows))):
        for row in rows:
            source = Path(row[FILES[rate]])
            target = source.with_name(f"{copy}_{source.name}")
            (folder / target.parent).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / f"{source}.dat", folder / f"{target}.dat")
            header = (data / f"{source}.hea").read_text(encoding="utf-8").replace(source.name, target.name)
            (folder / f"{target}.hea").write_text(header, encoding="utf-8")
            numbers = {"ecg_id": str(len(made) + 1), "patient_id": f"{copy + 1}{float(row['patient_id']):07.0f}"}
            made.append(row | dict.fromkeys(FILES.values(), "") | numbers | {FILES[rate]: str(target)})
    with (folder / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(made[0]))
        writer.writeheader()
        writer.writerows(made)
    shutil.copyfile(data / "scp_statements.csv", folder / "scp_statements.csv")
    return folder


def _table(data: Path, rate: int) -> list[dict]:
    with (data / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        return [row | {"file": row[FILES[rate]]} for row in csv.DictReader(file) if row[FILES[rate]]]


def _example(row: dict, signal: np.ndarray) -> dict:
    return {
        "ecg_id": row["ecg_id"],
        "patient_id": row["patient_id"],
        "fold": int(row["strat_fold"]),
        "report": row["report"],
        "codes": list(ast.literal_eval(row["scp_codes"])),
        "signal": signal,
    }


def _by_wfdb(data: Path, rows: list[dict]):
    for row in rows:
        yield _example(row, wfdb.rdrecord(str(data / row["file"])).p_signal.T.astype(np.float32))


def _by_numpy(data: Path, rows: list[dict], rate: int):
    """Knows that all of PTB-XL is 12 leads of format 16 and a gain of 1,000, and looks at no header."""
    for row in rows:
        counts = np.fromfile(data / f"{row['file']}.dat", "<i2").reshape(-1, 12)
        yield _example(row, (counts.T / 1000).astype(np.float32))


def _arrow_writer(examples, folder: Path, as_lists: bool = False) -> int:
    written = 0
    with ArrowWriter(path=str(folder / "usual.arrow")) as writer:
        for example in examples:
            if as_lists:
                example["signal"] = example["signal"].tolist()
            writer.write(example)
            written += 1
        writer.finalize()
    return written


def _from_generator(data: Path, rows: list[dict]) -> int:
    with tempfile.TemporaryDirectory() as cache:
        made = Dataset.from_generator(
            _by_wfdb, gen_kwargs={"data": data, "rows": rows}, cache_dir=cache, split="train"
        )
        made.to_parquet(str(Path(cache) / "usual.parquet"))
        return len(made)


def _bytes(data: Path, rows: list[dict]) -> int:
    for row in rows:
        for ending in (".hea", ".dat"):
            with open(data / f"{row['file']}{ending}", "rb") as file:
                file.read()
    return len(rows)
