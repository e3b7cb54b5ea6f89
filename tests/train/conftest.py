import pytest

from hf_ecg.cli import call
from tests.data.made_mimic import MadeMimic, fill
from tests.training_fixtures import (  # noqa: F401
    corpus,
    empty_datasets_cache,
    fresh_accelerate_state,
    label_recipe,
    recipe_of,
    text_recipe,
    text_tower,
)


@pytest.fixture(scope="session")
def mimic(tmp_path_factory, empty_datasets_cache):  # noqa: F811
    """Thirty records in the layout of MIMIC-IV-ECG, prepared."""
    made = fill(MadeMimic(tmp_path_factory.mktemp("mimic")), 30, per_patient=1)
    folder = tmp_path_factory.mktemp("corpus") / "out"
    call("prepare mimic_iv_ecg", ["--data_dir", str(made.folder), "--output_dir", str(folder), "--num_proc", "1"])
    return folder
