"""The contrastive model: its losses are those of hf_ecg.losses on what the encoder says."""

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForPreTraining, set_seed

from hf_ecg import ECGForContrastivePreTraining, ECGResNetModel
from hf_ecg.losses import (
    WeightSpread,
    info_nce_loss,
    metadata_prediction_loss,
    patient_contrastive_loss,
    rank_n_contrast_loss,
    risk_weighted_contrastive_loss,
    vicreg_loss,
    y_aware_contrastive_loss,
)
from tests.models.tiny.ecg_contrastive import contrastive_config
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.inputs import views


def build(rows=5, **options):
    set_seed(0)
    return ECGForContrastivePreTraining(contrastive_config(**options)).eval(), views(rows, torch.Generator())


def embeds(model, values):
    return F.normalize(model.ecg_model(values).pooler_output, dim=-1)


def test_without_a_projection_the_loss_sees_the_pooled_features():
    model, inputs = build()
    outputs = model(**inputs, return_loss=True)
    first, second = (embeds(model, inputs[key]) for key in ("input_values", "second_input_values"))
    torch.testing.assert_close(outputs.embeds, first)
    torch.testing.assert_close(outputs.second_embeds, second)
    expected = risk_weighted_contrastive_loss(first, second, 0.07, risk=inputs["risk"])
    torch.testing.assert_close(outputs.loss, expected)


def test_every_setting_of_the_loss_arrives():
    _, inputs = build()
    inputs |= {"missing_rate": torch.tensor([0.0, 0.2, 0.4, 1.0, 0.0])}
    settings = {
        "risk_distance": "rank",
        "risk_sharpness": 2.0,
        "alignment_weight": 0.5,
        "temperature": 0.3,
    }
    model, _ = build(**settings)
    first, second = (embeds(model, inputs[key]) for key in ("input_values", "second_input_values"))
    expected = risk_weighted_contrastive_loss(
        first,
        second,
        0.3,
        risk=inputs["risk"],
        missing_rate=inputs["missing_rate"],
        distance="rank",
        sharpness=2.0,
        alignment_weight=0.5,
    )
    torch.testing.assert_close(model(**inputs, return_loss=True).loss, expected)
    model, _ = build(loss_type="info_nce", negatives="mean", temperature=0.2)
    expected = info_nce_loss(first, second, 0.2, negatives="mean")
    torch.testing.assert_close(model(**inputs, return_loss=True).loss, expected)


def test_vicreg_sees_the_projection_as_it_is():
    sizes = {"projection_dim": 6, "projection_hidden_size": 8, "projection_norm": "batch_norm"}
    weights = {"invariance_weight": 3.0, "variance_weight": 2.0, "covariance_weight": 0.5}
    model, inputs = build(loss_type="vicreg", **sizes, **weights)
    assert isinstance(model.projection[1], torch.nn.BatchNorm1d)
    outputs = model(**inputs, return_loss=True)
    expected = vicreg_loss(outputs.projected, outputs.second_projected, **weights)
    torch.testing.assert_close(outputs.loss, expected)
    torch.testing.assert_close(F.normalize(outputs.projected, dim=-1), outputs.embeds)


def test_segments_of_a_patient_are_positives():
    model, inputs = build(loss_type="patient_contrastive", temperature=0.2)
    with pytest.raises(ValueError, match="'patient_contrastive' needs patient_ids"):
        model(**inputs, return_loss=True)
    patients = torch.tensor([4, 4, 1, 0, 2])
    first, second = (embeds(model, inputs[key]) for key in ("input_values", "second_input_values"))
    outputs = model(**inputs, patient_ids=patients, return_loss=True)
    torch.testing.assert_close(outputs.loss, patient_contrastive_loss(first, second, 0.2, patient_ids=patients))


def test_any_encoder_of_the_package_can_be_pretrained(tmp_path):
    model = ECGForContrastivePreTraining(contrastive_config(ecg_config=resnet_config())).train()
    assert isinstance(model.ecg_model, ECGResNetModel)
    model(**views(4, torch.Generator()), return_loss=True).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.save_pretrained(tmp_path)
    assert isinstance(AutoModelForPreTraining.from_pretrained(tmp_path).ecg_model, ECGResNetModel)


def test_both_views_are_seen_in_one_pass():
    model = ECGForContrastivePreTraining(contrastive_config(ecg_config=resnet_config())).train()
    calls = []
    model.ecg_model.register_forward_hook(lambda module, arguments, outputs: calls.append(len(outputs.pooler_output)))
    model(**views(4, torch.Generator()), return_loss=True)
    assert calls == [8]


