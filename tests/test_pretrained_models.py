"""The models inside the package: found by name, loaded, and what they refuse; not their exact numbers."""

import json
from pathlib import Path

import pytest

import hf_ecg
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.pretrained_models import model_source
from hf_ecg.studies.pretrained_models.packaging import LARGEST_BYTES

NAMES = hf_ecg.pretrained_names()


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_the_package_is_small_and_says_where_it_comes_from(name):
    folder = Path(hf_ecg.pretrained(name))
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= LARGEST_BYTES
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "license:" in card and "Licence" in card
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
    facts = read_training_facts(folder)
    assert facts is None or (facts.sources[0].train_folds == tuple(range(1, 11)) and "PTB-XL" in card)


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(
        ValueError, match="holds no model 'clinical-text-smal' .did you mean 'clinical-text-small'.*, only "
    ):
        hf_ecg.pretrained("clinical-text-smal")


def test_a_name_is_a_folder_a_model_of_the_package_or_an_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_source(NAMES[0]) == hf_ecg.pretrained(NAMES[0])
    assert model_source("OWNER/NAME") == "OWNER/NAME"
    (tmp_path / NAMES[0]).mkdir()
    assert model_source(NAMES[0]) == NAMES[0]
    (tmp_path / "out").mkdir()
    for name in ("out/clep", "./clep", "/nowhere/at/all", "clep", "a/b/c"):
        with pytest.raises(FileNotFoundError, match=f"{name} is not a folder here.*on the Hub is named OWNER/NAME"):
            model_source(name)
