"""The losses of a dual encoder: on the embeddings of one batch, or of all micro-batches of a step."""

from typing import Any, cast

import torch
from torch import nn

from ...losses import (
    false_negative_mitigation_loss,
    gather_with_gradient,
    sigmoid_contrastive_loss,
    softmax_contrastive_loss,
    world_size,
)
from ..shared.cached_loss import LossOnEmbeddings, joined
from .configuration_ecg_text import ECGTextConfig
from .text_identity import ids_of_texts


class PairLoss(LossOnEmbeddings):
    """What the configuration's `loss_type`, `identical_text` and `text_weighting` say, for `ECGTextModel`."""

    __slots__ = ()
    config: ECGTextConfig
    logit_scale: nn.Parameter
    logit_bias: nn.Parameter

    def embed_batch(self, batch) -> dict[str, torch.Tensor]:
        outputs = cast(nn.Module, self)(**{name: value for name, value in batch.items() if name != "return_loss"})
        own = len(outputs.ecg_embeds)
        return {"ecg": outputs.ecg_embeds, "text": outputs.text_embeds[:own], "extra": outputs.text_embeds[own:]}

    def loss_on_embeddings(self, embeddings, batches) -> torch.Tensor:
        """Extra texts of all micro-batches follow the records' own."""
        names = ("input_ids", "attention_mask", "text_features")
        ids = [batch.get("text_ids") for batch in batches]
        if self.needs_text_ids() and None in ids:
            ids = [ids_of_texts(*(batch.get(name) for name in names)) for batch in batches]
        text_ids = None
        if None not in ids:
            owns = [len(batch["input_values"]) for batch in batches]
            parts = [part[:own] for part, own in zip(ids, owns, strict=True)]
            text_ids = torch.cat([*parts, *(part[own:] for part, own in zip(ids, owns, strict=True))])
        text_embeds = torch.cat([embeddings["text"], embeddings["extra"]])
        return self.pair_loss(embeddings["ecg"], text_embeds, text_ids, joined(batches, "true_text_ids"))

    def needs_text_ids(self) -> bool:
        return self.config.identical_text != "negative" or self.config.text_weighting != "row"

    def pair_loss(self, ecg_embeds, text_embeds, text_ids, true_text_ids) -> torch.Tensor:
        config, scale = self.config, self.logit_scale.exp()
        gather = gather_with_gradient if world_size() > 1 else None
        same: dict[str, Any] = {"text_ids": text_ids, "identical_text": config.identical_text, "gather": gather}
        if config.loss_type == "softmax":
            if true_text_ids is not None:
                raise ValueError("the softmax loss cannot use true_text_ids: leave them out of the batch")
            return softmax_contrastive_loss(ecg_embeds, text_embeds, scale, **same)
        weighting: dict[str, Any] = {"text_weighting": config.text_weighting}
        loss = sigmoid_contrastive_loss(
            ecg_embeds, text_embeds, scale, self.logit_bias, true_text_ids=true_text_ids, **same, **weighting
        )
        if config.loss_type == "clep":
            own = slice(len(ecg_embeds))
            pull = false_negative_mitigation_loss(
                ecg_embeds,
                text_embeds[own],
                text_ids=None if text_ids is None else text_ids[own],
                gather=gather,
                **weighting,
            )
            loss = loss + config.mitigation_weight * pull
        return loss
