"""Multi-grained prototype reconstruction, in the manner of arXiv 2506.22495: a masked autoencoder that also names the
prototypes of the patches it did not see, and of the whole record.

**Inferred**: neither code nor details of the paper are public. This is our own design after its abstract.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ...losses import (
    gather_with_gradient,
    masked_reconstruction_loss,
    masked_spectrum_loss,
    moved_center,
    prototype_loss,
    sharpened_targets,
    sinkhorn_targets,
    world_size,
)
from ..shared.attention import attention_mask_of
from ..shared.masking import RandomSubset, filled, random_share, uniform_noise
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from ..shared.momentum_teacher import MomentumTeacher, teacher_momentum
from ..shared.positions import sin_cos_positions
from ..shared.transformer import pre_norm_blocks
from .configuration_ecg_tf_mae import ECGTFMAEConfig
from .filters_ecg_tf_mae import filters_of
from .modeling_ecg_tf_mae import ECGTFMAEModel, ECGTFMAEPreTrainedModel, patches_of_record


@dataclass
class ECGTFMAEPreTrainingOutput(ECGPreTrainingOutput):
    """Output of [`ECGTFMAEForPreTraining`].

    Args:
        loss: the sum of the four below, each times its weight in the configuration.
        ecg_model_output: of the encoder, which saw the kept patches alone.
        prediction: (batch, leads, patches, patch_size), of every patch.
        removed: bool (batch, patches), true where the encoder did not see the patch.
        time_loss: mean squared error of removed patches.
        frequency_loss: error of their spectra.
        fine_loss: of the prototypes of removed patches; None without.
        coarse_loss: of the prototypes of records; None without.
    """

    prediction: torch.Tensor | None = None
    removed: torch.Tensor | None = None
    time_loss: torch.Tensor | None = None
    frequency_loss: torch.Tensor | None = None
    fine_loss: torch.Tensor | None = None
    coarse_loss: torch.Tensor | None = None


class ECGTFMAEDecoder(nn.Module):
    """From the tokens of kept patches to all patches."""

    positions: torch.Tensor

    def __init__(self, config: ECGTFMAEConfig):
        super().__init__()
        self.config = config
        size = config.decoder_hidden_size
        self.embedding = nn.Linear(config.hidden_size, size)
        self.mask_token = nn.Parameter(torch.empty(size))
        self.register_buffer("positions", sin_cos_positions(config.num_patches, size))
        self.filters = filters_of(config, "decoder_")
        self.layers = pre_norm_blocks(config, "decoder_")
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.head = nn.Linear(size, config.num_leads * config.patch_size)

    def forward(
        self, hidden_states: torch.Tensor, subset: RandomSubset, counted: torch.Tensor | None, **kwargs
    ) -> torch.Tensor:
        """
        Args:
            hidden_states: (batch, kept, hidden_size).
            subset: of the patches, (batch, patches).
            counted: bool (batch, patches).

        Returns:
            Features (batch, patches, decoder_hidden_size), which `head` makes patches.
        """
        tokens = filled(self.embedding(hidden_states), subset, self.mask_token)
        tokens = tokens + self.positions[: tokens.shape[1]].to(tokens.dtype)
        attention_mask = attention_mask_of(self.config, tokens, counted)
        for number, layer in enumerate(self.layers):
            if number < len(self.filters):
                tokens = self.filters[number](tokens, counted)
            tokens = layer(tokens, attention_mask, **kwargs)
        return self.norm(tokens)


class PrototypeBank(nn.Module):
    """Learned directions, the prototypes, and their cosines with features."""

    def __init__(self, number: int, size: int):
        super().__init__()
        self.directions = nn.Parameter(torch.empty(number, size))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(..., size) to (..., number), each between -1 and 1."""
        return F.linear(F.normalize(features, dim=-1), F.normalize(self.directions, dim=-1))


