"""CLEAR-HUG: what the default changes of the released arithmetic, both heads, what is converted and refused."""

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import set_seed

from hf_ecg import (
    CLEARConfig,
    CLEARForECGClassification,
    CLEARForPreTraining,
    CLEARModel,
    ECGFeatureExtractor,
)
from hf_ecg.losses import masked_reconstruction_loss
from hf_ecg.models.clear.beat_grid import beat_grid
from hf_ecg.models.clear.convert_clear import RELEASED
from hf_ecg.models.clear.hug_head import PAIRS, HUGHead
from hf_ecg.models.shared.beat_embedding import BeatEmbedding, convolution_as_linear, linear_as_convolution
from hf_ecg.signals import STANDARD_LEADS
from tests.models.tiny.clear import COMPAT, beats, clear_config

TOKENS, CLASSES = 36, 12


def build(kind=CLEARModel, **options):
    set_seed(0)
    return kind(clear_config(**options)).eval()


def some(rows=2):
    return beats(rows, torch.Generator().manual_seed(0))


def changed_by(model, inputs, token):
    """bool (tokens,): which tokens of the output another beat at `token` changes."""
    other = inputs["beat_tokens"].clone()
    other[0, token] = torch.randn(8, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        before, after = (
            model(**inputs | {"beat_tokens": one}).last_hidden_state[0] for one in (inputs["beat_tokens"], other)
        )
    return (before - after).abs().amax(dim=-1) > 0


def test_a_class_token_sees_its_own_lead_and_no_other():
    token = 3 * 4 + 1  # the second beat of the fifth lead
    seen = changed_by(build(num_hidden_layers=1), some(1), token)
    assert seen[:CLASSES].nonzero().flatten().tolist() == [4]
    assert seen[CLASSES:].all()
    # as released every class token sees every beat
    assert changed_by(build(num_hidden_layers=1, compat_additive_mask=True), some(1), token).all()


def test_the_additive_mask_adds_one_and_blocks_nothing():
    model, inputs = build(num_hidden_layers=1, compat_additive_mask=True), some(1)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        released = model(**inputs, output_attentions=True).attentions[0][0]
        model.config.compat_additive_mask = False
        intended = model(**inputs, output_attentions=True).attentions[0][0]
    assert (released > 0).all() and not intended[:, 4, CLASSES : CLASSES + 12].any()
    assert intended[:, 4, CLASSES + 12 : CLASSES + 15].all()
    # without the twelve class tokens in its count, the first stretch are class tokens
    torch.testing.assert_close(released[:, CLASSES:], intended[:, CLASSES:])


def test_places_without_a_beat_are_left_out_and_counted_by_the_released_code():
    inputs, there = some(), torch.ones(2, 12, 3, dtype=torch.bool)
    there[:, :, 2] = False
    short = {key: value.unflatten(1, (12, 3))[:, :, :2].flatten(1, 2) for key, value in inputs.items()}
    inputs["beat_tokens"] = inputs["beat_tokens"].unflatten(1, (12, 3)).masked_fill(~there[..., None], 0).flatten(1, 2)
    padded = inputs | {"beat_mask": there.flatten(1)}
    for options, same in ({}, True), ({"compat_unmasked_padding": True}, False):
        model = build(**options)
        with torch.no_grad():
            found, wanted = model(**padded).pooler_output, model(**short).pooler_output
        assert torch.allclose(found, wanted, atol=1e-6) == same


def test_two_records_of_different_numbers_of_beats_do_not_depend_on_each_other():
    model, inputs, there = build(), some(), torch.ones(2, 12, 3, dtype=torch.bool)
    there[0, :, 1:] = False
    mask = there.flatten(1)
    with torch.no_grad():
        together = model(**inputs, beat_mask=mask)
        alone = model(**{key: value[:1] for key, value in inputs.items()}, beat_mask=mask[:1])
    torch.testing.assert_close(alone.pooler_output, together.pooler_output[:1], atol=1e-6, rtol=1e-5)
    assert alone.last_hidden_state.shape[1] == 12 + 12 and together.last_hidden_state.shape[1] == 12 + 36


@pytest.mark.parametrize("options", [{}, {"embedding_kernel_size": 3}])
def test_a_removed_beat_does_not_leak_into_what_is_seen(options):
    inputs, noise = some(1), torch.rand(1, TOKENS, generator=torch.Generator().manual_seed(3))
    model = build(CLEARForPreTraining, **options)
    with torch.no_grad():
        outputs = model(**inputs, mask_noise=noise)
        removed = outputs.removed
        other = inputs | {"beat_tokens": inputs["beat_tokens"].masked_fill(removed[..., None], 3.0)}
        again = model(**other, mask_noise=noise)
        assert torch.equal(again.prediction, outputs.prediction) and not torch.equal(again.loss, outputs.loss)
        leaky = build(CLEARForPreTraining, embedding_kernel_size=3, compat_circular_convolution=True)
        before, after = (leaky(**one, mask_noise=noise).prediction for one in (inputs, other))
    assert (before - after).abs().max() > 1e-3


def test_voltage_reaches_the_default_and_not_the_released_input():
    inputs = some()
    louder = inputs | {"beat_tokens": inputs["beat_tokens"] * 2 + 0.3}
    for standardised in (False, True):
        model = build(compat_standardised_input=standardised)
        with torch.no_grad():
            plain, loud = model(**inputs).pooler_output, model(**louder).pooler_output
        assert torch.allclose(plain, loud, atol=1e-4) == standardised


def test_dropout_acts_in_training_alone():
    model, inputs = build(hidden_dropout=0.3, attention_dropout=0.3), some()
    assert torch.equal(model(**inputs).pooler_output, model(**inputs).pooler_output)
    model.train()
    assert not torch.equal(model(**inputs).pooler_output, model(**inputs).pooler_output)


def test_absent_leads_are_not_looked_at_by_any_head():
    inputs, leads = some(), torch.ones(2, 12, dtype=torch.bool)
    leads[0, [1, *range(6, 12)]] = False  # a whole group too
    changed = inputs | {"beat_tokens": inputs["beat_tokens"].clone()}
    changed["beat_tokens"][0].unflatten(0, (12, 3))[~leads[0]] = 5.0
    for options in ({}, {"head": "hug"}, {"head": "hug", "hug_activation": "relu"}):
        model = build(CLEARForECGClassification, num_labels=3, **options)
        with torch.no_grad():
            plain = model(**inputs).logits
            masked, again = (model(**one, lead_mask=leads).logits for one in (inputs, changed))
        assert torch.equal(masked, again) and not torch.allclose(masked[0], plain[0])
        torch.testing.assert_close(masked[1], plain[1])
    states = model.encoder(**inputs, lead_mask=leads).class_states
    assert not states[0][~leads[0]].any() and states[0][leads[0]].any(dim=-1).all()


def test_hug_is_one_affine_map_as_released_and_not_with_an_activation():
    set_seed(0)
    groups = clear_config().lead_groups
    one, other, zero = torch.randn(2, 12, 16), torch.randn(2, 12, 16), torch.full((2, 12, 16), 1e-9)
    for activation, affine in ((None, True), ("gelu", False)):
        head = HUGHead(16, groups, activation)
        with torch.no_grad():
            added = head.pooled(one + other) + head.pooled(zero)
            assert torch.allclose(added, head.pooled(one) + head.pooled(other), atol=1e-5) == affine


def test_hug_goes_from_leads_to_groups_to_pairs_to_all():
    set_seed(0)
    head, states = HUGHead(16, clear_config().lead_groups), torch.randn(2, 12, 16)
    groups = [head.of_groups[n](states[:, group]).mean(1) for n, group in enumerate(head.groups)]
    pairs = [
        (head.of_pairs[n](groups[first]) + head.of_pairs[n](groups[second])) / 2
        for n, (first, second) in enumerate(PAIRS)
    ]
    whole = sum(head.of_all(pair) for pair in pairs) / 3
    wanted = torch.stack([*groups, *pairs, whole], dim=1)
    torch.testing.assert_close(head(states), wanted)
    torch.testing.assert_close(head.pooled(states), wanted.mean(1))


def test_the_share_of_kept_beats_and_the_loss():
    model, inputs = build(CLEARForPreTraining), some(3)
    there = torch.ones(3, 12, 3, dtype=torch.bool)
    there[1, :, 1:] = False
    outputs = model(**inputs, beat_mask=there.flatten(1), mask_noise=torch.rand(3, TOKENS))
    kept = (~outputs.removed).sum(1).tolist()
    assert kept == [int(36 * (1 - 0.8)), int(12 * (1 - 0.8)), int(36 * (1 - 0.8))]
    judged = outputs.removed & there.flatten(1)
    wanted = masked_reconstruction_loss(outputs.prediction, inputs["beat_tokens"], judged)
    torch.testing.assert_close(outputs.loss, wanted)
    seeded = model(**inputs, record_seeds=torch.tensor([5, 9, 5])).removed
    assert torch.equal(seeded[0], seeded[2]) and not torch.equal(seeded[0], seeded[1])


def test_a_removed_beat_is_made_up_from_the_same_beat_of_other_leads():
    model = build(CLEARForPreTraining, decoder_num_hidden_layers=1)
    inputs = some(1)
    noise = torch.rand(1, TOKENS, generator=torch.Generator().manual_seed(3))
    outputs = model(**inputs, mask_noise=noise)
    removed = outputs.removed[0]
    states = outputs.ecg_model_output.last_hidden_state.detach()
    kept = noise[0].argsort()[: int((~removed).sum())]
    grid, restore = beat_grid(model.config, **inputs), noise.argsort(1).argsort(1)
    with torch.no_grad():
        before = model.decoder(states, grid, restore, outputs.removed)[0, CLASSES:]
        states[0, CLASSES] += 1.0  # the first of the kept beats
        after = model.decoder(states, grid, restore, outputs.removed)[0, CLASSES:]
    moved = (before != after).any(dim=-1)
    same_beat = torch.arange(TOKENS) % 3 == int(kept[0]) % 3
    assert torch.equal(moved & removed, same_beat & removed) and moved[~removed].all()


def test_the_embedding_of_three_beats_is_the_released_convolution():
    set_seed(0)
    layer, values = torch.nn.Conv1d(8, 16, 3, padding=1, padding_mode="circular", bias=False), torch.randn(2, 9, 8)
    leads = torch.arange(3).repeat_interleave(3).expand(2, -1)
    for circular in (True, False):
        embedding = BeatEmbedding(8, 16, 3, 4, 4, circular=circular)
        embedding.init_weights()
        with torch.no_grad():
            embedding.projection.weight.copy_(convolution_as_linear(layer.weight))
            found = embedding.projection(embedding.windows(values, leads))
            wanted = layer(values.transpose(1, 2)).transpose(1, 2)
        assert torch.equal(linear_as_convolution(embedding.projection.weight, 3), layer.weight)
        assert torch.allclose(found[:, [1, 4, 7]], wanted[:, [1, 4, 7]], atol=1e-6)  # between two of their lead
        assert torch.allclose(found, wanted, atol=1e-6) == circular


def recorded(seconds, rate=None, seed=0, leads=12):
    """Leads with a spike at `rate` beats a minute; None for none."""
    generator = np.random.default_rng(seed)
    time = np.arange(seconds * 100) / 100
    signal = generator.normal(0, 0.01, (leads, len(time)))
    for peak in np.arange(0.4, seconds, 60 / rate) if rate else ():
        signal += np.exp(-(((time - peak) / 0.02) ** 2)) * np.linspace(0.5, 1.5, leads)[:, None]
    return signal


@pytest.mark.parametrize("compat", [{}, COMPAT])
def test_bad_input_gives_finite_numbers(compat):
    """No beat, 200 beats a minute, one lead, flat, 5 s, 60 s."""
    steps = [{"name": "derive_limb_leads"}, {"name": "select_leads"}, {"name": "crop"}, {"name": "pad"}]
    last = {"name": "beat_tokens", "token_samples": 8, "beats_per_lead": 15}
    extractor = ECGFeatureExtractor(100, list(STANDARD_LEADS), 1000, [*steps, last])
    model = build(num_samples=1000, num_beats=15, **compat)
    flat = recorded(10, 60)
    flat[:] = 0.3
    records = {
        "no beat": (recorded(10), STANDARD_LEADS),
        "200 bpm": (recorded(10, 200), STANDARD_LEADS),
        "one lead": (recorded(10, 60, leads=1), ["V2"]),
        "flat": (flat, STANDARD_LEADS),
        "5 s": (recorded(5, 60), STANDARD_LEADS),
        "60 s": (recorded(60, 60), STANDARD_LEADS),
    }
    for name, (signal, leads) in records.items():
        units = "normalized" if name == "flat" else "mV"
        window = "all" if name == "60 s" else None
        batch = extractor(signal, 100, leads, units, window=window, return_tensors="pt")
        batch.pop("record_index", None)
        with torch.no_grad():
            outputs = model(**batch)
        assert outputs.pooler_output.isfinite().all(), name
        assert len(outputs.pooler_output) == (6 if name == "60 s" else 1)
        there = batch["beat_mask"].unflatten(1, (12, 15))
        if name == "200 bpm":
            assert there.all()  # the first fifteen of thirty-three, in every lead
        if name == "one lead":
            assert there[0, 7].sum() > 5 and there.sum() == there[0, 7].sum()
        if name in ("no beat", "flat") and not there.any():
            assert not outputs.token_mask[:, CLASSES:].any() or compat


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beat_tokens": torch.zeros(2, 36, 9)}, r"shape \(2, 36, 9\), wanted \(batch, tokens, 8\)"),
        ({"beat_tokens": torch.zeros(2, 35, 8)}, "35 places, wanted 12 leads of up to 3 beats"),
        ({"beat_tokens": torch.zeros(2, 48, 8)}, "48 places, wanted 12 leads of up to 3 beats"),
        ({"beat_tokens": np.zeros((2, 36, 8))}, "beat_tokens is of type ndarray, wanted a tensor"),
        ({"beat_mask": torch.ones(2, 35, dtype=torch.bool)}, r"beat_mask has shape \(2, 35\), wanted \(2, 36\)"),
        ({"lead_mask": torch.ones(2, 11, dtype=torch.bool)}, r"lead_mask has shape \(2, 11\), wanted \(2, 12\)"),
        ({"time_ids": torch.full((2, 36), 16)}, "time_ids go from 16 to 16, the model has rows of seconds 0 to 15"),
        ({"lead_ids": torch.arange(1, 13).repeat(3).expand(2, -1)}, "token 1 of record 0 is of lead 2, wanted 1"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    inputs = {"beat_tokens": torch.zeros(2, 36, 8)} | change
    for model in (build(), build(CLEARForPreTraining)):
        with pytest.raises(ValueError, match=message):
            model(**inputs)
    with pytest.raises(ValueError, match=r"mask_noise has shape \(2, 9\)"):
        build(CLEARForPreTraining)(torch.zeros(2, 36, 8), mask_noise=torch.rand(2, 9))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"head": "moe"}, "head is 'moe'"),
        ({"head": "hug", "lead_groups": [[0, 1], [2]]}, "wanted three groups that hold each of the 12 leads once"),
        ({"hug_activation": "rel"}, "hug_activation is 'rel'"),
        ({"compat_circular_convolution": True}, "wants an embedding_kernel_size above 1"),
        ({"embedding_kernel_size": 2}, "embedding_kernel_size is 2, wanted an odd number"),
        ({"mask_ratio": 1.0}, "mask_ratio is 1.0"),
        ({"num_lead_embeddings": 12}, "wanted one more than the 12 leads"),
        ({"beat_samples": 1}, "beat_samples is 1"),
        ({"num_beats": 0}, "num_beats is 0"),
        ({"hidden_size": 15}, "multiple of the 2 heads"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        clear_config(**values)


def test_the_published_sizes():
    released = CLEARConfig(**RELEASED)
    with torch.device("meta"):
        assert CLEARForPreTraining(released).num_parameters() == 56_639_072
        hug = CLEARForECGClassification(CLEARConfig(head="hug", num_labels=19, **RELEASED))
        # the file of the fine-tuning holds the decoder too
        decoder = CLEARForPreTraining(released).decoder
        unused = sum(parameter.numel() for parameter in decoder.parameters())
        assert hug.num_parameters() + unused == 60_787_827
