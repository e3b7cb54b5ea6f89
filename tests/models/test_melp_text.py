"""MELP with text: reports that are written, what texts and sentences become, what is refused. Needs no golden data."""

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import BertConfig, GenerationConfig, GPT2Config, set_seed

from hf_ecg import MELPTextConfig, MELPTextModel
from hf_ecg.convert import convert_checkpoint
from hf_ecg.losses import beat_alignment_loss
from tests.conftest import REPOSITORY
from tests.models.published_melp import COMMITTED_LEADS, WORDS, committed_signals, original_state
from tests.models.tiny.inputs import bert_config, waveforms
from tests.models.tiny.melp import melp_config
from tests.models.tiny.melp_text import melp_text_config

PAD, CLS, SEP, STOP = 0, 2, 3, 4


def build(**options):
    set_seed(0)
    model = MELPTextModel(melp_text_config(**options)).eval()
    with torch.no_grad():  # untrained it hardly looks at the ECG: reports are to differ by record
        model.report_decoder.ecg_blocks[0].attention.value.weight.mul_(20)
        model.report_decoder.ecg_blocks[0].attention.output.weight.mul_(20)
    return model


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def ecgs():
    return waveforms(3, torch.Generator().manual_seed(0))["input_values"]


def texts(*rows):
    """Each `[CLS] tokens [SEP]`, padded on the right."""
    rows = [[CLS, *row, SEP] for row in rows]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}


def stepwise(model, ecg, number):
    """The likeliest token each time, and the logits behind each, without a cache and without `generate`."""
    states, found = model.ecg_model(ecg).caption_states, []
    ids = torch.full((len(ecg), 1), CLS)
    for _ in range(number):
        found.append(model(input_ids=ids, caption_states=states).logits[:, -1])
        likeliest = found[-1].index_fill(1, torch.tensor([SEP]), -torch.inf).argmax(dim=1, keepdim=True)
        ids = torch.cat([ids, likeliest], dim=1)
    return ids, torch.stack(found)


@torch.no_grad()
def test_greedy_reports_are_the_likeliest_token_each_time(model, ecgs):
    written, logits = stepwise(model, ecgs, 6)
    told = {"return_dict_in_generate": True, "output_logits": True}
    found = model.generate(ecgs, max_new_tokens=6, min_new_tokens=6, **told)
    assert torch.equal(found.sequences, written)
    torch.testing.assert_close(torch.stack(found.logits), logits, atol=1e-5, rtol=1e-5)
    assert len({tuple(row) for row in written.tolist()}) > 1, "they do not look at the ECG"
    assert torch.equal(model.generate(ecgs, max_new_tokens=6, min_new_tokens=6, use_cache=False), written)
    alone = [model.generate(ecgs[[row]], max_new_tokens=6, min_new_tokens=6)[0] for row in range(3)]
    assert torch.equal(torch.stack(alone), written)


@torch.no_grad()
def test_beams_find_more_likely_reports_with_and_without_the_cache(model, ecgs):
    def likelihood(ids):
        logits = model(input_ids=ids[:, :-1], caption_states=model.ecg_model(ecgs).caption_states).logits
        return logits.log_softmax(dim=-1).gather(2, ids[:, 1:, None]).sum(dim=(1, 2))

    options = {"max_new_tokens": 5, "min_new_tokens": 5}
    beams = model.generate(ecgs, num_beams=4, **options)
    assert torch.equal(beams, model.generate(ecgs, num_beams=4, use_cache=False, **options))
    assert (likelihood(beams) >= likelihood(model.generate(ecgs, **options)) - 1e-5).all()
    several = model.generate(ecgs, num_beams=4, num_return_sequences=2, **options)
    assert several.shape == (6, 6) and torch.equal(several[::2], beams)


@torch.no_grad()
def test_a_report_ends_at_its_end_and_goes_on_from_a_beginning(model, ecgs):
    never = model.generate(ecgs, max_new_tokens=4, min_new_tokens=4)
    # the first token that is written becomes the end
    ended = model.generate(ecgs, max_new_tokens=4, eos_token_id=int(never[0, 1]))
    assert ended[0, :2].tolist() == never[0, :2].tolist() and not ended[0, 2:].any()
    begun = texts([30, 31], [32])["input_ids"][:, :-1]
    beginnings = torch.tensor([[CLS, 30, 31], [PAD, CLS, 32]])
    mask = (beginnings != PAD).long()
    options = {"max_new_tokens": 3, "min_new_tokens": 3}
    written = model.generate(ecgs[:2], input_ids=beginnings, attention_mask=mask, **options)
    told = options | {"return_dict_in_generate": True, "output_logits": True}
    masked, unsaid, read = (
        torch.stack(model.generate(ecgs[:2], input_ids=beginnings, attention_mask=given, **told).logits)
        for given in (mask, None, torch.ones_like(mask))
    )
    assert torch.equal(unsaid, masked) and not torch.allclose(read, masked)
    assert torch.equal(written[:, :3], beginnings)
    alone = model.generate(ecgs[1:2], input_ids=begun[1:, :2], **options)
    assert torch.equal(written[1, 1:], alone[0]), "padding in front shows"


