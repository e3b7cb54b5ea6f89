"""Every kind of input, its share of the mutations, and one case of it by seed and index."""

import functools
import shutil
import tempfile
import zlib
from pathlib import Path

import numpy as np

from tests.signals.formats.samples import SAMPLES

from . import configs, devices, saved, tables, waveforms

# Kind of input -> (its mutations, how many of 20,000)
KINDS = {
    "header": (waveforms.Header, 6000),
    "signal file": (waveforms.Samples, 4000),
    "ptbxl_database.csv": (tables.TableRows, 1200),
    "scp_statements.csv": (tables.Statements, 300),
    "corpus records": (tables.CorpusRecords, 500),
    "recipe": (configs.Recipes, 2000),
    "override": (configs.Overrides, 500),
    "prompts": (configs.Prompts, 1000),
    "preprocessor_config.json": (saved.Preprocessor, 2000),
    "config.json, encoder": (saved.EncoderConfig, 700),
    "config.json, dual": (saved.DualConfig, 500),
    "processor_config.json": (saved.ProcessorConfig, 300),
    "training_facts.json": (saved.Facts, 500),
    "checkpoint": (saved.Checkpoint, 700),
    "resume point": (saved.ResumePoint, 300),
}
# Format of recordings -> its mutations
FORMATS = {name: functools.partial(devices.DeviceFile, name=name) for name in SAMPLES}


def shares(mutations: int) -> dict[str, int]:
    """How many cases of each kind."""
    total = sum(share for _, share in KINDS.values())
    return {kind: -(-share * mutations // total) for kind, (_, share) in KINDS.items()}


class Cases:
    """Runs cases in folders of its own; `run(kind, index)` depends on the seed and on nothing run before."""

    def __init__(self, data, seed: int, folder=None):
        self.data, self.seed = Path(data), seed
        self.own = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="hf_ecg_fuzz_"))
        self.kinds: dict[str, object] = {}

    def run(self, kind: str, index: int) -> tuple[str, str, str]:
        """What was damaged, the outcome, and its message."""
        if kind not in self.kinds:
            folder = self.folder / kind.replace(", ", "_").replace(" ", "_")
            folder.mkdir(parents=True)
            made = KINDS[kind][0] if kind in KINDS else FORMATS[kind]
            self.kinds[kind] = made(self.data, folder)
        return self.kinds[kind].run(np.random.default_rng([self.seed, zlib.crc32(kind.encode()), index]))

    def close(self) -> None:
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
