"""Heads that are told numbers of the patient beside the waveform."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError, StrictDataclassError
from torch.export import Dim
from transformers import set_seed

from hf_ecg import AutoModelForECGClassification, ECGResNetConfig, ECGResNetForECGClassification, ECGResNetModel
from hf_ecg.models.shared.roles import model_role
from tests.models.tiny import CASES

SMALL = {"num_leads": 2, "num_samples": 64, "depths": [1], "widths": [8], "num_labels": 3}
TOLD = {"covariates": ["age", "sex"], "covariate_mean": [60.0, 0.5], "covariate_scale": [15.0, 0.5]}
HEADS = [name for name, case in CASES.items() if model_role(case[0]) in ("classifier", "survival model")]
FIRST_OF_A_CLASS = list({CASES[name][0]: name for name in HEADS}.values())


@pytest.fixture
def model():
    set_seed(0)
    return ECGResNetForECGClassification(ECGResNetConfig(**SMALL, **TOLD)).eval()


VALUES = torch.randn(3, 2, 64, generator=torch.Generator().manual_seed(1))
COVARIATES = torch.tensor([[75.0, 1.0], [45.0, torch.nan], [torch.nan, torch.nan]])


def test_the_linear_layer_sees_standardised_values_and_learned_ones_for_those_missing(model):
    torch.nn.init.normal_(model.classifier.missing)
    weight, bias = model.classifier.linear.parameters()
    missing = model.classifier.missing
    pooled = model.encoder(VALUES).pooler_output
    beside = torch.stack(
        [
            torch.tensor([1.0, 0.0, 1.0, 0.0]),
            torch.cat([torch.tensor([-1.0, 0.0]), missing[1]]),
            missing.flatten(),
        ]
    )
    wanted = torch.cat([pooled, beside], dim=1) @ weight.T + bias
    torch.testing.assert_close(model(VALUES, covariates=COVARIATES).logits, wanted)


def test_a_missing_value_is_learned_and_says_the_mean_before(model):
    mean = torch.tensor(TOLD["covariate_mean"]).repeat(3, 1)
    unknown = torch.full((3, 2), torch.nan)
    torch.testing.assert_close(model(VALUES, covariates=unknown).logits, model(VALUES, covariates=mean).logits)
    labels = torch.eye(3)
    model(VALUES, covariates=COVARIATES, labels=labels).loss.backward()
    assert (model.classifier.missing.grad.abs().sum(dim=1) > 0).all()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_is_saved_and_loaded_and_its_encoder_stands_alone(model, tmp_path):
    torch.nn.init.normal_(model.classifier.missing)
    model.save_pretrained(tmp_path)
    again = AutoModelForECGClassification.from_pretrained(tmp_path).eval()
    assert again.config.covariates == ["age", "sex"] and again.config.num_covariates == 2
    wanted = model(VALUES, covariates=COVARIATES).logits
    assert torch.equal(again(VALUES, covariates=COVARIATES).logits, wanted)
    _, info = ECGResNetModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    empty = ECGResNetForECGClassification.from_pretrained(None, config=model.config, state_dict={})
    assert not empty.classifier.missing.any()


def test_a_model_without_covariates_is_what_it_was():
    set_seed(0)
    plain = ECGResNetForECGClassification(ECGResNetConfig(**SMALL))
    assert not {"covariates", "covariate_mean", "covariate_scale"} & set(plain.config.to_dict())
    assert type(plain.classifier) is torch.nn.Linear
    set_seed(0)
    encoder = ECGResNetModel(ECGResNetConfig(**SMALL))
    layer = torch.nn.Linear(encoder.config.hidden_size, 3)
    assert plain.classifier.weight.shape == layer.weight.shape
    assert set(plain.state_dict()) == {*(f"encoder.{key}" for key in encoder.state_dict()), *CLASSIFIER}


CLASSIFIER = ("classifier.weight", "classifier.bias")


@pytest.mark.parametrize("name", FIRST_OF_A_CLASS)
def test_every_family_takes_them(name):
    model_class, config, inputs, _ = CASES[name]
    config = config()
    config.covariates, config.covariate_mean, config.covariate_scale = TOLD.values()
    set_seed(0)
    model, given = model_class(config).eval(), inputs(2, torch.Generator().manual_seed(1))
    old, young = (model(**given, covariates=torch.tensor([[age, 1.0]] * 2)).logits for age in (80.0, 30.0))
    assert old.shape == young.shape and (old != young).any(dim=1).all()
    assert model(**model.dummy_inputs).logits.isfinite().all()


@pytest.mark.parametrize(
    "given, message",
    [
        (None, r"wants covariates \(batch, 2\): age, sex; NaN where not known"),
        (torch.zeros(3, 1), r"shape \(3, 1\), wanted \(batch, 2\): age, sex"),
        (torch.zeros(3, 2, dtype=torch.int64), "type torch.int64, wanted a float tensor"),
        ([[1.0, 2.0]] * 3, "type list, wanted a float tensor"),
        (torch.full((3, 2), torch.inf), "infinite value"),
    ],
)
def test_what_does_not_fit_is_refused(model, given, message):
    with pytest.raises(ValueError, match=message):
        model(VALUES, covariates=given)


def test_a_head_without_covariates_refuses_them():
    plain = ECGResNetForECGClassification(ECGResNetConfig(**SMALL))
    with pytest.raises(ValueError, match="was given covariates, but its configuration names none"):
        plain(VALUES, covariates=COVARIATES)


@pytest.mark.parametrize(
    "options",
    [
        {"covariates": []},
        {"covariates": ["age", "age"]},
        {"covariate_mean": [60.0]},
        {"covariate_scale": [15.0, 0.0]},
        {"covariates": None},
    ],
)
def test_impossible_configurations_are_refused(options):
    with pytest.raises(StrictDataclassClassValidationError, match="covariate"):
        ECGResNetConfig(**SMALL, **(TOLD | options))


def test_a_number_alone_names_them_by_their_places():
    assert ECGResNetConfig(**SMALL, num_covariates=2).covariates == ["covariate_0", "covariate_1"]
    assert ECGResNetConfig(**SMALL).num_covariates == 0
    with pytest.raises((ValueError, StrictDataclassError), match="num_covariates is 3, but covariates are"):
        ECGResNetConfig(**SMALL, **TOLD, num_covariates=3)


@pytest.mark.large
def test_it_is_exported_for_any_number_of_records(model):
    batch = Dim("batch", min=2, max=64)
    given = {"input_values": VALUES, "covariates": COVARIATES}
    axes = {name: {0: batch} for name in given}
    program = torch.export.export(model, (), given, dynamic_shapes=axes, strict=False).module()
    two = {key: value[:2] for key, value in given.items()}
    torch.testing.assert_close(program(**two).logits, model(**two).logits)


def test_a_hidden_layer_of_the_covariates_stands_before_the_linear_one(tmp_path):
    set_seed(0)
    config = ECGResNetConfig(**SMALL, **TOLD, covariate_hidden_size=6)
    model = ECGResNetForECGClassification(config).eval()
    layer, known = model.classifier, torch.tensor([[75.0, 1.0]])
    hidden = torch.relu(torch.tensor([[1.0, 0.0, 1.0, 0.0]]) @ layer.hidden.weight.T + layer.hidden.bias)
    pooled = model.encoder(VALUES[:1]).pooler_output
    wanted = torch.cat([pooled, hidden], dim=1) @ layer.linear.weight.T + layer.linear.bias
    torch.testing.assert_close(model(VALUES[:1], covariates=known).logits, wanted)
    assert layer.hidden.weight.std() > 0.2 and (layer.missing == 0).all()
    model.save_pretrained(tmp_path)
    again = AutoModelForECGClassification.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(VALUES[:1], covariates=known).logits, wanted)
    with pytest.raises((ValueError, StrictDataclassError), match="covariate_hidden_size is 0"):
        ECGResNetConfig(**SMALL, **TOLD, covariate_hidden_size=0)
    with pytest.raises((ValueError, StrictDataclassError), match="covariate_hidden_size is 6 for the covariates None"):
        ECGResNetConfig(**SMALL, covariate_hidden_size=6)