def test_more_tokens_than_positions_are_refused_in_a_sentence(model, ecgs):
    with pytest.raises(ValueError, match="17 tokens are asked for, 1 of them given, and the decoder has 16 positions"):
        model.generate(ecgs, max_new_tokens=16)
    with pytest.raises(ValueError, match="40 tokens are asked for"):
        model.generate(ecgs, max_length=40)
    assert model.generate(ecgs, min_new_tokens=15).shape == (3, 16)
    states = torch.zeros(1, 5, 24)
    with pytest.raises(ValueError, match="the report has 17 tokens, and the decoder has 16 positions"):
        model(input_ids=torch.full((1, 17), 9), caption_states=states)
    long = texts(list(range(5, 22)))
    with pytest.raises(ValueError, match="19 tokens, and the decoder has 16 positions: cut them, by max_length=16"):
        model(ecgs[:1], **long, return_loss=True)
    # the tower's own positions may end before the decoder's
    short = build(text_config=bert_config(), decoder_positions=128)
    assert short.longest_report == 31
    with pytest.raises(ValueError, match=r"input_ids have shape \(2, 1\), wanted \(3, at least 1\)"):
        model.generate(ecgs, input_ids=torch.full((2, 1), CLS))
    with pytest.raises(ValueError, match="input_ids go from 99 to 99, the model has tokens 0 to"):
        model.generate(ecgs, input_ids=torch.full((len(ecgs), 1), 99))


@torch.no_grad()
def test_no_report_is_written_of_values_that_are_no_numbers(model, ecgs):
    broken = ecgs.clone()
    broken[1, 0, 3] = float("nan")
    with pytest.raises(ValueError, match="makes no numbers of the ECGs in rows 1: are values missing there"):
        model.generate(broken)
    with pytest.raises(ValueError, match="output_hidden_states is not given while a report is written"):
        model.generate(ecgs, output_hidden_states=True, return_dict_in_generate=True)


@torch.no_grad()
def test_settings_of_generation_come_as_one_thing_too(model, ecgs, recwarn):
    settings = GenerationConfig(max_new_tokens=4)
    written = model.generate(ecgs, generation_config=settings, past_key_values=None)
    assert torch.equal(written, model.generate(ecgs, max_new_tokens=4))
    assert settings.use_cache is GenerationConfig().use_cache, "the caller's own settings stay"
    assert model.generate(ecgs, generation_config=GenerationConfig(use_cache=False)).shape == (3, 16)
    with pytest.raises(ValueError, match="41 tokens are asked for"):
        model.generate(ecgs, generation_config=GenerationConfig(max_new_tokens=40))
    assert not [told for told in recwarn if "deprecated" in str(told.message)]


@torch.no_grad()
def test_a_text_does_not_depend_on_its_padding_but_as_released(ecgs):
    short, both = texts([30, 31, STOP]), texts([30, 31, STOP], list(range(10, 22)))
    for compat in (False, True):
        model = build(compat_cls_after_padding=compat)
        alone, beside = (model.get_text_features(**batch).pooler_output[0] for batch in (short, both))
        assert torch.allclose(alone, beside, atol=1e-5) != compat
    # the token that stands for a text is behind its last one, in whose place it would be read instead
    model = build()
    states = model.get_text_features(**short).last_hidden_state
    torch.testing.assert_close(states[:, :-1], model.text_model(**short).last_hidden_state)
    changed = texts([30, 35, STOP])
    assert not torch.allclose(*(model.get_text_features(**one).pooler_output for one in (short, changed)))


