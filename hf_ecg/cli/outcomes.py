"""What a command leaves behind, and how it is told: to a person, to a machine, or not at all."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

QUIET, JSON = "--quiet", "--json"
# exit statuses
USAGE, FAILURE, INTERRUPTED = 2, 1, 130


@dataclass(frozen=True)
class Ending:
    """How a command ends.

    Args:
        result: what `call` returns and `--json` writes: numbers and names, nested as they are.
        told: what a person reads, lines of at most 100 columns.
        made: (path, what it is) of what was written.
        next: command lines to try now.
        problem: a sentence, when the command did what it could and that was not all.
        status: exit status, with a problem.
    """

    result: Any = None
    told: str = ""
    made: Sequence[tuple[str | Path, str]] = ()
    next: Sequence[str] = ()
    problem: str = ""
    status: int = 0

    def lines(self) -> list[str]:
        """For a person."""
        lines = self.told.splitlines()
        lines += [f"made: {path} ({what})" for path, what in self.made]
        return lines + [f"next: {line}" for line in self.next]

    def document(self, command: str) -> dict:
        """For a machine."""
        made = [{"path": str(path), "what": what} for path, what in self.made]
        found = {"command": command, "status": self.status, "made": made, "next": list(self.next)}
        return found | {"result": plain(self.result)}


def is_first_process() -> bool:
    """Whether this is the process of a run that tells of it."""
    return os.environ.get("RANK", "0") == "0"


def tell(ending: Ending, command: str, quiet: bool, as_json: bool) -> None:
    """Writes an ending to stdout: one JSON object, or lines for a person, or nothing."""
    if not is_first_process():
        return
    if as_json:
        click.echo(as_line(ending.document(command)))
    elif not quiet:
        click.echo("\n".join(ending.lines()))


def tell_error(command: str, error: str, status: int, ending: Ending | None = None) -> None:
    """Writes an error to stdout as a JSON object, with what was made nevertheless."""
    document = {} if ending is None else ending.document(command)
    click.echo(as_line(document | {"command": command, "status": status, "error": error}))


def as_line(document: dict) -> str:
    """A JSON object in one line."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """A value as JSON has it: paths as strings, arrays as lists, what is not finite as null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(nested) for key, nested in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # numbers and arrays of numpy and torch
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Sequence | set | frozenset):
        return [plain(nested) for nested in value]
    return str(value)
