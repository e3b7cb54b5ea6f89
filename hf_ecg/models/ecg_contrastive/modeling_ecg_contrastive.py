"""Contrastive pretraining of any ECG encoder on two views of each record."""

from dataclasses import dataclass
from typing import Any

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
from ..shared.momentum_teacher import MomentumTeacher, teacher_momentum
from ..shared.view_pairs import further_views, joined_views, split_views
from .configuration_ecg_contrastive import ECGContrastiveConfig
from .contrastive_loss import ContrastiveInputs, contrastive_loss
from .projector import projector


@dataclass
class ECGContrastiveOutput(ECGPreTrainingOutput):
    """Output of [`ECGForContrastivePreTraining`]; `loss` with `return_loss=True`.

    Args:
        ecg_model_output: of the encoder, for all views, the first ones before the second ones.
        embeds: (records, projection_dim or hidden_size), unit length, of the first views.
        second_embeds: the same of the second views; None without them. Of several further views of a record
            (records, views, dimensions).
        projected, second_projected: the same before they are scaled to unit length.
        predicted, second_predicted: what the predictor makes of `projected`; None without a predictor.
        targets, second_targets: what the momentum teacher makes of either view; None without a teacher.
        metadata_logits, second_metadata_logits: (records, predicted columns), what a head tells of the patient from
            either view: numbers in standard deviations from the mean of the training rows, logits of binary columns.
    """

    embeds: torch.Tensor | None = None
    second_embeds: torch.Tensor | None = None
    projected: torch.Tensor | None = None
    second_projected: torch.Tensor | None = None
    predicted: torch.Tensor | None = None
    second_predicted: torch.Tensor | None = None
    targets: torch.Tensor | None = None
    second_targets: torch.Tensor | None = None
    metadata_logits: torch.Tensor | None = None
    second_metadata_logits: torch.Tensor | None = None


