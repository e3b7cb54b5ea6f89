"""HeartLang (Jin et al., ICLR 2025; PKUDigitalHealth/HeartLang at a08afd8): an ECG read as a sentence whose words are
heartbeats, by a transformer that is pretrained to foretell masked words.

Written from the paper and from what the released code computes. The words come from
[`HeartLangVQHBRForPreTraining`].
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.output_capturing import capture_outputs

from ...losses.record_means import mean_by_record
from ..heartlang_vqhbr.modeling_heartlang_vqhbr import HeartLangVQHBRForPreTraining
from ..shared.beat_inputs import BeatInputMixin, BeatModelOutput
from ..shared.beat_transformer import (
    BeatSequenceInput,
    BeatTransformer,
    BeatTransformerPreTrainedModel,
    read_beats,
)
from ..shared.masking import random_share, take, uniform_noise
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from ..shared.modeling_survival import SurvivalHeadMixin
from .configuration_heartlang import HeartLangConfig

# what cross entropy leaves out
_NOT_JUDGED = -100


@dataclass
class HeartLangPreTrainingOutput(ECGPreTrainingOutput):
    """Output of [`HeartLangForPreTraining`].

    Args:
        loss: cross entropy of the masked beats' words; None where nothing says what they are.
        logits: (batch, number, vocabulary_size), of the masked beats.
        masked_places: int64 (batch, number), which beats those are; -1 where a record has fewer of them.
        labels: int64 (batch, number), their words; -100 where none is judged.
        masked: bool (batch, tokens), true where the encoder did not see the beat.
        ecg_model_output: of the encoder.
    """

    logits: torch.Tensor | None = None
    masked_places: torch.Tensor | None = None
    labels: torch.Tensor | None = None
    masked: torch.Tensor | None = None


class HeartLangPreTrainedModel(BeatTransformerPreTrainedModel):
    """Base of the family."""

    config: HeartLangConfig

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, HeartLangForPreTraining):
            init.normal_(module.mask_token, std=self.config.initializer_range)


class HeartLangModel(HeartLangPreTrainedModel):
    """The bare encoder: the beats of all leads, one after the other, behind a class token.

    Places without a beat are not looked at and change nothing. What the released code computes instead is in
    [`HeartLangConfig`] (`compat_...`).

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangConfig, HeartLangModel
        >>> model = HeartLangModel(HeartLangConfig(num_hidden_layers=2)).eval()
        >>> outputs = model(torch.randn(2, 120, 96))  # twelve leads of ten beats
        >>> outputs.last_hidden_state.shape, outputs.pooler_output.shape
        (torch.Size([2, 121, 768]), torch.Size([2, 768]))
    """

    # what the pretraining model and the heads have around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|head|vocabulary_model)\.", "^mask_token$"]

    def __init__(self, config: HeartLangConfig):
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
        masked: torch.Tensor | None = None,
        mask_token: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BeatModelOutput:
        """
        Args:
            beat_tokens: float (batch, tokens, beat_samples), the beats of all leads, up to `num_tokens`.
            beat_mask: bool (batch, tokens), false where there is no beat. A record without any beat gives a number,
                the same for all of them.
            lead_ids: int64 (batch, tokens), the lead of each beat, from 1; 0 for none. None: nothing is added for it.
            time_ids: int64 (batch, tokens), the second of each beat, from 1; 0 for none. None: as of leads.
            peak_samples: int64 (batch, tokens), the sample of each R peak, for `token_positions`.
            lead_mask: bool (batch, leads); beats of absent leads are not looked at.
            masked: bool (batch, tokens), beats in whose place `mask_token` (hidden_size,) is seen.

        Returns:
            `last_hidden_state` (batch, 1 + tokens, hidden_size), the class token first; `pooler_output` (batch,
            hidden_size), the class token; and where on the ECG each token lies.

        Raises:
            ValueError: see `read_beats`.
        """
        given = read_beats(self.config, beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        hidden_states = self.transformer(given, masked=masked, mask_token=mask_token, **kwargs)
        places: dict[str, Any] = {
            # the class token is of no beat
            name: F.pad(value, (1, 0), value=False if name == "token_mask" else -1)
            for name, value in given.places().items()
        }
        return BeatModelOutput(last_hidden_state=hidden_states, pooler_output=hidden_states[:, 0], **places)


class HeartLangForECGClassification(BeatInputMixin, LinearHeadMixin, HeartLangPreTrainedModel):
    """The encoder with a linear head on the class token.

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangConfig, HeartLangForECGClassification
        >>> model = HeartLangForECGClassification(HeartLangConfig(num_hidden_layers=2, num_labels=5)).eval()
        >>> model(torch.zeros(2, 120, 96)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = HeartLangModel


class HeartLangForECGSurvival(BeatInputMixin, SurvivalHeadMixin, HeartLangPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangConfig, HeartLangForECGSurvival
        >>> model = HeartLangForECGSurvival(HeartLangConfig(num_hidden_layers=2, survival_breaks=[0, 365, 730])).eval()
        >>> model(torch.zeros(2, 120, 96)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = HeartLangModel


class HeartLangForPreTraining(HeartLangPreTrainedModel):
    """A share of the beats is masked, and their words in a vocabulary are foretold from the others.

    The vocabulary is a trained [`HeartLangVQHBRForPreTraining`], here `vocabulary_model`: a recipe names it in
    `model.init_from.vocabulary_model`. It is never trained from here, and always in evaluation mode.

    Example:
        >>> import torch
        >>> from hf_ecg import HeartLangConfig, HeartLangForPreTraining, HeartLangVQHBRConfig
        >>> sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
        >>> words = HeartLangVQHBRConfig(codebook_size=32, **sizes)
        >>> model = HeartLangForPreTraining(HeartLangConfig(vocabulary_size=32, vocabulary_config=words, **sizes))
        >>> outputs = model(torch.randn(2, 120, 96))
        >>> outputs.loss.shape, outputs.logits.shape
        (torch.Size([]), torch.Size([2, 60, 32]))
    """

    role = "pretraining"

    def __init__(self, config: HeartLangConfig):
        super().__init__(config)
        self.encoder = HeartLangModel(config)
        self.mask_token = nn.Parameter(torch.empty(config.hidden_size))
        self.head = nn.Linear(config.hidden_size, config.vocabulary_size)
        words = config.vocabulary
        self.vocabulary_model: HeartLangVQHBRForPreTraining | None = None
        if words is not None:
            # how attention is computed is no part of a vocabulary: it follows the model around it
            words._attn_implementation = self.config._attn_implementation
            self.vocabulary_model = HeartLangVQHBRForPreTraining(words).requires_grad_(False).eval()
        self.post_init()

    def train(self, mode: bool = True):
        """As in torch, but that the vocabulary stays in evaluation mode: it must not follow this training's beats."""
        super().train(mode)
        if self.vocabulary_model is not None:
            self.vocabulary_model.eval()
        return self

    @can_return_tuple
    def forward(
        self,
        beat_tokens: torch.Tensor,
        beat_mask: torch.Tensor | None = None,
        lead_ids: torch.Tensor | None = None,
        time_ids: torch.Tensor | None = None,
        peak_samples: torch.Tensor | None = None,
        lead_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        mask_noise: torch.Tensor | None = None,
        record_seeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> HeartLangPreTrainingOutput:
        """
        Args:
            beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask: see `HeartLangModel`. What holds no
                beat is neither masked nor judged; of a record's own beats as many are masked as without it.
            labels: int64 (batch, tokens), the words of all beats, below 0 where there is none; by default the
                vocabulary says them.
            mask_noise: (batch, tokens) in [0, 1): the beats with the smallest noise are masked. Drawn where it is not
                given.
            record_seeds: int64 (batch,), what the noise of each record is drawn from; by default torch's generator.

        Raises:
            ValueError: see `HeartLangModel`; noise or labels of another shape, a word that the model does not have, or
                a training without vocabulary and labels.
        """
        inputs = (beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        given = read_beats(self.config, *inputs)
        if mask_noise is None:
            mask_noise = uniform_noise(tuple(beat_tokens.shape[:2]), beat_tokens, record_seeds)
        if mask_noise.shape != beat_tokens.shape[:2]:
            raise ValueError(f"mask_noise has shape {tuple(mask_noise.shape)}, wanted {tuple(beat_tokens.shape[:2])}")
        number = self.config.masked_beats(beat_tokens.shape[1])
        subset = random_share(mask_noise, number, given.counted, self.config.mask_ratio)
        masked, places = ~subset.removed, subset.kept
        if given.counted is not None:
            masked, places = masked & given.counted, _of_beats(places, given)
        outputs = self.encoder(*inputs, masked=masked, mask_token=self.mask_token, **kwargs)
        logits = self.head(take(outputs.last_hidden_state[:, 1:], places.clamp(min=0)))
        words = self._words(inputs, labels)
        made = {"logits": logits, "masked_places": places, "masked": masked, "ecg_model_output": outputs}
        if words is None:
            return HeartLangPreTrainingOutput(**made)
        targets = words.gather(1, places.clamp(min=0)).masked_fill(places < 0, _NOT_JUDGED)
        targets = targets.masked_fill(targets < 0, _NOT_JUDGED)
        return HeartLangPreTrainingOutput(loss=_cross_entropy(logits, targets), labels=targets, **made)

    def _words(self, inputs, labels: torch.Tensor | None) -> torch.Tensor | None:
        """int64 (batch, tokens); None when nothing says what they are."""
        if labels is not None:
            _check_labels(labels, inputs[0].shape[:2], self.config.vocabulary_size)
            return labels
        if self.vocabulary_model is None:
            if self.training:
                raise ValueError(
                    "nothing says what the words of the beats are: wanted a vocabulary (vocabulary_config, in a recipe"
                    " model.init_from.vocabulary_model) or labels"
                )
            return None
        tokens, mask, leads, times, peaks, present = inputs
        if self.config.compat_codes_without_positions:
            return self.vocabulary_model.codes_of(tokens, mask)
        return self.vocabulary_model.codes_of(tokens, mask, leads, times, peaks, present)


def _of_beats(places: torch.Tensor, given: BeatSequenceInput) -> torch.Tensor:
    """Without places where there is no beat: a record without any has none that is masked."""
    if given.counted is None:
        return places
    return places.masked_fill(~given.counted.gather(1, places.clamp(min=0)), -1)


def _check_labels(labels: torch.Tensor, shape, words: int) -> None:
    if labels.shape != shape:
        raise ValueError(f"labels have shape {tuple(labels.shape)}, wanted {tuple(shape)}")
    if not torch.compiler.is_compiling() and labels.numel() and int(labels.max()) >= words:
        raise ValueError(f"labels go up to {int(labels.max())}, the model has the words 0 to {words - 1}")


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean over records of that over their words that are judged; 0 where none is."""
    losses = F.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=_NOT_JUDGED, reduction="none"
    )
    return mean_by_record(losses.view(targets.shape), targets != _NOT_JUDGED)
