"""Files of the proposals: answers as they came, never overwritten, and the features read out of them."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...files import atomic_file, naming_the_file
from ...locks import BeingWritten, OutputLock

SECONDS_BETWEEN_SYNCS = 1.0


def answer_key(prompt: str, model: str, report: str) -> str:
    """Digest by which an answer is found again: another prompt, model or report is another question."""
    return hashlib.sha256(json.dumps([prompt, model, report]).encode()).hexdigest()[:32]


class AnswerCache:
    """Answers by prompt, model and report, in a file of JSON lines that only grows.

    A line is handed to the operating system in one piece before its answer counts, so a killed process loses none; it
    reaches the disk within about a second, so a power cut may lose that second. A line torn by either is passed over.

    Args:
        path: the file; it need not be there.

    Raises:
        OSError: the file cannot be read.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.torn_lines = 0
        self._places: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self._writer: int | None = None
        self._torn = False
        self._synced = 0.0
        self._read_places()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._places

    def answers(self, keys: Iterable[str]) -> Iterator[str | None]:
        """The answer to each key in turn, None where there is none yet."""
        if not self.path.is_file():
            yield from (None for _ in keys)
            return
        with open(self.path, "rb") as file:
            for key in keys:
                place = self._places.get(bytes.fromhex(key))
                if place is None:
                    yield None
                    continue
                file.seek(place)
                yield json.loads(file.readline())["answer"]

    @contextmanager
    def writing(self, wait_seconds: float = 0.0) -> Iterator["AnswerCache"]:
        """Holds the file for this process alone, and knows what others wrote before.

        Args:
            wait_seconds: how long to wait for another process, which may be writing its last answers.

        Raises:
            OSError: another process still holds the file after that time, or it cannot be written.
        """
        lock = OutputLock(self.path, wait_seconds)
        try:
            lock.acquire()
        except BeingWritten as error:
            raise OSError(
                f"{self.path} is still being written by another run after {wait_seconds:.0f} s: wait for it, end it,"
                f" or name another file of answers ({error})"
            ) from error
        try:
            yield from self._open_for_writing()
        finally:
            lock.release()

    def _open_for_writing(self) -> Iterator["AnswerCache"]:
        with naming_the_file(self.path):
            self._writer = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
            self._torn = False
            try:
                self._read_places()
                size = os.fstat(self._writer).st_size
                if size and _byte_at(self.path, size - 1) != b"\n":
                    os.write(self._writer, b"\n")  # what a killed process left stays alone on its line
                yield self
                os.fsync(self._writer)
            finally:
                os.close(self._writer)
                self._writer = None

    def append(self, key: str, model: str, report: str, answer: str) -> None:
        """Writes an answer down; when this returns, the end of the process cannot lose it. Any thread may call it.

        Raises:
            OSError: the disk is full, or the file is not open for writing.
        """
        line = json.dumps({"key": key, "model": model, "report": report, "answer": answer}).encode() + b"\n"
        with self._lock:
            if self._writer is None or self._torn:  # a line after half a line would be lost with it
                raise OSError(f"{self.path} is not open for writing" + (", its last line is torn" * self._torn))
            place = os.fstat(self._writer).st_size
            if (written := os.write(self._writer, line)) < len(line):
                self._torn = True
                raise OSError(f"{self.path}: {written} of {len(line)} bytes written, is the disk full?")
            self._places[bytes.fromhex(key)] = place
            if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
                os.fsync(self._writer)
                self._synced = time.monotonic()

    def _read_places(self) -> None:
        self._places, self.torn_lines = {}, 0
        if not self.path.is_file():
            return
        place = 0
        with open(self.path, "rb") as file:
            for line in file:
                try:
                    content = json.loads(line)
                    if not line.endswith(b"\n") or not isinstance(content["answer"], str):
                        raise ValueError("torn")
                    self._places[bytes.fromhex(content["key"])] = place
                except (ValueError, KeyError, TypeError, RecursionError):
                    self.torn_lines += 1
                place += len(line)


def _byte_at(path: Path, place: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(place)
        return file.read(1)


def write_proposals(path, proposals: Iterable[dict]) -> None:
    """One JSON object a report; the file appears whole or not at all."""
    with atomic_file(path, shared=True) as file:
        file.writelines(json.dumps(proposal) + "\n" for proposal in proposals)


def write_json(path, content: dict) -> None:
    """An object, indented; the file appears whole or not at all."""
    with atomic_file(path, shared=True) as file:
        file.write(json.dumps(content, indent=2) + "\n")


def read_proposals(path) -> dict[str, list[str]]:
    """Features by report, the exact text of the corpus's training text.

    Reports whose answer was malformed are there with the features that could be used, often none.

    Args:
        path: `proposals.jsonl`, or the folder that holds it.

    Raises:
        ValueError: a line that is not a proposal, or a report that stands twice.
        OSError: the file cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "proposals.jsonl"
    proposals: dict[str, list[str]] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                content = json.loads(line)
                report, features = content["report"], content["features"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise ValueError(
                    f"{path}, line {number} is not a proposal: {type(error).__name__}: {error}"
                ) from error
            texts = isinstance(features, list) and all(isinstance(feature, str) for feature in features)
            if not isinstance(report, str) or not texts:
                raise ValueError(f"{path}, line {number}: wanted a report and a list of features, both text")
            if report in proposals:
                raise ValueError(f"{path}, line {number}: the report {report[:60]!r} stands twice")
            proposals[report] = features
    return proposals
