"""CLEF's published encoders (Nokia-Bell-Labs/ecg-foundation-model) and ECGFounder's (PKUDigitalHealth/ECGFounder)."""

import re
from importlib import resources

from transformers import initialization as init
from transformers.utils import logging

from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_ecg_resnext import SIZES, ECGResNeXtConfig
from .modeling_ecg_resnext import ECGResNeXtForECGClassification, ECGResNeXtModel

logger = logging.get_logger(__name__)

CLEF_SIZES = {"clef-small": "small", "clef-medium": "medium", "clef-large": "large"}
ECGFOUNDER_LEADS = {"ecgfounder-12lead": STANDARD_LEADS, "ecgfounder-1lead": ("I",)}
BLOCK = r"stage_list\.(\d+)\.block_list\.(\d+)\."
BATCH_NORM = re.compile(rf"(?:first_bn|{BLOCK}bn[123])\.(?:weight|bias|running_mean|running_var|num_batches_tracked)")
UNUSED = {"BatchNorm (`bn1`, `bn2`, `bn3`, `first_bn`)": "in the files, but never applied (`use_bn=False`)"}
INSIDE = {
    "conv1.conv": "project_in",
    "conv2.conv": "convolution",
    "conv3.conv": "project_out",
    "se_fc1": "gate.squeeze",
    "se_fc2": "gate.excite",
}


