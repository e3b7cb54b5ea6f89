"""CLEAR and CLEAR-HUG (AAAI 2026, arXiv 2512.24002; Ashespt/CLEAR-HUG at 3f19967): a transformer over heartbeats with
a class token for each lead, and a head that goes from leads to groups of leads.

Written from the paper and from what the released code computes; the pretraining is in `pretraining_clear.py`.
"""

from dataclasses import dataclass, replace

import torch
from torch import nn
from transformers import initialization as init
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.attention import ECGSelfAttention
from ..shared.beat_embedding import BeatEmbedding, standardised_beats
from ..shared.beat_inputs import BEATS, BeatInputMixin, BeatModelOutput
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import mean_over_time
from ..shared.transformer import PostNormBlock
from .beat_grid import BeatGrid, beat_grid, encoder_mask
from .configuration_clear import HUG, CLEARConfig
from .hug_head import HUGHead


@dataclass
class CLEARModelOutput(BeatModelOutput):
    """Output of [`CLEARModel`].

    Args:
        last_hidden_state: (batch, leads + beats, hidden_size), the class tokens, then the beats, lead after lead.
        pooler_output: (batch, hidden_size), the mean of the class tokens of leads that are there.
        token_positions: int64 (batch, leads + beats), the sample of each R peak; -1 for class tokens.
        token_leads: int64 (batch, leads + beats), the place of each token's lead, from 0.
        token_mask: bool (batch, leads + beats), true where a token stands for a part of the record.
        class_states: (batch, leads, hidden_size), the class tokens; zeros where a lead is absent.
    """

    class_states: torch.Tensor | None = None


class CLEAREmbeddings(nn.Module):
    """Beats, leads, seconds and positions as tokens, after the class tokens."""

    def __init__(self, config: CLEARConfig):
        super().__init__()
        self.config = config
        self.beats = BeatEmbedding(
            config.beat_samples,
            config.hidden_size,
            config.embedding_kernel_size,
            config.num_lead_embeddings,
            config.num_time_embeddings,
            circular=config.compat_circular_convolution,
            initializer_range=config.initializer_range,
        )
        self.class_tokens = nn.Parameter(torch.empty(config.num_leads, config.hidden_size))
        self.positions = nn.Parameter(torch.empty(config.num_leads + config.num_tokens, config.hidden_size))

    def forward(self, grid: BeatGrid, kept: torch.Tensor | None = None) -> tuple[torch.Tensor, BeatGrid]:
        """
        Args:
            grid: of all beats.
            kept: int64 (batch, number), the beats that become tokens; None = all.

        Returns:
            (batch, leads + number, hidden_size), and the beats that became tokens.
        """
        seen = grid.counted
        if kept is not None:
            seen = torch.zeros_like(grid.leads, dtype=torch.bool).scatter(1, kept.clamp(min=0), kept >= 0)
            seen = seen if grid.counted is None else seen & grid.counted
        beats = standardised_beats(grid.beats) if self.config.compat_standardised_input else grid.beats
        grid = replace(grid, beats=self.beats.windows(beats, grid.leads, seen))
        grid = grid if kept is None else grid.only(kept)
        tokens = self.beats(grid.beats, grid.leads + 1, grid.times) + self.positions[grid.positions_of(self.config)]
        of_class = self.class_tokens + self.positions[: self.config.num_leads]
        return torch.cat([of_class.expand(tokens.shape[0], -1, -1), tokens], dim=1), grid


class CLEARPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: CLEARConfig
    main_input_name = BEATS
    _no_split_modules = ["PostNormBlock"]
    input_layer = "embeddings.beats.projection"
    # which token may look at which differs from pair to pair: these have no such mask
    _supports_flash_attn = False
    _supports_flex_attn = False
    _can_record_outputs = {"hidden_states": PostNormBlock, "attentions": ECGSelfAttention}

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        """What `forward` takes: two records of flat beats."""
        shape = (2, self.config.num_tokens, self.config.beat_samples)
        return {BEATS: torch.zeros(shape, device=self.device)}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, BeatEmbedding):
            module.init_weights()
        if isinstance(module, CLEAREmbeddings):
            for parameter in (module.class_tokens, module.positions):
                init.normal_(parameter, std=self.config.initializer_range)


def post_norm_blocks(config: CLEARConfig, prefix: str = "") -> nn.ModuleList:
    """Of the encoder, or with "decoder_" of the decoder."""
    names = ("hidden_size", "num_attention_heads", "intermediate_size")
    sizes = [getattr(config, f"{prefix}{name}") for name in names]
    return nn.ModuleList(
        PostNormBlock(
            config,
            *sizes,
            activation=config.hidden_act,
            layer_norm_eps=config.layer_norm_eps,
            dropout=config.hidden_dropout,
            attention={"dropout": config.attention_dropout},
        )
        for _ in range(getattr(config, f"{prefix}num_hidden_layers"))
    )


