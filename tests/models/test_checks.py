"""What configurations, masks and labels may not be."""

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError

from hf_ecg import ECGResNetConfig, ECGResNetModel, ECGTextConfig
from hf_ecg.models.shared.modeling_ecg import classification_loss


@pytest.mark.parametrize(
    ("config_class", "values"),
    [
        (ECGResNetConfig, {"num_leads": 0}),
        (ECGResNetConfig, {"num_samples": -5}),
        (ECGResNetConfig, {"sampling_rate": float("nan")}),
        (ECGResNetConfig, {"stem_kernel_size": -7}),
        (ECGTextConfig, {"projection_dim": 0}),
        (ECGTextConfig, {"projection_hidden_size": -1}),
    ],
)
def test_a_size_that_no_network_has_is_refused(config_class, values):
    with pytest.raises(StrictDataclassError, match=f"{next(iter(values))} is .*, wanted"):
        config_class(**values)


def test_a_mask_of_another_shape_is_refused():
    model = ECGResNetModel(ECGResNetConfig(num_leads=2, depths=[1], widths=[4]))
    signals = torch.zeros(3, 2, 50)
    with pytest.raises(ValueError, match=r"lead_mask has shape \(3, 1\), wanted \(3, 2\)"):
        model(signals, lead_mask=torch.ones(3, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"sample_mask has shape \(3, 49\), wanted \(3, 50\)"):
        model(signals, sample_mask=torch.ones(3, 49, dtype=torch.bool))


@pytest.mark.parametrize("wrong", ["x", [1], 5])
def test_what_is_no_tensor_is_refused(wrong):
    model = ECGResNetModel(ECGResNetConfig(num_leads=2, depths=[1], widths=[4]))
    with pytest.raises(ValueError, match="input_values is of type .*, wanted a tensor"):
        model(wrong)
    for name in ("lead_mask", "sample_mask"):
        with pytest.raises(ValueError, match=f"{name} is of type .*, wanted a tensor"):
            model(torch.zeros(3, 2, 50), **{name: wrong})


@pytest.mark.parametrize("wrong", [-1.0, 2.0, float("inf")])
def test_labels_outside_zero_to_one_are_refused(wrong):
    config = ECGResNetConfig(problem_type="multi_label_classification", num_labels=2)
    labels = torch.tensor([[1.0, 0.3], [float("nan"), wrong]])
    with pytest.raises(ValueError, match="labels go from .* wants 0 to 1, NaN where not annotated"):
        classification_loss(config, torch.zeros(2, 2), labels)
    labels[1, 1] = 0.0
    assert classification_loss(config, torch.zeros(2, 2), labels).isfinite()