class ECGForContrastivePreTraining(ECGTowerModel, LossOnEmbeddings):
    """An encoder, an optional projection, and a contrastive loss over two views of each record.

    CLEF (arXiv 2512.02180) with `loss_type="risk_weighted"`, SimCLR (arXiv 2002.05709) with `"info_nce"`, CLOCS (arXiv
    2005.13249) with `"clocs"` and `"patient_contrastive"`, 3KG (arXiv 2106.04452) with `"three_kg"`, BYOL (arXiv
    2006.07733), SimSiam (arXiv 2011.10566), MoCo v3 (arXiv 2104.02057), Barlow Twins (arXiv 2103.03230) and VICReg
    (arXiv 2105.04906) by their names, and forms that know metadata of the patients; with `metadata_weight` a head
    tells some of them beside the contrast. What pretraining leaves behind is `ecg_model`, saved alone in `encoder/` of
    a run.

    A predictor and a momentum teacher are there where the loss needs them. The teacher moves in `after_step`, from
    `teacher_momentum` to `teacher_momentum_end` over the steps that `begin_training` was told of; without it the
    momentum stays what it is at first. `transformers.Trainer` calls neither: a `TrainerCallback` does so, or a warning
    says that the teacher stands still.

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

    def __init__(self, config: ECGContrastiveConfig):
        super().__init__(config)
        self.ecg_model = AutoModel.from_config(config.ecg_config)
        self.projection = None
        if config.projection_dim is not None:
            self.projection = projector(
                config.hidden_size,
                config.projection_dim,
                config.projection_hidden_size,
                config.projection_norm,
                layers=config.projection_layers,
                output_norm=config.projection_output_norm,
            )
        self.predictor = None
        if config.objective.predicts:
            size = config.projection_dim or config.hidden_size
            self.predictor = projector(size, size, config.predictor_hidden_size, config.projection_norm)
        self.teacher = MomentumTeacher(self._taught) if config.objective.teacher else None
        self.metadata_head = None
        if config.predicted_columns:
            self.metadata_head = nn.Sequential(
                nn.Linear(config.hidden_size, config.metadata_head_size),
                nn.ReLU(),
                nn.Linear(config.metadata_head_size, len(config.predicted_columns)),
            )
        self.total_steps: int | None = None
        self.post_init()
        self._begin_teacher()

    @property
    def _taught(self) -> dict[str, nn.Module]:
        """What the teacher follows."""
        parts = {"ecg_model": self.ecg_model, "projection": self.projection}
        return {name: part for name, part in parts.items() if part is not None}

    def _begin_teacher(self) -> None:
        if self.teacher is not None:
            self.teacher.begin(self._taught)

    def begin_training(self, total_steps: int) -> None:
        self.total_steps = total_steps
        # an encoder may have come from elsewhere since the model was made
        self._begin_teacher()

    def after_step(self, step: int) -> None:
        if self.teacher is not None:
            start, end = self.config.teacher_momentum, self.config.teacher_momentum_end
            momentum = start
            if self.total_steps is not None:
                momentum = teacher_momentum(step, self.total_steps, start, end)
            self.teacher.follow(self._taught, momentum)

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
            second_input_values: (records, leads, samples), the second view; row i of both is one record. Or (records,
                views, leads, samples), several further views of each record, for losses of more than two.
            second_lead_mask, second_sample_mask: of the second view, or (records, views, ...) of further ones.
            risk: (records,), NaN where unknown; any unit, such as SCORE2's share or years of age.
            missing_rate: (records,) in [0, 1], the share of a risk's inputs that had to be filled; may be left out.
            patient_ids: int64 (records,), equal where records are of one patient.
            metadata: (records, columns), those of `config.metadata_columns` in their own units, NaN where unknown.
            return_loss: compute the loss; over several processes it takes the records of all of them into account.

        Raises:
            ValueError: `return_loss` without a second view, or without risks or metadata that the loss needs.
        """
        if self.teacher is not None and self.training:
            self.teacher.warn_if_left_behind(self._taught)
        views = {"input_values": input_values, "lead_mask": lead_mask, "sample_mask": sample_mask}
        second = (second_input_values, second_lead_mask, second_sample_mask)
        further = further_views(second_input_values)
        if second_input_values is not None:
            views = dict(zip(views, map(joined_views, views, views.values(), second, [further] * 3), strict=True))
        outputs = self.ecg_model(**views, **kwargs)
        features = outputs.pooler_output if self.projection is None else self.projection(outputs.pooler_output)
        # one pass for both views: BatchNorm, where an encoder has it, must not tell them apart
        made = {
            "projected": features,
            "predicted": None if self.predictor is None else self.predictor(features),
            "targets": self._targets(views, **kwargs) if second_input_values is not None else None,
            "metadata_logits": None if self.metadata_head is None else self.metadata_head(outputs.pooler_output),
        }
        given: dict[str, Any] = {}
        for name, values in made.items():
            given[name], given[f"second_{name}"] = split_views(values, further)
        loss = None
        if return_loss:
            if second_input_values is None:
                raise ValueError("return_loss=True needs second_input_values, another view of each record")
            told = {"risk": risk, "missing_rate": missing_rate, "patient_ids": patient_ids, "metadata": metadata}
            loss = self._loss(given, told)
        other = given["second_projected"]
        return ECGContrastiveOutput(
            loss=loss,
            embeds=F.normalize(given["projected"], dim=-1),
            second_embeds=None if other is None else F.normalize(other, dim=-1),
            ecg_model_output=outputs,
            **given,
        )

    @torch.no_grad()
    def _targets(self, views: dict, **kwargs) -> torch.Tensor | None:
        """What the teacher makes of all views."""
        if self.teacher is None:
            return None
        pooled = self.teacher.get_submodule("ecg_model")(**views, **kwargs).pooler_output
        return pooled if self.projection is None else self.teacher.get_submodule("projection")(pooled)

    def embed_batch(self, batch) -> dict[str, torch.Tensor]:
        outputs = self(**{name: value for name, value in batch.items() if name != "return_loss"})
        return {name: outputs[name] for name in _COMPARED if name in outputs}

    def loss_on_embeddings(self, embeddings, batches) -> torch.Tensor:
        told = {name: joined(batches, name) for name in ("risk", "missing_rate", "patient_ids", "metadata")}
        return self._loss({name: embeddings.get(name) for name in _COMPARED}, told)

    def _loss(self, given: dict[str, Any], told: dict[str, Any]) -> torch.Tensor:
        gather = gather_with_gradient if world_size() > 1 else None
        views = {f"first_{name}" if name in _OF_A_VIEW else name: values for name, values in given.items()}
        detached = self.config.compat_detached_norm
        return contrastive_loss(
            self.config, ContrastiveInputs(gather=gather, compat_detached_norm=detached, **views, **told)
        )


# what the model makes of a view, and all that a loss compares
_OF_A_VIEW = ("projected", "predicted", "targets", "metadata_logits")
_COMPARED = (*_OF_A_VIEW, *(f"second_{name}" for name in _OF_A_VIEW))
