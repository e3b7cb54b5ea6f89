"""MERL's ResNet trunks, and its preparation, as golden cases."""

import numpy as np
import torch

from ...golden_cases import GoldenCase
from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS, normalise
from ..shared.merl import MIMIC_LEADS, merl_feature_extractor
from . import golden_ecgclip
from .convert_ecg_resnet import VARIANTS

STAGES = ("stem", "layer1", "layer2", "layer3", "layer4")


def trunk(case: GoldenCase) -> dict:
    """The stages and the mean over time."""
    model, _ = case.convert(case.name)
    with torch.no_grad():
        outputs = model(case.inputs["ecg"], output_hidden_states=True)
    states = (one.transpose(1, 2) for one in outputs.hidden_states)
    return dict(zip(STAGES, states, strict=True)) | {"encoder_avgpool": outputs.pooler_output}


def preparation(case: GoldenCase) -> dict:
    """What the downstream code does, by the extractor; and the pretraining's, which truncates to thousandths."""
    ecg, extractor = case.stored("in.ecg500"), merl_feature_extractor()
    halved = [{"name": "crop", "num_samples": 2500}, {"name": "pad", "num_samples": 5000}]
    half = ECGFeatureExtractor(500, list(MIMIC_LEADS), 5000, [*halved, extractor.steps[-1]])
    thousandths = np.trunc(normalise(ecg.astype(np.float64), "minmax", "record", epsilon=0.0) * 1000)
    return {
        "merl.downstream": extractor(ecg, 500, STANDARD_LEADS, "mV").input_values[0],
        "merl.downstream_cpsc2018": half(ecg, 500, STANDARD_LEADS, "mV").input_values[0],
        "merl.pretrain_from_mimic_order": thousandths / 1000,
    }


GOLDEN = golden_ecgclip.GOLDEN | {name: trunk for name in VARIANTS} | {"preprocess-originals": preparation}
NOT_COMPARED = golden_ecgclip.NOT_COMPARED
