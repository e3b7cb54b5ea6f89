"""What the head of every encoder does: targets in their units, dropout."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError

from hf_ecg import (
    AutoModelForECGClassification,
    AutoModelForECGSurvival,
    ECGResNetConfig,
    ECGResNetForECGClassification,
    ECGResNeXtConfig,
    ECGResNeXtForECGClassification,
)
from hf_ecg.auto import FAMILIES as REGISTERED
from tests.models.tiny import CASES

OURS = [family for family in REGISTERED.values() if family.config.__module__.startswith("hf_ecg.")]
FAMILIES_WITH_SURVIVAL = [family for family in OURS if family.survival is not None]
SMALL = {"num_leads": 2, "num_samples": 100, "depths": [1], "widths": [8]}
AGES = {"id2label": {0: "age", 1: "bmi"}, "problem_type": "regression"}
FAMILIES = [(ECGResNetConfig, ECGResNetForECGClassification), (ECGResNeXtConfig, ECGResNeXtForECGClassification)]


@pytest.mark.parametrize("config_class, model_class", FAMILIES)
def test_a_regression_works_on_standardised_targets_and_speaks_in_units(config_class, model_class, tmp_path):
    plain = model_class(config_class(**SMALL, **AGES)).eval()
    units = model_class(config_class(**SMALL, **AGES, target_mean=[60.0, 25.0], target_scale=[15.0, 4.0])).eval()
    units.load_state_dict(plain.state_dict())
    values = torch.randn(3, 2, 100)
    scale, mean = torch.tensor([15.0, 4.0]), torch.tensor([60.0, 25.0])
    raw = plain(values).logits
    labels = torch.tensor([[70.0, 30.0], [50.0, torch.nan], [61.0, 22.0]])
    found = units(values, labels=labels)
    torch.testing.assert_close(found.logits, raw * scale + mean)
    torch.testing.assert_close(found.loss, plain(values, labels=(labels - mean) / scale).loss)
    units.save_pretrained(tmp_path)
    again = AutoModelForECGClassification.from_pretrained(tmp_path).eval()
    assert torch.equal(again(values).logits, found.logits)
    # a model without targets is saved as ever
    assert not {"target_mean", "target_scale"} & set(plain.config.to_dict())


def test_a_regression_may_spare_outliers_and_draw_them_in():
    units = {"target_mean": [60.0, 25.0], "target_scale": [15.0, 4.0]}
    torch.manual_seed(0)
    config = ECGResNetConfig(**SMALL, **AGES, **units, regression_loss="smooth_l1", target_limit=2.0)
    model, values = ECGResNetForECGClassification(config).eval(), torch.randn(3, 2, 100)
    labels = torch.tensor([[70.0, 90.0], [torch.nan, 24.0], [-400.0, 22.0]])
    found = model(values, labels=labels)
    losses = []
    for row, label in zip(found.logits.tolist(), labels.tolist(), strict=True):
        for value, wanted, mean, scale in zip(row, label, *units.values(), strict=True):
            if wanted == wanted:
                error = abs((value - mean) / scale - min(max((wanted - mean) / scale, -2.0), 2.0))
                losses.append(error**2 / 2 if error < 1 else error - 0.5)
    assert found.loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    for options, message in (
        ({"regression_loss": "smooth_l2"}, "regression_loss is 'smooth_l2'.*wanted one of squared, smooth_l1"),
        ({"target_limit": 0.0}, "target_limit is 0.0"),
        ({"target_limit": 2.0, "target_mean": None, "target_scale": None}, "beside a target_scale"),
    ):
        with pytest.raises(StrictDataclassClassValidationError, match=message):
            ECGResNetConfig(**SMALL, **AGES, **(units | options))


@pytest.mark.parametrize("values", [{"target_mean": [1.0]}, {"target_mean": [1.0, 2.0], "target_scale": [1.0, 0.0]}])
def test_impossible_units_are_refused(values):
    with pytest.raises(StrictDataclassClassValidationError, match="wanted 2 numbers each"):
        ECGResNetConfig(**SMALL, **AGES, **values)


@pytest.mark.parametrize("config_class, model_class", FAMILIES)
def test_dropout_stands_before_the_head_and_acts_in_training_only(config_class, model_class):
    model = model_class(config_class(**SMALL, num_labels=3, classifier_dropout=1.0))
    torch.nn.init.normal_(model.classifier.bias)
    values = torch.randn(4, 2, 100)
    # everything is dropped: what is left of the head is its bias
    torch.testing.assert_close(model.train()(values).logits, model.classifier.bias.expand(4, -1))
    assert not torch.allclose(model.eval()(values).logits, model.classifier.bias.expand(4, -1), atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES_WITH_SURVIVAL, ids=lambda family: family.config.model_type)
def test_a_survival_head_learns_and_is_loaded_by_its_auto_class(family, tmp_path):
    torch.manual_seed(0)
    case = next(case for case in CASES.values() if case[0] is family.classifier)
    config, inputs = case[1](), case[2](2, torch.Generator().manual_seed(1))
    config.survival_breaks = [0, 10, 20]
    model = family.survival(config).eval()
    labels = torch.tensor([[15.0, 1.0], [12.0, 0.0]])
    outputs = model(**inputs, labels=labels)
    outlives = outputs.logits.sigmoid()
    # the second was seen for a fifth of the second interval only
    wanted = -(outlives[:, 0].log().sum() + (1 - outlives[0, 1]).log())
    torch.testing.assert_close(outputs.loss, wanted)
    outputs.loss.backward()
    assert model.get_input_embeddings().weight.grad.abs().sum() > 0
    model.save_pretrained(tmp_path)
    again = AutoModelForECGSurvival.from_pretrained(tmp_path).eval()
    assert type(again) is family.survival and torch.equal(again(**inputs).logits, outputs.logits)
    assert again.config.id2label == {0: "0 to 10", 1: "10 to 20"}
