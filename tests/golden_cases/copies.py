"""Copies of golden cases that may be changed."""

import shutil

import numpy as np


def changed(values):
    """By a thousandth; whole numbers are none then."""
    return values * 1.001


def copy_of(golden_dir, name, folder, change):
    """A copy of a case in `folder`, with other arrays: `change` is handed all, and gives some instead."""
    folder = folder / name
    folder.mkdir(parents=True)
    shutil.copyfile(golden_dir / name / "spec.json", folder / "spec.json")
    with np.load(golden_dir / name / "expected_seed0.npz") as stored:
        values = dict(stored)
    np.savez(folder / "expected_seed0.npz", **(values | change(values)))
    return folder
