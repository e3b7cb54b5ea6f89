from .configuration_ecg_resnext import SIZES, ECGResNeXtConfig
from .modeling_ecg_resnext import ECGResNeXtForECGClassification, ECGResNeXtModel

__all__ = ["SIZES", "ECGResNeXtConfig", "ECGResNeXtForECGClassification", "ECGResNeXtModel"]
