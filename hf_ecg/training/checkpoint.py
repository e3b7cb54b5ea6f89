"""Checkpoints that are whole or absent: written beside, synchronised to the disk, then renamed."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import torch

from ..models.shared.conversion import read_checkpoint

STATE_NAME = "state.pt"
PROGRESS_NAME = "progress.json"


def write_folder(folder, write) -> None:
    """Replace `folder` by what `write(temporary_folder)` puts there, whatever moment the process dies at.

    The former content stays, as `folder` or as `folder.previous`, until the new one is complete.

    Args:
        folder: path to replace.
        write: function that fills an empty folder.
    """
    folder = Path(folder)
    temporary, previous = _beside(folder, "incomplete"), _beside(folder, "previous")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write(temporary)
    synchronise(temporary)
    if folder.exists():
        # a `.previous` beside a whole `folder` is the remainder of an interrupted clean-up
        shutil.rmtree(previous, ignore_errors=True)
        os.rename(folder, previous)
    os.rename(temporary, folder)
    _synchronise_path(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def find_folder(folder) -> Path | None:
    """The newest complete version of a folder written by `write_folder`, or None."""
    folder = Path(folder)
    for candidate in (folder, _beside(folder, "previous")):
        if candidate.is_dir():
            return candidate
    return None


def save_state(folder, state: dict, progress: dict) -> None:
    """Write tensors (`state`) and counters (`progress`, JSON) as one checkpoint folder."""

    def write(temporary: Path) -> None:
        text = json.dumps(progress, indent=2) + "\n"
        torch.save({**state, PROGRESS_NAME: text}, temporary / STATE_NAME)
        (temporary / PROGRESS_NAME).write_text(text, encoding="utf-8")

    write_folder(folder, write)


def load_state(folder) -> tuple[dict, dict] | None:
    """Read what `save_state` wrote, on the CPU; None when there is no complete checkpoint.

    Raises:
        ValueError: damaged tensors, or counters that are not those that were saved with the tensors.
        OSError: a file is not there.
    """
    found = find_folder(folder)
    if found is None:
        return None
    state = read_checkpoint(found / STATE_NAME)
    text = state.pop(PROGRESS_NAME, None)
    if text is None or (found / PROGRESS_NAME).read_bytes() != text.encode():
        raise ValueError(
            f"{found / PROGRESS_NAME} is not what was saved with {STATE_NAME}: one of them was changed, or is of"
            " another checkpoint"
        )
    return state, json.loads(text)


def fingerprint(tensors: dict[str, torch.Tensor]) -> str:
    """Digest of names and values: tells whether frozen weights are still those a run began with."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def synchronise(folder) -> None:
    """Ask the system to put every file under `folder`, and the folders, on the disk."""
    for path in sorted(Path(folder).rglob("*")):
        _synchronise_path(path)
    _synchronise_path(Path(folder))


def _synchronise_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f"{folder.name}.{ending}")
