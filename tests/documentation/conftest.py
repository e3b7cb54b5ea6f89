"""The folder that documentation runs in."""

import shutil
from pathlib import Path

import datasets
import pytest

from tests.conftest import REPOSITORY, SHARED
from tests.documentation import shell
from tests.documentation.workspace import MADE, make_workspace, narrow
from tests.hub.conftest import hub  # noqa: F401

PTB_XL = SHARED / "data" / "ptb-xl"


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        narrow(patch)
        return make_workspace(folder, REPOSITORY, PTB_XL if PTB_XL.is_dir() else None)


@pytest.fixture
def workspace(made_workspace, tmp_path, monkeypatch):
    """A copy of one's own."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    narrow(monkeypatch)
    return Path(shutil.copytree(made_workspace, tmp_path / "work", symlinks=True))


@pytest.fixture(scope="session")
def trained_workspace(made_workspace, tmp_path_factory):
    """With what the commands of `MADE` leave there; pages copy from it."""
    folder = tmp_path_factory.mktemp("trained") / "work"
    shutil.copytree(made_workspace, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch, shell.work_in(folder):
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", folder.parent / "cache")
        for command in MADE.values():
            shell.run(command.split(), folder, REPOSITORY)
    return folder
