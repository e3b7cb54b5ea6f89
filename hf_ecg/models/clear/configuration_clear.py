from transformers.activations import ACT2FN

from ...checks import check_one_of
from ..shared.configuration_ecg import ECGConfig
from ..shared.strict_configuration import strict

HEADS = (LINEAR, HUG) = ("linear", "hug")
# leads I, II, III; aVR, aVL, aVF; V1 to V6
LEAD_GROUPS = ((0, 1, 2), (3, 4, 5), (6, 7, 8, 9, 10, 11))


@strict
class CLEARConfig(ECGConfig):
    r"""Configuration of [`CLEARModel`], its heads and [`CLEARForPreTraining`]; the defaults are the paper's method at
    the published size (AAAI 2026, arXiv 2512.24002).

    The flags `compat_...` give what the released code computes, which the published weights were trained with. All of
    them are off by default.

    Args:
        num_leads (`int`, defaults to 12): leads, each with a class token.
        num_samples (`int`, defaults to 1000): samples of the record that the beats are cut from.
        sampling_rate (`float | int`, defaults to 100): hertz.
        beat_samples (`int`, defaults to 96): samples a beat, the R peak in the middle.
        num_beats (`int`, defaults to 15): the most beats of a lead.
        hidden_size (`int`, defaults to 768): of a token.
        num_hidden_layers (`int`, defaults to 12): blocks.
        num_attention_heads (`int`, defaults to 8): heads.
        intermediate_size (`int`, defaults to 1024): inside a block's feed-forward part.
        hidden_act (`str`, defaults to `"relu"`): its activation.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        hidden_dropout (`float`, defaults to 0.1): of what a block adds, in training alone.
        attention_dropout (`float`, defaults to 0.1): of attention weights, in training alone.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        embedding_kernel_size (`int`, defaults to 1): beats that a token is made of. The paper treats each heartbeat as
            an entity of its own; the released code has 3.
        num_lead_embeddings (`int`, defaults to 16): rows of the table of leads, 0 for none.
        num_time_embeddings (`int`, defaults to 16): rows of the table of seconds, 0 for none.
        mask_ratio (`float`, defaults to 0.8): share of a record's beats that pretraining removes. Kept are
            int(beats * (1 - mask_ratio)), as released: 35 of 180.
        decoder_hidden_size (`int`, defaults to 512): of a token in the decoder of the pretraining.
        decoder_num_hidden_layers (`int`, defaults to 4): its blocks.
        decoder_num_attention_heads (`int`, defaults to 16): their heads.
        decoder_intermediate_size (`int`, defaults to 1024): inside their feed-forward part.
        head (`str`, defaults to `"linear"`): of the classifier: `"linear"` reads the mean of the class tokens (CLEAR
            alone), `"hug"` goes from leads to groups of leads to all of them first (CLEAR-HUG).
        lead_groups (`list[list[int]]`, defaults to the limb leads I to III, aVR to aVF, and V1 to V6): three groups of
            leads for `"hug"`, by their places.
        hug_activation (`str`, *optional*): after each of its layers. Left out, as released, all of it is one affine
            map of the class tokens.
        compat_additive_mask (`bool`, defaults to `False`): the encoder adds 1 to the attention's scores where a class
            token should not look, and blocks nothing. Where it should look is counted without the class tokens, and
            among kept beats in the order of their noise: other beats than its lead's.
        compat_circular_convolution (`bool`, defaults to `False`): beats are embedded with both neighbours in the
            sequence, also with padding, beats of other leads and beats that pretraining removes.
        compat_unmasked_padding (`bool`, defaults to `False`): places without a beat are looked at, as beats of zeros,
            and judged by pretraining.
        compat_standardised_input (`bool`, defaults to `False`): each beat has mean 0 and standard deviation 1 already
            before the embedding, where the paper normalises what pretraining compares with: nothing is left of the
            voltage.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import CLEARConfig
        >>> config = CLEARConfig()
        >>> config.num_tokens, config.kept_beats(180)
        (180, 35)
    """

    model_type = "clear"

    num_leads: int = 12
    num_samples: int = 1000
    sampling_rate: float | int = 100
    beat_samples: int = 96
    num_beats: int = 15
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    intermediate_size: int = 1024
    hidden_act: str = "relu"
    layer_norm_eps: float = 1e-5
    hidden_dropout: float | int = 0.1
    attention_dropout: float | int = 0.1
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02
    embedding_kernel_size: int = 1
    num_lead_embeddings: int = 16
    num_time_embeddings: int = 16
    mask_ratio: float = 0.8
    decoder_hidden_size: int = 512
    decoder_num_hidden_layers: int = 4
    decoder_num_attention_heads: int = 16
    decoder_intermediate_size: int = 1024
    head: str = LINEAR
    lead_groups: list[list[int]] | None = None
    hug_activation: str | None = None
    compat_additive_mask: bool = False
    compat_circular_convolution: bool = False
    compat_unmasked_padding: bool = False
    compat_standardised_input: bool = False

    def __post_init__(self, **kwargs):
        if self.lead_groups is None and self.num_leads == 12:
            self.lead_groups = [list(group) for group in LEAD_GROUPS]
        super().__post_init__(**kwargs)

    @property
    def num_tokens(self) -> int:
        """The most beats of a record."""
        return self.num_leads * self.num_beats

    def kept_beats(self, beats: int) -> int:
        """How many of a record's beats pretraining keeps."""
        return int(beats * (1 - self.mask_ratio))

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        for prefix in ("", "decoder_"):
            self.check_blocks(prefix)
        check_activation("hidden_act", self.hidden_act)

    def validate_beats(self):
        """Run by `@strict` after construction and before saving."""
        if self.beat_samples < 2:
            raise ValueError(f"beat_samples is {self.beat_samples}, wanted at least 2")
        if not 1 <= self.num_beats <= 10_000:
            raise ValueError(f"num_beats is {self.num_beats}, wanted 1 to 10000")
        if self.embedding_kernel_size < 1 or self.embedding_kernel_size % 2 == 0:
            raise ValueError(f"embedding_kernel_size is {self.embedding_kernel_size}, wanted an odd number")
        if self.compat_circular_convolution and self.embedding_kernel_size == 1:
            raise ValueError("compat_circular_convolution wants an embedding_kernel_size above 1: released is 3")
        if self.num_lead_embeddings <= self.num_leads:
            raise ValueError(
                f"num_lead_embeddings is {self.num_lead_embeddings}, wanted one more than the {self.num_leads} leads"
            )
        if self.num_time_embeddings < 1:
            raise ValueError(f"num_time_embeddings is {self.num_time_embeddings}, wanted at least 1")
        if not 0 < self.mask_ratio < 1 or not 1 <= self.kept_beats(self.num_tokens) < self.num_tokens:
            raise ValueError(
                f"mask_ratio is {self.mask_ratio}, wanted a share between 0 and 1 that keeps and removes some of"
                f" {self.num_tokens} beats"
            )

    def validate_head(self):
        """Run by `@strict` after construction and before saving."""
        check_one_of("head", self.head, HEADS)
        if self.hug_activation is not None:
            check_activation("hug_activation", self.hug_activation)
        if self.head != HUG:
            return
        groups = self.lead_groups or []
        places = sorted(place for group in groups for place in group)
        if len(groups) != 3 or not all(groups) or places != list(range(self.num_leads)):
            raise ValueError(
                f"lead_groups are {groups}, wanted three groups that hold each of the {self.num_leads} leads once"
            )


def check_activation(name: str, value: str) -> None:
    """Raises ValueError for an activation that transformers does not know."""
    if value not in ACT2FN:
        raise ValueError(f"{name} is {value!r}, wanted an activation of transformers such as 'relu' or 'gelu'")
