import copy
import math
from typing import Any, cast

from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec

from ..ecg_text.configuration_ecg_text import ECGTextConfig
from ..ecg_text.text_tower import is_causal
from ..melp.configuration_melp import MELPConfig
from ..shared.configuration_ecg import MOST_BLOCKS
from ..shared.strict_configuration import strict

# MedCPT's (PubMedBERT's) vocabulary and its size, of BERT's base size.
_TEXT = {"model_type": "bert", "vocab_size": 30522, "is_decoder": True}
_WEIGHTS = ("contrastive_weight", "caption_weight", "beat_weight")
_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "cls_token_id", "sentence_end_token_id")


@strict
class MELPTextConfig(ECGTextConfig):
    r"""Configuration of [`MELPTextModel`]: all fields of [`ECGTextConfig`], whose defaults here are MELP's
    (arXiv 2506.21803), and those of its three levels.

    Args:
        ecg_config (`dict` or `MELPConfig`, *optional*): the ECG tower.
        text_config (`dict` or `PreTrainedConfig`, *optional*): the text tower, which must read from left to right; one
            that can be both, such as BERT, is made to (`is_decoder`). Defaults to BERT's base size with MedCPT's
            vocabulary.
        projection_hidden_size (`int`, defaults to 256): between the text tower and the joint space.
        text_pooling (`str`, defaults to `"last"`): the token that the model puts behind each text.
        loss_type (`str`, defaults to `"softmax"`): of whole records and reports.
        contrastive_weight, caption_weight, beat_weight (`float`, default to 1.0, 2.0 and 0.2): of the three levels:
            whole records, tokens of reports, beats and sentences.
        decoder_num_hidden_layers (`int`, defaults to 6): pairs of blocks that write: one over the report so far, one
            over the ECG.
        decoder_num_attention_heads (`int`, defaults to 8): their heads.
        decoder_intermediate_size (`int`, *optional*): inside their feed-forward parts; None = four times the width.
        decoder_positions (`int`, defaults to 128): tokens of the longest report that is written or learned.
        decoder_dropout (`float`, defaults to 0.0): of what a block adds.
        bos_token_id (`int`, defaults to 2): what a report begins with. A tokenizer's `cls_token_id` in first place is
            replaced by it. The released training adds a token `[BOS]` to the vocabulary.
        eos_token_id (`int`, defaults to 3): what a report ends with.
        pad_token_id (`int`, defaults to 0): fills up short reports.
        cls_token_id (`int`, defaults to 2): the token that is put behind each text, where the text tower is pooled.
        sentence_end_token_id (`int`, *optional*): a full stop of the vocabulary. By default none: batches say which
            sentence each token is of, as those of `method: text_pairs` do (`sentence_ids`), found in the text itself.
        special_token_ids (`list[int]`, *optional*): tokens that belong to no sentence, when sentences end at
            `sentence_end_token_id`; None = the four above.
        attention_scale, sentence_scale, beat_logit_scale (`float`, default to 4.0, 5.0 and 10.0): see
            `hf_ecg.losses.beat_alignment_loss`.
        max_logit_scale (`float`, defaults to log 100): `logit_scale` is kept between 0 and this after each step.
        compat_sentences (`bool`, defaults to `False`): the released splitting: a sentence ends at
            `sentence_end_token_id` (18, MedCPT's full stop), what has none behind it is dropped, and reports without
            any are left out of the list of reports, so that those behind them are compared with other records' ECGs.
        compat_cls_after_padding (`bool`, defaults to `False`): the released place of the pooled token, behind a
            text's padding: a text's features depend on the longest one of its batch. Pad to a token less than
            `decoder_positions` then, as the release does.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import MELPTextConfig
        >>> config = MELPTextConfig()
        >>> config.ecg_config.model_type, config.text_config.is_decoder, config.decoder_positions
        ('melp', True, 128)
    """

    model_type = "melp_text"
    sub_configs_defaults = {
        "ecg_config": SubConfigSpec(config_class=AutoConfig, model_type="melp"),
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="bert"),
    }

    projection_hidden_size: int | None = 256
    text_pooling: str = "last"
    loss_type: str = "softmax"
    logit_scale_init_value: float | int = math.log(1 / 0.07)
    contrastive_weight: float | int = 1.0
    caption_weight: float | int = 2.0
    beat_weight: float | int = 0.2
    decoder_num_hidden_layers: int = 6
    decoder_num_attention_heads: int = 8
    decoder_intermediate_size: int | None = None
    decoder_positions: int = 128
    decoder_dropout: float | int = 0.0
    layer_norm_eps: float = 1e-5
    initializer_range: float = 0.02
    bos_token_id: int = 2
    eos_token_id: int = 3
    pad_token_id: int = 0
    cls_token_id: int = 2
    sentence_end_token_id: int | None = None
    special_token_ids: list[int] | None = None
    attention_scale: float | int = 4.0
    sentence_scale: float | int = 5.0
    beat_logit_scale: float | int = 10.0
    max_logit_scale: float | int = math.log(100)
    compat_sentences: bool = False
    compat_cls_after_padding: bool = False

    def __post_init__(self, **kwargs):
        if self.ecg_config is None:
            self.ecg_config = MELPConfig()
        if self.text_config is None:
            self.text_config = dict(_TEXT)
        super().__post_init__(**kwargs)
        if getattr(self.text_config, "is_decoder", None) is False:
            # BERT and its kin can read both ways; nothing of their weights is of one of them
            tower = copy.deepcopy(cast(Any, self.text_config))
            tower.is_decoder = True
            self.text_config = tower

    @property
    def special_ids(self) -> list[int]:
        """Tokens that belong to no sentence."""
        if self.special_token_ids is not None:
            return self.special_token_ids
        return [self.bos_token_id, self.eos_token_id, self.pad_token_id, self.cls_token_id]

    def validate_towers(self):
        """Run by `@strict`: a tower that is none would fail only at the first batch."""
        if not isinstance(self.ecg_config, MELPConfig):
            found = getattr(self.ecg_config, "model_type", type(self.ecg_config).__name__)
            raise ValueError(f"ecg_config is of type {found!r}, wanted 'melp'")
        text = cast(PreTrainedConfig, self.text_config)
        if not is_causal(text):
            raise ValueError(f"text_config is of type {text.model_type!r}, which does not read from left to right")
        for name, ours, theirs in (
            ("hidden_size", self.projection_dim, self.ecg_config.hidden_size),
            ("caption_size", text.hidden_size, self.ecg_config.caption_size),
        ):
            if ours != theirs:
                where = "projection_dim" if name == "hidden_size" else "text_config.hidden_size"
                raise ValueError(f"ecg_config.{name} is {theirs}, wanted as {where}, {ours}")

    def validate_decoder(self):
        """Run by `@strict` after construction and before saving."""
        self.check_sizes("decoder_num_attention_heads", "decoder_intermediate_size", "decoder_positions")
        if not 1 <= self.decoder_num_hidden_layers <= MOST_BLOCKS:
            raise ValueError(
                f"decoder_num_hidden_layers is {self.decoder_num_hidden_layers}, wanted 1 to {MOST_BLOCKS}"
            )
        size, heads = cast(PreTrainedConfig, self.text_config).hidden_size, self.decoder_num_attention_heads
        if size % heads:
            raise ValueError(f"text_config.hidden_size is {size}, wanted a multiple of the decoder's {heads} heads")

    def validate_levels(self):
        """Run by `@strict` after construction and before saving."""
        for name in _WEIGHTS:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted at least 0")
        words = cast(PreTrainedConfig, self.text_config).vocab_size
        tokens = {name: getattr(self, name) for name in _TOKENS}
        for place, token in enumerate(self.special_token_ids or ()):
            tokens[f"special_token_ids[{place}]"] = token
        for name, token in tokens.items():
            if token is not None and not 0 <= token < words:
                raise ValueError(f"{name} is {token}, and text_config has a vocabulary of {words} tokens")
        if self.compat_sentences and self.sentence_end_token_id is None:
            raise ValueError("compat_sentences needs sentence_end_token_id, 18 in MedCPT's vocabulary")
        if self.num_text_kinds > 1 or self.standardise_text:
            raise ValueError("num_text_kinds and standardise_text are of ECGTextModel: MELP learns from whole reports")
