"""The losses of a dual encoder: on the embeddings of one batch, or of all micro-batches of a step."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, cast

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


class TextTruth(NamedTuple):
    """What a batch says of its texts, as `ECGTextModel.forward` takes it.

    `text_ids`, `text_kinds`, `text_log_odds` (texts,); `true_text_ids`, `unknown_text_ids` (ecgs, k).
    """

    text_ids: torch.Tensor | None = None
    true_text_ids: torch.Tensor | None = None
    unknown_text_ids: torch.Tensor | None = None
    text_kinds: torch.Tensor | None = None
    text_log_odds: torch.Tensor | None = None

    @classmethod
    def of_batches(cls, batches: Sequence[Mapping[str, Any]], owns: Sequence[int]) -> Self:
        """Of micro-batches together: the texts of all records, then the extra ones.

        Args:
            batches: with the fields under their names, where they have them.
            owns: the ECGs of each.

        Raises:
            ValueError: some have a field of the texts, and others have not.
        """

        def of_texts(name: str) -> torch.Tensor | None:
            having = sum(batch.get(name) is not None for batch in batches)
            if not having:
                return None
            if having < len(batches):
                raise ValueError(f"{having} of {len(batches)} micro-batches have {name}, wanted all or none")
            pairs = [(batch[name], own) for batch, own in zip(batches, owns, strict=True)]
            return torch.cat([*(part[:own] for part, own in pairs), *(part[own:] for part, own in pairs)])

        true, unknown = (joined(batches, name) for name in ("true_text_ids", "unknown_text_ids"))
        return cls(of_texts("text_ids"), true, unknown, of_texts("text_kinds"), of_texts("text_log_odds"))


# Outputs of the model that hold two views of each ECG.
VIEWS = ("first_view_embeds", "second_view_embeds")

# What names texts by their `text_ids`.
NAMING = ("true_text_ids", "unknown_text_ids")


def check_named(naming: Sequence[torch.Tensor | None]) -> None:
    """Raises ValueError when texts without `text_ids` are named by a number: those made from tokens are others."""
    if any(one is not None for one in naming):
        raise ValueError(f"{' and '.join(NAMING)} name texts by their text_ids: give these too")


class PairLoss(LossOnEmbeddings):
    """What the configuration's `loss_type`, `identical_text` and `text_weighting` say, for `ECGTextModel`."""

    __slots__ = ()
    config: ECGTextConfig
    logit_scale: nn.Parameter
    logit_bias: nn.Parameter
    # of the kinds of text from 1 on, where the configuration has several
    kind_logit_scale: nn.Parameter
    kind_logit_bias: nn.Parameter

    def embed_batch(self, batch) -> dict[str, torch.Tensor]:
        outputs = cast(nn.Module, self)(**{name: value for name, value in batch.items() if name != "return_loss"})
        own = len(outputs.ecg_embeds)
        found = {"ecg": outputs.ecg_embeds, "text": outputs.text_embeds[:own], "extra": outputs.text_embeds[own:]}
        return found | {name: outputs[name] for name in VIEWS if outputs.get(name) is not None}

    def loss_on_embeddings(self, embeddings, batches) -> torch.Tensor:
        """Extra texts of all micro-batches follow the records' own."""
        names = ("input_ids", "attention_mask", "text_features")
        if self.needs_text_ids() and any(batch.get("text_ids") is None for batch in batches):
            check_named([batch.get(name) for batch in batches for name in NAMING])
            batches = [{**batch, "text_ids": ids_of_texts(*(batch.get(name) for name in names))} for batch in batches]
        truth = TextTruth.of_batches(batches, [len(batch["input_values"]) for batch in batches])
        views = tuple(embeddings[name] for name in VIEWS if name in embeddings)
        texts = torch.cat([embeddings["text"], embeddings["extra"]])
        return self.pair_loss(embeddings["ecg"], texts, truth, views or None)

    def needs_text_ids(self) -> bool:
        return self.config.identical_text != "negative" or self.config.text_weighting != "row"

    def pair_loss(
        self,
        ecg_embeds: torch.Tensor,
        text_embeds: torch.Tensor,
        truth: TextTruth,
        views: tuple[torch.Tensor, ...] | None = None,
    ) -> torch.Tensor:
        """`views` are two of each ECG, (ecgs, size), unit length, where the configuration has them."""
        config = self.config
        gather = gather_with_gradient if world_size() > 1 else None
        same: dict[str, Any] = {"text_ids": truth.text_ids, "identical_text": config.identical_text, "gather": gather}
        if config.loss_type == "softmax":
            given = [name for name, value in truth._asdict().items() if name != "text_ids" and value is not None]
            if given:
                raise ValueError(f"the softmax loss cannot use {', '.join(given)}: leave them out of the batch")
            loss = softmax_contrastive_loss(ecg_embeds, text_embeds, self.logit_scale.exp(), **same)
            if views is not None:
                first, second = views
                apart = softmax_contrastive_loss(first, second, self.logit_scale.exp(), gather=gather)
                loss = loss + config.view_loss_weight * apart
            return 2 * loss if config.compat_sum_of_directions else loss
        known: dict[str, Any] = {"true_text_ids": truth.true_text_ids, "unknown_text_ids": truth.unknown_text_ids}
        weighting: dict[str, Any] = {"text_weighting": config.text_weighting}
        scale, bias = self._scale_and_bias(truth, len(text_embeds))
        kinds: dict[str, Any] = {"text_kinds": truth.text_kinds, "kind_weights": config.text_kind_weights or ()}
        loss = sigmoid_contrastive_loss(ecg_embeds, text_embeds, scale, bias, **known, **same, **weighting, **kinds)
        if config.loss_type == "clep":
            own = slice(len(ecg_embeds))
            pull = false_negative_mitigation_loss(
                ecg_embeds,
                text_embeds[own],
                text_ids=None if truth.text_ids is None else truth.text_ids[own],
                gather=gather,
                **(known if config.mitigation_target == "truth" else {}),
                **weighting,
            )
            loss = loss + config.mitigation_weight * pull
        return loss

    def _scale_and_bias(self, truth: TextTruth, num_texts: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of every text, by its kind; scalars where there is one kind and no log odds."""
        kinds, odds = truth.text_kinds, truth.text_log_odds
        if odds is not None and odds.shape != (num_texts,):
            raise ValueError(f"text_log_odds has shape {tuple(odds.shape)}, wanted one for each of {num_texts} texts")
        scale: torch.Tensor = self.logit_scale.exp()
        bias: torch.Tensor = self.logit_bias
        if self.config.num_text_kinds == 1:
            if kinds is not None:
                raise ValueError("the batch has text_kinds, but num_text_kinds is 1 in the configuration")
        else:
            scales = torch.cat([scale.reshape(1), self.kind_logit_scale.exp()])
            biases = torch.cat([bias.reshape(1), self.kind_logit_bias])
            if kinds is not None:
                self._check_kinds(kinds)
            # by index whatever the batch holds: DDP waits for the gradient of every parameter
            scale, bias = (scales[kinds], biases[kinds]) if kinds is not None else (scales[:1], biases[:1])
        if odds is not None:
            bias = bias.float() + odds
        return scale, bias

    def _check_kinds(self, kinds: torch.Tensor) -> None:
        last = self.config.num_text_kinds - 1
        if kinds.is_floating_point() or kinds.ndim != 1 or bool(((kinds < 0) | (kinds > last)).any()):
            raise ValueError(
                f"text_kinds is {kinds.dtype} of shape {tuple(kinds.shape)}, wanted integers (texts,) from 0 to"
                f" {last}: num_text_kinds is {last + 1}"
            )
