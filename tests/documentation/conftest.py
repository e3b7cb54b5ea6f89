"""The folder that documentation runs in."""

import datasets
import pytest

from hf_ecg.models.ecg_resnet import convert_ecg_resnet
from tests.conftest import REPOSITORY, SHARED
from tests.documentation.workspace import make_workspace

PTB_XL = SHARED / "data" / "ptb-xl"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    variants = {name: {**options, "widths": [2, 2, 2, 2]} for name, options in convert_ecg_resnet.VARIANTS.items()}
    monkeypatch.setattr(convert_ecg_resnet, "VARIANTS", variants)
    (tmp_path / "work").mkdir()
    return make_workspace(tmp_path / "work", REPOSITORY, PTB_XL if PTB_XL.is_dir() else None)
