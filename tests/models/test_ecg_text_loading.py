"""How towers and whole dual encoders are joined from checkpoints, and which checkpoints are refused."""

import pytest
import torch
from transformers import AutoModel, BertForMaskedLM, BertModel, set_seed

from hf_ecg import ECGResNetForECGClassification, ECGResNetModel, ECGTextModel
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.ecg_text import text_config
from tests.models.tiny.inputs import bert_config, pairs


def test_two_pretrained_towers_are_joined_and_reloaded_bit_for_bit(tmp_path):
    set_seed(3)
    ecg, text = ECGResNetModel(resnet_config()), BertModel(bert_config())
    ecg.save_pretrained(tmp_path / "ecg")
    text.save_pretrained(tmp_path / "text")
    model = ECGTextModel.from_ecg_text_pretrained(tmp_path / "ecg", tmp_path / "text", projection_dim=8)
    assert torch.equal(model.ecg_model.stem.convolution.weight, ecg.stem.convolution.weight)
    word = "embeddings.word_embeddings.weight"
    assert torch.equal(model.text_model.state_dict()[word], text.state_dict()[word])
    assert model.logit_bias.item() == -10.0
    model.eval().save_pretrained(tmp_path / "both")
    again, inputs = AutoModel.from_pretrained(tmp_path / "both").eval(), pairs(2, torch.Generator().manual_seed(0))
    assert torch.equal(again(**inputs).logits_per_ecg, model(**inputs).logits_per_ecg)


def test_an_encoder_is_not_loaded_from_a_dual_encoders_folder(tmp_path):
    ECGTextModel(text_config()).save_pretrained(tmp_path)
    for model_class in (ECGResNetModel, ECGResNetForECGClassification):
        with pytest.raises(ValueError, match="subfolder `encoder`"):
            model_class.from_pretrained(tmp_path)
    config = resnet_config()
    with pytest.raises(ValueError, match="no tensor of ECGResNetModel's encoder"):
        ECGResNetModel.from_pretrained(tmp_path, config=config)


def test_a_dual_encoder_is_not_loaded_from_one_towers_folder(tmp_path):
    ECGResNetModel(resnet_config()).save_pretrained(tmp_path / "ecg")
    BertModel(bert_config()).save_pretrained(tmp_path / "text")
    for folder in ("ecg", "text"):
        with pytest.raises(ValueError, match="ECGTextModel wants 'ecg_text'"):
            ECGTextModel.from_pretrained(tmp_path / folder)
    with pytest.raises(ValueError, match="no tensor of ECGTextModel"):
        ECGTextModel.from_pretrained(tmp_path / "ecg", config=text_config())


def test_a_checkpoint_that_lacks_some_tensors_is_refused(tmp_path):
    model = ECGResNetModel(resnet_config())
    kept = {key: value for key, value in model.state_dict().items() if not key.startswith("stages.3.")}
    model.save_pretrained(tmp_path, state_dict=kept)
    with pytest.raises(
        ValueError, match=r"lacks \d+ of \d+ tensors of ECGResNetModel's encoder, such as \['stages.3."
    ):
        ECGResNetModel.from_pretrained(tmp_path)


def test_another_number_of_leads_or_classes_may_be_asked_for_by_name(tmp_path):
    head = ECGResNetForECGClassification(resnet_config(num_labels=3))
    head.save_pretrained(tmp_path)
    options = {"num_leads": 2, "num_labels": 5, "ignore_mismatched_sizes": True}
    again = ECGResNetForECGClassification.from_pretrained(tmp_path, **options)
    assert again.classifier.out_features == 5 and again.encoder.stem.convolution.in_channels == 2
    key = "stages.0.blocks.0.convolutions.0.weight"
    assert torch.equal(again.encoder.state_dict()[key], head.encoder.state_dict()[key])


def test_a_pooler_that_the_text_checkpoint_lacks_is_not_made_up(tmp_path):
    ECGResNetModel(resnet_config()).save_pretrained(tmp_path / "ecg")
    BertForMaskedLM(bert_config()).save_pretrained(tmp_path / "text")
    with pytest.raises(ValueError, match="text_model holds no weights for .*pooler"):
        ECGTextModel.from_ecg_text_pretrained(tmp_path / "ecg", tmp_path / "text", text_pooling="pooler")
    model = ECGTextModel.from_ecg_text_pretrained(tmp_path / "ecg", tmp_path / "text", text_pooling="mean")
    assert model.text_model.pooler is None


def test_a_text_tower_stored_in_half_precision_is_joined_in_single(tmp_path):
    ECGResNetModel(resnet_config()).save_pretrained(tmp_path / "ecg")
    BertModel(bert_config()).to(torch.bfloat16).save_pretrained(tmp_path / "text")
    model = ECGTextModel.from_ecg_text_pretrained(tmp_path / "ecg", tmp_path / "text", projection_dim=8)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model(**pairs(2, torch.Generator().manual_seed(0))).logits_per_ecg.isfinite().all()