class FinePrototypes(nn.Module):
    """Prototypes of patches: the decoder names those that the teacher names, and makes up a part of the patch of them.

    The teacher's targets are sharpened, and centred by their running mean, so that one prototype does not win always.
    """

    center: torch.Tensor

    def __init__(self, config: ECGTFMAEConfig):
        super().__init__()
        self.config = config
        self.projection = nn.Linear(config.decoder_hidden_size, config.hidden_size)
        self.bank = PrototypeBank(config.num_fine_prototypes, config.hidden_size)
        self.register_buffer("center", torch.zeros(config.num_fine_prototypes))
        size = config.num_leads * config.patch_size
        self.patches = nn.Linear(config.num_fine_prototypes, size, bias=False) if self._reconstructs else None
        # what the teacher made since the last step, and how many patches
        self._made: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def _reconstructs(self) -> bool:
        return self.config.prototype_reconstruction

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """What the student says of the decoder's features: (batch, patches, prototypes)."""
        return self.bank(self.projection(features))

    def reconstruction(self, scores: torch.Tensor) -> torch.Tensor | None:
        """(batch, patches, leads * patch_size), the mean of the prototypes' patches; None without."""
        if self.patches is None:
            return None
        named = (scores.float() / self.config.student_temperature).softmax(dim=-1)
        return self.patches(named.to(scores.dtype))

    def loss(self, scores: torch.Tensor, tokens: torch.Tensor, judged: torch.Tensor) -> torch.Tensor:
        """Of the student's scores, against what the teacher's tokens (batch, patches, hidden_size) are named."""
        with torch.no_grad():
            wanted = self.bank(tokens)
            targets = sharpened_targets(wanted, self.config.teacher_temperature, self.center)
            if self.training:
                total, count = wanted.float().masked_fill(~judged.unsqueeze(-1), 0.0).sum(dim=(0, 1)), judged.sum()
                if self._made is not None:
                    total, count = total + self._made[0], count + self._made[1]
                self._made = total, count
        return prototype_loss(scores, targets, self.config.student_temperature, judged)

    def after_step(self) -> None:
        """The center moves by what all processes' teachers made since the last step."""
        total, count = (torch.zeros_like(self.center), 0) if self._made is None else self._made
        self.center.copy_(moved_center(self.center, total, count, self.config.center_momentum))
        self._made = None


