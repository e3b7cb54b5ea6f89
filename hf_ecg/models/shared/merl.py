"""What MERL's trunks of both kinds have in common: their preparation, the layout of their files, their origin.

Source: cheliu-computation/MERL-ICML2024 at 38799b7, utils/utils_builder.py and finetune/finetune_dataset.py.
"""

from typing import Any

from ...processing import ECGFeatureExtractor
from .conversion import read_checkpoint, unwrap

# The order of leads in MIMIC-IV-ECG's files, which MERL keeps: aVF before aVL.
MIMIC_LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
TRUNK = "ecg_encoder."
# Of the whole dual encoder, when the trunk alone is wanted.
UNUSED_OF_A_TRUNK = {
    "linear1.": "a projection of the pretraining only",
    "linear2.": "a projection of the pretraining only",
    "proj_t.": "projection of the text tower",
    "lm_model.": "text tower (MedCPT), published by its own authors",
}
# Fields of `Source` that all of MERL's weights share.
ORIGIN: dict[str, Any] = {
    "repository": "https://github.com/cheliu-computation/MERL-ICML2024",
    "commit": "38799b7deb1c9958f41badcfacc6a95192787cc4",
    "paper": "Liu et al., Zero-Shot ECG Classification with Multimodal Learning and Test-time Clinical Knowledge"
    " Enhancement, ICML 2024 (arXiv 2403.06659)",
    "licence": "mit",
    "preparation": "A missing sample becomes the mean of its six neighbours on either side; then the whole record is"
    " scaled to 0..1. Leads stand in the order of MIMIC-IV-ECG's files, **aVF before aVL**. The pretraining also"
    " rounded to 1/1000 of a record's range; the downstream code does not, nor does the extractor.",
}
CAVEATS = (
    "The scaling takes the voltage away: criteria such as those of hypertrophy are not visible to the model.",
    "Pretrained on MIMIC-IV-ECG with a random split by record, so the same patients are on both sides of it.",
    "The published linear probe takes PTB-XL's sub-classes by position from tables whose columns are ordered"
    " differently for training and test, and its CSN labels by substring: its figures for these two are not"
    " comparable with ours.",
)


def merl_feature_extractor() -> ECGFeatureExtractor:
    """MERL's preprocessing: missing samples by the mean of 6 neighbours on either side, the record to 0..1.

    Source: finetune/finetune_dataset.py and the preprocessing notebooks. The pretraining also rounded to 1/1000 of the
    range; the downstream code does not, nor does this.
    """
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(MIMIC_LEADS),
        num_samples=5000,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "fill_missing", "method": "neighbour_mean", "neighbours": 6},
            {"name": "normalise", "method": "minmax", "over": "record", "epsilon": 1e-8},
        ],
    )


def trunk_tensors(checkpoint, source: str) -> dict:
    """Tensors of a file, those of the trunk without the prefix that they have in the whole model.

    Args:
        checkpoint: path or content of `*_ckpt.pth` (the whole dual encoder), `*_encoder.pth` (the trunk), or an epoch
            checkpoint.
        source: name of the source, for errors.

    Raises:
        ValueError: tensors with and without the prefix, an unsafe file.
    """
    state = unwrap(read_checkpoint(checkpoint))
    twice = sorted(str(key) for key in state if TRUNK + str(key) in state)
    if twice:
        raise ValueError(f"this is not a checkpoint of {source}: it holds {twice[:5]} with and without {TRUNK}")
    return {str(key).removeprefix(TRUNK): value for key, value in state.items()}
