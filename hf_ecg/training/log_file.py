"""A run's log as a file: its name, and its lines."""

import json
from pathlib import Path

LOG_NAME = "log.jsonl"


def read_log(folder) -> list[dict]:
    """Lines of a run's log, without a last one that a kill or a power cut tore.

    Raises:
        ValueError: another line that is not a JSON object.
        OSError: there is no log.
    """
    path = Path(folder) / LOG_NAME
    *whole, _ = path.read_bytes().split(b"\n")  # nothing behind the last line feed, or what is torn
    lines = []
    for number, text in enumerate(whole, start=1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        if not isinstance(line, dict):
            raise ValueError(f"{path}, line {number} holds {type(line).__name__}, wanted an object")
        lines.append(line)
    return lines
