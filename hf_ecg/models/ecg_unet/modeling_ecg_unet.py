"""1-D U-Net that completes the twelve leads from a few, after Gradowski and Buchner (arXiv 2502.00559, 2025).

The paper's code is not published: layers, sizes, the least-squares start and the context of the record are *inferred*,
our own design. Hidden states are (batch, positions, channels), as in `ecg_resnet`.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.output_capturing import capture_outputs

from ...losses import lead_reconstruction_errors
from ...losses.pair_targets import without_autocast
from ...losses.record_means import mean_by_record
from ..shared.convolution import ECGConv1d
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import (
    back_in_place,
    batch_norm,
    halve,
    mean_over_time,
    record_mask,
    without_padding,
    zero_padding,
)
from .configuration_ecg_unet import ECGUNetConfig
from .least_squares import least_squares_weights
from .limb_leads import NUM_LIMB, TWELVE_FROM_EIGHT, known_leads, six_limb_leads, used_leads


@dataclass
class ECGUNetModelOutput(BaseModelOutputWithPooling):
    """Output of [`ECGUNetModel`].

    Args:
        level_states: of every level, the finest first, (batch, positions, channels); on request alone.
    """

    level_states: tuple[torch.Tensor, ...] | None = None


@dataclass
class ECGUNetReconstructionOutput(ECGPreTrainingOutput):
    """Output of [`ECGUNetForLeadReconstruction`].

    Args:
        loss: with `shown_leads`, millivolt squared; see `hf_ecg.losses.lead_reconstruction_loss`.
        ecg_model_output: of the encoder, which saw the shown leads alone.
        reconstruction: float32 (batch, 12, samples) in millivolts; leads that were shown are the input's own values.
        lead_errors: with `shown_leads`, float32 (batch, 12): the mean squared error of each lead, in millivolt
            squared; zero where a lead was shown, follows from those, or is not known.
    """

    reconstruction: torch.Tensor | None = None
    lead_errors: torch.Tensor | None = None


class ECGUNetConvolutions(nn.Module):
    """Convolution, batch norm and ReLU, several times over."""

    def __init__(self, config: ECGUNetConfig, in_channels: int, width: int):
        super().__init__()
        channels = [in_channels, *[width] * config.convolutions_per_level]
        size = config.kernel_size
        self.convolutions = nn.ModuleList(
            ECGConv1d(before, after, size, padding=size // 2, bias=False)
            for before, after in zip(channels, channels[1:], strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in self.convolutions)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        for layer, norm in zip(self.convolutions, self.norms, strict=True):
            hidden_states = layer(hidden_states.transpose(1, 2)).transpose(1, 2)
            hidden_states = zero_padding(F.relu(batch_norm(norm, hidden_states, mask)), mask)
        return hidden_states


class ECGUNetLevel(GradientCheckpointingLayer):
    """A level on the way down: half the rate of the one before."""

    def __init__(self, config: ECGUNetConfig, number: int):
        super().__init__()
        self.layers = ECGUNetConvolutions(config, config.widths[number - 1], config.widths[number])

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """`mask` is that of the output."""
        # nothing is below zero here, so that a zero beside the last position changes nothing
        pairs = F.pad(hidden_states, (0, 0, 0, 1)).transpose(1, 2).unsqueeze(2)
        return self.layers(F.max_pool2d(pairs, (1, 2)).squeeze(2).transpose(1, 2), mask)


class ECGUNetUpLevel(GradientCheckpointingLayer):
    """A level on the way up: the coarser one at twice its rate, beside what this level was on the way down."""

    def __init__(self, config: ECGUNetConfig, number: int):
        super().__init__()
        self.width = config.widths[number]
        # a transposed convolution of 2 samples and stride 2, as a product of matrices
        self.upsample = nn.Linear(config.widths[number + 1], 2 * self.width)
        self.layers = ECGUNetConvolutions(config, 2 * self.width, self.width)

    def forward(self, hidden_states: torch.Tensor, skipped: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        finer = self.upsample(hidden_states).unflatten(2, (2, self.width)).flatten(1, 2)
        # by an index, whose length an exporter knows to be that of the other
        finer = finer.index_select(1, torch.arange(skipped.shape[1], device=finer.device))
        return self.layers(torch.cat([skipped, zero_padding(finer, mask)], dim=2), mask)


class ECGUNetPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGUNetConfig
    _no_split_modules = ["ECGUNetLevel", "ECGUNetUpLevel"]
    input_layer = "finest.convolutions.0"
    _can_record_outputs = {"hidden_states": ECGUNetLevel}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, nn.Conv1d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, ECGUNetForLeadReconstruction):
            # the first step begins at the least-squares estimate, or nearly
            init.normal_(module.head.weight, std=1e-3)
            init.copy_(module.lead_moments, _unmeasured_moments())


class ECGUNetModel(ECGUNetPreTrainedModel):
    """The encoder: the way down of the U-Net.

    Limb leads that follow from two others are filled in before the first layer, so that leads I and II are the same
    input as I and aVF.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGUNetConfig, ECGUNetModel
        >>> model = ECGUNetModel(ECGUNetConfig(num_samples=1000, sampling_rate=100, widths=[16, 32, 64])).eval()
        >>> model(torch.zeros(2, 12, 1000)).last_hidden_state.shape
        torch.Size([2, 250, 64])
    """

    # what the reconstruction has around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|up_levels|head)\.", r"^lead_moments$"]

    def __init__(self, config: ECGUNetConfig):
        super().__init__(config)
        # of the leads, and of which of them are there
        self.finest = ECGUNetConvolutions(config, 2 * config.num_leads, config.widths[0])
        self.levels = nn.ModuleList(ECGUNetLevel(config, number) for number in range(1, len(config.widths)))
        width = config.widths[-1]
        self.context = nn.Linear(width, width) if config.record_context else None
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        return_levels: bool = False,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ECGUNetModelOutput:
        """
        Args:
            input_values: float (batch, 12, samples), millivolts, the standard leads in their order.
            lead_mask: bool (batch, 12); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone, however
                long the padding; in training, padding is in no statistic of a norm.
            return_levels: also give `level_states`.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size), the coarsest level; `pooler_output` (batch,
            hidden_size), its mean over time; with `output_hidden_states=True` also every level.

        Raises:
            ValueError: another number of leads than twelve, a mask of another shape than the input.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        input_values, mask = without_padding(input_values, sample_mask)
        hidden_states = self.finest(zero_padding(self._with_limb_leads(input_values, lead_mask), mask), mask)
        states = [hidden_states]
        for level in self.levels:
            mask = halve(mask)
            hidden_states = level(hidden_states, mask)
            states.append(hidden_states)
        pooled = mean_over_time(hidden_states, mask)
        if self.context is not None:
            hidden_states = zero_padding(F.relu(hidden_states + self.context(pooled).unsqueeze(1)), mask)
            pooled, states[-1] = mean_over_time(hidden_states, mask), hidden_states
        return ECGUNetModelOutput(
            last_hidden_state=hidden_states,
            pooler_output=pooled,
            level_states=tuple(states) if return_levels else None,
        )

    def _with_limb_leads(self, input_values: torch.Tensor, lead_mask: torch.Tensor | None) -> torch.Tensor:
        """(batch, samples, 24): the leads with the limb leads that follow, and which of them are there, as 1 and 0."""
        there = torch.ones_like(input_values[:, :, 0], dtype=torch.bool) if lead_mask is None else lead_mask.bool()
        known = known_leads(there)
        with without_autocast(input_values):
            six = six_limb_leads(input_values, there, torch.zeros_like(input_values[:, :2]))
            six = six.masked_fill(~known[:, :NUM_LIMB, None], 0.0)
            leads = torch.cat([six, input_values[:, NUM_LIMB:].float()], dim=1)
        both = torch.cat([leads, known.unsqueeze(2).expand_as(leads).to(leads.dtype)], dim=1)
        # the context's type: the first layer may be another's
        return both.transpose(1, 2).contiguous().to(self.dtype)

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        mask = record_mask(sample_mask)
        for _ in self.config.widths[1:]:
            mask = halve(mask)
        return mask


