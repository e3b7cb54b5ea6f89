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
from tests.models.tiny import resnet_config, text_config

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