def convert_clef(source: str, checkpoint) -> tuple[ECGResNeXtModel, ECGFeatureExtractor]:
    """A CLEF encoder and its preprocessing.

    Args:
        source: one of `CLEF_SIZES`.
        checkpoint: path or content of the published Lightning file, whose tensors are named `backbone.*`, or of one
            without that prefix.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    # every tensor comes from the checkpoint or it is refused: random ones of 300 million would only cost time
    with init.no_init_weights():
        model = ECGResNeXtModel(clef_config(source))
    _load(model, unwrap(read_checkpoint(checkpoint)), source, encoder="")
    return model.eval(), clef_feature_extractor()


def convert_ecgfounder(source: str, checkpoint) -> tuple[ECGResNeXtForECGClassification, ECGFeatureExtractor]:
    """An ECGFounder classifier of 150 named statements (sigmoid, multi-label) and its preprocessing.

    Args:
        source: one of `ECGFOUNDER_LEADS`.
        checkpoint: path or content of the published `.pth`, its tensors under `state_dict`.

    Raises:
        ValueError: missing or unknown keys (both lists), the tensors of the other number of leads, an unsafe file.
    """
    with init.no_init_weights():
        model = ECGResNeXtForECGClassification(ecgfounder_config(source))
    _load(model, unwrap(read_checkpoint(checkpoint)), source, encoder="encoder.")
    return model.eval(), ecgfounder_feature_extractor(ECGFOUNDER_LEADS[source])


def clef_config(source: str) -> ECGResNeXtConfig:
    """Of one of `CLEF_SIZES`."""
    return ECGResNeXtConfig(**SIZES[CLEF_SIZES[source]])


def ecgfounder_config(source: str) -> ECGResNeXtConfig:
    """Of one of `ECGFOUNDER_LEADS`."""
    labels = ecgfounder_labels()
    return ECGResNeXtConfig(
        **SIZES["medium"],
        num_leads=len(ECGFOUNDER_LEADS[source]),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        problem_type="multi_label_classification",
    )


def clef_feature_extractor() -> ECGFeatureExtractor:
    """CLEF's preprocessing of one lead, any of the twelve: the pretraining drew all of them.

    Missing samples by interpolation, Butterworth band-pass, z-score (clef/data/contrastive_dataloader.py). The
    original takes 500 Hz for granted; records of another rate are resampled here. Any duration: the encoder has no
    length of its own, and a batch is padded to its longest record.
    """
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(STANDARD_LEADS),
        num_samples=None,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "pick_lead"},
            {"name": "fill_missing", "method": "linear"},
            {"name": "resample", "method": "polyphase"},
            {"name": "filter", "filter": _bandpass(order=5)},
            {"name": "normalise", "method": "zscore", "over": "lead", "epsilon": 1e-8},
        ],
    )


def ecgfounder_feature_extractor(leads=STANDARD_LEADS) -> ECGFeatureExtractor:
    """ECGFounder's preprocessing, as its README wants it.

    Missing samples become zero; notch, Butterworth band-pass and minus the running median, each lead on its own; one
    z-score over all leads (dataset.py, util.py). Its own evaluation script leaves all filters out.

    The original interpolates any record to 5,000 samples, so that one that is not 10 s long changes its heart rate.
    Here another rate is resampled by the same linear interpolation in true time, and another duration is refused.

    Args:
        leads: names of the leads, in the model's order; for the single-lead model those that it accepts.
    """
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(leads),
        num_samples=5000,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads" if len(leads) > 1 else "pick_lead"},
            {"name": "fill_missing", "method": "zero"},
            {"name": "resample", "method": "linear", "edges": "repeat"},
            {
                "name": "filter",
                "filter": {"name": "notch", "frequency_hz": 50, "quality": 30, "form": "ba", "zero_phase": True},
            },
            {"name": "filter", "filter": _bandpass(order=4)},
            {"name": "subtract_median", "seconds": 0.4, "edges": "zero"},
            {"name": "normalise", "method": "zscore", "over": "record", "epsilon": 1e-8},
        ],
    )


def ecgfounder_labels() -> list[str]:
    """The names of ECGFounder's 150 outputs, in their order (tasks.txt of its repository, MIT)."""
    text = resources.files(__package__).joinpath("ecgfounder_labels.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _bandpass(order: int) -> dict:
    return {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": order, "form": "ba", "zero_phase": True}


def _load(model, state: dict, source: str, encoder: str) -> None:
    """Fill the model, whose encoder's tensors begin with `encoder`, from an original's state dict."""
    prefix = "backbone."
    twice = sorted(str(key) for key in state if prefix + str(key) in state)
    if twice:
        raise ValueError(f"this is not a checkpoint of {source}: it holds {twice[:5]} with and without {prefix}")
    state = {str(key).removeprefix(prefix): value for key, value in state.items()}
    depths = model.config.depths
    used = {key: _without_kernel_axis(key, value) for key, value in state.items() if not _is_batch_norm(key, depths)}
    if left_out := len(state) - len(used):
        logger.info("%d tensors are not used: %s", left_out, "; ".join(": ".join(item) for item in UNUSED.items()))
    load_renamed(model, used, lambda key: _our_name(key, encoder), {}, source)


def _is_batch_norm(key: str, depths: list[int]) -> bool:
    match = BATCH_NORM.fullmatch(key)
    if match is None:
        return False
    stage, block = match[1], match[2]
    return stage is None or (int(stage) < len(depths) and int(block) < depths[int(stage)])


def _without_kernel_axis(key: str, value):
    """A convolution of one sample is a linear layer here."""
    is_linear = re.fullmatch(rf"{BLOCK}conv[13]\.conv\.weight", key) and getattr(value, "ndim", 0) == 3
    return value.squeeze(-1) if is_linear else value


def _our_name(key: str, encoder: str) -> str | None:
    if match := re.fullmatch(r"first_conv\.conv\.(weight|bias)", key):
        return f"{encoder}stem.convolution.{match[1]}"
    if match := re.fullmatch(r"dense\.(weight|bias)", key):
        return f"classifier.{match[1]}"
    match = re.fullmatch(rf"{BLOCK}({'|'.join(map(re.escape, INSIDE))})\.(weight|bias)", key)
    if match is None:
        return None
    return f"{encoder}stages.{match[1]}.blocks.{match[2]}.{INSIDE[match[3]]}.{match[4]}"
