"""CLEF's encoders, ECGFounder's classifiers, and the preparation of both, as golden cases."""

from typing import Any

import numpy as np
import torch

from ...golden_cases import GoldenCase, Rough
from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from ..shared.roles import ecg_encoder
from .convert_ecg_resnext import CLEF_SIZES, ECGFOUNDER_LEADS, clef_feature_extractor, ecgfounder_feature_extractor


def network(case: GoldenCase) -> dict:
    """The first convolution, the stages, their mean over time, and the logits of a classifier."""
    model, _ = case.convert(case.name)
    encoder: Any = ecg_encoder(model)
    found: dict[str, torch.Tensor] = {}
    hook = encoder.stem.convolution.register_forward_hook(
        lambda _, inputs, output: found.update(first_conv=output.clone())  # the activation changes it in place
    )
    with torch.no_grad():
        outputs = encoder(case.inputs["input"], output_hidden_states=True)
        hook.remove()
        last = outputs.pooler_output if encoder is model else model(case.inputs["input"]).logits
    names = ["stem", *(f"stage{number}" for number in range(len(encoder.stages)))]
    states = (one.transpose(1, 2) for one in outputs.hidden_states)
    return found | dict(zip(names, states, strict=True)) | {"pooled": outputs.pooler_output, "output": last}


# Polynomials of order 5 from 0.67 Hz at 500 Hz: one unit in the last place of a coefficient moves the result by some
# microvolts, slowly. Second differences do not see that; the z-score hands a part of it on.
_ILL_CONDITIONED = "rounding of this filter's coefficients differs between machines"


def preparation(case: GoldenCase) -> dict:
    """Both extractors, and what stands before their last step."""
    ecg, found = case.stored("in.ecg500"), {}
    for name, extractor in (("clef", clef_feature_extractor()), ("ecgfounder", ecgfounder_feature_extractor())):
        before = ECGFeatureExtractor(500, extractor.leads, extractor.num_samples, extractor.steps[:-1])
        for kind, one in (("final", extractor), ("filtered", before)):
            if name == "ecgfounder":
                found[f"{name}.{kind}"] = one(ecg, 500, STANDARD_LEADS, "mV").input_values[0]
                continue
            for number, lead in enumerate(("I", "II")):
                values = one(ecg, 500, STANDARD_LEADS, "mV", lead=lead).input_values[0, 0]
                found[f"{name}.{kind}_lead{number}"] = Rough(values, _second_differences, 5e-4, 1e-2, _ILL_CONDITIONED)
    return found


def _second_differences(signals: np.ndarray) -> np.ndarray:
    return np.diff(signals.astype(np.float64), 2)


GOLDEN = {name: network for name in (*CLEF_SIZES, *ECGFOUNDER_LEADS)} | {"preprocess-originals": preparation}
