"""Tiny models of every family, for the contract tests: a family's cases stand in the file with its name."""

import importlib

from hf_ecg.auto import FAMILIES

# name -> (class, configuration, inputs of some rows, the output that the checks compare)
CASES = {}
for name, family in FAMILIES.items():
    if family.config.__module__.startswith("hf_ecg."):
        CASES |= importlib.import_module(f"{__name__}.{name}").CASES
