from ..shared.family import Family
from .configuration_ecg_tf_mae import ECGTFMAEConfig
from .modeling_ecg_tf_mae import (
    ECGTFMAEForECGClassification,
    ECGTFMAEForECGSurvival,
    ECGTFMAEModel,
)
from .pretraining_ecg_tf_mae import ECGTFMAEForPreTraining, ECGTFMAEPreTrainingOutput

__all__ = [
    "ECGTFMAEConfig",
    "ECGTFMAEForECGClassification",
    "ECGTFMAEForECGSurvival",
    "ECGTFMAEForPreTraining",
    "ECGTFMAEModel",
    "ECGTFMAEPreTrainingOutput",
]

FAMILY = Family(
    config=ECGTFMAEConfig,
    model=ECGTFMAEModel,
    classifier=ECGTFMAEForECGClassification,
    survival=ECGTFMAEForECGSurvival,
    pretraining=ECGTFMAEForPreTraining,
)
