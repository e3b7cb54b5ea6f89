from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec

from ...checks import check_one_of
from ...losses.info_nce import NEGATIVES
from ...losses.risk_distance import DISTANCES
from ...losses.risk_weighted import PATHS, check_options
from ...losses.vicreg import check_vicreg_weights
from ..shared.configuration_tower import ECGTowerConfig
from ..shared.strict_configuration import strict
from .contrastive_loss import LOSSES
from .projector import NORMS


@strict
class ECGContrastiveConfig(ECGTowerConfig):
    r"""Configuration of [`ECGForContrastivePreTraining`]. The defaults are CLEF's (arXiv 2512.02180), its loss as the
    paper means it rather than as it was released: `risk_path="compat_released_code"` is the latter.

    Args:
        ecg_config (`dict` or `PreTrainedConfig`, *optional*): the encoder, any of this package; defaults to CLEF's
            small ResNeXt.
        projection_dim (`int`, *optional*): size of a projection after the encoder, which only pretraining uses; None
            as published: the loss sees the pooled features themselves.
        projection_hidden_size (`int`, *optional*): a hidden layer with GELU in the projection; None = one linear
            layer.
        projection_norm (`str`, *optional*): norm of the hidden layer, `"batch_norm"` as in SimCLR and VICReg; over
            several processes each has its own statistics.
        loss_type (`str`, defaults to `"risk_weighted"`): `"risk_weighted"` (CLEF), which needs risks, `"info_nce"`
            (SimCLR), `"patient_contrastive"` (CLOCS), which needs patients, or `"vicreg"`.
        temperature (`float`, defaults to 0.07): of all losses but `"vicreg"`.
        negatives (`str`, defaults to `"sum"`): of `"info_nce"`, see `hf_ecg.losses.info_nce_loss`.
        risk_path (`str`, defaults to `"masked"`): `path` of `hf_ecg.losses.risk_weighted_contrastive_loss`.
        risk_distance (`str`, defaults to `"squared"`): its `distance`.
        risk_sharpness (`float`, defaults to 0.8): its `sharpness`.
        alignment_weight (`float`, defaults to 1.0): its `alignment_weight`.
        invariance_weight (`float`, defaults to 25.0): of `"vicreg"`, see `hf_ecg.losses.vicreg_loss`.
        variance_weight (`float`, defaults to 25.0): of `"vicreg"`.
        covariance_weight (`float`, defaults to 1.0): of `"vicreg"`.
    """

    model_type = "ecg_contrastive"
    sub_configs_defaults = {"ecg_config": SubConfigSpec(config_class=AutoConfig, model_type="ecg_resnext")}

    ecg_config: dict | PreTrainedConfig | None = None
    projection_dim: int | None = None
    projection_hidden_size: int | None = None
    projection_norm: str | None = None
    loss_type: str = "risk_weighted"
    temperature: float | int = 0.07
    negatives: str = "sum"
    risk_path: str = "masked"
    risk_distance: str = "squared"
    risk_sharpness: float | int = 0.8
    alignment_weight: float | int = 1.0
    invariance_weight: float | int = 25.0
    variance_weight: float | int = 25.0
    covariance_weight: float | int = 1.0

    @property
    def hidden_size(self) -> int:
        """Of the encoder."""
        return self.ecg_config.hidden_size

    @property
    def uses_risk(self) -> bool:
        """Whether the loss compares patients by their risk."""
        return self.loss_type == "risk_weighted"

    def validate_objective(self):
        """Run by `@strict` after construction and before saving."""
        self.check_choices(
            {"loss_type": tuple(LOSSES), "negatives": NEGATIVES, "risk_path": PATHS, "risk_distance": DISTANCES}
        )
        self.check_sizes("projection_dim", "projection_hidden_size")
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature}, wanted a number above 0")
        check_options(self.risk_path, self.risk_distance, self.risk_sharpness, self.alignment_weight)
        check_vicreg_weights(self.invariance_weight, self.variance_weight, self.covariance_weight)
        if self.projection_norm is not None:
            check_one_of("projection_norm", self.projection_norm, tuple(NORMS))
            if self.projection_hidden_size is None:
                raise ValueError("projection_norm is given without projection_hidden_size: no layer has a norm")
        if self.projection_hidden_size is not None and self.projection_dim is None:
            raise ValueError("projection_hidden_size is given without projection_dim: there is no projection to widen")
