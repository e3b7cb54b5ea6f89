import math

from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec

from ...checks import check_one_of
from ...losses.barlow_twins import check_redundancy_weight
from ...losses.info_nce import MASK, NEGATIVE, NEGATIVES, SAME_PATIENT
from ...losses.metadata import check_share
from ...losses.risk_alignment import FORMS
from ...losses.risk_distance import DISTANCES
from ...losses.risk_weighted import PATHS, check_options
from ...losses.risk_weights import SPREAD_UNITS, WeightSpread
from ...losses.vicreg import check_vicreg_weights
from ..shared.configuration_tower import ECGTowerConfig
from ..shared.strict_configuration import strict
from .contrastive_loss import BY_METADATA, LOSSES, RISK_WEIGHTED, Y_AWARE, Objective
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
        projection_layers (`int`, defaults to 2): linear layers of a projection with a hidden size.
        projection_output_norm (`str`, *optional*): norm of the embeddings, without scale and shift, as in SimSiam and
            MoCo v3.
        loss_type (`str`, defaults to `"risk_weighted"`): `"risk_weighted"` (CLEF), which needs risks; `"info_nce"`
            (SimCLR's NT-Xent); `"patient_contrastive"` (CMSC of CLOCS, every pair alike), `"clocs"` (CLOCS as
            published, of any number of views) or `"three_kg"`, which need patients; `"byol"`, `"simsiam"` or
            `"moco_v3"`, which need a predictor; `"barlow_twins"` or `"vicreg"`, without negatives; or, of the
            metadata, `"y_aware"` (Dufumier et al.) or `"rank_n_contrast"` (Zha et al.).
        temperature (`float`, defaults to 0.07): of all losses with negatives. Published are 0.1 or 0.5 for SimCLR,
            0.1 for CLOCS and 3KG, 0.2 for MoCo v3.
        predictor_hidden_size (`int`, *optional*): of the predictor of `"byol"`, `"simsiam"` and `"moco_v3"`, which
            has the projection's norm and gives as many dimensions as it takes.
        teacher_momentum (`float`, defaults to 0.996): of the momentum teacher of `"byol"` and `"moco_v3"` at the first
            step.
        teacher_momentum_end (`float`, defaults to 1.0): at the last one, reached along half a cosine.
        redundancy_weight (`float`, defaults to 5e-3): of `"barlow_twins"`, see `hf_ecg.losses.barlow_twins_loss`.
        compat_last_pair (`bool`, defaults to `False`): of `"clocs"`, the released arithmetic of more than two views,
            see `hf_ecg.losses.clocs_loss`.
        compat_detached_norm (`bool`, defaults to `False`): of losses with negatives and no teacher, fairseq-signals'
            gradients, see `hf_ecg.losses.unit_length`.
        negatives (`str`, defaults to `"sum"`): of `"info_nce"`, see `hf_ecg.losses.info_nce_loss`.
        same_patient (`str`, defaults to `"negative"`): of `"info_nce"`, what other records of a patient are:
            `"negative"`, or `"mask"` for neither, which needs patients (CAPE, arXiv 2509.10369; inferred).
        risk_path (`str`, defaults to `"masked"`): `path` of `hf_ecg.losses.risk_weighted_contrastive_loss`.
        risk_distance (`str`, defaults to `"squared"`): its `distance`.
        risk_sharpness (`float`, defaults to 0.8): its `sharpness`.
        risk_spread (`float`, *optional*): in place of the sharpness, the standard deviation that the logarithms of a
            row's weights are given, see `hf_ecg.losses.WeightSpread`.
        risk_spread_unit (`str`, defaults to `"logits"`): what `risk_spread` is counted in.
        alignment (`str`, defaults to `"published"`): its `alignment`.
        alignment_weight (`float`, defaults to 1.0): its `alignment_weight`.
        invariance_weight (`float`, defaults to 25.0): of `"vicreg"`, see `hf_ecg.losses.vicreg_loss`.
        variance_weight (`float`, defaults to 25.0): of `"vicreg"`.
        covariance_weight (`float`, defaults to 1.0): of `"vicreg"`.
        metadata_columns (`list[str]`, *optional*): names of the columns of `metadata`, in order. A recipe's
            `data.columns.metadata` sets it, and measures the next three on its training rows.
        metadata_mean, metadata_scale (`list[float]`, *optional*): mean and standard deviation of each column, 0 and 1
            of a binary one.
        metadata_binary (`list[str]`, *optional*): the columns whose values are 0 and 1.
        metadata_compared (`list[str]`, *optional*): the columns by which a loss compares patients; None = all. With
            `"risk_weighted"` they take the place of the risk.
        metadata_bandwidths (`dict[str, float]`, *optional*): of `"y_aware"`, of each compared column that is not
            binary, in its own unit (5 years).
        metadata_share (`float`, *optional*): `share` of `hf_ecg.losses.y_aware_contrastive_loss` and
            `rank_n_contrast_loss`; None as published.
        metadata_weight (`float`, defaults to 0.0): of a head's error, `hf_ecg.losses.metadata_prediction_loss`, beside
            the contrast. 0: there is no head.
        metadata_predicted (`list[str]`, *optional*): the columns that the head tells from the encoder's features; None
            = all.
        metadata_head_size (`int`, defaults to 128): of the head's hidden layer.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGContrastiveConfig
        >>> config = ECGContrastiveConfig(loss_type="info_nce", projection_dim=64)
        >>> config.ecg_config.model_type, config.hidden_size
        ('ecg_resnext', 256)
    """

    model_type = "ecg_contrastive"
    sub_configs_defaults = {"ecg_config": SubConfigSpec(config_class=AutoConfig, model_type="ecg_resnext")}

    ecg_config: dict | PreTrainedConfig | None = None
    projection_dim: int | None = None
    projection_hidden_size: int | None = None
    projection_norm: str | None = None
    projection_layers: int = 2
    projection_output_norm: str | None = None
    predictor_hidden_size: int | None = None
    teacher_momentum: float | int = 0.996
    teacher_momentum_end: float | int = 1.0
    loss_type: str = "risk_weighted"
    temperature: float | int = 0.07
    negatives: str = "sum"
    same_patient: str = NEGATIVE
    risk_path: str = "masked"
    risk_distance: str = "squared"
    risk_sharpness: float | int = 0.8
    risk_spread: float | int | None = None
    risk_spread_unit: str = "logits"
    alignment: str = "published"
    alignment_weight: float | int = 1.0
    invariance_weight: float | int = 25.0
    variance_weight: float | int = 25.0
    covariance_weight: float | int = 1.0
    redundancy_weight: float | int = 5e-3
    compat_last_pair: bool = False
    compat_detached_norm: bool = False
    metadata_columns: list[str] | None = None
    metadata_mean: list[float | int] | None = None
    metadata_scale: list[float | int] | None = None
    metadata_binary: list[str] | None = None
    metadata_compared: list[str] | None = None
    metadata_bandwidths: dict[str, float | int] | None = None
    metadata_share: float | int | None = None
    metadata_weight: float | int = 0.0
    metadata_predicted: list[str] | None = None
    metadata_head_size: int = 128

    @property
    def hidden_size(self) -> int:
        """Of the encoder."""
        return self.ecg_config.hidden_size

    @property
    def objective(self) -> Objective:
        """The loss, and what it needs of the model."""
        return LOSSES[self.loss_type]

    @property
    def uses_risk(self) -> bool:
        """Whether the loss compares patients by their risk."""
        return self.loss_type == RISK_WEIGHTED and self.metadata_compared is None

    @property
    def uses_metadata(self) -> bool:
        """Whether the loss compares patients by their metadata, or a head tells them."""
        return self.compares_metadata or self.metadata_weight > 0

    @property
    def compares_metadata(self) -> bool:
        """Whether the contrast itself compares patients by their metadata."""
        return self.loss_type in BY_METADATA or (self.loss_type == RISK_WEIGHTED and not self.uses_risk)

    @property
    def compared_columns(self) -> list[str]:
        """The columns of the metadata that a loss compares patients by."""
        return list(self.metadata_columns or ()) if self.metadata_compared is None else self.metadata_compared

    @property
    def predicted_columns(self) -> list[str]:
        """The columns of the metadata that a head tells; none without a head."""
        if not self.metadata_weight:
            return []
        return list(self.metadata_columns or ()) if self.metadata_predicted is None else self.metadata_predicted

    @property
    def sharpness(self) -> float | WeightSpread:
        """`sharpness` of `hf_ecg.losses.risk_weighted_contrastive_loss`."""
        if self.risk_spread is None:
            return self.risk_sharpness
        return WeightSpread(self.risk_spread, self.risk_spread_unit)

    def metadata_places(self, names: list[str]) -> list[int]:
        """Where columns of these names stand in `metadata`."""
        return [list(self.metadata_columns or ()).index(name) for name in names]

    def validate_objective(self):
        """Run by `@strict` after construction and before saving."""
        self.check_choices(
            {"loss_type": tuple(LOSSES), "negatives": NEGATIVES, "risk_path": PATHS, "risk_distance": DISTANCES}
        )
        self.check_choices({"risk_spread_unit": SPREAD_UNITS, "alignment": tuple(FORMS), "same_patient": SAME_PATIENT})
        if self.same_patient == MASK and self.loss_type != "info_nce":
            raise ValueError(f"same_patient is {MASK!r}, which is of loss_type 'info_nce', found {self.loss_type!r}")
        self.check_sizes("projection_dim", "projection_hidden_size", "metadata_head_size", "predictor_hidden_size")
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature}, wanted a number above 0")
        check_options(self.risk_path, self.risk_distance, self.sharpness, self.alignment, self.alignment_weight)
        check_vicreg_weights(self.invariance_weight, self.variance_weight, self.covariance_weight)
        check_redundancy_weight(self.redundancy_weight)
        for name in ("projection_norm", "projection_output_norm"):
            if getattr(self, name) is not None:
                check_one_of(name, getattr(self, name), tuple(NORMS))
        self._check_projection()
        if self.objective.predicts != (self.predictor_hidden_size is not None):
            wanted = "a number" if self.objective.predicts else "None: it has no predictor"
            raise ValueError(
                f"loss_type is {self.loss_type!r} and predictor_hidden_size {self.predictor_hidden_size}, wanted"
                f" {wanted}"
            )
        for name in ("teacher_momentum", "teacher_momentum_end"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 0 to 1")

    def _check_projection(self):
        if self.projection_dim is None and (self.projection_hidden_size or self.projection_output_norm):
            raise ValueError(
                "projection_hidden_size or projection_output_norm is given without projection_dim: there is no"
                " projection to widen"
            )
        if self.projection_hidden_size is None and (self.projection_norm is not None or self.projection_layers != 2):
            raise ValueError(
                "projection_norm or projection_layers is given without projection_hidden_size: no layer has a norm"
            )
        if self.projection_layers < 2:
            raise ValueError(f"projection_layers is {self.projection_layers}, wanted at least 2")

    def validate_metadata(self):
        """Run by `@strict` after construction and before saving."""
        known = self.metadata_columns or []
        if len(set(known)) < len(known):
            raise ValueError(f"metadata_columns is {known}: one is named twice")
        for name in ("metadata_binary", "metadata_compared", "metadata_predicted", "metadata_bandwidths"):
            strange = [column for column in getattr(self, name) or () if column not in known]
            if strange:
                raise ValueError(f"{name} names {strange}, wanted some of metadata_columns {known}")
        for name in ("metadata_mean", "metadata_scale"):
            values = getattr(self, name)
            if values is not None and (len(values) != len(known) or not all(map(math.isfinite, values))):
                raise ValueError(f"{name} is {values}, wanted a number for each of metadata_columns {known}")
        if min(self.metadata_scale or [1]) <= 0:
            raise ValueError(f"metadata_scale is {self.metadata_scale}, wanted numbers above 0")
        if not self.metadata_weight >= 0:
            raise ValueError(f"metadata_weight is {self.metadata_weight}, wanted a number of at least 0")
        check_share(self.metadata_share)
        self._check_asked_columns()

    def _check_asked_columns(self):
        """Raises ValueError when a loss asks for metadata that there are none of."""
        asked = {"the loss_type": self.compares_metadata, "metadata_weight": self.metadata_weight > 0}
        columns = {"the loss_type": self.compared_columns, "metadata_weight": self.predicted_columns}
        for name, uses in asked.items():
            if uses and not columns[name]:
                raise ValueError(f"{name} needs metadata_columns (a recipe's data.columns.metadata), which has none")
        if self.loss_type == Y_AWARE:
            binary, widths = self.metadata_binary or [], self.metadata_bandwidths or {}
            without = [name for name in self.compared_columns if name not in binary and name not in widths]
            if without or not all(width > 0 for width in widths.values()):
                raise ValueError(
                    f"metadata_bandwidths is {widths}, wanted a number above 0 for each compared column that is not"
                    f" binary, {[name for name in self.compared_columns if name not in binary]}"
                )