class CLEARModel(CLEARPreTrainedModel):
    """The bare encoder: heartbeats of twelve leads, each lead with a class token that sees its lead alone.

    In one block a class token looks at itself and the beats of its lead, a beat at everything. Beats that are not
    there and absent leads are not looked at. What the released code computes instead is in [`CLEARConfig`]
    (`compat_...`); it also shuffles the tokens at inference, so that two calls differ: no flag brings that back.

    Example:
        >>> import torch
        >>> from hf_ecg import CLEARConfig, CLEARModel
        >>> model = CLEARModel(CLEARConfig(num_hidden_layers=2)).eval()
        >>> outputs = model(torch.randn(2, 180, 96))  # 12 leads of 15 beats
        >>> outputs.last_hidden_state.shape, outputs.class_states.shape, outputs.pooler_output.shape
        (torch.Size([2, 192, 768]), torch.Size([2, 12, 768]), torch.Size([2, 768]))
    """

    # what the pretraining model and the heads have around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|decoder|hug)\."]

    def __init__(self, config: CLEARConfig):
        super().__init__(config)
        self.embeddings = CLEAREmbeddings(config)
        self.layers = post_norm_blocks(config)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs
    def forward(
        self,
        beat_tokens: torch.Tensor,
        beat_mask: torch.Tensor | None = None,
        lead_ids: torch.Tensor | None = None,
        time_ids: torch.Tensor | None = None,
        peak_samples: torch.Tensor | None = None,
        lead_mask: torch.Tensor | None = None,
        kept: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> CLEARModelOutput:
        """
        Args:
            beat_tokens: float (batch, leads * places, beat_samples), lead after lead, up to `num_beats` places each.
            beat_mask: bool (batch, leads * places), false where a place holds no beat. Last places that no record of
                the batch fills are left out.
            lead_ids: int64 (batch, leads * places), the lead of each beat, from 1; by default by its place.
            time_ids: int64 (batch, leads * places), the second of each beat, from 1; 0, the default, for none.
            peak_samples: int64 (batch, leads * places), the sample of each R peak, for `token_positions`.
            lead_mask: bool (batch, leads); beats of absent leads are not looked at.
            kept: int64 (batch, number), the beats that are looked at, in this order, below 0 for none in its place;
                None = all.

        Raises:
            ValueError: beats of another length, a number of tokens that is not `num_leads` times up to `num_beats`,
                beats in another order than their leads, a lead or second beyond the tables, a mask of another shape.
        """
        grid = beat_grid(self.config, beat_tokens, beat_mask, lead_ids, time_ids, peak_samples, lead_mask)
        grid = grid.filled(self.config.num_leads) if kept is None else grid
        hidden_states, grid = self.embeddings(grid, kept)
        attention_mask = encoder_mask(self.config, grid, hidden_states)
        for layer in self.layers:
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        hidden_states = self.norm(hidden_states)
        class_states = hidden_states[:, : self.config.num_leads]
        pooled = mean_over_time(class_states, grid.present)
        if grid.present is not None:
            class_states = class_states.masked_fill(~grid.present.unsqueeze(-1), 0.0)
        positions, leads, mask = token_places(self.config, grid)
        return CLEARModelOutput(
            last_hidden_state=hidden_states,
            pooler_output=pooled,
            class_states=class_states,
            token_positions=positions,
            token_leads=leads,
            token_mask=mask,
        )


def token_places(config: CLEARConfig, grid: BeatGrid) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(batch, leads + tokens): samples of the R peaks, leads, and which tokens stand for a part of the record."""
    of_class = torch.arange(config.num_leads, device=grid.leads.device).expand(grid.leads.shape[0], -1)
    present, counted = (
        torch.ones_like(like, dtype=torch.bool) if mask is None else mask
        for mask, like in ((grid.present, of_class), (grid.counted, grid.leads))
    )
    positions = torch.cat([torch.full_like(of_class, -1), grid.peaks], dim=1)
    return positions, torch.cat([of_class, grid.leads], dim=1), torch.cat([present, counted], dim=1)


class CLEARForECGClassification(BeatInputMixin, LinearHeadMixin, CLEARPreTrainedModel):
    """The encoder with a classification head: multi-label, single-label or regression by `config.problem_type`.

    With `config.head` "linear" a linear layer reads the mean of the class tokens (CLEAR alone), with "hug" the mean of
    the seven vectors of `HUGHead` (CLEAR-HUG).

    Example:
        >>> import torch
        >>> from hf_ecg import CLEARConfig, CLEARForECGClassification
        >>> config = CLEARConfig(num_hidden_layers=2, head="hug", num_labels=5)
        >>> model = CLEARForECGClassification(config).eval()
        >>> model(torch.zeros(2, 180, 96)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = CLEARModel

    def __init__(self, config: CLEARConfig):
        super().__init__(config)
        self.hug = None
        if config.head == HUG:
            self.reads = "class_states"
            self.hug = HUGHead(config.hidden_size, config.lead_groups or [], config.hug_activation)
            self.post_init()

    def features(self, read: torch.Tensor) -> torch.Tensor:
        return read if self.hug is None else self.hug.pooled(read)


class CLEARForECGSurvival(BeatInputMixin, SurvivalHeadMixin, CLEARPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import CLEARConfig, CLEARForECGSurvival
        >>> model = CLEARForECGSurvival(CLEARConfig(num_hidden_layers=2, survival_breaks=[0, 365, 730])).eval()
        >>> logits = model(torch.zeros(2, 180, 96)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = CLEARModel
