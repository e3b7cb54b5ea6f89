"""Golden cases: the tensors, the input and the outputs of an original, from `golden_dir`."""

import importlib.util
import json

import numpy as np
import torch


def golden_case(golden_dir, name, input_name):
    """The original's state dict, its input and what it computes."""
    weights, spec = _case(golden_dir, name)
    state = {key: torch.from_numpy(value) for key, value in weights.make_state_dict(spec["tensors"], 0).items()}
    ecg = golden_input(golden_dir, name, input_name)
    return state, ecg, dict(np.load(golden_dir / name / "expected_seed0.npz"))


def golden_input(golden_dir, name, input_name):
    """One input of a case."""
    weights, spec = _case(golden_dir, name)
    return torch.from_numpy(weights.make_input(spec["input"][input_name]["shape"], 0, input_name))


def _case(golden_dir, name):
    found = importlib.util.spec_from_file_location("golden_weights", golden_dir / "golden_weights.py")
    weights = importlib.util.module_from_spec(found)
    found.loader.exec_module(weights)
    spec = json.loads((golden_dir / name / "spec.json").read_text())
    return weights, spec
