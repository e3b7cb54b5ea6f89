"""Classes that count more in a single-label loss."""

import pytest
import torch
from torch.nn import functional as F

from hf_ecg import ECGResNetConfig, ECGResNetForECGClassification

SMALL = {"num_leads": 1, "num_samples": 20, "sampling_rate": 20, "depths": [1], "widths": [4], "num_labels": 3}


def test_a_label_counts_as_its_class_weighs(tmp_path):
    torch.manual_seed(0)
    weights = [1.0, 2.5, 10.0]
    config = ECGResNetConfig(**SMALL, problem_type="single_label_classification", class_weights=weights)
    model = ECGResNetForECGClassification(config).eval()
    values, labels = torch.randn(6, 1, 20), torch.tensor([0, 0, 1, 2, 2, 0])
    output = model(values, labels=labels)
    chosen = torch.tensor(weights)[labels]
    losses = F.cross_entropy(output.logits, labels, reduction="none")
    torch.testing.assert_close(output.loss, (chosen * losses).sum() / chosen.sum())
    model.save_pretrained(tmp_path)
    again = ECGResNetForECGClassification.from_pretrained(tmp_path)
    assert again.config.class_weights == weights
    assert "class_weights" not in ECGResNetConfig(**SMALL).to_dict()


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, 0.0, 1.0], [1.0, float("nan"), 1.0]])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="class_weights are .*, wanted 3 positive numbers, one a class"):
        ECGResNetConfig(**SMALL, class_weights=weights)
