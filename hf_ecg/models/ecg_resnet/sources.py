"""MERL's published trunks."""

from functools import partial

from ..shared.family import Source
from .convert_ecg_resnet import UNUSED, VARIANTS, convert_merl_resnet, merl_config, merl_feature_extractor
from .modeling_ecg_resnet import ECGResNetModel

_FILES = {
    "merl-resnet18": "res18_best_ckpt.pth",
    "merl-resnet34": "res34_best_ckpt.pth",
    "merl-resnet50": "res50_best_ckpt.pth",
}

SOURCES = tuple(
    Source(
        name=name,
        title="MERL",
        summary="MERL's ECG trunk",
        convert=convert_merl_resnet,
        model=ECGResNetModel,
        config=partial(merl_config, name),
        feature_extractor=merl_feature_extractor,
        repository="https://github.com/cheliu-computation/MERL-ICML2024",
        commit="38799b7deb1c9958f41badcfacc6a95192787cc4",
        paper="Liu et al., Zero-Shot ECG Classification with Multimodal Learning and Test-time Clinical Knowledge"
        " Enhancement, ICML 2024 (arXiv 2403.06659)",
        licence="mit",
        weights="the Google Drive folder that the repository's README names; `*_ckpt.pth` (the whole dual encoder) or"
        " `*_encoder.pth` (the trunk)",
        file=_FILES[name],
        network="1-D ResNet: a convolution of 7 samples with stride 2, BatchNorm, ReLU, no max-pool; four stages with"
        " strides 1, 2, 2, 2. 5,000 samples give 313 positions; `pooler_output` is their mean, which is what MERL's"
        " linear probe reads.",
        preparation="A missing sample becomes the mean of its six neighbours on either side; then the whole record is"
        " scaled to 0..1. Leads stand in the order of MIMIC-IV-ECG's files, **aVF before aVL**. The pretraining also"
        " rounded to 1/1000 of a record's range; the downstream code does not, nor does the extractor.",
        unused=UNUSED,
        caveats=(
            "The scaling takes the voltage away: criteria such as those of hypertrophy are not visible to the model.",
            "The trunk only: the joint embedding works on 5,000 samples alone and needs MedCPT, whose weights are"
            " their authors'.",
            "Pretrained on MIMIC-IV-ECG with a random split by record, so the same patients are on both sides of it.",
            "The published linear probe takes PTB-XL's sub-classes by position from tables whose columns are ordered"
            " differently for training and test, and its CSN labels by substring: its figures for these two are not"
            " comparable with ours.",
        ),
    )
    for name in VARIANTS
)
