"""Dual encoder of ECGs and texts."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ...pretrained_models import model_source
from ..shared.attention_pooling import ECGAttentionPooling
from ..shared.forward_names import forward_names, refuse_names
from ..shared.modeling_ecg import ECGTowerModel
from ..shared.modeling_pretraining import NestedOutput
from ..shared.one_number import accept_any_shape
from ..shared.table_rows import check_rows
from .configuration_ecg_text import ECGTextConfig
from .pair_loss import PairLoss, TextTruth, check_named
from .projections import ECGProjection, ECGViews, ecg_projection, text_projection
from .text_identity import ids_of_texts
from .text_tower import build_text_tower, longest_text, pool_tokens, warn_of_padding
from .text_whitening import whitener


@dataclass
class ECGTextOutput(NestedOutput):
    """Output of [`ECGTextModel`].

    Args:
        loss: scalar, with `return_loss=True`.
        logits_per_ecg: (ecgs, texts): exp(logit_scale) * cosine, plus logit_bias where the model gives probabilities.
        logits_per_text: its transpose.
        ecg_embeds: (ecgs, projection_dim), unit length.
        text_embeds: (texts, projection_dim), unit length.
        ecg_model_output: of the ECG tower, as `get_ecg_features` gives it.
        text_model_output: of the text tower, as `get_text_features` gives it.
        first_view_embeds, second_view_embeds: (ecgs, projection_dim), unit length, where the configuration has a
            `view_loss_weight`.
    """

    loss: torch.Tensor | None = None
    logits_per_ecg: torch.Tensor | None = None
    logits_per_text: torch.Tensor | None = None
    ecg_embeds: torch.Tensor | None = None
    text_embeds: torch.Tensor | None = None
    ecg_model_output: BaseModelOutputWithPooling | None = None
    text_model_output: BaseModelOutputWithPooling | None = None
    first_view_embeds: torch.Tensor | None = None
    second_view_embeds: torch.Tensor | None = None


class ECGTextModel(ECGTowerModel, PairLoss):
    """ECG tower, text tower, and a projection each into one space.

    `hf_ecg_version` of the configuration says who wrote it; the losses are those of `hf_ecg.losses`.

    Example:
        >>> from transformers import AutoModel, AutoProcessor
        >>> import hf_ecg
        >>> model, processor = (auto.from_pretrained("out/demo/clep") for auto in (AutoModel, AutoProcessor))
        >>> texts = ["sinus rhythm", "atrial fibrillation"]
        >>> inputs = processor(ecg="record.hea", text=texts, padding=True, return_tensors="pt")
        >>> model(**inputs).logits_per_ecg.shape
        torch.Size([1, 2])
    """

    config: ECGTextConfig
    base_model_prefix = "ecg_text"
    role = "dual encoder"
    input_modalities: tuple[str, ...] = ("time", "text")  # type: ignore[assignment]
    # an earlier model may be trained on with features as texts of their own: these begin anew, and only the loss asks
    _keys_to_ignore_on_load_missing = [r"^kind_logit_(scale|bias)$"]
    # that a model puts behind each text by itself
    added_tokens: ClassVar[int] = 0
    # what was measured of the training texts, with `standardise_text` and `text_whitening`
    text_mean: torch.Tensor
    text_std: torch.Tensor
    text_whitener: torch.Tensor

    def __init__(self, config: ECGTextConfig):
        super().__init__(config)
        self.ecg_model = AutoModel.from_config(config.ecg_config)
        self.text_model = build_text_tower(cast(Any, config.text_config), config.text_pooling)
        longest = longest_text(self.text_model)
        self.max_text_tokens: int | None = None if longest is None else longest - self.added_tokens
        self._text_names = forward_names(self.text_model) | frozenset(TransformersKwargs.__annotations__)
        self.ecg_projection = self._make_ecg_projection()
        self.text_projection = text_projection(config)
        self.views = ECGViews(config, self.ecg_projection.view_size) if config.view_loss_weight else None
        self.logit_scale = nn.Parameter(torch.empty(()), requires_grad=config.train_logit_scale)
        self.logit_bias = nn.Parameter(torch.empty(()), requires_grad=config.gives_probabilities)
        if config.num_text_kinds > 1:
            self.kind_logit_scale = nn.Parameter(torch.empty(config.num_text_kinds - 1))
            self.kind_logit_bias = nn.Parameter(torch.empty(config.num_text_kinds - 1))
        if config.standardise_text:
            self.register_buffer("text_mean", torch.zeros(config.text_config.hidden_size))
            self.register_buffer("text_std", torch.ones(()))
        if config.text_whitening:
            self.register_buffer("text_whitener", torch.eye(config.text_config.hidden_size))
        self.post_init()

    def _make_ecg_projection(self) -> ECGProjection:
        return ecg_projection(self.config)

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ECGAttentionPooling):
            for parameter in (module.token, module.positions):
                init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
        if isinstance(module, ECGTextModel):
            init.constant_(module.logit_scale, self.config.logit_scale_init_value)
            init.constant_(module.logit_bias, self.config.logit_bias_init_value)
            if self.config.num_text_kinds > 1:
                init.constant_(module.kind_logit_scale, self.config.logit_scale_init_value)
                init.zeros_(module.kind_logit_bias)
            if self.config.standardise_text:
                init.zeros_(module.text_mean)
                init.ones_(module.text_std)
            if self.config.text_whitening:
                init.eye_(module.text_whitener)

    @classmethod
    def from_ecg_text_pretrained(cls, ecg: str, text: str, *, ecg_kwargs=None, text_kwargs=None, **config) -> Self:
        """Join two pretrained towers; the projections are new.

        Args:
            ecg: an encoder of this package: a folder, a model inside the package, or a Hub id.
            text: any text encoder that AutoModel loads, named likewise.
            ecg_kwargs, text_kwargs: handed to the `from_pretrained` of each.
            config: fields of [`ECGTextConfig`].

        Raises:
            ValueError: a tower whose checkpoint lacks tensors that this model uses.
            OSError: there is no model of a name.
        """
        towers = {}
        for name, source, options in (("ecg_model", ecg, ecg_kwargs), ("text_model", text, text_kwargs)):
            # by default transformers keeps the type of the file, and the new projections are float32
            options = {"dtype": torch.float32} | (options or {})
            towers[name] = AutoModel.from_pretrained(model_source(str(source)), output_loading_info=True, **options)
        configs = {name.replace("_model", "_config"): tower.config for name, (tower, _) in towers.items()}
        config_class = cast(type[ECGTextConfig], cls.config_class)
        model = cls(config_class(**configs, **config))
        for name, (tower, info) in towers.items():
            wanted = getattr(model, name).state_dict()
            # a masked-language-model checkpoint has no pooler, and AutoModel makes up a random one: not to be used
            unused = () if model.config.text_pooling == "pooler" else ("pooler.",)
            found = {key: value for key, value in tower.state_dict().items() if key in wanted}
            absent = sorted(key for key in set(wanted) & set(info["missing_keys"]) if not key.startswith(unused))
            if absent:
                raise ValueError(f"the checkpoint of {name} holds no weights for {absent[:5]}")
            getattr(model, name).load_state_dict(found)
        return model

    @property
    def gives_probabilities(self) -> bool:
        """Whether the sigmoid of a logit is the probability that ECG and text are a pair."""
        return self.config.gives_probabilities

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        """What `forward` takes: two silent records, and three texts."""
        return super().dummy_inputs | self.text_model.dummy_inputs

    def get_input_embeddings(self):
        return self.text_model.get_input_embeddings()

    def set_input_embeddings(self, value):
        self.text_model.set_input_embeddings(value)

    @torch.no_grad()
    def set_text_statistics(self, features: torch.Tensor) -> None:
        """Measure what `standardise_text` shifts and scales by, and what `text_whitening` turns.

        Args:
            features: pooled features of the training texts, (texts, text hidden size), see `encode_text`.

        Raises:
            ValueError: the configuration does not standardise, or fewer than two texts.
        """
        if not self.config.standardise_text:
            raise ValueError("standardise_text is false in the configuration")
        if features.ndim != 2 or len(features) < 2:
            raise ValueError(f"features have shape {tuple(features.shape)}, wanted at least two texts")
        features = features.to(self.text_mean)
        self.text_mean.copy_(features.mean(dim=0))
        self.text_std.copy_((features - self.text_mean).std())
        if self.config.text_whitening:
            centred, config = features - self.text_mean, self.config
            self.text_whitener.copy_(whitener(centred, config.text_whitening, config.text_whitening_outside))

    def takes(self, name: str) -> bool:
        return super().takes(name) or name in self._text_names

    def encode_text(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """Pooled output of the text tower, before standardising and projection.

        Args:
            input_ids: (texts, tokens).
            attention_mask: (texts, tokens), 0 where padded; without it padding is read, and a warning says so once.
            kwargs: what else the text tower takes.

        Returns:
            (texts, text hidden size): what `text_features` of `forward` takes.

        Raises:
            ValueError: see `get_text_features`.
        """
        return cast(torch.Tensor, self._encode_text(input_ids, attention_mask, **kwargs).pooler_output)

    def _encode_text(self, input_ids, attention_mask, **kwargs) -> BaseModelOutputWithPooling:
        """The text tower's output, its `pooler_output` as `text_pooling` wants it."""
        given = {name: value for name, value in kwargs.items() if value is not None}
        tower = type(self.text_model).__name__
        unknown = [name for name in given if name not in self._text_names]
        if unknown:
            refuse_names(unknown, self._text_names, f"the text tower {tower}")
        tokens = given.get("inputs_embeds") if input_ids is None else input_ids
        # lengths are fixed in a compiled graph, and a guard would keep an exported one from any length
        if tokens is not None and self.max_text_tokens is not None and not torch.compiler.is_compiling():
            given_tokens = tokens.shape[1] - self.added_tokens
            if given_tokens > self.max_text_tokens:
                raise ValueError(
                    f"the texts have {given_tokens} tokens, and the positions of the text tower {tower} end at"
                    f" {self.max_text_tokens}: cut them, by max_length={self.max_text_tokens} of the processor"
                )
        self._check_vocabulary(input_ids)
        if input_ids is not None:
            warn_of_padding(self.text_model.config, input_ids, attention_mask)
        outputs = self.text_model(input_ids=input_ids, attention_mask=attention_mask, **given)
        return BaseModelOutputWithPooling(
            last_hidden_state=outputs.last_hidden_state,
            pooler_output=pool_tokens(self.config.text_pooling, outputs, attention_mask),
            hidden_states=outputs.get("hidden_states"),
            attentions=outputs.get("attentions"),
        )

    def _check_vocabulary(self, input_ids: torch.Tensor | None) -> None:
        if input_ids is not None:
            words = cast(torch.Tensor, self.text_model.get_input_embeddings().weight).shape[0]
            check_rows("input_ids", input_ids, words, "tokens")

    @can_return_tuple
    def get_ecg_features(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """The ECG tower's output, its `pooler_output` projected to (batch, projection_dim), not normalised."""
        return self._encode_ecg(input_values, lead_mask, sample_mask, **kwargs)[0]

    def _encode_ecg(self, input_values, lead_mask, sample_mask, **kwargs):
        """As `get_ecg_features`, and what views are made of."""
        outputs = self.ecg_model(input_values, lead_mask=lead_mask, sample_mask=sample_mask, **kwargs)
        mask = self.ecg_model.position_mask(sample_mask) if self.ecg_projection.reads_positions else None
        outputs["pooler_output"], features = self.ecg_projection(outputs, mask)
        return outputs, features

    @can_return_tuple
    def get_text_features(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        text_features: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """The text tower's output, its `pooler_output` projected to (batch, projection_dim), not normalised.

        Args:
            input_ids: (batch, tokens).
            attention_mask: (batch, tokens), 0 where padded; without it padding is read, and a warning says so once.
            text_features: (batch, text hidden size) in place of tokens, as `encode_text` gives them.
            token_type_ids, position_ids: (batch, tokens), of towers that take them.
            inputs_embeds: (batch, tokens, text hidden size) in place of `input_ids`.
            kwargs: what else the text tower takes, and `output_attentions`, `output_hidden_states`.

        Returns:
            `last_hidden_state` (batch, tokens, text hidden size) of the tower, and on request its `hidden_states` and
            `attentions`; of `text_features` the `pooler_output` alone.

        Raises:
            ValueError: not exactly one of `input_ids`, `inputs_embeds` and `text_features`; a name that the tower does
                not take; more tokens than it has positions.
        """
        if sum(one is not None for one in (input_ids, inputs_embeds, text_features)) != 1:
            raise ValueError("texts come as input_ids, as inputs_embeds or as text_features: give one of them")
        outputs = BaseModelOutputWithPooling(pooler_output=text_features)
        if text_features is None:
            given = {"token_type_ids": token_type_ids, "position_ids": position_ids, "inputs_embeds": inputs_embeds}
            outputs = self._encode_text(input_ids, attention_mask, **given, **kwargs)
        features = cast(torch.Tensor, outputs.pooler_output)
        if self.config.standardise_text:
            features = (features - self.text_mean) / self.text_std
        if self.config.text_whitening:
            features = features @ self.text_whitener
        outputs["pooler_output"] = self.text_projection(features)
        return outputs

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
        true_text_ids: torch.Tensor | None = None,
        return_loss: bool | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        unknown_text_ids: torch.Tensor | None = None,
        text_kinds: torch.Tensor | None = None,
        text_log_odds: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> ECGTextOutput:
        """
        Args:
            input_values: (ecgs, leads, samples).
            lead_mask: bool (ecgs, leads).
            sample_mask: bool (ecgs, samples).
            input_ids: (texts, tokens).
            attention_mask: (texts, tokens), 0 where padded.
            text_features: (texts, text hidden size) in place of tokens: a frozen text tower's cached output.
            text_ids: integers (texts,), equal exactly where texts are equal; made from the tokens when needed and none
                is named by its number.
            true_text_ids: integers (ecgs, k): ids of all texts known to be true of an ECG; see the sigmoid loss.
            return_loss: compute the loss; row i of ECGs and texts must be a pair. Texts after the last pair are
                extra columns of the sigmoid, for which `true_text_ids` is needed. Over several processes the loss
                takes all of them into account.
            token_type_ids, position_ids, inputs_embeds: of the text tower, see `get_text_features`.
            unknown_text_ids: integers (ecgs, m): ids of texts of which nobody knows whether they are true of an ECG.
            text_kinds: integers (texts,), 0 a report or statement, 1 a waveform feature; see `num_text_kinds` of the
                configuration. The ECGs' own texts are of kind 0.
            text_log_odds: floats (texts,), added to a text's logits inside the loss: how often it is true.
            output_attentions, output_hidden_states: of both towers, in `ecg_model_output` and `text_model_output`.
            kwargs: what else one of the towers takes; it goes to the ECG tower where that knows the name.

        Raises:
            ValueError: `return_loss` with unequal numbers of rows, a name that neither tower takes, and as
                `get_text_features` says.
        """
        flags = {"output_attentions": output_attentions, "output_hidden_states": output_hidden_states}
        flags = {name: value for name, value in flags.items() if value is not None}
        of_ecg = {name: value for name, value in kwargs.items() if self._ecg_tower_takes(name)}
        of_text = {name: value for name, value in kwargs.items() if name not in of_ecg}
        ecg_outputs, features = self._encode_ecg(input_values, lead_mask, sample_mask, **flags, **of_ecg)
        text_outputs = self.get_text_features(
            input_ids, attention_mask, text_features, token_type_ids, position_ids, inputs_embeds, **flags, **of_text
        )
        ecg_embeds = F.normalize(ecg_outputs.pooler_output.float(), dim=-1)
        text_embeds = F.normalize(text_outputs.pooler_output.float(), dim=-1)
        with torch.autocast(ecg_embeds.device.type, enabled=False):
            logits = self.logit_scale.float().exp() * (ecg_embeds @ text_embeds.T)
            if self.gives_probabilities:
                logits = logits + self.logit_bias.float()
        views = None
        if self.views is not None:
            views = tuple(F.normalize(view.float(), dim=-1) for view in self.views(features))
        loss = None
        if return_loss:
            if len(ecg_embeds) > len(text_embeds) or (len(ecg_embeds) < len(text_embeds) and true_text_ids is None):
                raise ValueError(
                    f"return_loss=True needs pairs, found {len(ecg_embeds)} ECGs and {len(text_embeds)} texts"
                )
            if text_ids is None and self.needs_text_ids():
                check_named([true_text_ids, unknown_text_ids])
                text_ids = ids_of_texts(input_ids, attention_mask, text_features)
            truth = TextTruth(text_ids, true_text_ids, unknown_text_ids, text_kinds, text_log_odds)
            loss = self.pair_loss(ecg_embeds, text_embeds, truth, views)
        return ECGTextOutput(
            loss=loss,
            logits_per_ecg=logits,
            logits_per_text=logits.T,
            ecg_embeds=ecg_embeds,
            text_embeds=text_embeds,
            ecg_model_output=ecg_outputs,
            text_model_output=text_outputs,
            first_view_embeds=None if views is None else views[0],
            second_view_embeds=None if views is None else views[1],
        )


accept_any_shape(ECGTextConfig.model_type, "logit_scale", "logit_bias")
