import math
from typing import cast

from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec

from ...losses import IDENTICAL_TEXT, TEXT_WEIGHTING
from ..ecg_resnet.configuration_ecg_resnet import ECGResNetConfig
from ..shared.configuration_tower import ECGTowerConfig
from ..shared.strict_configuration import strict
from .text_tower import POOLINGS, check_text_tower
from .text_whitening import OUTSIDE

# emilyalsentzer/Bio_ClinicalBERT: bert-base with a cased vocabulary.
_BIO_CLINICAL_BERT = {"model_type": "bert", "vocab_size": 28996}

MITIGATION_TARGETS = ("report", "truth")

ECG_PROJECTION_TYPES = (LINEAR, BATCH_NORM, ATTENTION) = ("linear", "batch_norm", "attention")

# Which losses train exp(logit_scale) * cosine + logit_bias as the log odds that ECG and text are a pair.
LOSS_GIVES_PROBABILITIES = {"sigmoid": True, "softmax": False, "clep": True}


@strict
class ECGTextConfig(ECGTowerConfig):
    r"""Configuration of [`ECGTextModel`]. The defaults are CLEP's (arXiv 2505.11939), as far as the paper states them.

    Args:
        ecg_config (`dict` or `PreTrainedConfig`, *optional*): the ECG tower; defaults to MERL's ResNet50, whose size
            the paper names.
        text_config (`dict` or `PreTrainedConfig`, *optional*): the text tower, any AutoModel encoder; defaults to
            BioClinicalBERT's shape.
        projection_dim (`int`, defaults to 256): size of the joint space (not stated in the paper).
        projection_hidden_size (`int`, *optional*): a hidden layer with GELU in both projections; None = one
            linear layer.
        projection_bias (`bool`, defaults to `True`): whether the layers of both projections have biases.
        text_projection_norm (`bool`, defaults to `False`): a LayerNorm before the text projection.
        projection_dropout (`float`, defaults to 0.0): before the ECG projection.
        ecg_projection_type (`str`, defaults to `"linear"`): the ECG projection. `"linear"`: as above; `"batch_norm"`:
            linear, batch norm, ReLU, linear, batch norm, with `projection_hidden_size` between (MERL's, of its vision
            transformers); `"attention"`: one linear layer on every position, then pooling by attention (MERL's, of its
            ResNets), whose learned places fix the length of records.
        attention_projection_heads (`int`, defaults to 4): heads of the `"attention"` projection.
        interpolate_positions (`bool`, defaults to `False`): whether the `"attention"` projection takes records of
            another length than the ECG tower's `num_samples`, with its places stretched to each record's own.
        text_pooling (`str`, defaults to `"cls"`): `"cls"`, the first token; `"mean"` over tokens; `"last"`, the last
            token, as decoders that embed texts want it; or the tower's own `"pooler"`.
        standardise_text (`bool`, defaults to `False`): shift and scale pooled text features by a mean and a standard
            deviation measured once on the training texts (`set_text_statistics`) and saved with the model. Sentence
            encoders put all sentences of one field into a narrow cone, out of which a projection learns slowly.
        text_whitening (`float`, defaults to 0.0): after `standardise_text`, divide each principal direction of the
            training texts by its standard deviation to this power; 1 makes all alike. Texts of one field differ in
            few directions by much and in many by little, and statements that are close in wording stay close.
        text_whitening_outside (`str`, defaults to `"drop"`): what `set_text_statistics` does with the directions in
            which the texts that it is given do not differ: `"drop"`, or `"keep"` with the smallest gain of all, for
            texts that come later.
        loss_type (`str`, defaults to `"clep"`): `"sigmoid"`, `"softmax"`, or `"clep"`: sigmoid and mitigation.
        view_loss_weight (`float`, defaults to 0.0): of the softmax loss between two views of each ECG, beside the one
            between ECGs and texts, with the same scale. MERL's uni-modal alignment has 1: each view is a linear layer
            and dropout on what the ECG projection reads.
        view_dropout (`float`, defaults to 0.1): of the views.
        compat_sum_of_directions (`bool`, defaults to `False`): the softmax losses as MERL's released code has them:
            the sum of both directions, where CLIP and the paper have their mean.
        mitigation_weight (`float`, defaults to 0.5): of the false-negative mitigation in `"clep"`.
        mitigation_target (`str`, defaults to `"report"`): what the mitigation pulls an ECG's similarity with a text
            to: `"report"` as published, the similarity of its own text with that text; `"truth"`: the same, but 1
            where the text is known to be true of the ECG, and nothing where nobody knows. See
            `hf_ecg.losses.false_negative_mitigation_loss`.
        identical_text (`str`, defaults to `"negative"`): what pairs of an ECG and another one's equal text are;
            `"negative"` as published, `"mask"`, `"positive"`. See `hf_ecg.losses.sigmoid_contrastive_loss`.
        text_weighting (`str`, defaults to `"row"`): `"row"` as published, or `"distinct"`: each distinct text
            counts once.
        num_text_kinds (`int`, defaults to 1): kinds of text that the loss tells apart by `text_kinds` of a batch: 0 a
            report or statement, 1 a waveform feature. Kinds from 1 on have a scale and a bias of their own, which
            begin at `logit_scale_init_value` and 0 (a batch's `text_log_odds` say how often such a text is true); the
            logits of the outputs are those of kind 0 for any text.
        text_kind_weights (`list[float]`, *optional*): for each kind from 1 on, what all its texts of a batch count
            together, relative to all of kind 0; None = 1 each.
        logit_scale_init_value (`float`, defaults to log 10): of the log scale t'.
        train_logit_scale (`bool`, defaults to `True`): whether it is trained; MERL's is fixed at log(1 / 0.07).
        logit_bias_init_value (`float`, defaults to -10): of the bias b.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGResNetConfig, ECGTextConfig
        >>> config = ECGTextConfig(ecg_config=ECGResNetConfig(num_samples=1000, sampling_rate=100), projection_dim=64)
        >>> config.ecg_config.model_type, config.text_config.model_type, config.loss_type
        ('ecg_resnet', 'bert', 'clep')
    """

    model_type = "ecg_text"
    sub_configs_defaults = {
        "ecg_config": SubConfigSpec(config_class=AutoConfig, model_type="ecg_resnet"),
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="bert"),
    }

    ecg_config: dict | PreTrainedConfig | None = None
    text_config: dict | PreTrainedConfig | None = None
    projection_dim: int = 256
    projection_hidden_size: int | None = None
    projection_bias: bool = True
    text_projection_norm: bool = False
    projection_dropout: float | int = 0.0
    ecg_projection_type: str = LINEAR
    attention_projection_heads: int = 4
    interpolate_positions: bool = False
    text_pooling: str = "cls"
    standardise_text: bool = False
    text_whitening: float | int = 0.0
    text_whitening_outside: str = "drop"
    loss_type: str = "clep"
    view_loss_weight: float | int = 0.0
    view_dropout: float | int = 0.1
    compat_sum_of_directions: bool = False
    mitigation_weight: float | int = 0.5
    mitigation_target: str = "report"
    identical_text: str = "negative"
    text_weighting: str = "row"
    num_text_kinds: int = 1
    text_kind_weights: list[float | int] | None = None
    logit_scale_init_value: float | int = math.log(10)
    train_logit_scale: bool = True
    logit_bias_init_value: float | int = -10.0

    def __post_init__(self, **kwargs):
        if self.ecg_config is None:
            self.ecg_config = ECGResNetConfig(block_type="bottleneck", depths=[3, 4, 6, 3])
        if self.text_config is None:
            self.text_config = dict(_BIO_CLINICAL_BERT)
        super().__post_init__(**kwargs)

    @property
    def gives_probabilities(self) -> bool:
        """Whether the sigmoid of a logit is the probability of a pair: `logit_bias` belongs to the logits then."""
        return LOSS_GIVES_PROBABILITIES[self.loss_type]

    def validate_text_tower(self):
        """Run by `@strict`: a tower that is none would fail only at the first batch."""
        self.check_tower("text_config", ("hidden_size", "vocab_size"))
        self.check_choices({"text_pooling": POOLINGS})
        check_text_tower(cast(PreTrainedConfig, self.text_config), self.text_pooling)

    def validate_ecg_projection(self):
        """Run by `@strict` after construction and before saving."""
        self.check_choices({"ecg_projection_type": ECG_PROJECTION_TYPES})
        self.check_sizes("projection_dim", "projection_hidden_size", "attention_projection_heads")
        if self.ecg_projection_type != LINEAR and not self.projection_bias:
            raise ValueError(
                f"projection_bias is false, which is of the linear projection: the ecg_projection_type is"
                f" {self.ecg_projection_type!r}"
            )
        if self.ecg_projection_type == BATCH_NORM and self.projection_hidden_size is None:
            raise ValueError("projection_hidden_size is None, and the batch_norm projection has a hidden layer")
        if self.ecg_projection_type == ATTENTION:
            self.check_tower("ecg_config", ("num_positions",))
            if self.projection_dim % self.attention_projection_heads:
                raise ValueError(
                    f"projection_dim is {self.projection_dim}, wanted a multiple of the"
                    f" {self.attention_projection_heads} heads"
                )

    def validate_softmax(self):
        """Run by `@strict` after construction and before saving: what the softmax loss alone knows, and does not."""
        if self.view_loss_weight < 0:
            raise ValueError(f"view_loss_weight is {self.view_loss_weight}, wanted at least 0")
        if self.loss_type != "softmax":
            for name in ("view_loss_weight", "compat_sum_of_directions"):
                if getattr(self, name):
                    raise ValueError(f"{name} is of the softmax loss, and loss_type is {self.loss_type!r}")
        elif self.text_weighting != "row":
            raise ValueError("the softmax loss knows no text_weighting but row")
        elif self.num_text_kinds > 1:
            raise ValueError(f"num_text_kinds is {self.num_text_kinds}, but the softmax loss takes one kind of text")

    def validate_choices(self):
        """Run by `@strict` after construction and before saving."""
        self.check_choices(
            {
                "loss_type": tuple(LOSS_GIVES_PROBABILITIES),
                "identical_text": IDENTICAL_TEXT,
                "text_weighting": TEXT_WEIGHTING,
                "mitigation_target": MITIGATION_TARGETS,
                "text_whitening_outside": OUTSIDE,
            }
        )
        self.check_sizes("num_text_kinds")
        if not 0 <= self.text_whitening <= 1:
            raise ValueError(f"text_whitening is {self.text_whitening}, wanted 0 to 1")
        if self.text_whitening and not self.standardise_text:
            raise ValueError("text_whitening needs standardise_text, which measures the training texts")
        weights = self.text_kind_weights
        if weights is not None and (len(weights) != self.num_text_kinds - 1 or min(weights, default=0) < 0):
            raise ValueError(
                f"text_kind_weights is {weights}, wanted one number of at least 0 for each kind from 1 on:"
                f" {self.num_text_kinds - 1}"
            )
