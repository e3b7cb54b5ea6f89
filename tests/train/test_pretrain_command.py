"""`hf-ecg pretrain`: recipes by name, corpora by --data, options at any place."""

import json
import shutil

import pytest
import yaml

from hf_ecg.cli import call
from hf_ecg.training import load_recipe


@pytest.fixture
def two_sources(text_recipe, corpus, tmp_path):
    """A recipe of two corpora, whose paths are not told, and the corpora."""
    shutil.copytree(corpus, tmp_path / "a")
    shutil.copytree(corpus, tmp_path / "b")
    (source,) = text_recipe["data"]["sources"]
    source.pop("path")
    text_recipe["data"]["sources"] = [source | {"weight": 1.0}, source | {"weight": 3.0}]
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(text_recipe))
    return tmp_path


def test_corpora_fill_the_sources_in_their_order(two_sources):
    a, b, out = (str(two_sources / name) for name in ("a", "b", "out"))
    config = ["--config", str(two_sources / "two.yaml"), "run.max_steps=1"]
    call("pretrain", [*config, "--data", a, b, "run.seed=5", "--output_dir", out])
    saved = load_recipe(f"{out}/recipe.yaml")
    assert [source.path for source in saved.data.sources] == [a, b] and saved.run.seed == 5
    facts = json.loads((two_sources / "out" / "training_facts.json").read_text())
    assert [source["corpus"] for source in facts["sources"]] == [a, b]


def test_more_corpora_than_sources_are_refused(two_sources):
    corpora = [str(two_sources / name) for name in ("a", "b", "a")]
    with pytest.raises(ValueError, match="gives 3 corpora, and .*two.yaml has 2 sources"):
        call("pretrain", ["--config", str(two_sources / "two.yaml"), "--data", *corpora, "--output_dir", "out"])


def test_a_recipe_goes_by_its_name(tmp_path):
    """It is found and read: what stops the run is the corpus that is not there."""
    absent = str(tmp_path / "absent")
    arguments = ["--config", "clep_ptb_xl", "--data", absent, "--output_dir", str(tmp_path / "out")]
    with pytest.raises(OSError, match="absent"):
        call("pretrain", [*arguments, "model.init_from={}"])
    with pytest.raises(ValueError, match="did you mean 'clep_ptb_xl'"):
        call("pretrain", ["--config", "clep_ptb", *arguments[2:]])
