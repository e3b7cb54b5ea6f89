from ..heartlang_vqhbr.configuration_heartlang_vqhbr import HeartLangVQHBRConfig
from ..shared.beat_transformer import BeatTransformerConfig
from ..shared.strict_configuration import strict


@strict
class HeartLangConfig(BeatTransformerConfig):
    r"""Configuration of [`HeartLangModel`] and [`HeartLangForPreTraining`]. The defaults are HeartLang's (ICLR 2025).

    Args:
        num_leads (`int`, defaults to 12): leads of a record; a beat's lead is one of 1 to this.
        num_samples (`int`, defaults to 1000): samples of a record that the beats are cut from.
        sampling_rate (`float | int`, defaults to 100): hertz of the beats.
        beat_samples (`int`, defaults to 96): samples of a beat.
        num_tokens (`int`, defaults to 256): most beats of a record, of all leads together.
        embedding_kernel_size (`int`, defaults to 3): beats that a token is made of: itself and its neighbours of the
            same lead.
        num_lead_embeddings (`int`, defaults to 16): rows of the table of leads, row 0 for none.
        num_time_embeddings (`int`, defaults to 16): rows of the table of seconds, row 0 for none.
        hidden_size (`int`, defaults to 768): of a token.
        num_hidden_layers (`int`, defaults to 12): blocks.
        num_attention_heads (`int`, defaults to 8): heads.
        head_size (`int`, defaults to 64): of a head.
        intermediate_size (`int`, defaults to 1024): inside a block's feed-forward part.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        hidden_dropout (`float`, defaults to 0.1): of what a block adds.
        attention_dropout (`float`, defaults to 0.1): of attention weights.
        classifier_dropout (`float`, defaults to 0.0): before a head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        mask_ratio (`float`, defaults to 0.5): share of a record's beats that pretraining masks.
        vocabulary_size (`int`, defaults to 8192): words that pretraining foretells.
        vocabulary_config (`dict` or `HeartLangVQHBRConfig`, *optional*): of the vocabulary that gives a pretraining
            its words; None: they are given as labels, as for published weights, which come without it.
        compat_visible_padding (`bool`, defaults to `False`): the released arithmetic: places without a beat are looked
            at, masked and judged like others, neighbours are those of the sequence whatever their lead, its ends meet,
            and the neighbours of a masked beat still show it.
        compat_codes_without_positions (`bool`, defaults to `False`): the vocabulary is asked without the beats' leads
            and seconds, as in the released code, though it was trained with them.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import HeartLangConfig
        >>> config = HeartLangConfig()
        >>> config.num_tokens, config.beat_samples, config.vocabulary_size
        (256, 96, 8192)
    """

    model_type = "heartlang"

    hidden_dropout: float | int = 0.1
    attention_dropout: float | int = 0.1
    mask_ratio: float = 0.5
    vocabulary_size: int = 8192
    vocabulary_config: dict | HeartLangVQHBRConfig | None = None
    compat_codes_without_positions: bool = False

    def __post_init__(self, **kwargs):
        if isinstance(self.vocabulary_config, HeartLangVQHBRConfig):
            kind = HeartLangVQHBRConfig.model_type
            self.vocabulary_config = self.vocabulary_config.to_diff_dict() | {"model_type": kind}
        super().__post_init__(**kwargs)

    @property
    def vocabulary(self) -> HeartLangVQHBRConfig | None:
        """The vocabulary's configuration; None without one.

        Raises:
            ValueError: it is of another model.
        """
        if self.vocabulary_config is None:
            return None
        given = dict(self.vocabulary_config)
        kind = given.pop("model_type", None)
        if kind != HeartLangVQHBRConfig.model_type:
            wanted = HeartLangVQHBRConfig.model_type
            raise ValueError(f"vocabulary_config has the model_type {kind!r}, wanted {wanted!r}")
        return HeartLangVQHBRConfig(**given)

    def masked_beats(self, beats: int) -> int:
        """How many of so many beats pretraining masks."""
        return max(1, int(beats * self.mask_ratio))

    def validate_vocabulary(self):
        """Run by `@strict` after construction and before saving."""
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"mask_ratio is {self.mask_ratio}, wanted a share between 0 and 1")
        if not 1 <= self.vocabulary_size <= 1_000_000:
            raise ValueError(f"vocabulary_size is {self.vocabulary_size}, wanted 1 to 1000000")
        words = self.vocabulary
        if words is None:
            return
        if words.codebook_size != self.vocabulary_size:
            raise ValueError(
                f"the vocabulary has {words.codebook_size} words, vocabulary_size is {self.vocabulary_size}: wanted"
                " the same number"
            )
        for name in ("num_leads", "sampling_rate", "beat_samples"):
            ours, theirs = getattr(self, name), getattr(words, name)
            if ours != theirs:
                raise ValueError(f"the vocabulary's {name} is {theirs}, the model's is {ours}: wanted the same beats")
        if words.num_tokens < self.num_tokens:
            raise ValueError(f"the vocabulary reads {words.num_tokens} beats, the model {self.num_tokens}")
