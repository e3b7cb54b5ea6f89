from hf_ecg import MELPConfig, MELPForECGClassification, MELPModel
from tests.models.published_melp import original_state
from tests.models.tiny.ecg_fm import ecg_fm_config
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms

SIZES = {
    "num_samples": NUM_SAMPLES,
    "hidden_size": 16,
    "num_beat_queries": 3,
    "num_caption_queries": 5,
    "caption_size": 24,
    "num_pooling_heads": 2,
    "initializer_range": 0.1,  # of so few channels 0.02 leaves nothing to tell records apart by
}


def melp_config(**options):
    return MELPConfig(**{"body_config": ecg_fm_config(initializer_range=0.1)} | SIZES | options)


CASES = {
    "melp, masked": (MELPModel, melp_config, masked, "pooler_output"),
    "melp head": (MELPForECGClassification, lambda: melp_config(num_labels=3), waveforms, "logits"),
}

PUBLISHED = {"model.safetensors": original_state}


def narrow(monkeypatch):
    """Nothing: the converter reads all sizes from the file."""
