from .configuration_ecg_resnet import ECGResNetConfig
from .modeling_ecg_resnet import ECGResNetForECGClassification, ECGResNetModel

__all__ = ["ECGResNetConfig", "ECGResNetForECGClassification", "ECGResNetModel"]
