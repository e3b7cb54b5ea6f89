"""Checkpoints of ECG-CLIP's released code (dt-yuhui/ECG-CLIP, VHD-Survival): MERL's trunk over eight leads."""

from typing import Any

from transformers import PreTrainedModel

from ...processing import ECGFeatureExtractor
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from ..shared.modeling_survival import EIGHTHS_OF_A_YEAR
from .configuration_ecg_resnet import ECGResNetConfig
from .convert_ecg_resnet import our_trunk_name
from .modeling_ecg_resnet import ECGResNetForECGSurvival, ECGResNetModel

ECGCLIP_VARIANTS: dict[str, dict[str, Any]] = {
    "ecgclip-resnet18": {"depths": [2, 2, 2, 2]},
    "ecgclip-resnet34": {"depths": [3, 4, 6, 3]},
}
EIGHT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
# the rate of the original's files, at which it filters, and their 10 s
_FILE_RATE, _FILE_SAMPLES = 500, 5000


def convert_ecgclip(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """A checkpoint with its head of 39 intervals as a survival model; one without a head as the bare trunk.

    Args:
        source: one of `ECGCLIP_VARIANTS`.
        checkpoint: path or content of a file that the released code's training wrote.

    Raises:
        ValueError: missing or unknown keys, another variant's tensors, another number of intervals, an unsafe file.
    """
    state = {str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()}
    config = ecgclip_config(source)
    if not any(key.startswith("linear.") for key in state):
        trunk = ECGResNetModel(config)
        load_renamed(trunk, state, our_trunk_name, {}, source)
        return trunk.eval(), ecgclip_feature_extractor()
    model = ECGResNetForECGSurvival(config)
    load_renamed(model, state, _our_name, {}, source)
    return model.eval(), ecgclip_feature_extractor()


def ecgclip_config(source: str) -> ECGResNetConfig:
    """Of one of `ECGCLIP_VARIANTS`. The curve rises to 1 at the record's day; `compat_flat_survival_start` gives the
    released code's figures before day 45.6."""
    return ECGResNetConfig(
        num_leads=len(EIGHT_LEADS),
        num_samples=4096,
        sampling_rate=400,
        survival_breaks=list(EIGHTHS_OF_A_YEAR),
        **ECGCLIP_VARIANTS[source],
    )


def ecgclip_feature_extractor() -> ECGFeatureExtractor:
    """ECG-CLIP's preparation (VHD-Survival/factory/ecg.py): two filters at 500 Hz, 400 Hz, zeros around, millivolts.

    The original reads files of 500 Hz and 10 s. Here another rate is brought to 500 Hz first, a longer record gives
    its first 10 s, and what a shorter one lacks is masked. The zeros around count as recorded: the original's model
    sees them too.
    """
    two_ways = {"form": "ba", "zero_phase": True}
    return ECGFeatureExtractor(
        sampling_rate=400,
        leads=list(EIGHT_LEADS),
        num_samples=4096,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "fill_missing", "method": "linear"},
            {"name": "resample", "method": "polyphase", "target_rate": _FILE_RATE},
            {"name": "crop", "num_samples": _FILE_SAMPLES},
            *filter_steps(two_ways),
            {"name": "resample", "method": "polyphase", "edges": "zero"},
            {"name": "pad", "num_samples": 4000},
            {"name": "pad", "position": "both", "masked": False},
        ],
    )


def filter_steps(two_ways: dict) -> list[dict]:
    """Band-pass, then the mains and their harmonics."""
    band = {"name": "bandpass", "low_hz": 0.5, "high_hz": 100.0, "order": 3, "edges": "gust"}
    mains = {"name": "notch", "frequency_hz": 50.0, "quality": 30.0, "harmonics": True, "edges": "constant"}
    return [{"name": "filter", "filter": one | two_ways} for one in (band, mains)]


def _our_name(key: str) -> str | None:
    if key.startswith("linear."):
        return f"classifier.{key.removeprefix('linear.')}"
    name = our_trunk_name(key)
    return None if name is None else f"encoder.{name}"
