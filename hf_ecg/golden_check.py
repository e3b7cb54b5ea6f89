"""A conversion held against what the original code computes: the same weights, the same input, the same numbers.

A golden case is a folder with `spec.json` (the original's tensors and inputs) and `expected_seed0.npz` (its outputs);
`golden_weights.py` beside the folder fills tensors and inputs by their names, so that a case stores no weights.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .convert import convert_checkpoint
from .models.shared.roles import ecg_encoder, model_role
from .strict_json import read_json_object

SPEC, EXPECTED, WEIGHTS, SEED = "spec.json", "expected_seed0.npz", "golden_weights.py", 0
TOLERANCE = 1e-4  # on outputs of order one
# our output -> what the cases call it
POOLED, LOGITS = ("pooled", "encoder_avgpool", "features"), ("output", "logits")


@dataclass(frozen=True)
class Agreement:
    """How far one output of a converted model is from the original's.

    Args:
        output: its name in the golden case.
        difference: the largest, absolute.
        size: the largest value of the original's output.
    """

    output: str
    difference: float
    size: float

    @property
    def agrees(self) -> bool:
        return self.difference <= TOLERANCE * max(1.0, self.size)


def check_conversion(source: str, case: str | Path) -> list[Agreement]:
    """Converts a golden case's checkpoint and compares pooled output and logits with the original's.

    Args:
        source: name of a published model, such as "merl-resnet18".
        case: folder of the golden case. `golden_weights.py` beside it is executed.

    Raises:
        ValueError: the case's tensors do not fit the source, or it stores none of these outputs.
        OSError: a file of the case is not there.

    Example:
        >>> from hf_ecg.golden_check import check_conversion
        >>> found = check_conversion("merl-resnet18", "golden/merl-resnet18")  # doctest: +SKIP
    """
    case = Path(case)
    for path in (case / SPEC, case / EXPECTED, case.resolve().parent / WEIGHTS):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: {case} is not a golden case")
    spec = read_json_object(case / SPEC)
    made = _weights(case.resolve().parent / WEIGHTS)
    state = {key: torch.from_numpy(value) for key, value in made.make_state_dict(spec["tensors"], SEED).items()}
    model, _ = convert_checkpoint(source, state)
    name = next(iter(spec["input"]))
    ecg = torch.from_numpy(made.make_input(spec["input"][name]["shape"], SEED, name))
    found = []
    with np.load(case / EXPECTED) as expected, torch.no_grad():
        ours = {POOLED: ecg_encoder(model)(ecg).pooler_output}
        if model_role(model) == "classifier":
            ours[LOGITS] = model(ecg).logits
        for names, value in ours.items():
            for stored in (one for one in names if one in expected.files):
                found.append(_compared(stored, value.numpy(), expected[stored]))
    if not found:
        raise ValueError(f"{case} stores none of {[*POOLED, *LOGITS]}, wanted one to compare with")
    return found


def _compared(name: str, ours: np.ndarray, theirs: np.ndarray) -> Agreement:
    if ours.shape != theirs.shape:
        raise ValueError(f"{name} has the shape {ours.shape}, the original's has {theirs.shape}")
    return Agreement(name, float(np.abs(ours - theirs).max()), float(np.abs(theirs).max()))


def _weights(path: Path):
    found = importlib.util.spec_from_file_location("golden_weights", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