class CoarsePrototypes(nn.Module):
    """Prototypes of records: what the encoder makes of the kept patches names those that the teacher's view of the
    whole record names, balanced over all records of the batch on all processes."""

    def __init__(self, config: ECGTFMAEConfig):
        super().__init__()
        self.config = config
        self.bank = PrototypeBank(config.num_coarse_prototypes, config.hidden_size)

    def loss(self, pooled: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
        """Of both (batch, hidden_size): the student's and the teacher's."""
        config, gather = self.config, gather_with_gradient if world_size() > 1 else None
        with torch.no_grad():
            scores = self.bank(whole)
            targets = sinkhorn_targets(scores, config.sinkhorn_temperature, config.sinkhorn_iterations, gather=gather)
        return prototype_loss(self.bank(pooled), targets, config.student_temperature)


class ECGTFMAEForPreTraining(ECGTFMAEPreTrainedModel):
    """The masked autoencoder with prototypes: a share of the patches is removed, and made up again from the others.

    The loss is `time + frequency_loss_weight * frequency + fine_loss_weight * fine + coarse_loss_weight * coarse`:

    - *time*: squared error of the removed patches (`masked_reconstruction_loss`);
    - *frequency*: error of their spectra (`masked_spectrum_loss`);
    - *fine*: the decoder names the prototypes of removed patches as a momentum teacher does, who sees all of the
      record; the patch is made up from the decoder's head and from the prototypes that were named;
    - *coarse*: the encoder, of the kept patches, names the prototypes of the record, as the teacher's view of the
      whole record is assigned to them by Sinkhorn's balance over the batch on all processes.

    Each loss is a mean in which a record counts once. Teacher and center move in `after_step`.

    **Inferred**: "multi-grained prototype reconstruction" is named in the abstract of arXiv 2506.22495, and no more is
    public. What grains, prototypes, targets and losses are is our own design.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGTFMAEConfig, ECGTFMAEForPreTraining
        >>> sizes = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128, "num_hidden_layers": 4}
        >>> model = ECGTFMAEForPreTraining(ECGTFMAEConfig(**sizes, num_coarse_prototypes=4))
        >>> outputs = model(torch.randn(4, 12, 2250))
        >>> outputs.prediction.shape, outputs.removed.sum(dim=1).tolist()  # 23 of 30 patches
        (torch.Size([4, 12, 30, 75]), [23, 23, 23, 23])
    """

    role = "pretraining"

    def __init__(self, config: ECGTFMAEConfig):
        super().__init__(config)
        self.encoder = ECGTFMAEModel(config)
        self.decoder = ECGTFMAEDecoder(config)
        self.fine = FinePrototypes(config) if config.fine_loss_weight else None
        self.coarse = CoarsePrototypes(config) if config.coarse_loss_weight else None
        has_teacher = self.fine is not None or self.coarse is not None
        self.teacher = MomentumTeacher({"encoder": self.encoder}) if has_teacher else None
        self.total_steps: int | None = None
        self.post_init()
        self._begin_teacher()

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ECGTFMAEDecoder):
            init.copy_(module.positions, sin_cos_positions(*module.positions.shape))
            init.normal_(module.mask_token, std=self.config.initializer_range)
        elif isinstance(module, PrototypeBank):
            init.normal_(module.directions)
        elif isinstance(module, FinePrototypes):
            init.zeros_(module.center)

    def _begin_teacher(self) -> None:
        if self.teacher is not None:
            self.teacher.begin({"encoder": self.encoder})

    def begin_training(self, total_steps: int) -> None:
        self.total_steps = total_steps
        # an encoder may have come from elsewhere since the model was made
        self._begin_teacher()

    def after_step(self, step: int) -> None:
        start, end = self.config.teacher_momentum, self.config.teacher_momentum_end
        momentum = start if self.total_steps is None else teacher_momentum(step, self.total_steps, start, end)
        if self.teacher is not None:
            self.teacher.follow({"encoder": self.encoder}, momentum)
        if self.fine is not None:
            self.fine.after_step()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        mask_noise: torch.Tensor | None = None,
        record_seeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ECGTFMAEPreTrainingOutput:
        """
        Args:
            input_values: float (batch, leads, samples), see `ECGTFMAEModel`.
            lead_mask: bool (batch, leads); absent leads are zero, and their patches not judged.
            sample_mask: bool (batch, samples); padded patches are not looked at, and not judged. Of a record's own
                patches as many are kept as without padding, but one at least.
            mask_noise: (batch, patches) in [0, 1): the patches with the smallest noise are kept. Drawn where it is
                not given.
            record_seeds: int64 (batch,), what the noise of each record is drawn from; by default torch's generator.

        Raises:
            ValueError: see `ECGTFMAEModel`; noise of another shape; a record of so few patches that none is kept.
        """
        config = self.config
        patches, held = patches_of_record(config, input_values, lead_mask, sample_mask)
        shape = (patches.shape[0], patches.shape[2])
        if mask_noise is None:
            mask_noise = uniform_noise(shape, input_values, record_seeds)
        if mask_noise.shape != shape:
            raise ValueError(f"mask_noise has shape {tuple(mask_noise.shape)}, wanted {shape}")
        counted = None if held is None else held.any(dim=1)
        subset = random_share(mask_noise, config.kept_patches(shape[1]), counted, 1 - config.mask_ratio)
        outputs = self.encoder(input_values, lead_mask, sample_mask, kept=subset.kept, **kwargs)
        features = self.decoder(self.encoder.norm(outputs.last_hidden_state), subset, counted, **kwargs)
        flat, scores = self.decoder.head(features), None
        if self.fine is not None:
            scores = self.fine.scores(features)
            named = self.fine.reconstruction(scores)
            flat = flat if named is None else flat + named
        prediction = flat.unflatten(-1, (config.num_leads, config.patch_size)).transpose(1, 2)
        judged = subset.removed[:, None].expand(patches.shape[:3])
        judged = judged if held is None else judged & held
        given = {"lead_mask": lead_mask, "sample_mask": sample_mask}
        removed = subset.removed if counted is None else subset.removed & counted
        fine, coarse = self._prototype_losses(input_values, given, scores, outputs.pooler_output, removed)
        time = masked_reconstruction_loss(prediction, patches, judged, normalise=config.normalise_patches)
        frequency = masked_spectrum_loss(prediction, patches, judged, normalise=config.normalise_patches)
        loss = time + config.frequency_loss_weight * frequency
        for value, weight in ((fine, config.fine_loss_weight), (coarse, config.coarse_loss_weight)):
            loss = loss if value is None else loss + weight * value
        return ECGTFMAEPreTrainingOutput(
            loss=loss,
            ecg_model_output=outputs,
            prediction=prediction,
            removed=subset.removed,
            time_loss=time,
            frequency_loss=frequency,
            fine_loss=fine,
            coarse_loss=coarse,
        )

    def _prototype_losses(
        self, input_values, masks: dict, scores, pooled: torch.Tensor, removed: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Fine and coarse, each None without; the teacher sees the whole record."""
        if self.teacher is None:
            return None, None
        if self.training:
            self.teacher.warn_if_left_behind({"encoder": self.encoder})
        with torch.no_grad():
            teacher = self.teacher.get_submodule("encoder")
            whole = teacher(input_values, **masks)
            tokens = teacher.get_submodule("norm")(whole.last_hidden_state)
        fine = None if self.fine is None else self.fine.loss(scores, tokens, removed)
        coarse = None if self.coarse is None else self.coarse.loss(pooled, whole.pooler_output)
        return fine, coarse
