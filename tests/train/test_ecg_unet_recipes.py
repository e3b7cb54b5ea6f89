"""The recipes of lead reconstruction: marked as inferred, and made for each other's task."""

import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.signals import STANDARD_LEADS
from hf_ecg.training.methods import build_method
from hf_ecg.training.recipe import load_recipe


@pytest.mark.parametrize("name, rate", [("ecg_unet", 500), ("ecg_unet_ptb_xl", 100)])
def test_they_keep_millivolts_and_say_what_is_inferred(repository, name, rate):
    path = repository / "train" / "recipes" / f"{name}.yaml"
    recipe, head = load_recipe(path), path.read_text(encoding="utf-8").partition("model:\n")[0]
    assert "*inferred*" in head and "2502.00559" in head and "not published" in head
    extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
    assert extractor.leads == list(STANDARD_LEADS) and extractor.sampling_rate == rate
    # a pipeline keeps a record as one row of its own length, and a model that normalises has no millivolts to give
    assert extractor.num_samples is None
    assert not {"normalise", "divide", "crop", "pad"} & {step["name"] for step in extractor.steps}
    options = build_method(recipe.method, recipe.data).options
    assert options.validation_leads == ["I", "II"] and sum(options.chest_shares) == pytest.approx(1)
