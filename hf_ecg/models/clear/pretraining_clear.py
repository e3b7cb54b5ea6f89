"""CLEAR's pretraining: beats are removed from a record and made up again from what is left of it."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import initialization as init
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ...losses import masked_reconstruction_loss
from ..shared.masking import random_share, take, uniform_noise
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from .beat_grid import BeatGrid, beat_grid, decoder_mask
from .configuration_clear import CLEARConfig
from .modeling_clear import CLEARModel, CLEARPreTrainedModel, post_norm_blocks


@dataclass
class CLEARPreTrainingOutput(ECGPreTrainingOutput):
    """Output of [`CLEARForPreTraining`].

    Args:
        loss: mean squared error of the beats that were removed.
        ecg_model_output: of the encoder, which saw the kept beats alone.
        prediction: (batch, tokens, beat_samples), of every beat.
        removed: bool (batch, tokens), true where the encoder did not see the beat.
    """

    prediction: torch.Tensor | None = None
    removed: torch.Tensor | None = None


class CLEARDecoder(nn.Module):
    """From the class tokens and the kept beats to all beats."""

    def __init__(self, config: CLEARConfig):
        super().__init__()
        self.config = config
        size = config.decoder_hidden_size
        self.embedding = nn.Linear(config.hidden_size, size)
        self.mask_token = nn.Parameter(torch.empty(size))
        self.positions = nn.Parameter(torch.empty(config.num_leads + config.num_tokens, size))
        self.layers = post_norm_blocks(config, "decoder_")
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.head = nn.Linear(size, config.beat_samples)

    def forward(
        self, hidden_states: torch.Tensor, grid: BeatGrid, restore: torch.Tensor, removed: torch.Tensor, **kwargs
    ) -> torch.Tensor:
        """
        Args:
            hidden_states: (batch, leads + kept, hidden_size), the class tokens first.
            grid: of all beats.
            restore: int64 (batch, tokens), where each beat stands when the kept ones come first.
            removed: bool (batch, tokens).

        Returns:
            (batch, leads + tokens, beat_samples), of the class tokens too, which are not judged.
        """
        leads = self.config.num_leads
        tokens = self.embedding(hidden_states)
        of_class, kept = tokens[:, :leads], tokens[:, leads:]
        beats = take(kept, restore.clamp(max=kept.shape[1] - 1))
        beats = torch.where(removed.unsqueeze(-1), self.mask_token.to(kept.dtype), beats)
        beats = beats + self.positions[grid.positions_of(self.config)]
        tokens = torch.cat([of_class + self.positions[:leads], beats], dim=1)
        attention_mask = decoder_mask(self.config, grid, removed, tokens)
        for layer in self.layers:
            tokens = layer(tokens, attention_mask, **kwargs)
        return self.head(self.norm(tokens))


class CLEARForPreTraining(CLEARPreTrainedModel):
    """The masked model: most beats are removed, and made up again from the same beat in other leads and their own
    lead's class token.

    Each record loses beats of its own, while the released code removes the same places in all records of a batch.
    What a removed beat is compared with has mean 0 and standard deviation 1.

    Example:
        >>> import torch
        >>> from hf_ecg import CLEARConfig, CLEARForPreTraining
        >>> sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "decoder_hidden_size": 64}
        >>> model = CLEARForPreTraining(CLEARConfig(**sizes))
        >>> outputs = model(torch.randn(2, 180, 96))
        >>> outputs.prediction.shape, int(outputs.removed.sum())  # 145 of 180 beats of two records
        (torch.Size([2, 180, 96]), 290)
    """

    role = "pretraining"

    def __init__(self, config: CLEARConfig):
        super().__init__(config)
        self.encoder = CLEARModel(config)
        self.decoder = CLEARDecoder(config)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, CLEARDecoder):
            for parameter in (module.mask_token, module.positions):
                init.normal_(parameter, std=self.config.initializer_range)

    @can_return_tuple
    def forward(
        self,
        beat_tokens: torch.Tensor,
        beat_mask: torch.Tensor | None = None,
        lead_ids: torch.Tensor | None = None,
        time_ids: torch.Tensor | None = None,
        peak_samples: torch.Tensor | None = None,
        lead_mask: torch.Tensor | None = None,
        mask_noise: torch.Tensor | None = None,
        record_seeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> CLEARPreTrainingOutput:
        """
        Args:
            beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask: see `CLEARModel`. What holds no beat
                is not looked at and not judged; of a record's own beats as many are kept as without it, but one at
                least.
            mask_noise: (batch, tokens) in [0, 1): the beats with the smallest noise are kept. Drawn where it is not
                given.
            record_seeds: int64 (batch,), what the noise of each record is drawn from; by default torch's generator.

        Raises:
            ValueError: see `CLEARModel`; noise of another shape.
        """
        given = (beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        grid = beat_grid(self.config, *given)
        if mask_noise is None:
            mask_noise = uniform_noise(tuple(beat_tokens.shape[:2]), beat_tokens, record_seeds)
        if mask_noise.shape != beat_tokens.shape[:2]:
            raise ValueError(f"mask_noise has shape {tuple(mask_noise.shape)}, wanted {tuple(beat_tokens.shape[:2])}")
        number = max(1, self.config.kept_beats(beat_tokens.shape[1]))
        subset = random_share(mask_noise, number, grid.counted, 1 - self.config.mask_ratio)
        outputs = self.encoder(*given, kept=subset.kept, **kwargs)
        decoded = self.decoder(outputs.last_hidden_state, grid, subset.restore, subset.removed, **kwargs)
        prediction = decoded[:, self.config.num_leads :]
        judged = subset.removed if grid.counted is None else subset.removed & grid.counted
        loss = masked_reconstruction_loss(prediction, grid.beats, judged)
        return CLEARPreTrainingOutput(
            loss=loss, ecg_model_output=outputs, prediction=prediction, removed=subset.removed
        )