class ECGUNetForECGClassification(LinearHeadMixin, ECGUNetPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGUNetConfig, ECGUNetForECGClassification
        >>> config = ECGUNetConfig(num_samples=1000, sampling_rate=100, widths=[16, 32, 64], num_labels=5)
        >>> ECGUNetForECGClassification(config).eval()(torch.zeros(2, 12, 1000)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = ECGUNetModel


class ECGUNetForECGSurvival(SurvivalHeadMixin, ECGUNetPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGUNetConfig, ECGUNetForECGSurvival
        >>> config = ECGUNetConfig(num_samples=1000, widths=[16, 32, 64], survival_breaks=[0, 365, 730])
        >>> ECGUNetForECGSurvival(config).eval()(torch.zeros(2, 12, 1000)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = ECGUNetModel


class ECGUNetForLeadReconstruction(ECGUNetPreTrainedModel):
    """The whole U-Net: all twelve leads from any of them, in millivolts.

    Leads that are there come out as they went in. Limb leads are computed where two of them are there; where one is,
    the network estimates what is missing and the six agree with each other. A reconstructed lead is an estimate: it
    holds what the shown leads and other patients say, not what an electrode would.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGUNetConfig, ECGUNetForLeadReconstruction
        >>> config = ECGUNetConfig(num_samples=1000, sampling_rate=100, widths=[16, 32, 64])
        >>> model = ECGUNetForLeadReconstruction(config).eval()
        >>> ecg, lead_mask = torch.randn(1, 12, 1000), torch.arange(12)[None] < 2  # leads I and II
        >>> leads = model(ecg, lead_mask=lead_mask).reconstruction
        >>> leads.shape, torch.equal(leads[:, :2], ecg[:, :2]), torch.equal(leads[:, 2], ecg[:, 1] - ecg[:, 0])
        (torch.Size([1, 12, 1000]), True, True)
    """

    role = "lead reconstruction"
    lead_moments: torch.Tensor

    def __init__(self, config: ECGUNetConfig):
        super().__init__(config)
        self.encoder = ECGUNetModel(config)
        finest_last = range(len(config.widths) - 2, -1, -1)
        self.up_levels = nn.ModuleList(ECGUNetUpLevel(config, number) for number in finest_last)
        self.head = nn.Linear(config.widths[0], TWELVE_FROM_EIGHT.shape[1])
        self.register_buffer("lead_moments", _unmeasured_moments())
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        shown_leads: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ECGUNetReconstructionOutput:
        """
        Args:
            input_values: float (batch, 12, samples), millivolts, the standard leads in their order.
            lead_mask: bool (batch, 12), the leads that are there.
            sample_mask: bool (batch, samples), false where padded.
            shown_leads: bool (batch, 12), of the leads that are there those that the network sees: it is judged by
                the others, and learns from them. None: it sees all that are there, and there is no loss.

        Raises:
            ValueError: see `ECGUNetModel`; `shown_leads` of another shape.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        there = torch.ones_like(input_values[:, :, 0], dtype=torch.bool) if lead_mask is None else lead_mask.bool()
        shown = there
        if shown_leads is not None:
            if shown_leads.shape != there.shape:
                raise ValueError(f"shown_leads has shape {tuple(shown_leads.shape)}, wanted {tuple(there.shape)}")
            shown = there & shown_leads.bool()
        target, mask = without_padding(input_values, sample_mask)
        # records begin at their rows' starts now, with nothing but zeros behind
        seen = target.masked_fill(~shown.unsqueeze(2), 0.0)
        outputs = self.encoder(seen, shown, mask, return_levels=True, **kwargs)
        correction = self._correction(outputs.level_states, mask)
        outputs.level_states = None
        reconstruction = self._twelve_leads(seen, shown, correction)
        errors = loss = None
        if shown_leads is not None:
            judged = there & ~known_leads(shown)
            errors = lead_reconstruction_errors(reconstruction, target, mask).masked_fill(~judged, 0.0)
            loss = mean_by_record(errors, judged)
        return ECGUNetReconstructionOutput(
            loss=loss,
            ecg_model_output=outputs,
            reconstruction=back_in_place(zero_padding(reconstruction.mT, mask).mT, sample_mask),
            lead_errors=errors,
        )

    def _correction(self, states: tuple[torch.Tensor, ...], mask: torch.Tensor | None) -> torch.Tensor:
        """(batch, 8, samples): what the network adds to leads I, II and V1 to V6."""
        masks = [mask]
        for _ in states[1:]:
            masks.append(halve(masks[-1]))
        hidden_states = states[-1]
        for level, skipped, finer in zip(self.up_levels, states[-2::-1], masks[-2::-1], strict=True):
            hidden_states = cast(ECGUNetUpLevel, level)(hidden_states, skipped, finer)
        return self.head(hidden_states).transpose(1, 2)

    def _twelve_leads(self, seen: torch.Tensor, shown: torch.Tensor, correction: torch.Tensor) -> torch.Tensor:
        """(batch, 12, samples): least squares and what the network adds, with limb leads that agree."""
        with without_autocast(seen):
            correction, seen = correction.float(), seen.float()
            pair, chest = correction[:, :2], correction[:, 2:]
            if self.config.least_squares:
                estimate = least_squares_weights(self.lead_moments, used_leads(shown)) @ seen
                pair, chest = pair + estimate[:, :2], chest + estimate[:, NUM_LIMB:]
            chest = torch.where(shown[:, NUM_LIMB:, None], seen[:, NUM_LIMB:], chest)
            return torch.cat([six_limb_leads(seen, shown, pair), chest], dim=1)

    @torch.no_grad()
    def set_lead_moments(self, moments: torch.Tensor) -> None:
        """What the least-squares estimate is made from.

        Args:
            moments: (8, 8), of leads I, II, V1 to V6 the mean over training samples of the product of each two,
                millivolt squared.

        Raises:
            ValueError: another shape, or numbers that no leads have: not finite, or not positive definite.
        """
        moments = moments.detach().cpu().double()
        if moments.shape != (8, 8) or not moments.isfinite().all() or torch.linalg.eigvalsh(moments).min() <= 0:
            raise ValueError(f"lead moments of shape {tuple(moments.shape)}: wanted (8, 8), positive definite")
        # what a lead in a thousandth of the others' voltage would be made of is noise
        moments = moments + 1e-5 * moments.diagonal().mean() * torch.eye(8, dtype=moments.dtype)
        twelve = torch.from_numpy(TWELVE_FROM_EIGHT)
        self.lead_moments.copy_(twelve @ moments @ twelve.T)


def _unmeasured_moments() -> torch.Tensor:
    """(12, 12): eight leads of one millivolt that have nothing in common."""
    twelve = torch.from_numpy(TWELVE_FROM_EIGHT)
    return (twelve @ twelve.T).float()