@torch.no_grad()
def test_reports_without_a_full_stop_and_empty_ones_keep_their_row(ecgs):
    model = build()
    batch = texts([30, 31, STOP, 32], [], [33, 34])
    outputs = model(ecgs, **batch, return_loss=True)
    assert outputs.sentence_mask.tolist() == [[True, True], [False, False], [True, False]]
    tower = model.text_model(**model_inputs(model, batch)).last_hidden_state
    wanted = model.sentence_projection(tower[2, 1:3].mean(dim=0))
    torch.testing.assert_close(outputs.sentence_embeds[2, 0], wanted)
    beats = outputs.ecg_model_output.beat_embeds
    kept = [0, 2]
    apart = beat_alignment_loss(beats[kept], outputs.sentence_embeds[kept], outputs.sentence_mask[kept])
    torch.testing.assert_close(outputs.beat_loss, apart)
    assert outputs.loss.isfinite()
    released = build(compat_sentences=True)
    outputs = released(ecgs, **texts([30, 31], [33, STOP, 40], [34, STOP]), return_loss=True)
    assert outputs.sentence_mask.any(dim=1).tolist() == [False, True, True]
    shifted = beat_alignment_loss(
        outputs.ecg_model_output.beat_embeds[:2], outputs.sentence_embeds[1:], outputs.sentence_mask[1:]
    )
    torch.testing.assert_close(outputs.beat_loss, shifted)


def model_inputs(model, batch):
    ids, mask = model._with_cls(**batch)
    return {"input_ids": ids, "attention_mask": mask}


@torch.no_grad()
def test_sentences_of_the_batch_count_before_a_full_stop(model, ecgs):
    batch = texts([30, STOP, 31, 32], [30, 31], [33, STOP])
    ids = torch.full_like(batch["input_ids"], -1)
    ids[:, 1:3] = 0
    outputs = model(ecgs, **batch, sentence_ids=ids, return_loss=True)
    assert outputs.sentence_mask.tolist() == [[True], [True], [True]]
    nobody = build(sentence_end_token_id=None)
    with pytest.raises(ValueError, match="nothing says which sentences there are"):
        nobody(ecgs, **batch, return_loss=True)
    assert nobody(ecgs, **batch, sentence_ids=ids, return_loss=True).loss.isfinite()


@torch.no_grad()
def test_equal_reports_are_told_by_their_tokens(ecgs):
    batch = texts([30, STOP], [30, STOP], [32])
    model = build(identical_text="mask")
    told, unsaid = (
        model(ecgs, **batch, text_ids=ids, return_loss=True).beat_loss for ids in (torch.tensor([0, 0, 1]), None)
    )
    assert torch.equal(unsaid, told) and not torch.allclose(told, build()(ecgs, **batch, return_loss=True).beat_loss)


def test_the_three_levels_have_the_weights_of_the_configuration(ecgs):
    model = build()
    assert (model.config.contrastive_weight, model.config.caption_weight, model.config.beat_weight) == (1, 2, 0.2)
    outputs = model(ecgs, **texts([30, STOP], [31, 33], [32]), return_loss=True)
    parts = outputs.contrastive_loss + 2 * outputs.caption_loss + 0.2 * outputs.beat_loss
    torch.testing.assert_close(outputs.loss, parts)
    assert outputs.logits.shape == (3, 4, 60)
    whole = outputs.ecg_model_output
    torch.testing.assert_close(whole.pooler_output, whole.beat_embeds.mean(dim=1))
    torch.testing.assert_close(model.get_ecg_features(ecgs).pooler_output, whole.pooler_output)
    model.logit_scale.data.fill_(9.0)
    model.after_step(0)
    assert model.logit_scale.item() == pytest.approx(model.config.max_logit_scale)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_config": GPT2Config(n_embd=24, n_head=2, n_layer=1), "decoder_num_attention_heads": 5}, "5 heads"),
        ({"projection_dim": 8}, "ecg_config.hidden_size is 16, wanted as projection_dim, 8"),
        ({"ecg_config": melp_config(caption_size=8)}, "caption_size is 8, wanted as text_config.hidden_size, 24"),
        ({"ecg_config": {"model_type": "ecg_fm"}}, "ecg_config is of type 'ecg_fm', wanted 'melp'"),
        ({"bos_token_id": 99}, "bos_token_id is 99, and text_config has a vocabulary of 60 tokens"),
        ({"compat_sentences": True, "sentence_end_token_id": None}, "compat_sentences needs sentence_end_token_id"),
        ({"beat_weight": -1.0}, "beat_weight is -1.0"),
        ({"num_text_kinds": 2, "loss_type": "clep"}, "are of ECGTextModel"),
        ({"decoder_num_hidden_layers": 0}, "decoder_num_hidden_layers is 0"),
    ],
)
def test_configurations_that_do_not_fit(options, message):
    with pytest.raises(StrictDataclassError) as found:
        melp_text_config(**options)
    assert message in str(found.value.__cause__)


