"""One case of a kind of input, by seed and index."""

import shutil
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


class Cases:
    """Runs cases in folders of its own; `run(kind, index)` depends on the seed and on nothing run before."""

    def __init__(self, makers: Mapping[str, Callable], data, seed: int, folder=None):
        self.makers, self.data, self.seed = makers, Path(data), seed
        self.own = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="hf_ecg_fuzz_"))
        self.kinds: dict[str, object] = {}

    def run(self, kind: str, index: int) -> tuple[str, str, str]:
        """What was damaged, the outcome, and its message."""
        if kind not in self.kinds:
            folder = self.folder / kind.replace(", ", "_").replace(" ", "_")
            folder.mkdir(parents=True)
            self.kinds[kind] = self.makers[kind](self.data, folder)
        return self.kinds[kind].run(np.random.default_rng([self.seed, zlib.crc32(kind.encode()), index]))

    def close(self) -> None:
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
