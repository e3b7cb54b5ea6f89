"""Reports written from ECGs, by transformers' generation."""

import copy
from typing import Any, cast

import torch
from transformers import GenerationMixin
from transformers.cache_utils import DynamicCache

from .configuration_melp_text import MELPTextConfig

# of transformers' generation: what says how long an output may be
_LENGTHS = ("max_new_tokens", "max_length")
# what it can hand back of other models' steps
_NOT_GIVEN = ("output_attentions", "output_hidden_states")


class ReportGenerationMixin(GenerationMixin):
    """`generate` of a model whose `forward` writes on where it is given `caption_states`."""

    config: MELPTextConfig
    max_text_tokens: int | None

    @property
    def longest_report(self) -> int:
        """Tokens of the longest report that can be written, its beginning included."""
        told = (self.config.decoder_positions, self.max_text_tokens)
        return min(number for number in told if number is not None)

    @torch.no_grad()
    def generate(  # type: ignore[override]
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Writes a report of each ECG.

        Args:
            input_values: (ecgs, leads, samples).
            lead_mask: bool (ecgs, leads).
            sample_mask: bool (ecgs, samples).
            input_ids: int64 (ecgs, tokens), how reports begin, padded on the left; by default with `bos_token_id`
                alone. A tokenizer's `cls_token_id` in first place is taken for that; leave its last token out.
            attention_mask: (ecgs, tokens), 0 where `input_ids` are padded; by default where they are `pad_token_id`.
            kwargs: what `generate` of transformers takes: `num_beams`, `max_new_tokens`, `do_sample`, `use_cache`,
                `generation_config`, `return_dict_in_generate` ... By default the likeliest token each time, up to
                `longest_report` tokens.

        Returns:
            int64 (ecgs, tokens), beginnings included, filled up by `pad_token_id` behind a report's end: what
            `processor.batch_decode(..., skip_special_tokens=True)` reads. With `return_dict_in_generate` what
            transformers gives.

        Raises:
            ValueError: more tokens asked for than the decoder has positions, beginnings for another number of ECGs,
                values that are no numbers, what the encoder refuses, and as transformers says.
        """
        model = cast(Any, self)
        told = kwargs.get("generation_config") or model.generation_config
        for name in _NOT_GIVEN:
            if kwargs.get(name, getattr(told, name, None)):
                raise ValueError(f"{name} is not given while a report is written: call the model itself for it")
        outputs = model.ecg_model(input_values, lead_mask=lead_mask, sample_mask=sample_mask)
        number = len(outputs.caption_states)
        unknown = ~outputs.caption_states.isfinite().flatten(1).all(dim=1)
        if unknown.any():
            rows = ", ".join(map(str, unknown.nonzero()[:, 0].tolist()))
            raise ValueError(f"the encoder makes no numbers of the ECGs in rows {rows}: are values missing there?")
        if input_ids is None:
            input_ids = torch.full((number, 1), self.config.bos_token_id, device=outputs.caption_states.device)
        elif input_ids.ndim != 2 or len(input_ids) != number or not input_ids.shape[1]:
            raise ValueError(f"input_ids have shape {tuple(input_ids.shape)}, wanted ({number}, at least 1)")
        else:
            model._check_vocabulary(input_ids)
            input_ids = model.with_bos(input_ids)
        added: dict[str, Any] = self._length(kwargs, told, input_ids.shape[1])
        use_cache = kwargs.get("use_cache", told.use_cache if "generation_config" in kwargs else None)
        # said to transformers too: the configuration of a text tower that was trained alone may say that there is none
        added["use_cache"] = use_cache = True if use_cache is None else use_cache
        if kwargs.get("generation_config") is not None:
            # transformers takes settings in one place
            kwargs["generation_config"] = copy.deepcopy(told)
            kwargs["generation_config"].update(**added)
            added = {}
        if use_cache and kwargs.get("past_key_values") is None:
            # layers as they come: the text tower's, then the decoder's over the report, then those over the ECG
            kwargs["past_key_values"] = DynamicCache()
        return GenerationMixin.generate(
            model,
            inputs=input_ids,
            input_ids=input_ids,
            attention_mask=attention_mask,
            caption_states=outputs.caption_states,
            **(kwargs | added),
        )

    def _length(self, kwargs: dict[str, Any], told, begun: int) -> dict[str, int]:
        """Raises ValueError for more tokens than there are positions; without a wish they go up to the last."""
        wished = {name: kwargs.get(name, getattr(told, name, None)) for name in _LENGTHS}
        longest, new, whole = self.longest_report, *wished.values()
        asked = begun + new if new is not None else whole
        wanted = {}
        if asked is None:
            asked = longest if begun < longest else begun + 1
            wanted = {"max_length": asked}
        if asked > longest:
            raise ValueError(
                f"{asked} tokens are asked for, {begun} of them given, and the decoder has {longest} positions"
            )
        return wanted
