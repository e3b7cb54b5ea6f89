"""The folder that documentation runs in."""

import datasets
import pytest

from tests.conftest import REPOSITORY, SHARED
from tests.documentation.workspace import make_workspace, narrow
from tests.hub.conftest import hub  # noqa: F401

PTB_XL = SHARED / "data" / "ptb-xl"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    narrow(monkeypatch)
    (tmp_path / "work").mkdir()
    return make_workspace(tmp_path / "work", REPOSITORY, PTB_XL if PTB_XL.is_dir() else None)
