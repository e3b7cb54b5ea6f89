"""HeartLang's vocabulary of heartbeats (VQ-HBR; Jin et al., ICLR 2025; PKUDigitalHealth/HeartLang at a08afd8): beats
become words of a codebook, and a decoder draws the beats again from the words.

Written from the paper and from what the released code computes.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.output_capturing import capture_outputs

from ...losses.record_means import mean_by_record
from ..shared.beat_inputs import BeatInputMixin, BeatModelOutput
from ..shared.beat_transformer import (
    BeatSequenceInput,
    BeatTransformer,
    BeatTransformerPreTrainedModel,
    read_beats,
)
from ..shared.beat_vocabulary import BeatVocabulary
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import mean_over_time
from .codebook import EMACodebook
from .configuration_heartlang_vqhbr import HeartLangVQHBRConfig


@dataclass
class HeartLangVQHBROutput(ECGPreTrainingOutput):
    """Output of [`HeartLangVQHBRForPreTraining`].

    Args:
        loss: the two that follow together.
        commitment_loss: mean squared distance of beats from their words, by `commitment_weight`. This and the next
            are means over records of the mean over their beats.
        reconstruction_loss: mean squared error of the beats that the decoder draws.
        codes: int64 (batch, tokens), the words; -1 where there is no beat.
        code_vectors: (batch, tokens, code_size), the beats' vectors of unit length, before words are chosen.
        prediction: (batch, tokens, beat_samples), the beats that the decoder draws.
        ecg_model_output: of the encoder.
    """

    commitment_loss: torch.Tensor | None = None
    reconstruction_loss: torch.Tensor | None = None
    codes: torch.Tensor | None = None
    code_vectors: torch.Tensor | None = None
    prediction: torch.Tensor | None = None


class HeartLangVQHBRPreTrainedModel(BeatTransformerPreTrainedModel):
    """Base of the family."""

    config: HeartLangVQHBRConfig

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, EMACodebook):
            module.init_weights()


class HeartLangVQHBRModel(HeartLangVQHBRPreTrainedModel):
    """The encoder of the vocabulary; [`HeartLangVQHBRForPreTraining`] has the words too.

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangVQHBRConfig, HeartLangVQHBRModel
        >>> model = HeartLangVQHBRModel(HeartLangVQHBRConfig(num_hidden_layers=2)).eval()
        >>> model(torch.randn(2, 120, 96)).pooler_output.shape
        torch.Size([2, 768])
    """

    # what the pretraining model and the heads have around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|decoder|codebook|to_code|to_beat)\."]

    def __init__(self, config: HeartLangVQHBRConfig):
        super().__init__(config)
        self.transformer = BeatTransformer(config)
        self.post_init()

    @capture_outputs
    def forward(
        self,
        beat_tokens: torch.Tensor,
        beat_mask: torch.Tensor | None = None,
        lead_ids: torch.Tensor | None = None,
        time_ids: torch.Tensor | None = None,
        peak_samples: torch.Tensor | None = None,
        lead_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BeatModelOutput:
        """
        Args:
            beat_tokens: float (batch, tokens, beat_samples), the beats of all leads, up to `num_tokens`.
            beat_mask: bool (batch, tokens), false where there is no beat: not looked at, and zero in the output.
            lead_ids: int64 (batch, tokens), the lead of each beat, from 1; 0 for none. None: nothing is added for it.
            time_ids: int64 (batch, tokens), the second of each beat, from 1; 0 for none. None: as of leads.
            peak_samples: int64 (batch, tokens), the sample of each R peak, for `token_positions`.
            lead_mask: bool (batch, leads); beats of absent leads are not looked at.

        Returns:
            `last_hidden_state` (batch, tokens, hidden_size), a row for each beat; `pooler_output` (batch,
            hidden_size), their mean; and where on the ECG each row lies.

        Raises:
            ValueError: see `read_beats`.
        """
        given = read_beats(self.config, beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        hidden_states = self.transformer(given, **kwargs)[:, 1:]
        # the released code takes for padding whatever is zero, a flat beat too
        real = given.counted if given.counted is not None else given.beats.ne(0).any(dim=-1)
        if given.counted is not None or self.config.compat_visible_padding:
            hidden_states = hidden_states.masked_fill(~real.unsqueeze(-1), 0.0)
        pooled = mean_over_time(hidden_states, given.counted)
        return BeatModelOutput(last_hidden_state=hidden_states, pooler_output=pooled, **given.places())


class HeartLangVQHBRForECGClassification(BeatInputMixin, LinearHeadMixin, HeartLangVQHBRPreTrainedModel):
    """The vocabulary's encoder with a linear head.

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangVQHBRConfig, HeartLangVQHBRForECGClassification
        >>> model = HeartLangVQHBRForECGClassification(HeartLangVQHBRConfig(num_hidden_layers=2, num_labels=5)).eval()
        >>> model(torch.zeros(2, 120, 96)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = HeartLangVQHBRModel


class HeartLangVQHBRForECGSurvival(BeatInputMixin, SurvivalHeadMixin, HeartLangVQHBRPreTrainedModel):
    """The vocabulary's encoder with a survival head.

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangVQHBRConfig, HeartLangVQHBRForECGSurvival
        >>> config = HeartLangVQHBRConfig(num_hidden_layers=2, survival_breaks=[0, 365, 730])
        >>> HeartLangVQHBRForECGSurvival(config).eval()(torch.zeros(2, 120, 96)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = HeartLangVQHBRModel


def two_layers(config: HeartLangVQHBRConfig, width: int) -> nn.Sequential:
    """Linear, tanh, linear."""
    return nn.Sequential(
        nn.Linear(config.hidden_size, config.hidden_size), nn.Tanh(), nn.Linear(config.hidden_size, width)
    )


class HeartLangVQHBRForPreTraining(BeatVocabulary, HeartLangVQHBRPreTrainedModel):
    """The whole vocabulary: encoder, words, decoder.

    What teaches it is to draw the beats again from their words, which follow the beats by moving averages
    ([`EMACodebook`](hf_ecg.models.heartlang_vqhbr.codebook.EMACodebook)) once a step has been taken (`after_step`).

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangVQHBRConfig, HeartLangVQHBRForPreTraining
        >>> sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "codebook_size": 32}
        >>> model = HeartLangVQHBRForPreTraining(HeartLangVQHBRConfig(**sizes)).eval()
        >>> outputs = model(torch.randn(2, 120, 96))
        >>> outputs.codes.shape, outputs.prediction.shape
        (torch.Size([2, 120]), torch.Size([2, 120, 96]))
    """

    role = "pretraining"

    def __init__(self, config: HeartLangVQHBRConfig):
        super().__init__(config)
        self.encoder = HeartLangVQHBRModel(config)
        self.to_code = two_layers(config, config.code_size)
        self.codebook = EMACodebook(
            config.codebook_size, config.code_size, config.codebook_decay, config.kmeans_iterations
        )
        self.decoder = BeatTransformer(config, "decoder_", config.code_size)
        self.to_beat = two_layers(config, config.beat_samples)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        beat_tokens: torch.Tensor,
        beat_mask: torch.Tensor | None = None,
        lead_ids: torch.Tensor | None = None,
        time_ids: torch.Tensor | None = None,
        peak_samples: torch.Tensor | None = None,
        lead_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> HeartLangVQHBROutput:
        """
        Args:
            beat_tokens: float (batch, tokens, beat_samples).
            beat_mask, lead_ids, time_ids, peak_samples, lead_mask: see `HeartLangVQHBRModel`. What holds no beat has
                no word and is not judged.

        Raises:
            ValueError: see `HeartLangVQHBRModel`.
        """
        inputs = (beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        given = read_beats(self.config, *inputs)
        outputs, vectors, codes = self._words(inputs, given, **kwargs)
        words = self.codebook.vectors.to(vectors.dtype)[codes]
        # the gradient passes as if nothing had been chosen
        passed = vectors + (words - vectors).detach()
        drawn = self.to_beat(self.decoder(given, passed, **kwargs)[:, 1:])
        commitment = self.config.commitment_weight * mean_by_record(
            (vectors - words).float().square().mean(dim=-1), given.counted
        )
        errors = (drawn - given.beats.to(drawn.dtype)).float().square().mean(dim=-1)
        reconstruction = mean_by_record(errors, given.counted)
        return HeartLangVQHBROutput(
            loss=commitment + reconstruction,
            commitment_loss=commitment,
            reconstruction_loss=reconstruction,
            codes=codes if given.counted is None else codes.masked_fill(~given.counted, -1),
            code_vectors=vectors,
            prediction=drawn,
            ecg_model_output=outputs,
        )

    @torch.no_grad()
    def codes_of(  # type: ignore[override]  # by their names
        self, beat_tokens, beat_mask=None, lead_ids=None, time_ids=None, peak_samples=None, lead_mask=None
    ) -> torch.Tensor:
        """The words of beats, as `forward` gives them, without drawing the beats again.

        Args:
            beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask: see `HeartLangVQHBRModel`;
                `beat_tokens` is (batch, tokens, beat_samples).

        Returns:
            int64 (batch, tokens), -1 where there is no beat.
        """
        inputs = (beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        given = read_beats(self.config, *inputs)
        _, _, codes = self._words(inputs, given)
        return codes if given.counted is None else codes.masked_fill(~given.counted, -1)

    @torch.no_grad()
    def drawn_words(self) -> torch.Tensor:
        """Each word drawn by itself, as a beat of no lead at no time: (codebook_size, beat_samples)."""
        words = self.codebook.vectors.unsqueeze(1)
        places = torch.zeros(words.shape[:2], dtype=torch.int64, device=words.device)
        alone = BeatSequenceInput(words, None, None, places == 0, None, places)
        return self.to_beat(self.decoder(alone)[:, 1:])[:, 0]

    def word_usage(self) -> torch.Tensor:
        """How many beats of a step had each word, a moving average: (codebook_size,)."""
        return self.codebook.usage

    def after_step(self, step: int) -> None:
        """Moves the words."""
        self.codebook.step()

    def _words(self, inputs, given: BeatSequenceInput, **kwargs):
        outputs = self.encoder(*inputs, **kwargs)
        states = outputs.last_hidden_state
        # which word is the nearest is decided by small differences
        with torch.autocast(states.device.type, enabled=False):
            vectors = F.normalize(self.to_code(states.to(self.to_code[0].weight.dtype)).float(), dim=-1)
        return outputs, vectors, self.codebook(vectors, given.counted)