def test_what_the_loss_needs_is_asked_for():
    model, inputs = build()
    with pytest.raises(ValueError, match="needs second_input_values"):
        model(inputs["input_values"], return_loss=True)
    with pytest.raises(ValueError, match="'risk_weighted' needs risk"):
        model(inputs["input_values"], second_input_values=inputs["second_input_values"], return_loss=True)
    with pytest.raises(ValueError, match="second_input_values have shapes .* wanted one shape"):
        model(inputs["input_values"], second_input_values=inputs["second_input_values"][:2], return_loss=True)
    mask = torch.ones(inputs["input_values"].shape[::2], dtype=torch.bool)
    with pytest.raises(ValueError, match="sample_mask and second_sample_mask"):
        model(**inputs, sample_mask=mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_type": "simclr"}, "wanted one of risk_weighted, info_nce"),
        ({"risk_path": "released"}, "wanted one of masked, paper"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"risk_path": "paper", "risk_distance": "rank"}, "distance 'rank'.* need path 'masked'"),
        ({"projection_hidden_size": 8}, "without projection_dim"),
        ({"projection_dim": 8, "projection_norm": "batch_norm"}, "without projection_hidden_size"),
        (
            {"projection_dim": 8, "projection_hidden_size": 8, "projection_norm": "layer_norm"},
            "projection_norm is 'layer_norm', wanted one of batch_norm",
        ),
        ({"variance_weight": -1.0}, "variance_weight is -1.0"),
        ({"projection_dim": 0}, "projection_dim is 0"),
        ({"ecg_config": {"model_type": "bert"}}, "'bert', which has no num_leads"),
    ],
)
def test_impossible_configurations_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        contrastive_config(**options)


AGE_AND_SEX = {
    "metadata_columns": ["age", "sex"],
    "metadata_mean": [60.0, 0.0],
    "metadata_scale": [15.0, 1.0],
    "metadata_binary": ["sex"],
}
METADATA = torch.tensor([[45.0, 1.0], [75.0, 0.0], [float("nan"), 1.0], [60.0, float("nan")], [52.0, 0.0]])


def test_losses_of_metadata_get_what_the_configuration_names():
    _, inputs = build()
    inputs["metadata"] = METADATA
    standard = (METADATA - torch.tensor([60.0, 0.0])) / torch.tensor([15.0, 1.0])
    expected = {
        "y_aware": lambda a, b: y_aware_contrastive_loss(a, b, metadata=METADATA[:, :1], bandwidths=[5.0], share=0.5),
        "rank_n_contrast": lambda a, b: rank_n_contrast_loss(a, b, metadata=standard[:, :1], share=0.5),
        "risk_weighted": lambda a, b: risk_weighted_contrastive_loss(
            a, b, risk=METADATA[:, :1], sharpness=WeightSpread(0.5, "absolute"), alignment="centred"
        ),
    }
    options = {"metadata_compared": ["age"], "metadata_bandwidths": {"age": 5.0}, "metadata_share": 0.5}
    options |= {"risk_spread": 0.5, "risk_spread_unit": "absolute", "alignment": "centred"}
    for loss_type, loss in expected.items():
        model, _ = build(loss_type=loss_type, **AGE_AND_SEX, **options)
        views = (embeds(model, inputs[key]) for key in ("input_values", "second_input_values"))
        torch.testing.assert_close(model(**inputs, return_loss=True).loss, loss(*views))


def test_a_head_tells_metadata_beside_the_contrast(tmp_path):
    options = {"loss_type": "info_nce", **AGE_AND_SEX, "metadata_weight": 2.0}
    model, inputs = build(**options)
    outputs = model(**inputs, metadata=METADATA, return_loss=True)
    plain, _ = build(loss_type="info_nce")
    plain.ecg_model.load_state_dict(model.ecg_model.state_dict())
    told = torch.cat([outputs.metadata_logits, outputs.second_metadata_logits])
    standard = (METADATA - torch.tensor([60.0, 0.0])) / torch.tensor([15.0, 1.0])
    error = metadata_prediction_loss(told, standard.repeat(2, 1), binary=[False, True])
    torch.testing.assert_close(outputs.loss, plain(**inputs, return_loss=True).loss + 2 * error)
    outputs.loss.backward()
    assert all(parameter.grad is not None for parameter in model.metadata_head.parameters())
    model.save_pretrained(tmp_path)
    again = AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    assert again.config.metadata_mean == [60.0, 0.0]
    torch.testing.assert_close(again(**inputs).metadata_logits, outputs.metadata_logits)


def test_metadata_that_do_not_fit_are_refused():
    model, inputs = build(loss_type="info_nce", **AGE_AND_SEX, metadata_weight=1.0, metadata_predicted=["sex"])
    assert model.metadata_head[-1].out_features == 1
    with pytest.raises(ValueError, match=r"metadata is None, wanted \(records, 2\)"):
        model(**inputs, return_loss=True)
    with pytest.raises(ValueError, match=r"metadata is \(5, 1\)"):
        model(**inputs, metadata=METADATA[:, :1], return_loss=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_type": "y_aware"}, "loss_type needs metadata_columns"),
        ({"metadata_weight": 1.0}, "metadata_weight needs metadata_columns"),
        ({"loss_type": "y_aware", **AGE_AND_SEX}, "metadata_bandwidths is {}"),
        ({**AGE_AND_SEX, "metadata_compared": ["risk"]}, r"metadata_compared names \['risk'\]"),
        ({**AGE_AND_SEX, "metadata_mean": [60.0]}, "wanted a number for each"),
        ({**AGE_AND_SEX, "metadata_scale": [15.0, 0.0]}, "wanted numbers above 0"),
        ({"alignment": "centered"}, "wanted one of published, centred, correlation"),
        ({"risk_path": "paper", "risk_spread": 1.0}, "need path 'masked'"),
        ({"metadata_share": 2.0}, "share is 2.0"),
    ],
)
def test_impossible_metadata_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        contrastive_config(**options)
