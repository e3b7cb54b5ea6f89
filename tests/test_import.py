"""`import hf_ecg` is quick and does not drag in what only scripts need."""

import json
import subprocess
import sys

HEAVY = ("evaluate", "wfdb", "sklearn", "scipy.signal", "datasets", "matplotlib")
BASE = "from transformers import AutoConfig, AutoModel, AutoFeatureExtractor, AutoProcessor, PreTrainedModel"


def measure(repository, more=""):
    """Seconds of the imports in a new process, and which heavy modules they brought."""
    code = f"""
import json, sys, time
start = time.perf_counter()
{BASE}
{more}
seconds = time.perf_counter() - start
print(json.dumps([seconds, [name for name in {HEAVY!r} if name in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_heavy_is_imported(repository):
    before, after = measure(repository)[1], measure(repository, "import hf_ecg")[1]
    assert set(after) <= set(before), f"import hf_ecg brings {sorted(set(after) - set(before))}"


def test_the_import_costs_half_a_second_at_most(repository):
    # the least of several: what another process takes from the machine only adds
    base = min(measure(repository)[0] for _ in range(3))
    ours = min(measure(repository, "import hf_ecg")[0] for _ in range(3))
    assert ours - base <= 0.5, f"{ours:.2f} s instead of {base:.2f} s"
