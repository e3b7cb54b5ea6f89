"""MERL's published vision transformers."""

from functools import partial

from ..shared.family import Source
from ..shared.merl import CAVEATS, ORIGIN, merl_feature_extractor
from .convert_ecg_vit import UNUSED, VARIANTS, convert_merl_vit, merl_vit_config
from .modeling_ecg_vit import ECGViTModel

_FILES = {
    "merl-vit-tiny": "vit_tiny_best_ckpt.pth",
    "merl-vit-small": "your_merl_vit_small.pth",
    "merl-vit-base": "your_merl_vit_base.pth",
}

SOURCES = tuple(
    Source(
        name=name,
        title="MERL ViT",
        summary="MERL's ECG vision transformer",
        convert=convert_merl_vit,
        model=ECGViTModel,
        config=partial(merl_vit_config, name),
        feature_extractor=merl_feature_extractor,
        weights="the Google Drive folder that the repository's README names; `*_ckpt.pth` (the whole dual encoder) or"
        " `*_encoder.pth` (the trunk), of the tiny size. The others are for weights that you trained with the original"
        " code",
        file=_FILES[name],
        network="A vision transformer over patches of 50 samples (0.1 s) of all leads: 5,000 samples are 100 tokens"
        " with learned positions, which see each other in 12 pre-norm blocks. `pooler_output` is the norm of the mean"
        " over the tokens, which is what MERL's linear probe reads. The positions fix the length: 5,000 samples, or an"
        " error. `interpolate_positions=True` in the configuration stretches them over another length.",
        unused=UNUSED,
        caveats=(
            CAVEATS[0],
            "The trunk only; `merl` converts the joint embedding with text too.",
            *CAVEATS[1:],
            "A file of the original's fine-tuning, which has `head.*`, becomes `ECGViTForECGClassification`.",
        ),
        **ORIGIN,
    )
    for name in VARIANTS
)
