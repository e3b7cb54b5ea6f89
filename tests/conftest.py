"""Fixtures shared by all tests: real records, golden cases, and a quiet, offline, single-threaded library."""

import gc
import os
from pathlib import Path

# What torch and transformers make on import lives as long as the process: a million objects that a collection of
# garbage would look at again and again, for a third of a second and more each time. See pytest_collection_finish.
gc.disable()

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch

torch.set_num_threads(1)

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("HF_ECG_SHARED", REPOSITORY.parent / "shared"))


def pytest_collection_finish(session) -> None:
    """Leaves all that the modules of tests have imported out of the collections that follow."""
    gc.freeze()
    gc.enable()


def existing_folder(path: Path) -> Path:
    if not path.is_dir():
        pytest.skip(f"{path} is not there; set HF_ECG_SHARED to the folder that holds data/ and golden/")
    return path


@pytest.fixture(scope="session")
def shared_data_dir() -> Path:
    """Folder of the real public records (ptb-xl, cinc2021, cpsc2018, code15, mitdb)."""
    return existing_folder(SHARED / "data")


@pytest.fixture(scope="session")
def ptb_xl_dir(shared_data_dir) -> Path:
    """Part of PTB-XL in PhysioNet's own layout."""
    return existing_folder(shared_data_dir / "ptb-xl")


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Folder of the golden cases: what the original code computes."""
    return existing_folder(SHARED / "golden")


@pytest.fixture(scope="session")
def published_weights_dir() -> Path:
    """Folder of published networks whose licences allow it, with what their own code computes."""
    return existing_folder(SHARED / "weights")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout, for tests that run the scripts in train/ and dataset_scripts/."""
    return REPOSITORY


@pytest.fixture(scope="session")
def evaluate_offline(tmp_path_factory):
    """evaluate without network; what it copies and collects goes to a folder of the tests, not to the home folder."""
    config = pytest.importorskip("evaluate").config
    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "HF_EVALUATE_OFFLINE", True)
        patch.setattr(config, "HF_MODULES_CACHE", str(folder / "modules"))
        patch.setattr(config, "HF_METRICS_CACHE", str(folder / "metrics"))
        yield
