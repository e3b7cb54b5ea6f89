"""TolerantECG's training (arXiv 2507.09887): ECGs beside texts, and views without leads or with noise."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import initialization as init
from transformers.utils import can_return_tuple

from ..ecg_text.modeling_ecg_text import ECGTextModel, ECGTextOutput
from ..shared.momentum_teacher import teacher_momentum
from ..shared.one_number import accept_any_shape
from ..shared.self_distillation import ECGDistillationHead, ECGSelfDistillation
from .configuration_tolerantecg import TolerantECGConfig


@dataclass
class TolerantECGOutput(ECGTextOutput):
    """Output of [`TolerantECGForPreTraining`].

    Args:
        loss: scalar, with `return_loss=True`.
        logits_per_ecg, logits_per_text, ecg_embeds, text_embeds, ecg_model_output, text_model_output: of the whole
            records and their texts, see [`ECGTextOutput`].
        first_view_embeds, second_view_embeds: see [`ECGTextOutput`]; None without a `view_loss_weight`.
        student_views: (ecgs, teachers, views, distillation_size), what the student's heads make of every view; None
            without views.
        teacher_views: (ecgs, teachers, teacher views, distillation_size), what each teacher makes of its own.
    """

    student_views: torch.Tensor | None = None
    teacher_views: torch.Tensor | None = None


class TolerantECGForPreTraining(ECGTextModel):
    """A dual encoder of ECGs and texts whose ECG tower learns that views of one record are alike.

    The student sees all views of a record, a momentum teacher the first ones, and a head on the student is to foretell
    what the teacher's head makes of another view. There is a teacher with a head for each kind of view: records with
    leads dropped, and records with noise. The ECG tower and the projections are the student; `ecg_model` is what
    pretraining leaves behind.

    The loss is `pair_loss_weight` times the contrast of whole records with texts, and the mean over the kinds of views
    of the self-distillation. The released code takes a batch with leads dropped and one with noise in turn, an
    optimizer step each, and adds the contrast in both. Here a record brings both kinds of views into one step: the
    loss is the mean of the two, and a teacher moves once for every two steps there, as it does there.

    Teachers and centers move in `after_step`. The momentum changes over the steps that `begin_training` was told of.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGConvNeXtV2Config, TolerantECGConfig, TolerantECGForPreTraining
        >>> text = {"model_type": "bert", "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 1}
        >>> sizes = {"intermediate_size": 32, "num_attention_heads": 2}
        >>> ecg = ECGConvNeXtV2Config(num_samples=500, depths=[1, 1], widths=[8, 16])
        >>> config = TolerantECGConfig(ecg_config=ecg, text_config=text | sizes, distillation_size=32)
        >>> model = TolerantECGForPreTraining(config)
        >>> texts = {"input_ids": torch.ones(4, 6, dtype=torch.long)}
        >>> views = torch.randn(4, 2, 3, 12, 500)  # without leads and with noise, three views each
        >>> outputs = model(torch.randn(4, 12, 500), **texts, view_input_values=views, return_loss=True)
        >>> outputs.loss.shape, outputs.student_views.shape, outputs.teacher_views.shape
        (torch.Size([]), torch.Size([4, 2, 3, 32]), torch.Size([4, 2, 2, 32]))
    """

    config: TolerantECGConfig
    base_model_prefix = "tolerantecg"

    def __init__(self, config: TolerantECGConfig):
        super().__init__(config)
        self.distillation = None
        if config.teachers:
            self.distillation = ECGSelfDistillation(
                self.ecg_model,
                config.teachers,
                config.num_teacher_views,
                hidden_size=config.distillation_hidden_size,
                out_size=config.distillation_size,
                student_temperature=config.student_temperature,
                teacher_temperature=config.teacher_temperature,
                center_momentum=config.center_momentum,
                trained_temperatures=config.compat_trained_temperatures,
            )
        self.total_steps: int | None = None
        self.post_init()
        self._begin_teachers()

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ECGDistillationHead):
            init.normal_(module.directions)
        elif isinstance(module, ECGSelfDistillation):
            module.initialise()

    def _begin_teachers(self) -> None:
        if self.distillation is not None:
            self.distillation.begin(self.ecg_model)

    def begin_training(self, total_steps: int) -> None:
        self.total_steps = total_steps
        # an encoder may have come from elsewhere since the model was made
        self._begin_teachers()

    def after_step(self, step: int) -> None:
        if self.distillation is None:
            return
        start, end = self.config.teacher_momentum, self.config.teacher_momentum_end
        momentum = start if self.total_steps is None else teacher_momentum(step, self.total_steps, start, end)
        self.distillation.after_step(self.ecg_model, momentum)

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        text_features: torch.Tensor | None = None,
        text_ids: torch.Tensor | None = None,
        view_input_values: torch.Tensor | None = None,
        view_lead_mask: torch.Tensor | None = None,
        view_sample_mask: torch.Tensor | None = None,
        return_loss: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **kwargs: Any,
    ) -> TolerantECGOutput:
        """
        Args:
            input_values: (ecgs, leads, samples), whole records, which texts are compared with.
            lead_mask: bool (ecgs, leads).
            sample_mask: bool (ecgs, samples).
            input_ids, attention_mask: (texts, tokens).
            text_features: (texts, text hidden size) in place of tokens: a frozen text tower's cached output.
            text_ids: integers (texts,), see [`ECGTextModel`].
            view_input_values: (ecgs, teachers, views, leads, samples), views of each record, in the order of
                `config.teachers`; those that a teacher sees come first.
            view_lead_mask: bool (ecgs, teachers, views, leads).
            view_sample_mask: bool (ecgs, teachers, views, samples).
            return_loss: compute the loss; over several processes it takes the records of all of them into account.
            output_attentions, output_hidden_states: of both towers.
            kwargs: what else one of the towers takes.

        Raises:
            ValueError: `return_loss` without views that there are teachers for, views of another shape, and as
                [`ECGTextModel`] says.
        """
        if return_loss and self.distillation is not None and view_input_values is None:
            raise ValueError(
                f"return_loss=True needs view_input_values, views of each record for the teachers"
                f" {self.config.teachers}: the method text_views hands them out"
            )
        if self.distillation is None and view_input_values is not None:
            raise ValueError("view_input_values are given, and config.teachers names nobody who looks at them")
        flags = {"output_attentions": output_attentions, "output_hidden_states": output_hidden_states}
        outputs = super().forward(
            input_values,
            lead_mask,
            sample_mask,
            input_ids=input_ids,
            attention_mask=attention_mask,
            text_features=text_features,
            text_ids=text_ids,
            return_loss=return_loss,
            **flags,
            **kwargs,
        )
        student = teacher = None
        if self.distillation is not None and view_input_values is not None:
            views = (view_input_values, view_lead_mask, view_sample_mask)
            student, teacher = self.distillation(self.ecg_model, *views)
        loss = None if outputs.loss is None else self._whole_loss(outputs.loss, student, teacher)
        given = {name: value for name, value in outputs.items() if name != "loss"}
        return TolerantECGOutput(loss=loss, **given, student_views=student, teacher_views=teacher)

    def _whole_loss(self, pair_loss: torch.Tensor, student, teacher) -> torch.Tensor:
        loss = self.config.pair_loss_weight * pair_loss
        if self.distillation is None:
            return loss
        return loss + self.config.distillation_weight * self.distillation.loss(student, teacher)

    def embed_batch(self, batch) -> dict[str, torch.Tensor]:
        views = {name: batch[name] for name in _VIEWS if batch.get(name) is not None}
        found = super().embed_batch({name: value for name, value in batch.items() if name not in views})
        if self.distillation is None:
            return found
        given = {name.removeprefix("view_input_").removeprefix("view_"): value for name, value in views.items()}
        return found | dict(zip(_DISTILLED, self.distillation(self.ecg_model, **given), strict=True))

    def loss_on_embeddings(self, embeddings, batches) -> torch.Tensor:
        pair_loss = super().loss_on_embeddings(embeddings, batches)
        return self._whole_loss(pair_loss, *(embeddings.get(name) for name in _DISTILLED))


_VIEWS = ("view_input_values", "view_lead_mask", "view_sample_mask")
_DISTILLED = ("student_views", "teacher_views")
accept_any_shape(TolerantECGConfig.model_type, "logit_scale", "logit_bias")
