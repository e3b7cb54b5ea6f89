"""Every golden case that a family or a room registers, where the folder of them is there."""

import json
import math

import numpy as np
import pytest

from hf_ecg.golden_cases.agreement import agreement
from hf_ecg.golden_check import check_case, known_cases
from tests.conftest import SHARED
from tests.golden_cases.copies import changed, copy_of

# the same code on another size of the same network, which costs seconds -> the case that every run has
OF_ANOTHER_SIZE = {
    "clear-classifier": "clear",  # the same encoder, and a linear layer
    "clef-medium": "clef-small",
    "ecgclip-resnet34": "ecgclip-resnet18",
    "ecgfounder-1lead": "ecgfounder-12lead",
    "heartlang-finetune": "heartlang-pretrain",  # the same encoder, and a linear layer
    "merl-resnet34": "merl-resnet18",
    "merl-vit-small": "merl-vit-tiny",
}
# Up to 4 GB of memory, 4 GB of disk and a minute or two each: pytest -m large
LARGE = 60e6


def size_of(name):
    path = SHARED / "golden" / name / "spec.json"
    tensors = json.loads(path.read_text())["tensors"] if path.is_file() else {}
    return sum(math.prod(tensor["shape"]) for tensor in tensors.values())


CASES = [
    pytest.param(name, marks=[pytest.mark.large] * (size_of(name) > LARGE or name in OF_ANOTHER_SIZE))
    for name in sorted(known_cases())
]

# inputs of which a thousandth changes nothing, of the original either
WITHOUT_EFFECT = {
    "in.meta_risk": "differences of risks are divided by the largest of them",
    "time": "the interval that a time falls into counts",
}
CASES_OF_SECONDS = [name for name in sorted(known_cases()) if size_of(name) < 1e6]


@pytest.mark.parametrize("name", CASES)
def test_our_numbers_are_the_originals(golden_dir, name):
    for report in check_case(golden_dir / name):
        assert not report.problem and not report.missed, report
        assert not [one for one in (*report.agreements, *report.after_reload) if not one.agrees]
        assert report.passes
        # what was converted was checked again, array by array, after it was saved and loaded
        assert [one.name for one in report.after_reload] in ([], [one.name for one in report.agreements])
        stale = set(known_cases()[name].not_compared) - set(report.not_compared)
        assert not stale, f"{sorted(stale)} are said not to be compared, and are"


@pytest.mark.parametrize("name", CASES_OF_SECONDS)
def test_a_change_of_a_thousandth_is_seen_in_every_array_that_is_compared(golden_dir, tmp_path, name):
    (report,) = check_case(golden_dir / name)
    compared = {one.name for one in report.agreements}
    folder = copy_of(golden_dir, name, tmp_path, lambda values: {key: changed(values[key]) for key in compared})
    (report,) = check_case(folder)
    with np.load(folder / "expected_seed0.npz") as stored:
        nothing = {key for key in compared if not stored[key].any()}  # a thousandth of it
    assert {one.name for one in report.agreements if one.agrees} == nothing and not report.passes


@pytest.mark.parametrize("name", CASES_OF_SECONDS)
def test_a_change_of_a_thousandth_is_seen_in_the_inputs_that_are_stored(golden_dir, tmp_path, name):
    (report,) = check_case(golden_dir / name)
    with np.load(golden_dir / name / "expected_seed0.npz") as stored:
        inputs = [key for key in report.inputs if stored[key].any()]  # there is a thousandth of it
    for array in inputs:
        folder = copy_of(golden_dir, name, tmp_path / array, lambda values, key=array: {key: changed(values[key])})
        assert check_case(folder)[0].passes == (array in WITHOUT_EFFECT), array


@pytest.mark.parametrize("name", sorted(known_cases()))
def test_the_rule_sees_a_change_of_a_thousandth_in_any_stored_array(golden_dir, name):
    """Of the large cases too, without running them."""
    with np.load(golden_dir / name / "expected_seed0.npz") as stored:
        for array, values in stored.items():
            if values.any() and np.isfinite(values).all():
                assert agreement(array, values, values).agrees
                assert not agreement(array, values, changed(values)).agrees, array
