"""ECG-FM's pretraining: wav2vec 2.0's contrast of masked frames, and the contrast of two segments of a patient."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ...losses import gather_with_gradient, masked_contrastive_loss, patient_contrastive_loss, unit_length, world_size
from ...losses.pair_targets import Gather
from ..shared.masking import uniform_noise
from ..shared.modeling_ecg import check_inputs
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from ..shared.span_masking import as_many_in_each, draw_negatives, draw_spans
from ..shared.view_pairs import joined_views, split_views
from .configuration_ecg_fm import ECGFMConfig
from .modeling_ecg_fm import ECGFMModel, ECGFMPreTrainedModel
from .quantiser import GumbelQuantiser, perplexities


@dataclass
class ECGFMPreTrainingOutput(ECGPreTrainingOutput):
    """Output of [`ECGFMForPreTraining`]. Rows are records; with second segments those stand behind all first ones.

    Args:
        loss: what is trained.
        contrastive_loss: of the masked frames, the mean over them.
        diversity_loss: 0 when all codes are in use, towards 1 when few are.
        feature_penalty: mean square of what the convolutions give.
        cmsc_loss: of two segments of a patient; None without second segments.
        code_perplexity: how many codes are in use, of `num_codes`.
        embeds: (records, hidden_size), the mean over frames of the first segments, some of whose frames were masked.
        second_embeds: the same of the second segments; None without them.
        context: (rows, frames, projection_dim), the outputs that are compared.
        targets: (rows, frames, projection_dim), with what.
        codes: int64 (rows, frames, num_codebooks), the codes behind the targets.
        masked: bool (rows, frames).
        negatives: int64 (rows, frames, num_negatives), the frames whose targets stand beside.
        ecg_model_output: of the encoder, which did not see the masked frames.
    """

    contrastive_loss: torch.Tensor | None = None
    diversity_loss: torch.Tensor | None = None
    feature_penalty: torch.Tensor | None = None
    cmsc_loss: torch.Tensor | None = None
    code_perplexity: torch.Tensor | None = None
    embeds: torch.Tensor | None = None
    second_embeds: torch.Tensor | None = None
    context: torch.Tensor | None = None
    targets: torch.Tensor | None = None
    codes: torch.Tensor | None = None
    masked: torch.Tensor | None = None
    negatives: torch.Tensor | None = None


class ECGFMForPreTraining(ECGFMPreTrainedModel):
    """Spans of frames are masked; each masked frame's output is to find its quantised target among those of other
    masked frames of the record. Beside it the mean outputs of two segments of a patient are to find each other (CMSC).

    The third part of the method, leaving leads out at random, is a view of the training:
    `{"name": "lead_dropout", "lead_probability": 0.5}`. What is drawn here, masks, negatives and the noise of the
    codes, is a function of `record_seeds`.

    **Against the paper and the released code.** `compat_detached_norm`, `compat_equal_masks` and `compat_summed_loss`
    of the configuration give what the released code computes otherwise. It counts as a negative what has the same
    codes, where rounding makes two of its drawn targets differ; here the codes are compared.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, ECGFMForPreTraining
        >>> model = ECGFMForPreTraining(ECGFMConfig(num_hidden_layers=2))
        >>> first, second = torch.randn(2, 3, 12, 2500)  # two segments of three records
        >>> outputs = model(first, second_input_values=second, record_seeds=torch.arange(3))
        >>> outputs.loss.shape, outputs.masked.shape
        (torch.Size([]), torch.Size([6, 156]))
    """

    role = "pretraining"

    def __init__(self, config: ECGFMConfig):
        super().__init__(config)
        self.encoder = ECGFMModel(config)
        self.encoder.convolutions.gradient_scale = config.feature_gradient_scale
        self.mask_embedding = nn.Parameter(torch.empty(config.hidden_size))
        self.quantiser = GumbelQuantiser(config)
        self.target_projection = nn.Linear(config.num_codebooks * config.code_dim, config.projection_dim)
        self.output_projection = nn.Linear(config.hidden_size, config.projection_dim)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, GumbelQuantiser):
            module.init_weights()
        if isinstance(module, ECGFMForPreTraining):
            init.uniform_(module.mask_embedding, 0.0, 1.0)

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        second_input_values: torch.Tensor | None = None,
        second_lead_mask: torch.Tensor | None = None,
        second_sample_mask: torch.Tensor | None = None,
        patient_ids: torch.Tensor | None = None,
        record_seeds: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
        masked: torch.Tensor | None = None,
        negatives: torch.Tensor | None = None,
        return_loss: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ECGFMPreTrainingOutput:
        """
        Args:
            input_values: (records, leads, samples), the first segments.
            lead_mask: bool (records, leads).
            sample_mask: bool (records, samples).
            second_input_values: (records, leads, samples), another segment of each record, or of its patient.
            second_lead_mask, second_sample_mask: of the second segments.
            patient_ids: int64 (records,), equal where records are of one patient, all of whose segments then belong
                together; by default only the two of a record do.
            record_seeds: int64 (records,), what everything is drawn from; by default torch's generator.
            noise: (records, segments, at least frames, numbers) in [0, 1), instead of drawn numbers: see
                `numbers_per_frame`.
            masked: bool (rows, frames), instead of a drawn mask.
            negatives: int64 (rows, frames, number), instead of drawn ones.
            return_loss: by default the losses are computed, but for an exported graph.

        Raises:
            ValueError: see `ECGFMModel`; noise of another shape.
        """
        config, columns = self.config, self._columns
        views: dict[str, Any] = {"input_values": input_values, "lead_mask": lead_mask, "sample_mask": sample_mask}
        second = (second_input_values, second_lead_mask, second_sample_mask)
        check_inputs(config, **views)
        has_second = second_input_values is not None
        if has_second:
            views = dict(zip(views, map(joined_views, views, views.values(), second, [0] * 3), strict=True))
        frame_mask = self.encoder.convolutions.frame_mask(views["input_values"], views["sample_mask"])
        numbers = self._numbers(frame_mask, has_second, record_seeds, noise)
        if masked is None:
            masked = self._masked(numbers, frame_mask)
        if negatives is None:
            negatives = draw_negatives(numbers[..., columns["negatives"]], masked)
        outputs = self.encoder(**views, masked=masked, mask_embedding=self.mask_embedding, **kwargs)
        frames = F.dropout(self.encoder.frame_norm(outputs.frames), config.feature_dropout, self.training)
        quantised = self.quantiser(frames, numbers[..., columns["codes"]] if self.training else None)
        first, other = split_views(outputs.pooler_output, 0 if has_second else None)
        gather = gather_with_gradient if world_size() > 1 else None
        perplexity, code_perplexity = perplexities(quantised, masked, gather)
        made: dict[str, Any] = dict(
            diversity_loss=1 - perplexity / config.num_codes,
            feature_penalty=_mean_square(outputs.frames, frame_mask, gather),
            code_perplexity=code_perplexity,
            embeds=first,
            second_embeds=other,
            context=self.output_projection(outputs.last_hidden_state),
            targets=self.target_projection(quantised.values),
            codes=quantised.codes,
            masked=masked,
            negatives=negatives,
            ecg_model_output=outputs,
        )
        if return_loss or (return_loss is None and not torch.compiler.is_exporting()):
            made |= self._losses(made, patient_ids, gather)
        return ECGFMPreTrainingOutput(**made)

    def after_step(self, step: int) -> None:
        """Lowers the temperature at which codes are drawn."""
        config = self.config
        lowered = config.gumbel_temperature_start * config.gumbel_temperature_decay**step
        self.quantiser.temperature.fill_(max(lowered, config.gumbel_temperature_end))

    @property
    def numbers_per_frame(self) -> int:
        """How many random numbers each frame of a record has: two for the mask, the negatives, in training one for
        each code."""
        return self._columns["codes"].stop if self.training else self._columns["codes"].start

    @property
    def _columns(self) -> dict[str, slice]:
        """Where in a frame's random numbers those of the negatives and of the codes stand."""
        first, second = 2 + self.config.num_negatives, 2 + self.config.num_negatives + self.config.num_codes
        return {"negatives": slice(2, first), "codes": slice(first, second)}

    def _numbers(self, frame_mask, has_second: bool, record_seeds, noise) -> torch.Tensor:
        """(rows, frames, numbers_per_frame or more); the numbers of a frame depend on its place, not on the length."""
        rows, frames = frame_mask.shape
        if noise is not None:
            shape = (rows // 2 if has_second else rows, 2 if has_second else 1, frames, self.numbers_per_frame)
            # an exporter would take a comparison for a promise
            fits = torch.compiler.is_compiling() or (
                noise.ndim == 4 and noise.shape[:2] == shape[:2] and noise.shape[2] >= frames
            )
            if not fits or noise.shape[3] < shape[3]:
                raise ValueError(f"noise has shape {tuple(noise.shape)}, wanted {shape}, or more frames")
            return noise.transpose(0, 1).flatten(0, 1)[:, :frames]
        if record_seeds is not None and has_second:
            # a seed is a number of 63 random bits: the next one is another record's by no chance to speak of
            record_seeds = torch.cat([record_seeds, record_seeds + 1])
        return uniform_noise((rows, frames, self.numbers_per_frame), frame_mask, record_seeds)

    def _masked(self, numbers, frame_mask) -> torch.Tensor:
        config = self.config
        masked = draw_spans(
            numbers[..., 0],
            numbers[:, :1, 1],
            frame_mask,
            probability=config.mask_probability,
            length=config.mask_length,
        )
        return as_many_in_each(masked, numbers[..., 1]) if config.compat_equal_masks else masked

    def _losses(self, made: dict[str, Any], patient_ids: torch.Tensor | None, gather) -> dict[str, torch.Tensor]:
        config = self.config
        contrastive = masked_contrastive_loss(
            made["context"],
            made["targets"],
            made["masked"],
            made["negatives"],
            config.temperature,
            target_ids=target_ids(made["codes"], config.codebook_size),
            gather=gather,
        )
        losses = {"contrastive_loss": contrastive}
        loss = contrastive + config.diversity_weight * made["diversity_loss"]
        loss = loss + config.feature_penalty_weight * made["feature_penalty"]
        # of a single record there is nothing to tell its segments apart from
        if made["second_embeds"] is not None and (gather is not None or made["embeds"].shape[0] > 1):
            first, second = (
                unit_length(made[name], compat_detached_norm=config.compat_detached_norm)
                for name in ("embeds", "second_embeds")
            )
            losses["cmsc_loss"] = patient_contrastive_loss(
                first, second, config.cmsc_temperature, patient_ids=patient_ids, gather=gather
            )
            loss = loss + config.cmsc_weight * losses["cmsc_loss"]
        return losses | {"loss": loss * made["masked"].sum() if config.compat_summed_loss else loss}


def target_ids(codes: torch.Tensor, codebook_size: int) -> torch.Tensor:
    """One number for the codes of all codebooks: (rows, frames, codebooks) to (rows, frames)."""
    return (codes * codebook_size ** torch.arange(codes.shape[2], device=codes.device)).sum(dim=2)


def _mean_square(frames: torch.Tensor, frame_mask: torch.Tensor, gather: Gather | None) -> torch.Tensor:
    """Over the frames that count, the others are zero; the mean over processes is that over all their frames."""
    number = frame_mask.sum().float()
    if gather is not None:
        number = gather(number[None]).sum() / world_size()
    return frames.float().square().sum() / (number * frames.shape[2])
