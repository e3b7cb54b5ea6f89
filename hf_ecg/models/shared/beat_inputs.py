"""What models that read heartbeats in place of the waveform take and give."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling, SequenceClassifierOutput
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

BEATS = "beat_tokens"
WHOLE_NUMBERS = ("lead_ids", "time_ids", "peak_samples")


@dataclass
class BeatModelOutput(BaseModelOutputWithPooling):
    """Output of an encoder of beats, which says where on the ECG each token lies.

    Args:
        last_hidden_state: (batch, tokens, hidden_size).
        pooler_output: (batch, hidden_size).
        token_positions: int64 (batch, tokens), the sample of the beat's R peak; -1 where a token is not of one beat,
            and everywhere when the model was not given `peak_samples`.
        token_leads: int64 (batch, tokens), the place of the token's lead among the model's leads, from 0; -1 where it
            is of none.
        token_mask: bool (batch, tokens), true where a token stands for a part of the record.
    """

    token_positions: torch.Tensor | None = None
    token_leads: torch.Tensor | None = None
    token_mask: torch.Tensor | None = None


class BeatInputMixin:
    """A head that reads beats: stands before `LinearHeadMixin` or `SurvivalHeadMixin`."""

    main_input_name = BEATS
    encoder: Any
    answer: Any

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
        covariates: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> SequenceClassifierOutput:
        """
        Args:
            beat_tokens: float (batch, tokens, beat_samples).
            beat_mask: bool (batch, tokens), false where there is no beat.
            lead_ids: int64 (batch, tokens), the lead of each beat, from 1; 0 for none.
            time_ids: int64 (batch, tokens), the second of each beat, from 1; 0 for none.
            peak_samples: int64 (batch, tokens), the sample of each R peak; -1 for none.
            lead_mask: bool (batch, leads).
            labels: what `head_loss` takes.
            covariates: float (batch, num_covariates) in the order of `config.covariates`, NaN where not known.

        Returns:
            `loss` with labels, `logits` (batch, num_labels), and the encoder's `hidden_states` and `attentions` on
            request.

        Raises:
            ValueError: inputs of another shape or type than the configuration says, labels that do not fit, or
                covariates where the head has none, or none where it has some.
        """
        outputs = self.encoder(
            beat_tokens,
            beat_mask=beat_mask,
            lead_ids=lead_ids,
            time_ids=time_ids,
            peak_samples=peak_samples,
            lead_mask=lead_mask,
            **kwargs,
        )
        return self.answer(outputs, labels, covariates)


def check_beats(
    beat_tokens: torch.Tensor, beat_samples: int, lead_mask: torch.Tensor | None, num_leads: int, **of_beats
) -> None:
    """Raises ValueError for what is not a tensor, beats of another length, another shape beside them, or broken ids.

    Args:
        beat_tokens: (batch, tokens, beat_samples).
        beat_samples: what the model wants.
        lead_mask: bool (batch, num_leads).
        num_leads: of the model.
        of_beats: by name what has the shape (batch, tokens); None is not looked at.
    """
    for name, value in {BEATS: beat_tokens, "lead_mask": lead_mask, **of_beats}.items():
        if not isinstance(value, torch.Tensor) and (value is not None or name == BEATS):
            raise ValueError(f"{name} is of type {type(value).__name__}, wanted a tensor")
    if beat_tokens.ndim != 3 or beat_tokens.shape[2] != beat_samples:
        raise ValueError(f"beat_tokens have shape {tuple(beat_tokens.shape)}, wanted (batch, tokens, {beat_samples})")
    if not torch.compiler.is_compiling() and beat_tokens.shape[1] == 0:
        raise ValueError(f"beat_tokens have shape {tuple(beat_tokens.shape)}: records without a place for a beat")
    wanted = {"lead_mask": (beat_tokens.shape[0], num_leads)} | {name: beat_tokens.shape[:2] for name in of_beats}
    for name, value in {"lead_mask": lead_mask, **of_beats}.items():
        if value is not None and value.shape != wanted[name]:
            raise ValueError(f"{name} has shape {tuple(value.shape)}, wanted {tuple(wanted[name])}")
        if name in WHOLE_NUMBERS and value is not None and (value.is_floating_point() or value.is_complex()):
            raise ValueError(f"{name} has the type {value.dtype}, wanted whole numbers such as torch.int64")
