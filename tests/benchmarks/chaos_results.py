"""What a command made, as digests to compare: without clocks, command lines and notes of the run itself."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq

# Of JSON files: how long it took and on which occasion, at whatever depth.
_OCCASION = ("seconds", "command", "machine", "versions", "started", "pid", "host", "time", "calls", "new_answers")
_OCCASION += ("kept_before", "calls_saved", "retries", "elapsed")
# A run's resume points and its log hold times; what was trained is in the weights and in the log's losses.
_LEFT_OUT = ("checkpoints", "runs")


def result_of(output: Path, hub=None) -> dict[str, str]:
    """Name of each file -> digest; of a push what the Hub holds.

    Args:
        output: file or folder; absent ones give nothing.
        hub: of the pushes, when `output` is that of one.
    """
    if output.parent.name == "push":
        return {name: _digest(content) for name, content in hub.files("me/m").items()} if hub.has("me/m") else {}
    if output.is_file():
        return {output.name: _file(output)}
    paths = [path for path in sorted(output.rglob("*")) if path.is_file()] if output.is_dir() else []
    found = {}
    for path in paths:
        parts = path.relative_to(output).parts
        if any(part.startswith(".") or part in _LEFT_OUT or part.endswith(".lock") for part in parts):
            continue
        found["/".join(parts)] = _file(path)
    return found


def differing(wanted: dict[str, str], found: dict[str, str]) -> str:
    """Names of what is absent, too much or different; empty for equal results."""
    names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    words = {name: "absent" if name not in found else "new" if name not in wanted else "other" for name in names}
    return ", ".join(f"{name} {words[name]}" for name in names[:6]) + (" ..." if len(names) > 6 else "")


def _file(path: Path) -> str:
    try:
        if path.suffix == ".json":
            return _digest(json.dumps(_lasting(json.loads(path.read_text())), sort_keys=True).encode())
        if path.name == "log.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            kept = [{key: line.get(key) for key in ("kind", "step", "loss", "macro_auroc")} for line in lines]
            return _digest(json.dumps(kept).encode())
        if path.suffix == ".parquet" and path.parent.name == "embed":
            # the same rows, in whatever groups
            return _digest(json.dumps(pq.read_table(path).to_pylist(), default=str).encode())
    except (ValueError, OSError) as error:
        return f"cannot be read: {error}"
    if path.suffix == ".md":
        text = path.read_text()
        kept = [line for line in text.splitlines() if "python" not in line and not line.startswith("* seconds:")]
        return _digest("\n".join(kept).encode())
    return _digest(path.read_bytes())


def _lasting(value):
    if isinstance(value, dict):
        return {key: _lasting(part) for key, part in value.items() if key not in _OCCASION}
    return [_lasting(part) for part in value] if isinstance(value, list) else value


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()
