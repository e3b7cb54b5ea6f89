"""Tiny models of every family, for the contract tests: a family's cases stand in the file with its name.

A family that reads something else than the waveform has `STEPS`, which end its extractor's recipe.
Of a family with published weights that file also has `PUBLISHED`, file name -> function that makes what the authors
publish, small and random, and `narrow(monkeypatch)`, which makes the converter expect that size.
"""

import importlib
from types import ModuleType

from hf_ecg.auto import FAMILIES

# name -> (class, configuration, inputs of some rows, the output that the checks compare)
CASES = {}
# model_type -> further steps of its extractor
STEPS: dict[str, list[dict]] = {}
for name, family in FAMILIES.items():
    if family.config.__module__.startswith("hf_ecg."):
        module = importlib.import_module(f"{__name__}.{name}")
        CASES |= module.CASES
        STEPS[name] = getattr(module, "STEPS", [])


def published_families() -> list[ModuleType]:
    """The files of the families with sources."""
    return [importlib.import_module(f"{__name__}.{name}") for name, family in FAMILIES.items() if family.sources]
