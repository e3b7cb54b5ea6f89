"""Whether the shards of a prepared corpus are those that were written: all of them, no other, and not one bit changed.

Reading them tells little of it: signals are stored as differences, so that one flipped bit shifts everything behind it
in its row group and still decodes, and `datasets` reads whatever files there are.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from transformers.utils import logging

logger = logging.get_logger(__name__)

# Of a corpus's summary: file -> what `shard_facts` found when it was written.
SHARDS = "shards"
_BLOCK = 4 * 1024**2


def shard_facts(path: Path, rows: int) -> dict:
    """What the summary keeps of a finished shard."""
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": _file_digest(path)}


def shards_digest(shards: Mapping[str, Mapping]) -> str:
    """Names the content of a corpus: of the digests of its shards and their names."""
    lines = [f"{name} {facts['sha256']}\n" for name, facts in sorted(shards.items())]
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def check_shards(
    folder: Path, config: str, splits: Mapping[str, Sequence[Path]], summary: Mapping, name, verify: bool = False
) -> str | None:
    """Compares the files of a corpus with its summary.

    Names, sizes and numbers of rows are compared at every call. The SHA-256 of a shard is computed once and its
    agreement remembered (in the cache folder of `datasets`, by path, size and time of the last change), until `verify`
    asks for it again: it takes 1.6 s a gigabyte on one core of 2.5 GHz, where the file is in memory. A corpus that an
    earlier version prepared has no digests: its rows are counted.

    Args:
        folder: of the corpus.
        config: configuration that is read.
        splits: split -> files, see `corpus_files.split_files`.
        summary: of the corpus.
        name: for the errors.
        verify: compute every digest, whatever is remembered.

    Returns:
        `shards_digest` of what was compared; None where the summary has no digests of this configuration.

    Raises:
        ValueError: a shard that is absent, damaged, of another corpus, or not of this one; names it. With
            `verify` also a corpus without digests.
    """
    files = {path.relative_to(folder).as_posix(): path for paths in splits.values() for path in paths}
    recorded = summary.get(SHARDS, {})
    if not isinstance(recorded, Mapping):
        raise ValueError(f"{name}: summary.json says {recorded!r:.100} of its shards, wanted what each of them holds")
    read = {_split_of(file) for file in files}
    # shards of a split that is not read, or of another configuration, do not matter
    shards = {shard: facts for shard, facts in recorded.items() if _split_of(shard) in read}
    for shard, facts in shards.items():
        if not isinstance(facts, Mapping) or not {"rows", "bytes", "sha256"} <= set(facts):
            raise ValueError(f"{name}: summary.json says {facts!r} of {shard}, wanted its rows, bytes and sha256")
    if shards:
        _compare(files, shards, name, verify)
        return shards_digest(shards)
    if recorded and summary.get("config") == config:
        raise ValueError(f"{name}: summary.json knows shards of {config}, but none of the splits {sorted(splits)}")
    if verify:
        raise ValueError(f"{name}: summary.json does not say what the shards of {config} held when they were written")
    rows = {split: sum(_rows(path, name) for path in paths) for split, paths in splits.items()}
    counted = summary.get("rows")
    if isinstance(counted, Mapping) and summary.get("config", config) == config:
        for split, found in rows.items():
            if counted.get(split, found) != found:
                raise ValueError(
                    f"{name}: the shards of {split} hold {found} rows, but summary.json says {counted[split]}:"
                    f" {', '.join(path.name for path in splits[split])}"
                )
    return None


def _compare(files: Mapping[str, Path], shards: Mapping[str, Mapping], name, verify: bool) -> None:
    absent = [shard for shard in shards if shard not in files]
    strange = [shard for shard in files if shard not in shards]
    if absent or strange:
        found = [f"the shard {absent[0]} is not there"] if absent else []
        found += [f"the shard {strange[0]} is not of this corpus"] if strange else []
        raise ValueError(
            f"{name}: {' and '.join(found)}; it was written with {len(shards)} shards, {len(files)} are there"
        )
    for shard, path in files.items():
        facts = shards[shard]
        size = path.stat().st_size
        if size != facts["bytes"]:
            raise ValueError(f"{name}: the shard {shard} has {size} bytes, but {facts['bytes']} were written")
        remembered = _remembered(path, facts["sha256"])
        if verify or not remembered.is_file():
            if _file_digest(path) != facts["sha256"]:
                raise ValueError(
                    f"{name}: the shard {shard} is damaged, or of another corpus: its SHA-256 is not the one that was"
                    " written (summary.json)"
                )
            _remember(remembered)
        rows = _rows(path, name)
        if rows != facts["rows"]:
            raise ValueError(f"{name}: the shard {shard} has {rows} rows, but summary.json says {facts['rows']}")


def _split_of(shard: str) -> str:
    return shard.rsplit("-", 3)[0]


def _rows(path: Path, name) -> int:
    try:
        return pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{name}: {path.name} cannot be read as parquet: {error}") from error


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remembered(path: Path, digest: str) -> Path:
    """The empty file that says that this one had this digest."""
    found = path.stat()
    what = f"{path.resolve()}\n{found.st_size}\n{found.st_mtime_ns}\n{found.st_ino}\n{digest}"
    return Path(datasets.config.HF_DATASETS_CACHE) / "hf_ecg_verified" / hashlib.sha256(what.encode()).hexdigest()


def _remember(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        logger.debug("not remembered that a shard is whole (%s): %s", file, error)
