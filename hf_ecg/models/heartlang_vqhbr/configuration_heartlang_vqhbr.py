from ..shared.beat_transformer import BeatTransformerConfig
from ..shared.strict_configuration import strict


@strict
class HeartLangVQHBRConfig(BeatTransformerConfig):
    r"""Configuration of [`HeartLangVQHBRModel`] and [`HeartLangVQHBRForPreTraining`], HeartLang's vocabulary of
    heartbeats (VQ-HBR). The defaults are the published one's (ICLR 2025).

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
        num_hidden_layers (`int`, defaults to 4): blocks of the encoder.
        num_attention_heads (`int`, defaults to 2): heads.
        head_size (`int`, defaults to 64): of a head; released are 2 heads of 64 for 768 wide tokens.
        intermediate_size (`int`, defaults to 2048): inside a block's feed-forward part.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        hidden_dropout (`float`, defaults to 0.0): of what a block adds.
        attention_dropout (`float`, defaults to 0.0): of attention weights.
        classifier_dropout (`float`, defaults to 0.0): before a head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        decoder_num_hidden_layers (`int`, defaults to 2): blocks of the decoder, of the same sizes.
        codebook_size (`int`, defaults to 8192): words of the vocabulary.
        code_size (`int`, defaults to 128): of a word's vector.
        commitment_weight (`float`, defaults to 1.0): of the distance between beats and their words in the loss.
        codebook_decay (`float`, defaults to 0.99): share of a word's vector that a step leaves.
        kmeans_iterations (`int`, defaults to 10): of the clustering of the first batch, with which the words
            begin.
        compat_visible_padding (`bool`, defaults to `False`): the released arithmetic: places without a beat are looked
            at, have words and count in the losses, neighbours are those of the sequence whatever their lead, and its
            ends meet.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import HeartLangVQHBRConfig
        >>> config = HeartLangVQHBRConfig()
        >>> config.codebook_size, config.code_size
        (8192, 128)
    """

    model_type = "heartlang_vqhbr"

    num_hidden_layers: int = 4
    num_attention_heads: int = 2
    intermediate_size: int = 2048
    decoder_num_hidden_layers: int = 2
    codebook_size: int = 8192
    code_size: int = 128
    commitment_weight: float = 1.0
    codebook_decay: float = 0.99
    kmeans_iterations: int = 10

    def validate_codebook(self):
        """Run by `@strict` after construction and before saving."""
        for name in ("decoder_num_hidden_layers", "codebook_size", "code_size", "kmeans_iterations"):
            if not 1 <= getattr(self, name) <= 1_000_000:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to 1000000")
        if not 0 < self.codebook_decay < 1:
            raise ValueError(f"codebook_decay is {self.codebook_decay}, wanted a share between 0 and 1")
