"""ECG-CLIP's recipes: the released trunk and preparation, and a loss that is ours and says so."""

import pytest

from hf_ecg import ECGFeatureExtractor
from hf_ecg.models.ecg_resnet.convert_ecgclip import EIGHT_LEADS, ecgclip_config, ecgclip_feature_extractor
from hf_ecg.training.recipe import load_recipe


@pytest.mark.parametrize("name", ["ecgclip", "ecgclip_ptb_xl"])
def test_they_say_what_is_inferred_and_are_the_symmetric_contrast(repository, name):
    path = repository / "train" / "recipes" / f"{name}.yaml"
    recipe, head = load_recipe(path), path.read_text().partition("model:\n")[0]
    assert f"train/recipes/{name}.yaml" in head and "INFERRED" in head and "Protocol" in head and "2605.25446" in head
    extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
    given = recipe.model.config["ecg_config"]
    assert recipe.model.config["loss_type"] == "softmax" and tuple(extractor.leads) == EIGHT_LEADS
    assert (given["num_leads"], given["num_samples"], given["sampling_rate"]) == (
        8,
        extractor.num_samples,
        extractor.sampling_rate,
    )


def test_the_large_one_has_the_released_trunk_and_preparation(repository):
    recipe = load_recipe(repository / "train" / "recipes" / "ecgclip.yaml")
    assert ECGFeatureExtractor(**recipe.processor.feature_extractor).steps == ecgclip_feature_extractor().steps
    released, given = ecgclip_config("ecgclip-resnet34").to_dict(), recipe.model.config["ecg_config"]
    assert {key: released[key] for key in given} == given
