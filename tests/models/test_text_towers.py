"""Which text towers a dual encoder takes, and how it pools them."""

import pytest
import torch
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModel,
    BertConfig,
    BertTokenizerFast,
    GPT2Config,
    MobileBertConfig,
    ModernBertConfig,
    Qwen3Config,
    RobertaConfig,
    modeling_utils,
    set_seed,
)

from hf_ecg import ECGContrastiveConfig, ECGForContrastivePreTraining, ECGResNetModel, ECGTextModel, MELPTextModel
from hf_ecg.models.ecg_text.text_tower import limit_texts, longest_text
from tests.models.tiny.ecg_resnet import resnet_config
from tests.models.tiny.ecg_text import text_config
from tests.models.tiny.inputs import pairs
from tests.models.tiny.melp_text import melp_text_config

SIZES = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


@pytest.mark.parametrize(
    ("model_type", "pooling", "message"),
    [
        *((kind, "pooler", "has no pooler") for kind in ("distilbert", "modernbert", "electra", "deberta", "qwen3")),
        *((kind, "mean", "an encoder with a decoder") for kind in ("t5", "bart")),
        *((kind, "cls", "first token sees nothing but itself") for kind in ("qwen3", "gpt2", "llama", "opt")),
        ("clip_text_model", "cls", "pools where a text ends"),
        ("wav2vec2", "mean", "takes no input_ids"),
    ],
)
def test_a_tower_that_cannot_be_one_is_refused_by_the_configuration(model_type, pooling, message):
    with pytest.raises(Exception, match=message):
        text_config(text_config=CONFIG_MAPPING[model_type](), text_pooling=pooling)


@pytest.mark.parametrize(
    ("config", "poolings"),
    [
        (BertConfig(), ("cls", "mean", "last", "pooler")),
        (RobertaConfig(), ("cls", "mean", "last", "pooler")),
        (ModernBertConfig(), ("cls", "mean", "last")),
        (Qwen3Config(), ("mean", "last")),
    ],
)
def test_what_a_tower_can_do_is_taken(config, poolings):
    for pooling in poolings:
        assert text_config(text_config=config, text_pooling=pooling).text_pooling == pooling


def test_a_bert_that_was_made_a_decoder_is_one():
    with pytest.raises(Exception, match="a decoder"):
        text_config(text_config=BertConfig(**SIZES, is_decoder=True))


@pytest.mark.parametrize(
    "config",
    [
        Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=12),
        GPT2Config(vocab_size=60, n_embd=24, n_layer=2, n_head=2),
    ],
    ids=["qwen3", "gpt2"],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_last_real_token_is_pooled_on_whichever_side_the_padding_is(config, side):
    set_seed(0)
    model = ECGTextModel(text_config(text_config=config, text_pooling="last")).eval()
    alone = torch.randint(3, 60, (1, 5))
    wanted = model.text_model(alone).last_hidden_state[:, -1]
    torch.testing.assert_close(model.encode_text(alone), wanted)
    padding = (3, 0) if side == "left" else (0, 3)
    tokens, mask = (torch.nn.functional.pad(one, padding) for one in (alone, torch.ones_like(alone)))
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    torch.testing.assert_close(model.encode_text(tokens, mask, position_ids=positions), wanted, atol=1e-5, rtol=1e-4)


def test_the_first_real_token_is_pooled_where_padding_is_on_the_left():
    set_seed(0)
    model = ECGTextModel(text_config()).eval()
    alone = torch.randint(3, 60, (1, 5))
    tokens, mask = (torch.nn.functional.pad(one, (3, 0)) for one in (alone, torch.ones_like(alone)))
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    found = model.encode_text(tokens, mask, position_ids=positions)
    torch.testing.assert_close(found, model.encode_text(alone), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (BertConfig(**SIZES, max_position_embeddings=32), 32),
        # positions begin after the padding's number
        (RobertaConfig(**SIZES, max_position_embeddings=34), 32),
        (GPT2Config(vocab_size=60, n_embd=24, n_layer=1, n_head=2, n_positions=40), 40),
        (Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=12, max_position_embeddings=32), None),
    ],
)
def test_how_long_a_text_may_be_is_known_of_learned_positions(config, wanted):
    tower = AutoModel.from_config(config)
    assert longest_text(tower) == wanted
    if wanted:
        assert tower(torch.full((1, wanted), 5)).last_hidden_state.shape[1] == wanted
    tokenizer = BertTokenizerFast(vocab={"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4})
    unlimited = tokenizer.model_max_length
    limit_texts(tokenizer, wanted)
    assert tokenizer.model_max_length == (wanted or unlimited)


@pytest.mark.parametrize("outer", ["text", "contrastive"])
def test_a_tower_of_a_half_precision_file_is_built_in_the_type_of_the_whole(tmp_path, outer):
    ECGResNetModel(resnet_config()).to(torch.bfloat16).save_pretrained(tmp_path)
    tower = AutoConfig.from_pretrained(tmp_path)
    if outer == "text":
        model = ECGTextModel(text_config(ecg_config=tower))
        assert model(**pairs(2, torch.Generator().manual_seed(0))).logits_per_ecg.isfinite().all()
    else:
        model = ECGForContrastivePreTraining(ECGContrastiveConfig(ecg_config=tower, projection_dim=4))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert tower.dtype == torch.bfloat16  # the one that was given is not changed
    model.save_pretrained(tmp_path / "whole")
    again = AutoModel.from_pretrained(tmp_path / "whole", dtype=torch.bfloat16) if outer == "text" else None
    assert again is None or {parameter.dtype for parameter in again.parameters()} == {torch.bfloat16}


def test_flex_attention_is_allowed_where_the_text_tower_has_it(tmp_path):
    ECGTextModel(text_config()).save_pretrained(tmp_path)
    for wanted in ("flex_attention", {"text_config": "flex_attention"}):
        model = AutoModel.from_pretrained(tmp_path, attn_implementation=wanted)
        assert model.text_model.config._attn_implementation == "flex_attention"


# of which transformers' configuration names no first and last token
MOBILE_BERT = MobileBertConfig(
    **SIZES, embedding_size=16, intra_bottleneck_size=16, num_feedforward_networks=1, max_position_embeddings=16
)


@pytest.mark.parametrize(
    "build",
    [
        lambda: ECGTextModel(text_config()),
        lambda: ECGTextModel(text_config(text_config=MOBILE_BERT)),
        lambda: MELPTextModel(melp_text_config()),
    ],
    ids=["bert", "mobilebert", "melp"],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_that_is_read_for_want_of_a_mask_is_said(build, side, caplog):
    model, tokens = build(), torch.randint(5, 60, (2, 5))
    padded = torch.nn.functional.pad(tokens, (1, 0) if side == "left" else (0, 1), value=0)
    modeling_utils.logger.warning_once.cache_clear()
    model.get_text_features(tokens)
    model.get_text_features(padded, padded.ne(0).long())
    assert "attention_mask" not in caplog.text
    model.get_text_features(padded)
    model.encode_text(padded)
    assert caplog.text.count("since your input_ids may be padded") == 1


def test_texts_without_a_mask_compile_to_one_graph():
    model, tokens = ECGTextModel(text_config()).eval(), torch.randint(5, 60, (2, 5))
    compiled = torch.compile(model.encode_text, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(tokens), model.encode_text(tokens))


def test_a_trainer_keeps_no_whole_outputs_of_towers():
    assert {"ecg_model_output", "text_model_output"} <= set(text_config().keys_to_ignore_at_inference)
