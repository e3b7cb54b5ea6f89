"""The shared blocks against PyTorch's own transformer layers, and what a masked token may not do."""

import pytest
import torch
from torch import nn
from transformers import PreTrainedConfig

from hf_ecg.models.shared.attention import ECGSelfAttention, attention_mask_of
from hf_ecg.models.shared.transformer import PostNormBlock, PreNormBlock

# name of ours -> name in torch's TransformerEncoderLayer
NAMES = {
    "attention.output": "self_attn.out_proj",
    "attention_norm": "norm1",
    "feed_forward_norm": "norm2",
    "feed_forward.expand": "linear1",
    "feed_forward.contract": "linear2",
}


def configuration(attention="sdpa"):
    config = PreTrainedConfig()
    config._attn_implementation = attention
    return config


def twins(kind, attention="sdpa"):
    """A block of ours and PyTorch's layer with the same weights."""
    torch.manual_seed(0)
    ours = kind(configuration(attention), 24, 4, 32, activation="gelu").eval()
    theirs = nn.TransformerEncoderLayer(
        24, 4, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=kind is PreNormBlock
    ).eval()
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.3)
    state = ours.state_dict()
    for part in ("weight", "bias"):
        joint = torch.cat([state[f"attention.{name}.{part}"] for name in ("query", "key", "value")])
        getattr(theirs.self_attn, f"in_proj_{part}").data = joint
        for name, other in NAMES.items():
            getattr(theirs.get_submodule(other), part).data = state[f"{name}.{part}"]
    return ours, theirs


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
@pytest.mark.parametrize("masked", [False, True])
def test_it_computes_what_pytorchs_layer_does(kind, attention, masked):
    ours, theirs = twins(kind, attention)
    tokens, counted = torch.randn(3, 7, 24), None
    if masked:
        counted = torch.ones(3, 7, dtype=torch.bool)
        counted[0, 4:], counted[2, ::2] = False, False
    mask = attention_mask_of(ours.attention.config, tokens, counted)
    # grad stays on: without it PyTorch takes a fast path with zeros for hidden tokens
    wanted = theirs(tokens, src_key_padding_mask=None if counted is None else ~counted)
    torch.testing.assert_close(ours(tokens, mask), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_hidden_token_changes_nothing_and_a_row_without_any_is_finite(attention):
    block, _ = twins(PreNormBlock, attention)
    tokens, counted = torch.randn(2, 5, 24), torch.ones(2, 5, dtype=torch.bool)
    counted[0, 3], counted[1] = False, False
    mask = attention_mask_of(block.attention.config, tokens, counted)
    before = block(tokens, mask)
    changed = tokens.clone()
    changed[0, 3] += 10
    seen = [0, 1, 2, 4]
    torch.testing.assert_close(block(changed, mask)[0, seen], before[0, seen], atol=0, rtol=0)
    assert before.isfinite().all()
    plain = block(tokens, None)
    torch.testing.assert_close(before[1], plain[1])


def test_weights_are_shown_by_eager_attention_alone():
    tokens = torch.randn(2, 5, 24)
    attention = ECGSelfAttention(configuration("eager"), 24, 3)
    _, weights = attention(tokens, output_attentions=True)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5))
    attention.config._attn_implementation = "sdpa"
    with pytest.raises(ValueError, match="output_attentions wants attn_implementation='eager', this model has 'sdpa'"):
        attention(tokens, output_attentions=True)


def test_heads_may_be_wider_than_their_share():
    attention = ECGSelfAttention(configuration(), 24, 3, head_size=16, bias=False)
    assert attention.query.weight.shape == (48, 24) and attention.query.bias is None
    assert attention(torch.randn(1, 4, 24))[0].shape == (1, 4, 24)


@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_dropout_acts_in_training_only(kind, attention):
    tokens = torch.randn(2, 5, 24)
    for option in ("dropout", "attention_dropout"):
        options = {"dropout": 1.0} if option == "dropout" else {"attention": {"dropout": 1.0}}
        block = kind(configuration(attention), 24, 4, 32, **options)
        for parameter in block.parameters():
            nn.init.normal_(parameter, std=0.3)
        dropped, whole = block.train()(tokens), block.eval()(tokens)
        assert not torch.allclose(dropped, whole)
        if option == "dropout" and kind is PreNormBlock:
            torch.testing.assert_close(dropped, tokens)
