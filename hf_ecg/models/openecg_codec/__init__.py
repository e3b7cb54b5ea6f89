from ..shared.family import Family
from .configuration_openecg_codec import OpenECGCodecConfig
from .modeling_openecg_codec import (
    OpenECGCodecForECGClassification,
    OpenECGCodecForECGDelineation,
    OpenECGCodecForECGSurvival,
    OpenECGCodecModel,
)
from .sources import SOURCES

__all__ = [
    "OpenECGCodecConfig",
    "OpenECGCodecForECGClassification",
    "OpenECGCodecForECGDelineation",
    "OpenECGCodecForECGSurvival",
    "OpenECGCodecModel",
]

FAMILY = Family(
    config=OpenECGCodecConfig,
    model=OpenECGCodecModel,
    classifier=OpenECGCodecForECGClassification,
    survival=OpenECGCodecForECGSurvival,
    delineation=OpenECGCodecForECGDelineation,
    sources=SOURCES,
)