def test_a_bert_reads_from_left_to_right_and_the_towers_own_configuration_stays(ecgs):
    text = bert_config()
    config = melp_text_config(text_config=text)
    assert config.text_config.is_decoder and not text.is_decoder
    with pytest.raises(ValueError, match="to which the model adds tokens of its own"):
        MELPTextModel(config).get_text_features(inputs_embeds=torch.zeros(1, 3, 24))
    assert isinstance(MELPTextConfig(text_config=BertConfig(vocab_size=30522)).text_config, BertConfig)


def test_features_of_texts_and_cached_gradients_are_refused(model, ecgs):
    with pytest.raises(ValueError, match="give input_ids, not text_features"):
        model(ecgs, text_features=torch.zeros(3, 24), return_loss=True)
    with pytest.raises(ValueError, match="gradients cannot be cached"):
        model.embed_batch({"input_values": ecgs})
    with pytest.raises(ValueError, match="input_values are missing"):
        model(**texts([30]))


def test_a_tower_of_another_kind_writes_too(ecgs):
    """GPT-2 has other names, learned positions and no token types."""
    text = GPT2Config(vocab_size=60, n_embd=24, n_head=2, n_layer=2, n_positions=32, bos_token_id=2, eos_token_id=3)
    model = build(text_config=text)
    written = model.generate(ecgs, max_new_tokens=5, min_new_tokens=5)
    assert torch.equal(written, model.generate(ecgs, max_new_tokens=5, min_new_tokens=5, use_cache=False))
    assert model(ecgs, **texts([30, STOP], [31], [32]), return_loss=True).loss.isfinite()


@torch.no_grad()
def test_a_committed_checkpoint_gives_its_old_numbers_and_report():
    folder = REPOSITORY / "tests" / "checkpoints" / "melp_text_original_tiny"
    expected = np.load(folder / "expected.npz")
    model, extractor = convert_checkpoint("melp-text", folder / "whole.safetensors")
    inputs = extractor(committed_signals(), 500, COMMITTED_LEADS, "mV", return_tensors="pt")
    tokens = torch.tensor([[2, 7, 8, 18, 9, 18, 3, 0]])
    outputs = model(**inputs, input_ids=tokens, attention_mask=(tokens != 0).long(), return_loss=True)
    for name in ("text_embeds", "sentence_embeds", "caption_loss"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, rtol=1e-5, err_msg=name)
    written = model.generate(**inputs, max_new_tokens=6, min_new_tokens=6)
    assert written.tolist() == expected["written"].tolist()


def test_a_whole_checkpoint_is_converted_and_writes(tmp_path):
    state = original_state(whole=True, generator=torch.Generator().manual_seed(0))
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "melp.ckpt")
    model, extractor = convert_checkpoint("melp-text", tmp_path / "melp.ckpt")
    config = model.config
    assert (config.bos_token_id, config.sentence_end_token_id) == (WORDS - 1, 18)
    assert config.compat_sentences and config.compat_cls_after_padding and extractor.leads[4] == "aVF"
    assert torch.equal(model.report_decoder.vocabulary, state["text_decoder.text_projection"])
    _, key, _ = state["text_decoder.cross_attn.1.attn.in_proj_weight"].chunk(3)
    assert torch.equal(model.report_decoder.ecg_blocks[1].attention.key.weight, key)
    assert model.generate(torch.randn(1, 12, 600), max_new_tokens=3, min_new_tokens=3).shape == (1, 4)
    for bad, message in (
        ({**state, "more.weight": torch.zeros(1)}, "1 are unknown .more.weight"),
        ({key: value for key, value in state.items() if "ln_1_kv" not in key}, "4 keys are missing"),
        (original_state(), "Of an encoder alone the source is melp"),
    ):
        with pytest.raises(ValueError, match=message):
            convert_checkpoint("melp-text", bad)


def test_gradients_are_the_same_with_reentrant_checkpoints(ecgs):
    found = []
    for checkpoints in (False, True):
        trained = build().train()
        if checkpoints:
            trained.activation_checkpointing_enable({"use_reentrant": True})
        told = texts([10, 11, STOP, 12, STOP], [20, STOP], [30, 31, STOP])
        trained(ecgs, **told, return_loss=True).loss.backward()
        found.append({name: value.grad for name, value in trained.named_parameters() if value.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-6, rtol=1e-4)
