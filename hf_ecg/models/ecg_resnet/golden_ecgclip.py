"""ECG-CLIP's trunk with its survival head, and its preparation, as golden cases."""

import numpy as np
import torch

from ...golden_cases import GoldenCase
from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from .convert_ecgclip import ECGCLIP_VARIANTS, EIGHT_LEADS, ecgclip_feature_extractor

STAGES = ("stem_slice", "layer1_slice", "layer2_slice", "layer3_slice", "layer4_slice")


def survival_model(case: GoldenCase) -> dict:
    """The stages, the mean over time, and the head; from the file's layout, with the prefix of data parallelism."""
    state = {f"module.{key}": value for key, value in case.state_dict.items()}
    model, _ = case.convert(case.name, {"state_dict": state})
    with torch.no_grad():
        outputs = model(case.inputs["input"], output_hidden_states=True)
        pooled = model.encoder(case.inputs["input"]).pooler_output
    states = dict(zip(STAGES, (one.transpose(1, 2) for one in outputs.hidden_states), strict=True))
    head = {"logits": outputs.logits, "survival_probabilities": outputs.logits.sigmoid()}
    return states | {"pooled": pooled} | head


def preparation(case: GoldenCase) -> dict:
    """Step by step as the extractor does it; and the limb leads that are linear in two of them."""
    time = np.arange(5000) / 500
    ecg = case.inputs["ecg"].numpy().astype(np.float64).cumsum(axis=0) * 0.02
    ecg = (ecg + 0.5 * np.sin(2 * np.pi * 50 * time)[:, None]).T
    whole = ecgclip_feature_extractor()
    band, notch = (number for number, step in enumerate(whole.steps, start=1) if step["name"] == "filter")

    def prepared(steps, rate=500, leads=EIGHT_LEADS):
        return ECGFeatureExtractor(rate, list(leads), None, steps)(ecg, 500, EIGHT_LEADS, "mV").input_values[0].T

    return {
        "bandpass_slice": prepared(whole.steps[:band])[::10],
        "notch_slice": prepared(whole.steps[:notch])[::10],
        "resampled_slice": prepared(whole.steps[: notch + 1], rate=400)[::10],
        "padded_slice": whole(ecg, 500, EIGHT_LEADS, "mV").input_values[0].T[::8],
        "lead12_slice": prepared([], leads=STANDARD_LEADS)[::50],
    }


GOLDEN = {name: survival_model for name in ECGCLIP_VARIANTS} | {"ecgclip-preprocess": preparation}
NOT_COMPARED = {
    "ecgclip-preprocess": {
        "baseline_correction_slice": "an elliptic high-pass that the released code defines and never runs"
    }
}
