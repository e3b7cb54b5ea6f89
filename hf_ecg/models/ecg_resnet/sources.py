"""MERL's published trunks, and ECG-CLIP's."""

from functools import partial

from ..shared.family import Source
from ..shared.merl import CAVEATS, ORIGIN, merl_feature_extractor
from .convert_ecg_resnet import UNUSED, VARIANTS, convert_merl_resnet, merl_config
from .ecgclip_sources import ECGCLIP_SOURCES
from .modeling_ecg_resnet import ECGResNetModel

_FILES = {
    "merl-resnet18": "res18_best_ckpt.pth",
    "merl-resnet34": "res34_best_ckpt.pth",
    "merl-resnet50": "res50_best_ckpt.pth",
}

_MERL_SOURCES = tuple(
    Source(
        name=name,
        title="MERL",
        summary="MERL's ECG trunk",
        convert=convert_merl_resnet,
        model=ECGResNetModel,
        config=partial(merl_config, name),
        feature_extractor=merl_feature_extractor,
        weights="the Google Drive folder that the repository's README names; `*_ckpt.pth` (the whole dual encoder) or"
        " `*_encoder.pth` (the trunk)",
        file=_FILES[name],
        network="1-D ResNet: a convolution of 7 samples with stride 2, BatchNorm, ReLU, no max-pool; four stages with"
        " strides 1, 2, 2, 2. 5,000 samples give 313 positions; `pooler_output` is their mean, which is what MERL's"
        " linear probe reads.",
        unused=UNUSED,
        caveats=(
            CAVEATS[0],
            "The trunk only: the joint embedding works on 5,000 samples alone and needs MedCPT, whose weights are"
            " their authors'.",
            *CAVEATS[1:],
        ),
        **ORIGIN,
    )
    for name in VARIANTS
)

SOURCES = (*ECGCLIP_SOURCES, *_MERL_SOURCES)
