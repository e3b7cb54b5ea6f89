import pytest
from accelerate.state import AcceleratorState

from hf_ecg.enrichment.verification.cross_fit import train_cross_fit
from tests.enrichment.verification import made
from tests.training_fixtures import empty_datasets_cache, fresh_accelerate_state  # noqa: F401


@pytest.fixture(scope="session")
def made_corpus(tmp_path_factory, empty_datasets_cache):  # noqa: F811
    return made.write_corpus(tmp_path_factory.mktemp("made") / "corpus", 600)


@pytest.fixture(scope="session")
def recipe(made_corpus, tmp_path_factory):
    return made.clep_recipe(made_corpus, made.write_text_tower(tmp_path_factory.mktemp("text")), epochs=4)


@pytest.fixture(scope="session")
def models(recipe, tmp_path_factory):
    """Two dual encoders, cross-fitted in folds 1 to 8."""
    AcceleratorState._reset_state(reset_partial_state=True)
    return train_cross_fit(recipe, tmp_path_factory.mktemp("models"))
