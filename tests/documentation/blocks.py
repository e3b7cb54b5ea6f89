"""The fenced blocks of a Markdown file, and which of them are run."""

import re
from dataclasses import dataclass
from pathlib import Path

PYTHON = ("python", "py")
SHELL = ("", "bash", "sh", "shell", "console")
# Everything else (text, yaml, json, bibtex ...) is shown, not run.
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w+-]*)[^`]*$")
_NOT_RUN = re.compile(r"<!--\s*not run:\s*(?P<reason>.+?)\s*-->")


@dataclass(frozen=True)
class Block:
    """`line` is the first of the code; `not_run` the reason in the comment `<!-- not run: REASON -->` above it."""

    path: Path
    line: int
    language: str
    code: str
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """All blocks that are code of Python or a shell.

    Raises:
        ValueError: a fence that is not closed.
    """
    found, opened, code, above = [], None, [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence and opened is None:
            reason = _NOT_RUN.search(above)
            opened = (number + 1, fence["language"].lower(), len(fence["indent"]), reason and reason["reason"])
            code = []
        elif opened is not None and line.strip() == "```":
            start, language, _, reason = opened
            if language in PYTHON + SHELL:
                kind = "python" if language in PYTHON else "shell"
                found.append(Block(path, start, kind, "\n".join(code) + "\n", reason))
            opened = None
        elif opened is not None:
            code.append(line[opened[2] :])
        if line.strip():
            above = line
    if opened is not None:
        raise ValueError(f"{path.name}:{opened[0]}: the block is not closed")
    return found
