"""Every public class is reached through the Auto classes, by the configuration alone and from a folder."""

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModel,
    AutoModelForPreTraining,
    AutoProcessor,
    BertTokenizerFast,
)

import hf_ecg
from hf_ecg import AutoModelForECGClassification, ECGFeatureExtractor, ECGResNetModel, ECGTextModel, ECGTextProcessor
from hf_ecg.auto import FAMILIES
from hf_ecg.models.shared.roles import ecg_encoder, is_dual_encoder, model_role
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.ecg_text import text_config

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def extractor():
    return ECGFeatureExtractor(
        sampling_rate=100, leads=LEADS, num_samples=160, steps=[{"name": "select_leads"}, {"name": "crop"}]
    )


@pytest.fixture
def processor(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sinus", "rhythm"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    return ECGTextProcessor(extractor(), BertTokenizerFast(vocab=str(tmp_path / "vocab.txt"), model_max_length=16))


@pytest.mark.parametrize(
    ("auto", "config", "wanted"),
    [
        (AutoModel, resnet_config, ECGResNetModel),
        (AutoModel, text_config, ECGTextModel),
        (AutoModelForPreTraining, text_config, ECGTextModel),
        (AutoModelForECGClassification, resnet_config, hf_ecg.ECGResNetForECGClassification),
    ],
)
def test_a_configuration_leads_to_its_model(auto, config, wanted):
    assert type(auto.from_config(config())) is wanted


@pytest.mark.parametrize("config", [hf_ecg.ECGResNetConfig, hf_ecg.ECGTextConfig])
def test_a_model_type_leads_to_its_configuration(config):
    assert type(AutoConfig.for_model(config.model_type)) is config


def test_a_family_without_a_classification_head_says_so():
    with pytest.raises(ValueError, match="ECGTextConfig"):
        AutoModelForECGClassification.from_config(text_config())


def test_registering_twice_is_harmless():
    hf_ecg.auto.register()
    assert AutoConfig.for_model("ecg_text").model_type == "ecg_text"


def test_an_encoders_folder_gives_model_and_extractor(tmp_path):
    ECGResNetModel(resnet_config()).save_pretrained(tmp_path)
    extractor().save_pretrained(tmp_path)
    again = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert type(again) is ECGFeatureExtractor and again.to_dict() == extractor().to_dict()
    inputs = again(torch.randn(12, 200).numpy(), sampling_rate=100, leads=LEADS, units="mV", return_tensors="pt")
    assert AutoModel.from_pretrained(tmp_path)(**inputs).pooler_output.shape == (1, 8)


def test_a_whole_models_folder_gives_model_and_processor(tmp_path, processor):
    folder = tmp_path / "whole"
    ECGTextModel(text_config()).save_pretrained(folder)
    processor.save_pretrained(folder)
    again = AutoProcessor.from_pretrained(folder)
    assert (
        type(again) is ECGTextProcessor and type(AutoFeatureExtractor.from_pretrained(folder)) is ECGFeatureExtractor
    )
    inputs = again(
        ecg=torch.randn(12, 200).numpy(),
        text=["sinus rhythm", "rhythm"],
        sampling_rate=100,
        leads=LEADS,
        units="mV",
        padding=True,
        return_tensors="pt",
    )
    wanted = {"input_values", "lead_mask", "sample_mask", "input_ids", "attention_mask"}
    assert wanted <= set(inputs)
    outputs = AutoModel.from_pretrained(folder)(**{key: inputs[key] for key in wanted})
    assert outputs.logits_per_ecg.shape == (1, 2)


def test_all_public_names_exist():
    assert all(hasattr(hf_ecg, name) for name in hf_ecg.__all__)
    assert len(set(hf_ecg.__all__)) == len(hf_ecg.__all__)


def test_every_folder_of_models_is_listed_and_its_classes_are_public(repository):
    folders = {path.parent.name for path in (repository / "hf_ecg" / "models").glob("*/__init__.py")} - {"shared"}
    ours = {name: family for name, family in FAMILIES.items() if family.config.__module__.startswith("hf_ecg.")}
    assert set(ours) == folders
    for family in ours.values():
        for public in (family.config, *family.models):
            assert getattr(hf_ecg, public.__name__) is public and public.__name__ in hf_ecg.__all__


def test_two_families_may_not_have_a_source_of_one_name():
    class OtherConfig(hf_ecg.ECGResNetConfig):
        model_type = "other_package"

    family = hf_ecg.Family(config=OtherConfig, model=ECGResNetModel, sources=FAMILIES["ecg_resnet"].sources)
    with pytest.raises(ValueError, match="merl-resnet18.*which family 'ecg_resnet' has too"):
        hf_ecg.register_family(family)
    assert "other_package" not in FAMILIES


def test_models_of_other_packages_have_no_role():
    module = torch.nn.Linear(2, 2)
    assert ecg_encoder(module) is module and model_role(module) == "other" and not is_dual_encoder(module)
    assert is_dual_encoder(ECGTextModel) and not is_dual_encoder(ECGResNetModel)
