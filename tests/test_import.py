"""`import hf_ecg` is quick, drags in nothing, and registers all the same, in whatever order things are imported."""

import subprocess
import sys

import pytest

import hf_ecg

LIGHT = """
import sys, time
start = time.process_time()
import hf_ecg
seconds = time.process_time() - start
assert "transformers" not in sys.modules
hf_ecg.pretrained("ecg-text-small"), hf_ecg.read
import hf_ecg.plotting.picture_files
heavy = {"torch", "sklearn", "datasets", "matplotlib", "evaluate"} & set(sys.modules)
print(seconds, *heavy)
import numpy as np
hf_ecg.plotting.plot_ecg(np.sin(np.arange(200.0))[None], 100, ["II"], "mV")
assert "matplotlib.figure" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
# the Auto classes come in the middle of an import of transformers, or of one of ours
FIRST_BERT = """
import hf_ecg
from transformers import BertModel, AutoConfig, pipeline
"""
FIRST_A_MODEL = """
from hf_ecg.models.ecg_resnet import ECGResNetModel
from transformers import AutoConfig, pipeline
"""
# each thread is in the middle of what the registration of another one needs
FROM_THREADS = """
import importlib, threading
import hf_ecg
errors = []
def load(name):
    try:
        importlib.import_module(name)
    except Exception as error:
        errors.append(f"{name}: {error!r}")
names = ["transformers.models.bert.modeling_bert", "hf_ecg.signals", "transformers.pipelines", "hf_ecg.progress"]
threads = [threading.Thread(target=load, args=[name]) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not errors, errors
from transformers import AutoConfig, pipeline
"""
# of one process that has what takes the longest and knows neither transformers nor this package
IN_ANY_ORDER = """
import gc
gc.disable()
import os, sys, torch, torch._dynamo, scipy.signal, scipy.stats, huggingface_hub, tokenizers
gc.freeze()
assert not {"transformers", "hf_ecg"} & set(sys.modules)
for order in sys.argv[1:]:
    if (child := os.fork()) == 0:
        exec(order, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, order
"""
REGISTERED = """
import hf_ecg, sys
assert {"ecg_text", "ecg_resnet"} <= set(hf_ecg.auto.FAMILIES)
assert type(AutoConfig.for_model("ecg_text")) is hf_ecg.ECGTextConfig
assert type(pipeline("ecg-feature-extraction")).__module__ == "hf_ecg.pipelines"
print("registered", *{"evaluate", "wfdb", "datasets", "matplotlib"} & set(sys.modules))
"""


def printed(repository, code, *arguments) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_import_is_light_and_quick(repository):
    seconds, *heavy = printed(repository, LIGHT)
    assert not heavy and float(seconds) <= 1, f"import hf_ecg takes {seconds} s of CPU and brings {heavy}"


def test_a_module_runs_as_a_program(repository):
    done = subprocess.run([sys.executable, "-m", "hf_ecg.version"], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_transformers_knows_the_models_in_any_order_of_imports(repository):
    orders = [order + REGISTERED for order in (FIRST_BERT, FIRST_A_MODEL, FROM_THREADS)]
    told = printed(repository, IN_ANY_ORDER, *orders)
    assert told == ["registered"] * 3, f"loading a model brings {set(told) - {'registered'}}"


def test_rooms_are_attributes_and_names_are_listed():
    assert hf_ecg.evaluation.metric_path("macro_auroc")
    assert {*hf_ecg.__all__} <= {*dir(hf_ecg)}
    assert "ECGTextModel" in hf_ecg.__all__ and "signals" not in hf_ecg.__all__


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="module 'hf_ecg' has no attribute 'ECGTextModle'"):
        _ = hf_ecg.ECGTextModle
    assert not hasattr(hf_ecg, "__wrapped__")
