"""`import hf_ecg` is quick and does not drag in what only scripts need."""

import json
import subprocess
import sys

import pytest

HEAVY = ("evaluate", "wfdb", "sklearn", "scipy.signal", "datasets", "matplotlib")
CODE = f"""
import json, sys, time

def heavy():
    return [name for name in {HEAVY!r} if name in sys.modules]

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoProcessor, PreTrainedModel
before, start = heavy(), time.perf_counter()
import hf_ecg
print(json.dumps([time.perf_counter() - start, before, heavy()]))
"""


@pytest.fixture(scope="module")
def measure(repository):
    """In a new process: seconds of `import hf_ecg` above transformers, heavy modules before and after it."""

    def run():
        done = subprocess.run([sys.executable, "-c", CODE], cwd=repository, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def first(measure):
    return measure()


def test_nothing_heavy_is_imported(first):
    _, before, after = first
    assert set(after) <= set(before), f"import hf_ecg brings {sorted(set(after) - set(before))}"


def test_the_import_costs_half_a_second_at_most(first, measure):
    seconds = first[0]
    for _ in range(4):
        # what another process takes from the machine only adds, so one quick import is proof
        if seconds <= 0.5:
            break
        seconds = min(seconds, measure()[0])
    assert seconds <= 0.5, f"import hf_ecg takes {seconds:.2f} s above transformers"
