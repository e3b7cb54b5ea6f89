"""Checkpoints that are whole or absent: written beside, synchronised to the disk, then renamed."""

import hashlib
import json
import re
from pathlib import Path

import torch

from ..files import find_folder, naming_the_file
from ..models.shared.conversion import read_checkpoint
from ..owned_folders import replace_ours

STATE_NAME = "state.pt"
PROGRESS_NAME = "progress.json"


def save_state(folder, state: dict, progress: dict) -> None:
    """Write tensors (`state`) and counters (`progress`, JSON) as one checkpoint folder."""

    def write(temporary: Path) -> None:
        text = json.dumps(progress, indent=2) + "\n"
        with naming_the_file(Path(folder) / STATE_NAME, RuntimeError):  # by which torch tells of a full disk
            torch.save({**state, PROGRESS_NAME: text}, temporary / STATE_NAME)
        (temporary / PROGRESS_NAME).write_text(text, encoding="utf-8")

    replace_ours(folder, (re.escape(STATE_NAME), re.escape(PROGRESS_NAME)), write)


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
