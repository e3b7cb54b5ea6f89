from functools import partial

from hf_ecg import (
    ECGInceptionConfig,
    ECGInceptionForECGClassification,
    ECGInceptionForECGSurvival,
    ECGInceptionModel,
)
from hf_ecg.models.ecg_inception import convert_ecg_inception
from tests.models.published_inception import original_state
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms


def inception_config(**options):
    sizes = {"num_leads": 12, "num_samples": NUM_SAMPLES, "sampling_rate": 100, "stem_widths": [4], "width": 3}
    return ECGInceptionConfig(**sizes | {"kernel_sizes": [3, 7], "blocks_per_group": 1} | options)


CASES = {
    "inception": (ECGInceptionModel, inception_config, waveforms, "pooler_output"),
    "inception, masked": (ECGInceptionModel, lambda: inception_config(num_groups=1), masked, "pooler_output"),
    "inception head": (ECGInceptionForECGClassification, lambda: inception_config(num_labels=3), waveforms, "logits"),
    "inception survival": (
        ECGInceptionForECGSurvival,
        lambda: inception_config(survival_breaks=[0, 365, 730.5, 1000]),
        waveforms,
        "logits",
    ),
}

PUBLISHED = {"val_fold_0_checkpoint_000005.pt": original_state}


def narrow(monkeypatch):
    config = convert_ecg_inception.ahus_config().to_dict()
    small = config | {"stem_widths": [4, 4], "width": 4, "hidden_size": 16}
    small.pop("model_type")
    monkeypatch.setattr(convert_ecg_inception, "ahus_config", partial(ECGInceptionConfig, **small))
