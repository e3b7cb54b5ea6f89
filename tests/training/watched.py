"""A dual encoder that can be told to fail and remembers what it was asked, registered as other packages do it."""

import torch
from huggingface_hub.dataclasses import strict

from hf_ecg import ECGTextConfig, ECGTextModel
from hf_ecg.auto import register_family
from hf_ecg.models.shared.family import Family


@strict
class WatchedTextConfig(ECGTextConfig):
    model_type = "watched_text"


class WatchedTextModel(ECGTextModel):
    """Attributes of the class are what a test sets: `dies_after` a step, `nan_at` a call in training, `noise` on the
    loss, also in evaluation."""

    config: WatchedTextConfig
    dies_after: int | None = None
    nan_at: int | None = None
    noise = False
    calls = 0
    texts_asked = 0
    validated: list[dict] = []

    def encode_text(self, input_ids, *args, **kwargs):
        type(self).texts_asked += len(input_ids)
        return super().encode_text(input_ids, *args, **kwargs)

    def forward(
        self,
        input_values,
        lead_mask=None,
        sample_mask=None,
        input_ids=None,
        attention_mask=None,
        text_features=None,
        text_ids=None,
        true_text_ids=None,
        return_loss=None,
        **kwargs,
    ):
        outputs = super().forward(
            input_values,
            lead_mask,
            sample_mask,
            input_ids,
            attention_mask,
            text_features,
            text_ids,
            true_text_ids,
            return_loss,
            **kwargs,
        )
        if self.noise and outputs.loss is not None:
            outputs["loss"] = outputs.loss * (1 + 0.1 * torch.rand(()))
        if self.training:
            type(self).calls += 1
            if self.calls == self.nan_at:
                outputs["loss"] = outputs.loss * torch.nan
        else:
            self.validated.append({name: value.clone() for name, value in self.state_dict().items()})
        return outputs

    def after_step(self, step: int) -> None:
        if step == self.dies_after:
            raise KeyboardInterrupt


register_family(Family(config=WatchedTextConfig, model=WatchedTextModel))


def watch(recipe: dict, **settings) -> dict:
    """The recipe with this model in the place of `ECGTextModel`, and the class set anew."""
    forget(**settings)
    recipe["model"]["class"] = "AutoModel"
    recipe["model"]["config"]["model_type"] = "watched_text"
    return recipe


def forget(dies_after: int | None = None, nan_at: int | None = None, noise: bool = False) -> None:
    WatchedTextModel.dies_after, WatchedTextModel.nan_at, WatchedTextModel.noise = dies_after, nan_at, noise
    WatchedTextModel.calls = WatchedTextModel.texts_asked = 0
    WatchedTextModel.validated = []
