"""HeartLang's transformer over beats (ST-ECGFormer), also in the encoder and the decoder of its vocabulary."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init

from .attention import ECGSelfAttention, attention_mask_of
from .beat_embedding import BeatEmbedding
from .beat_inputs import check_beats
from .configuration_ecg import ECGConfig
from .modeling_ecg import ECGPreTrainedModel
from .strict_configuration import strict
from .table_rows import check_rows
from .transformer import PreNormBlock


@strict
class BeatTransformerConfig(ECGConfig):
    """What the configurations of models around a `BeatTransformer` have in common; each says what it means."""

    num_leads: int = 12
    num_samples: int = 1000
    sampling_rate: float | int = 100
    beat_samples: int = 96
    num_tokens: int = 256
    embedding_kernel_size: int = 3
    num_lead_embeddings: int = 16
    num_time_embeddings: int = 16
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    head_size: int = 64
    intermediate_size: int = 1024
    layer_norm_eps: float = 1e-5
    hidden_dropout: float | int = 0.0
    attention_dropout: float | int = 0.0
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02
    compat_visible_padding: bool = False

    def validate_beats(self):
        """Run by `@strict` after construction and before saving."""
        self.check_blocks()
        for name in ("beat_samples", "num_tokens", "embedding_kernel_size", "head_size"):
            if not 1 <= getattr(self, name) <= 65536:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to 65536")
        if self.embedding_kernel_size % 2 == 0:
            raise ValueError(f"embedding_kernel_size is {self.embedding_kernel_size}, wanted an odd number")
        if self.num_lead_embeddings <= self.num_leads:
            raise ValueError(
                f"num_lead_embeddings is {self.num_lead_embeddings}, wanted more than the {self.num_leads} leads: row"
                " 0 is for none"
            )
        seconds = -(-self.num_samples // self.sampling_rate)
        if self.num_time_embeddings <= seconds:
            raise ValueError(
                f"num_time_embeddings is {self.num_time_embeddings}, wanted more than the {seconds:g} seconds of"
                " num_samples: row 0 is for none"
            )


@dataclass(frozen=True)
class BeatSequenceInput:
    """The beats of a batch, checked.

    Args:
        beats: (batch, tokens, beat_samples), zero where there is no beat.
        leads: int64 (batch, tokens), rows of the table of leads; None adds none.
        times: int64 (batch, tokens), rows of the table of times; None adds none.
        present: bool (batch, tokens), true where there is a beat of a lead that is there.
        counted: the same, as attention and losses take it; None = all places count.
        peaks: int64 (batch, tokens), the samples of R peaks, -1 where there is none.
    """

    beats: torch.Tensor
    leads: torch.Tensor | None
    times: torch.Tensor | None
    present: torch.Tensor
    counted: torch.Tensor | None
    peaks: torch.Tensor

    def places(self) -> dict[str, Any]:
        """The fields of `BeatModelOutput` that say where on the ECG each token lies."""
        leads = torch.full_like(self.peaks, -1) if self.leads is None else self.leads - 1
        return {
            "token_positions": self.peaks,
            "token_leads": leads.masked_fill(~self.present, -1),
            "token_mask": self.present,
        }


def read_beats(
    config: BeatTransformerConfig,
    beat_tokens: torch.Tensor,
    beat_mask: torch.Tensor | None = None,
    lead_ids: torch.Tensor | None = None,
    time_ids: torch.Tensor | None = None,
    peak_samples: torch.Tensor | None = None,
    lead_mask: torch.Tensor | None = None,
) -> BeatSequenceInput:
    """What `forward` of a model of beats is given.

    Raises:
        ValueError: beats of another length, more of them than the model has places, a mask or ids of another shape,
            ids beyond the tables, or `lead_mask` without the ids of leads.
    """
    ids = {"lead_ids": lead_ids, "time_ids": time_ids}
    others = ids | {"beat_mask": beat_mask, "peak_samples": peak_samples}
    check_beats(beat_tokens, config.beat_samples, lead_mask, config.num_leads, **others)
    if beat_tokens.shape[1] > config.num_tokens:
        raise ValueError(f"beat_tokens have {beat_tokens.shape[1]} places, wanted {config.num_tokens} at most")
    if lead_mask is not None and lead_ids is None:
        raise ValueError("lead_mask is given without lead_ids, wanted both: nothing else says which lead a beat is of")
    if lead_ids is not None:
        check_rows("lead_ids", lead_ids, config.num_leads + 1, "leads")
    if time_ids is not None:
        check_rows("time_ids", time_ids, config.num_time_embeddings, "rows of seconds")
    present = torch.ones_like(beat_tokens[..., 0], dtype=torch.bool) if beat_mask is None else beat_mask.bool()
    if lead_mask is not None and lead_ids is not None:
        # place 0 is that of no lead: of a beat that is not there
        there = F.pad(lead_mask.bool(), (1, 0), value=True)
        present = present & there.gather(1, lead_ids)
    given = beat_mask is not None or lead_mask is not None
    counted = present if given and not config.compat_visible_padding else None
    peaks = torch.full_like(present, -1, dtype=torch.int64) if peak_samples is None else peak_samples
    return BeatSequenceInput(
        # whatever stands there, NaN too
        beats=beat_tokens.masked_fill(~present.unsqueeze(2), 0.0) if given else beat_tokens,
        leads=lead_ids,
        times=time_ids,
        present=present,
        counted=counted,
        peaks=peaks.masked_fill(~present, -1),
    )


class BeatTransformer(nn.Module):
    """Beats as tokens behind a class token, and pre-norm blocks over all of them.

    Args:
        config: of the model.
        prefix: of the configuration's `num_hidden_layers`.
        width: of what it reads in place of beats.
    """

    def __init__(self, config: BeatTransformerConfig, prefix: str = "", width: int | None = None):
        super().__init__()
        self.config = config
        self.beats = BeatEmbedding(
            config.beat_samples if width is None else width,
            config.hidden_size,
            config.embedding_kernel_size,
            config.num_lead_embeddings,
            config.num_time_embeddings,
            circular=config.compat_visible_padding,
            initializer_range=config.initializer_range,
        )
        self.class_token = nn.Parameter(torch.empty(config.hidden_size))
        self.positions = nn.Parameter(torch.empty(1 + config.num_tokens, config.hidden_size))
        self.layers = nn.ModuleList(
            PreNormBlock(
                config,
                config.hidden_size,
                config.num_attention_heads,
                config.intermediate_size,
                layer_norm_eps=config.layer_norm_eps,
                dropout=config.hidden_dropout,
                attention={"head_size": config.head_size, "dropout": config.attention_dropout, "bias": False},
            )
            for _ in range(getattr(config, f"{prefix}num_hidden_layers"))
        )
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(
        self,
        given: BeatSequenceInput,
        beats: torch.Tensor | None = None,
        masked: torch.Tensor | None = None,
        mask_token: torch.Tensor | None = None,
        **kwargs,
    ) -> torch.Tensor:
        """
        Args:
            given: see `read_beats`.
            beats: (batch, tokens, width), read in place of `given.beats`.
            masked: bool (batch, tokens), tokens in whose place `mask_token` (hidden_size,) stands. With
                `compat_visible_padding` their neighbours still show them, as in the released code.

        Returns:
            (batch, 1 + tokens, hidden_size), the class token first.
        """
        tokens = self.embedded(given, given.beats if beats is None else beats, masked)
        if masked is not None and mask_token is not None:
            tokens = torch.where(masked.unsqueeze(-1), mask_token.to(tokens.dtype), tokens)
        for ids, table in ((given.leads, self.beats.leads), (given.times, self.beats.times)):
            if ids is not None:
                tokens = tokens + F.embedding(ids, table)
        first = self.class_token.to(tokens.dtype).expand(tokens.shape[0], 1, -1)
        hidden_states = torch.cat([first, tokens], dim=1)
        hidden_states = hidden_states + self.positions[: hidden_states.shape[1]]
        counted = None if given.counted is None else F.pad(given.counted, (1, 0), value=True)
        attention_mask = attention_mask_of(self.config, hidden_states, counted)
        for layer in self.layers:
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        return self.norm(hidden_states)

    def embedded(
        self, given: BeatSequenceInput, beats: torch.Tensor, masked: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(batch, tokens, hidden_size): each beat and its neighbours, without positions."""
        leads = torch.zeros_like(given.peaks) if given.leads is None else given.leads
        seen = given.counted
        if masked is not None:
            seen = ~masked if seen is None else seen & ~masked
        return self.beats.projection(self.beats.windows(beats, leads, seen).to(self.beats.projection.weight.dtype))


class BeatTransformerPreTrainedModel(ECGPreTrainedModel):
    """Base of the models around one."""

    config: BeatTransformerConfig
    main_input_name = "beat_tokens"
    _no_split_modules = ["PreNormBlock"]
    input_layer = "transformer.beats.projection"
    _can_record_outputs = {"hidden_states": PreNormBlock, "attentions": ECGSelfAttention}

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        """What `forward` takes: two records of flat beats."""
        shape = (2, self.config.num_tokens, self.config.beat_samples)
        return {self.main_input_name: torch.zeros(shape, device=self.device)}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, BeatEmbedding):
            module.init_weights()
        if isinstance(module, BeatTransformer):
            for parameter in (module.class_token, module.positions):
                init.normal_(parameter, std=self.config.initializer_range)
