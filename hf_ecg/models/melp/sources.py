"""MELP's published weights."""

from ..shared.family import Source
from .configuration_melp import MELPConfig
from .convert_melp import SOURCE, UNUSED_BESIDE, UNUSED_OF_THE_ENCODER, convert_melp, melp_feature_extractor
from .modeling_melp import MELPModel
from .origin import CAVEATS, ENCODER, ORIGIN

SOURCES = (
    Source(
        name=SOURCE,
        title="MELP",
        summary="MELP's ECG encoder",
        convert=convert_melp,
        model=MELPModel,
        config=MELPConfig,
        feature_extractor=melp_feature_extractor,
        weights="https://huggingface.co/fuyingw/MELP_Encoder, or the encoder inside a Lightning checkpoint of MELP's"
        " training",
        file="model.safetensors",
        network=ENCODER,
        unused=UNUSED_OF_THE_ENCODER | UNUSED_BESIDE,
        caveats=(
            "The published file could not be looked at when the conversion was written: its tensors are taken by the"
            " released code's names, whatever words all of them begin with. Anything else is refused by its name.",
            *CAVEATS,
        ),
        **ORIGIN,
    ),
)
