"""Every kind of input, and its share of the mutations."""

from . import configs, saved, tables, waveforms
from .cases import Cases
from .devices import FORMATS

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


def shares(mutations: int) -> dict[str, int]:
    """How many cases of each kind."""
    total = sum(share for _, share in KINDS.values())
    return {kind: -(-share * mutations // total) for kind, (_, share) in KINDS.items()}


def all_cases(data, seed: int, folder=None) -> Cases:
    """Of every kind, formats of recordings too."""
    return Cases({**{kind: made for kind, (made, _) in KINDS.items()}, **FORMATS}, data, seed, folder)
