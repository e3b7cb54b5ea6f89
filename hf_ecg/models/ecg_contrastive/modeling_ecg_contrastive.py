"""Contrastive pretraining of any ECG encoder on two views of each record."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ...losses import gather_with_gradient, world_size
from ..shared.cached_loss import LossOnEmbeddings, joined
from ..shared.modeling_ecg import ECGTowerModel
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from .configuration_ecg_contrastive import ECGContrastiveConfig
from .contrastive_loss import ContrastiveInputs, contrastive_loss
from .projector import projector


@dataclass
class ECGContrastiveOutput(ECGPreTrainingOutput):
    """Output of [`ECGForContrastivePreTraining`]; `loss` with `return_loss=True`.

    Args:
        ecg_model_output: of the encoder, for all views, the first ones before the second ones.
        embeds: (records, projection_dim or hidden_size), unit length, of the first views.
        second_embeds: the same of the second views; None without them.
        projected, second_projected: the same before they are scaled to unit length.
        metadata_logits, second_metadata_logits: (records, predicted columns), what a head tells of the patient from
            either view: numbers in standard deviations from the mean of the training rows, logits of binary columns.
    """

    embeds: torch.Tensor | None = None
    second_embeds: torch.Tensor | None = None
    projected: torch.Tensor | None = None
    second_projected: torch.Tensor | None = None
    metadata_logits: torch.Tensor | None = None
    second_metadata_logits: torch.Tensor | None = None


class ECGForContrastivePreTraining(ECGTowerModel, LossOnEmbeddings):
    """An encoder, an optional projection, and a contrastive loss over two views of each record.

    CLEF (arXiv 2512.02180) with `loss_type="risk_weighted"`, SimCLR (arXiv 2002.05709) with `"info_nce"`, CLOCS (arXiv
    2005.13249) with `"patient_contrastive"`, VICReg (arXiv 2105.04906) with `"vicreg"`, and forms that know metadata
    of the patients; with `metadata_weight` a head tells some of them beside the contrast. What
    pretraining leaves behind is `ecg_model`, saved alone in `encoder/` of a run.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGContrastiveConfig, ECGForContrastivePreTraining
        >>> model = ECGForContrastivePreTraining(ECGContrastiveConfig(loss_type="info_nce"))
        >>> first, second = torch.randn(2, 4, 1, 1000)  # two views of four records
        >>> model(first, second_input_values=second, return_loss=True).loss.shape
        torch.Size([])
    """

    config: ECGContrastiveConfig
    base_model_prefix = "ecg_contrastive"
    role = "pretraining"
    supports_gradient_checkpointing = True
    # the tower has its own say
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: ECGContrastiveConfig):
        super().__init__(config)
        self.ecg_model = AutoModel.from_config(config.ecg_config)
        self.projection = None
        if config.projection_dim is not None:
            self.projection = projector(
                config.hidden_size, config.projection_dim, config.projection_hidden_size, config.projection_norm
            )
        self.metadata_head = None
        if config.predicted_columns:
            self.metadata_head = nn.Sequential(
                nn.Linear(config.hidden_size, config.metadata_head_size),
                nn.ReLU(),
                nn.Linear(config.metadata_head_size, len(config.predicted_columns)),
            )
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        second_input_values: torch.Tensor | None = None,
        second_lead_mask: torch.Tensor | None = None,
        second_sample_mask: torch.Tensor | None = None,
        risk: torch.Tensor | None = None,
        missing_rate: torch.Tensor | None = None,
        patient_ids: torch.Tensor | None = None,
        metadata: torch.Tensor | None = None,
        return_loss: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ECGContrastiveOutput:
        """
        Args:
            input_values: (records, leads, samples), the first view of each record.
            lead_mask: bool (records, leads).
            sample_mask: bool (records, samples).
            second_input_values: (records, leads, samples), the second view; row i of both is one record.
            second_lead_mask, second_sample_mask: of the second view.
            risk: (records,), NaN where unknown; any unit, such as SCORE2's share or years of age.
            missing_rate: (records,) in [0, 1], the share of a risk's inputs that had to be filled; may be left out.
            patient_ids: int64 (records,), equal where records are of one patient.
            metadata: (records, columns), those of `config.metadata_columns` in their own units, NaN where unknown.
            return_loss: compute the loss; over several processes it takes the records of all of them into account.

        Raises:
            ValueError: `return_loss` without a second view, or without risks or metadata that the loss needs.
        """
        views = {"input_values": input_values, "lead_mask": lead_mask, "sample_mask": sample_mask}
        second = (second_input_values, second_lead_mask, second_sample_mask)
        if second_input_values is not None:
            views = dict(zip(views, map(_joined, views, views.values(), second), strict=True))
        outputs = self.ecg_model(**views, **kwargs)
        features = outputs.pooler_output if self.projection is None else self.projection(outputs.pooler_output)
        # one pass for both views: BatchNorm, where an encoder has it, must not tell them apart
        first, other = _split(features.float(), second_input_values is not None)
        told = told_of_other = None
        if self.metadata_head is not None:
            logits = self.metadata_head(outputs.pooler_output).float()
            told, told_of_other = _split(logits, second_input_values is not None)
        loss = None
        if return_loss:
            if other is None:
                raise ValueError("return_loss=True needs second_input_values, another view of each record")
            given = {"risk": risk, "missing_rate": missing_rate, "patient_ids": patient_ids, "metadata": metadata}
            loss = self._loss(first, other, told, told_of_other, given)
        return ECGContrastiveOutput(
            loss=loss,
            embeds=F.normalize(first, dim=-1),
            second_embeds=None if other is None else F.normalize(other, dim=-1),
            projected=first,
            second_projected=other,
            metadata_logits=told,
            second_metadata_logits=told_of_other,
            ecg_model_output=outputs,
        )

    def embed_batch(self, batch) -> dict[str, torch.Tensor]:
        outputs = self(**{name: value for name, value in batch.items() if name != "return_loss"})
        embeddings = {"first": outputs.projected, "second": outputs.second_projected}
        if self.metadata_head is not None:
            embeddings |= {"told": outputs.metadata_logits, "told_of_second": outputs.second_metadata_logits}
        return embeddings

    def loss_on_embeddings(self, embeddings, batches) -> torch.Tensor:
        given = {name: joined(batches, name) for name in ("risk", "missing_rate", "patient_ids", "metadata")}
        names = ("first", "second", "told", "told_of_second")
        first, second, told, told_of_second = (embeddings.get(name) for name in names)
        return self._loss(first, second, told, told_of_second, given)

    def _loss(self, first, second, told, told_of_second, given: dict[str, torch.Tensor | None]) -> torch.Tensor:
        gather = gather_with_gradient if world_size() > 1 else None
        heads = {"first_metadata_logits": told, "second_metadata_logits": told_of_second}
        return contrastive_loss(self.config, ContrastiveInputs(first, second, gather=gather, **heads, **given))


def _split(values: torch.Tensor, has_second: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Rows of the first views, and those of the second ones behind them."""
    if not has_second:
        return values, None
    # not chunk: what it divides by would fix the number of records in an exported graph
    records = values.shape[0] // 2
    return values[:records], values[records:]


def _joined(name: str, first: torch.Tensor | None, second: torch.Tensor | None) -> torch.Tensor | None:
    if first is None and second is None:
        return None
    if first is None or second is None or first.shape != second.shape:
        shapes = [None if view is None else tuple(view.shape) for view in (first, second)]
        raise ValueError(f"{name} and second_{name} have shapes {shapes[0]} and {shapes[1]}, wanted one shape")
    return torch.cat([first, second])
