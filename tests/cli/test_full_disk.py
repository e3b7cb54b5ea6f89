"""A disk that is full: the message names the file, what was there stays, and no half file is left."""

import os
import resource
import signal
import sys
import traceback

import datasets
import pytest
import torch
import yaml

from hf_ecg import ECGResNetModel
from hf_ecg.cli.endings import run
from hf_ecg.data.corpus import load_corpus
from tests.evaluation import tiny
from tests.train.test_compare import EXTRACTOR

RECIPE = {
    "model": {
        "class": "ECGResNeXtForECGClassification",
        "config": {
            **{"num_leads": 1, "num_samples": tiny.SAMPLES, "sampling_rate": 100, "widths": [8, 16]},
            **{"depths": [1, 1], "group_width": 4, "kernel_size": 6},
        },
    },
    "processor": {"feature_extractor": EXTRACTOR},
    "data": {"sources": [{"folds": {"train": [1]}}], "label_sets": ["rhythm"]},
    "method": {"name": "labels"},
    "optimizer": {"lr": 1e-3},
    "run": {"epochs": 1, "max_steps": 1, "batch_size": 8, "num_workers": 0, "num_threads": 1},
}


def on_a_full_disk(size: int, words: str, *arguments) -> tuple[int, str]:
    """Status and message of a command that may write no file of more than so many bytes."""
    told, tell = os.pipe()
    if (child := os.fork()) == 0:
        os.close(told)
        sys.stderr = os.fdopen(tell, "w")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        status = 70
        try:
            run(words, [str(argument) for argument in arguments])
            status = 0
        except SystemExit as end:
            status = int(end.code)
        except Exception:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(tell)
    with os.fdopen(told, "rb") as file:
        said = file.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full disk")
    tiny.write_corpus(folder / "corpus", whole=tiny.dataset(120))
    return folder / "corpus"


@pytest.mark.parametrize("name", ["out.hea", "out.edf", "out.csv"])
def test_converting(tmp_path, name):
    run("simulate", ["sinus_rhythm", "--output", str(tmp_path / "record")])
    before = set(tmp_path.iterdir())
    status, said = on_a_full_disk(5000, "convert-signal", tmp_path / "record.hea", tmp_path / name)
    assert status == 1 and "File too large" in said and str(tmp_path / "out.") in said
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("size", [1, 2000, 20000])
def test_preparing(tmp_path, size):
    prepare = ("prepare simulated", "--num_records", 10, "--num_proc", 1, "--output_dir", tmp_path / "out")
    status, said = on_a_full_disk(size, *prepare)
    assert status == 1 and "File too large" in said and str(tmp_path / ".out.incomplete") in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("size", "file"), [(1000, "recipe.yaml"), (4000, "state.pt")])
def test_pretraining(tmp_path, corpus, monkeypatch, size, file):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    arguments = ("--config", tmp_path / "recipe.yaml", "--data", corpus, "--output_dir", tmp_path / "out")
    # the rows in the cache of datasets, which may lie on another disk
    status, said = on_a_full_disk(100, "pretrain", *arguments)
    assert status == 1 and f"{corpus} cannot be put into " in said and "File too large" in said
    load_corpus(corpus)
    status, said = on_a_full_disk(size, "pretrain", *arguments)
    assert status == 1 and str(tmp_path / "out") in said and file in said, said
    left = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [name for name in left if "incomplete" in name or name.endswith((".pt", ".safetensors"))]


def test_embedding(tmp_path, corpus):
    torch.manual_seed(0)
    ECGResNetModel(tiny.ecg_config()).save_pretrained(tmp_path / "model")
    tiny.feature_extractor().save_pretrained(tmp_path / "model")
    arguments = (corpus, "--model", tmp_path / "model", "--output", tmp_path / "out.parquet")
    run("embed", [str(argument) for argument in arguments])
    whole = (tmp_path / "out.parquet").read_bytes()
    for size in (1, 1000, 10000):
        status, said = on_a_full_disk(size, "embed", *arguments, "--overwrite")
        assert status == 1 and "File too large" in said and str(tmp_path / "out.parquet") in said
        assert (tmp_path / "out.parquet").read_bytes() == whole
        left = [path.name for path in tmp_path.rglob("*.parquet") if corpus not in path.parents]
        assert left == ["out.parquet"]
