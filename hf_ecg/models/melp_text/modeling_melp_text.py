"""MELP (Wang et al., ICML 2025, arXiv 2506.21803): ECGs and reports compared as wholes, by beats, and by tokens.

Written from the paper and from what the released code computes (HKU-MedAI/MELP at 088741d).
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from transformers import initialization as init
from transformers.cache_utils import Cache
from transformers.masking_utils import create_causal_mask
from transformers.utils import can_return_tuple

from ...losses import beat_alignment_loss, captioning_loss, gather_with_gradient, world_size
from ..ecg_text.modeling_ecg_text import ECGTextModel, ECGTextOutput
from ..ecg_text.projections import ECGProjection
from ..ecg_text.text_identity import ids_of_texts
from ..ecg_text.text_tower import warn_of_padding
from ..melp.modeling_melp import MELPModel
from ..shared.one_number import accept_any_shape
from ..shared.sentence_means import sentence_means
from .configuration_melp_text import MELPTextConfig
from .report_decoder import ReportDecoder
from .report_generation import ReportGenerationMixin
from .sentences import sentences_by_token


@dataclass
class MELPTextOutput(ECGTextOutput):
    """Output of [`MELPTextModel`]: that of [`ECGTextModel`], and more with `return_loss` or while a report is written.

    Args:
        loss: the three losses by their weights.
        logits_per_ecg, logits_per_text, ecg_embeds, text_embeds: see [`ECGTextOutput`].
        ecg_model_output, text_model_output: of the towers; the text tower's has one state more than there are tokens.
        first_view_embeds, second_view_embeds: see [`ECGTextOutput`].
        contrastive_loss: of whole records and reports.
        caption_loss: of the tokens of the reports.
        beat_loss: of beats and sentences.
        logits: (texts, tokens, vocabulary), of the token that follows each.
        sentence_embeds: (texts, sentences, projection_dim), zeros where there is no such sentence; not of unit length.
        sentence_mask: bool (texts, sentences).
        past_key_values: of a report that is being written.
    """

    contrastive_loss: torch.Tensor | None = None
    caption_loss: torch.Tensor | None = None
    beat_loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    sentence_embeds: torch.Tensor | None = None
    sentence_mask: torch.Tensor | None = None
    past_key_values: Cache | None = None


class RhythmProjection(ECGProjection):
    """The mean of the beats, which the ECG tower has brought into the joint space."""

    def __init__(self, size: int):
        super().__init__()
        self.view_size = size

    def forward(self, outputs, mask):
        return outputs.beat_embeds.mean(dim=1), outputs.pooler_output


class MELPTextModel(ECGTextModel, ReportGenerationMixin):
    """A dual encoder that is also taught each report's sentences by beats and its tokens by a decoder, and writes
    reports: `generate(input_values, lead_mask, sample_mask, **kwargs)` gives token ids, one row an ECG.

    As an [`ECGTextModel`] it gives `get_ecg_features`, `get_text_features` and logits of pairs; retrieval, zero-shot
    classification and the training method `text_pairs` are those of any dual encoder.

    **Texts.** A report is handed over as its tokenizer makes it: `[CLS] tokens [SEP]`. The first token becomes
    `bos_token_id`, and `cls_token_id` is put behind the last: the text tower, which reads from left to right, has read
    all of the report there, and its state stands for it.

    **Against the released code.** There that token stands behind the padding, so that its place is the longest text's
    of a batch (`compat_cls_after_padding`); sentences end at token 18, and one report without it shifts the sentences
    of those behind it to other ECGs (`compat_sentences`); the decoder's output weights begin as what lies in memory.

    Example:
        >>> import torch
        >>> from transformers import BertConfig
        >>> from hf_ecg import ECGFMConfig, MELPConfig, MELPTextConfig, MELPTextModel
        >>> tower = MELPConfig(body_config=ECGFMConfig(num_hidden_layers=1), caption_size=64)
        >>> text = BertConfig(vocab_size=40, hidden_size=64, num_hidden_layers=1, num_attention_heads=2)
        >>> config = MELPTextConfig(ecg_config=tower, text_config=text, decoder_num_hidden_layers=1)
        >>> model = MELPTextModel(config).eval()
        >>> reports = model.generate(torch.randn(2, 12, 5000), max_new_tokens=5, min_new_tokens=5)
        >>> reports.shape
        torch.Size([2, 6])
    """

    config: MELPTextConfig
    added_tokens = 1

    def __init__(self, config: MELPTextConfig):
        super().__init__(config)
        cast(MELPModel, self.ecg_model).train_text_outputs(True)
        text: Any = config.text_config
        self.sentence_projection = nn.Linear(text.hidden_size, config.projection_dim)
        self.report_decoder = ReportDecoder(config)
        self.post_init()

    def _make_ecg_projection(self) -> ECGProjection:
        return RhythmProjection(self.config.projection_dim)

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ReportDecoder):
            init.normal_(module.vocabulary, std=module.vocabulary.shape[0] ** -0.5)

    def after_step(self, step: int) -> None:
        """Keeps the scale of the contrast where CLIP keeps it."""
        with torch.no_grad():
            self.logit_scale.clamp_(0, self.config.max_logit_scale)

    def embed_batch(self, batch):
        """Raises ValueError: sentences and tokens are compared within a batch, not embeddings of records alone."""
        raise ValueError("MELP's losses read every token of a batch: gradients cannot be cached, accumulate them")

    def with_bos(self, input_ids: torch.Tensor) -> torch.Tensor:
        """A tokenizer's first token of each text replaced by what reports begin with: (texts, tokens)."""
        first = torch.arange(input_ids.shape[1], device=input_ids.device) == 0
        return torch.where(first & (input_ids == self.config.cls_token_id), self.config.bos_token_id, input_ids)

    def _with_cls(self, input_ids, attention_mask):
        """One token more in each row: the pooled one, behind the text or, as released, behind its padding."""
        input_ids = self.with_bos(input_ids)
        added = torch.full_like(input_ids[:, :1], self.config.cls_token_id)
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if self.config.compat_cls_after_padding:
            seen = torch.ones_like(attention_mask[:, :1])
            return torch.cat([input_ids, added], dim=1), torch.cat([attention_mask, seen], dim=1)
        real = attention_mask.ne(0).long()
        # behind the last token that is not padding: the first place of the largest running count
        place = real.cumsum(dim=1).argmax(dim=1, keepdim=True) + 1
        is_place = torch.arange(input_ids.shape[1] + 1, device=input_ids.device) == place
        input_ids = torch.cat([input_ids, torch.full_like(added, self.config.pad_token_id)], dim=1)
        attention_mask = torch.cat([attention_mask, torch.zeros_like(attention_mask[:, :1])], dim=1)
        return (
            torch.where(is_place, self.config.cls_token_id, input_ids),
            torch.where(is_place, 1, attention_mask),
        )

    def _encode_text(self, input_ids, attention_mask, **kwargs):
        """With the pooled token behind each text: one state more than there are tokens."""
        if input_ids is None:
            raise ValueError("texts of MELP come as input_ids, to which the model adds tokens of its own")
        if kwargs.get("position_ids") is not None:
            raise ValueError("MELP places its texts by itself: give no position_ids")
        if (types := kwargs.get("token_type_ids")) is not None:
            kwargs["token_type_ids"] = torch.cat([types, types[:, -1:]], dim=1)
        if "use_cache" in self._text_names:
            kwargs.setdefault("use_cache", False)
        # before a mask is made for the added token
        warn_of_padding(self.config, input_ids, attention_mask)
        return super()._encode_text(*self._with_cls(input_ids, attention_mask), **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor | None = None,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        sentence_ids: torch.Tensor | None = None,
        text_features: torch.Tensor | None = None,
        text_ids: torch.Tensor | None = None,
        true_text_ids: torch.Tensor | None = None,
        return_loss: bool | None = None,
        position_ids: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        caption_states: torch.Tensor | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> MELPTextOutput:
        """
        Args:
            input_values: (ecgs, leads, samples).
            lead_mask: bool (ecgs, leads).
            sample_mask: bool (ecgs, samples).
            input_ids: (texts, tokens).
            attention_mask: (texts, tokens), 0 where padded.
            sentence_ids: int64 (texts, tokens), which sentence each token is of, -1 where of none; by default they end
                at `sentence_end_token_id` of the configuration. See `hf_ecg.data.sentences.token_sentences`.
            text_features, text_ids, true_text_ids: see [`ECGTextModel`]; the losses need tokens.
            return_loss: compute the losses; row i of ECGs and texts must be a pair.
            output_attentions, output_hidden_states: of both towers.
            caption_states: (texts, caption tokens, text hidden size) in place of ECGs: a report is written on, which
                is what `generate` asks for. `input_ids` are then the tokens behind those of `past_key_values`, and the
                output holds `logits` and `past_key_values` alone.
            position_ids, past_key_values, use_cache: of a report that is being written.
            kwargs: what else one of the towers takes.

        Raises:
            ValueError: see [`ECGTextModel`]; `return_loss` without tokens, with more tokens than the decoder has
                positions, or where nothing says which sentences there are.
        """
        if caption_states is not None:
            return self._write_on(input_ids, attention_mask, position_ids, caption_states, past_key_values, use_cache)
        if input_values is None:
            raise ValueError("input_values are missing: wanted ECGs, or caption_states to write a report from")
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
            position_ids=position_ids,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            **kwargs,
        )
        found = MELPTextOutput(**outputs)
        if not return_loss:
            return found
        if input_ids is None:
            raise ValueError("the losses of beats and tokens are of tokens: give input_ids, not text_features")
        return self._with_losses(found, input_ids, attention_mask, sentence_ids, text_ids)

    def _with_losses(self, found: MELPTextOutput, input_ids, attention_mask, sentence_ids, text_ids):
        config, gather = self.config, gather_with_gradient if world_size() > 1 else None
        input_ids = self.with_bos(input_ids)
        ecg, text = cast(Any, found.ecg_model_output), cast(Any, found.text_model_output)
        states = text.last_hidden_state[:, :-1]
        found.logits = self._logits(states, ecg.caption_states, attention_mask)
        counted = None if attention_mask is None else attention_mask[:, 1:].ne(0)
        captions = captioning_loss(found.logits[:, :-1], input_ids[:, 1:], counted, gather=gather)
        sentences, mask = self._sentences(states, input_ids, attention_mask, sentence_ids)
        found.sentence_embeds, found.sentence_mask = sentences, mask
        beats = ecg.beat_embeds
        if config.compat_sentences:
            # what moves up: the released lists of sentences leave reports without any out
            told = mask.any(dim=1)
            sentences, mask, beats = sentences[told], mask[told], beats[: int(told.sum())]
        if config.identical_text != "negative" and text_ids is None:
            text_ids = ids_of_texts(input_ids, attention_mask, None)
        aligned = beat_alignment_loss(
            beats,
            sentences,
            mask,
            attention_scale=config.attention_scale,
            sentence_scale=config.sentence_scale,
            logit_scale=config.beat_logit_scale,
            text_ids=text_ids,
            identical_text=config.identical_text,
            gather=gather,
        )
        found.contrastive_loss, found.caption_loss, found.beat_loss = found.loss, captions, aligned
        whole = config.contrastive_weight * cast(torch.Tensor, found.loss)
        found.loss = whole + config.caption_weight * captions + config.beat_weight * aligned
        return found

    def _sentences(self, states, input_ids, attention_mask, sentence_ids):
        """(texts, sentences, projection_dim) and which there are, bool (texts, sentences)."""
        config = self.config
        if sentence_ids is None:
            if config.sentence_end_token_id is None:
                raise ValueError(
                    "nothing says which sentences there are: give sentence_ids, or set sentence_end_token_id in the"
                    " configuration to the tokenizer's full stop"
                )
            sentence_ids = sentences_by_token(
                input_ids, attention_mask, config.sentence_end_token_id, config.special_ids, config.compat_sentences
            )
        means, mask = sentence_means(states, sentence_ids)
        return self.sentence_projection(means) * mask[..., None], mask

    def _causal_mask(self, input_ids, attention_mask, caption_states, past_key_values=None):
        # of its first argument only the shape and the type are read
        like = caption_states.new_empty((*input_ids.shape[:2], 0))
        return create_causal_mask(
            config=self.config, inputs_embeds=like, attention_mask=attention_mask, past_key_values=past_key_values
        )

    def _logits(self, states, caption_states, attention_mask):
        if not torch.compiler.is_compiling() and states.shape[1] > self.config.decoder_positions:
            raise ValueError(
                f"the reports have {states.shape[1]} tokens, and the decoder has {self.config.decoder_positions}"
                f" positions: cut them, by max_length={self.config.decoder_positions}"
            )
        # behind a text's last token: the released decoder reads it there, and nothing of that counts
        seen = None if self.config.compat_cls_after_padding else attention_mask
        mask = self._causal_mask(states, seen, caption_states)
        return self.report_decoder(states, caption_states, mask)

    def _write_on(self, input_ids, attention_mask, position_ids, caption_states, past_key_values, use_cache):
        """The tokens that follow `input_ids`, which follow those of the cache."""
        begun = 0 if past_key_values is None else past_key_values.get_seq_length()
        longest = self.longest_report
        if begun + input_ids.shape[1] > longest:
            raise ValueError(
                f"the report has {begun + input_ids.shape[1]} tokens, and the decoder has {longest} positions"
            )
        # before the text tower runs: it fills the cache whose length is asked for here
        mask = self._causal_mask(input_ids, attention_mask, caption_states, past_key_values)
        given = {"position_ids": position_ids, "past_key_values": past_key_values, "use_cache": bool(use_cache)}
        given = {name: value for name, value in given.items() if name in self._text_names}
        states = self.text_model(input_ids=input_ids, attention_mask=attention_mask, **given).last_hidden_state
        logits = self.report_decoder(
            states, caption_states, mask, past_key_values, first_layer=self.text_model.config.num_hidden_layers
        )
        return MELPTextOutput(logits=logits, past_key_values=past_key_values)


accept_any_shape(MELPTextConfig.model_type, "logit_scale", "logit_bias")
