"""HeartLang: what the vocabulary learns and when, what the default changes against the released code, bad input."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import set_seed

from hf_ecg import (
    ECGFeatureExtractor,
    HeartLangConfig,
    HeartLangForPreTraining,
    HeartLangModel,
    HeartLangVQHBRForPreTraining,
)
from hf_ecg.models.heartlang_vqhbr.codebook import EMACodebook, clusters
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe_sections import ModelSection
from tests.models.tiny import heartlang
from tests.models.tiny.heartlang import heartlang_config, noisy, with_vocabulary
from tests.models.tiny.heartlang_vqhbr import beats, masked, vqhbr_config
from tests.signals.made_beats import every, waveform

LEADS = list(STANDARD_LEADS)


def drawn(make=masked, rows=3):
    return make(rows, torch.Generator().manual_seed(1))


def built(model_class, config, mode=False):
    set_seed(0)
    return model_class(config).train(mode)


def unit(*shape, seed=0):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_words_follow_their_beats_as_a_plain_loop_does():
    book, rows = EMACodebook(5, 4, 0.9, 3), unit(1, 30, 4)
    book.begun.fill_(1)
    before, words = book.vectors.clone(), book(rows)
    assert torch.equal(book.vectors, before), "a forward pass counts, and moves nothing"
    book.step()
    for word in range(5):
        own = [row for row, found in zip(rows[0], words[0], strict=True) if found == word]
        wanted = before[word]
        if own:
            target = F.normalize(sum(own) / len(own), dim=0)
            wanted = F.normalize(0.9 * wanted + 0.1 * target, dim=0)
        torch.testing.assert_close(book.vectors[word], wanted)
        assert book.usage[word] == pytest.approx(0.1 * len(own))
    after = book.vectors.clone()
    book.step()
    assert torch.equal(book.vectors, after), "nothing was counted since"


def test_two_passes_before_a_step_count_as_one():
    """Accumulated batches."""
    books = [EMACodebook(5, 4, 0.9, 3) for _ in range(2)]
    for book in books:
        book.begun.fill_(1)
    rows = unit(1, 30, 4)
    books[0](rows)
    for part in rows.split(10, dim=1):
        books[1](part)
    for book in books:
        book.step()
    torch.testing.assert_close(books[0].vectors, books[1].vectors)


def test_a_training_begins_with_clusters_of_its_beats_and_evaluation_changes_nothing():
    model = built(HeartLangVQHBRForPreTraining, vqhbr_config())
    state = {name: value.clone() for name, value in model.named_buffers()}
    model(**drawn())
    assert all(torch.equal(value, state[name]) for name, value in model.named_buffers())
    vectors = model.train()(**drawn()).code_vectors.detach()
    assert model.codebook.begun and not torch.equal(model.codebook.vectors, state["codebook.vectors"])
    centres, _ = clusters(vectors[drawn()["beat_mask"] & present(drawn())], 12, 10)
    torch.testing.assert_close(model.codebook.vectors, centres)
    moved = model.codebook.vectors.clone()
    model.eval()(**drawn())
    model.train()(**drawn(rows=2))
    assert torch.equal(model.codebook.vectors, moved)
    model.after_step(0)
    assert not torch.equal(model.codebook.vectors, moved)


def present(inputs):
    return inputs["lead_mask"].gather(1, inputs["lead_ids"] - 1)


def test_clusters_find_what_there_is():
    centres = unit(4, 8)
    rows = F.normalize(centres.repeat_interleave(20, dim=0) + 0.05 * unit(80, 8, seed=1), dim=1)
    found, counts = clusters(rows, 4, 10)
    assert counts.sum() == 80
    nearest = (rows @ found.T).argmax(dim=1)
    for number, centre in enumerate(found):
        torch.testing.assert_close(centre, F.normalize(rows[nearest == number].sum(0), dim=0))
    few, _ = clusters(rows[:2], 4, 10)
    assert few.isfinite().all()


def test_losses_by_hand():
    model, inputs = built(HeartLangVQHBRForPreTraining, vqhbr_config(commitment_weight=0.5)), drawn()
    outputs = model(**inputs)
    there = inputs["beat_mask"] & present(inputs)
    words = model.codebook.vectors[outputs.codes.clamp(min=0)]
    # each record counts once, however many beats it has
    far, wrong = outputs.code_vectors - words, outputs.prediction - inputs["beat_tokens"]
    commitment = 0.5 * sum(far[row][there[row]].square().mean() for row in range(len(there))) / len(there)
    reconstruction = sum(wrong[row][there[row]].square().mean() for row in range(len(there))) / len(there)
    torch.testing.assert_close(outputs.commitment_loss, commitment)
    torch.testing.assert_close(outputs.loss, commitment + reconstruction)
    assert (outputs.codes[~there] == -1).all() and (outputs.codes[there] >= 0).all()
    nearest = torch.cdist(outputs.code_vectors[there], model.codebook.vectors).argmin(dim=1)
    assert torch.equal(outputs.codes[there], nearest)
    assert torch.equal(model.codes_of(**inputs), outputs.codes)
    assert model.drawn_words().shape == (12, 8)


def test_words_of_masked_beats_are_foretold_and_the_vocabulary_stays():
    model, inputs = built(HeartLangForPreTraining, with_vocabulary(), mode=True), drawn(noisy)
    words = model.vocabulary_model
    assert not words.training and not any(parameter.requires_grad for parameter in words.parameters())
    state = {name: value.clone() for name, value in words.state_dict().items()}
    outputs = model(**inputs)
    outputs.loss.backward()
    model.after_step(0)
    assert all(torch.equal(value, state[name]) for name, value in words.state_dict().items())
    there = inputs["beat_mask"] & present(inputs)
    assert torch.equal(outputs.masked.sum(1), there.sum(1) // 2) and not (outputs.masked & ~there).any()
    names = ("beat_tokens", "beat_mask", "lead_ids", "time_ids", "peak_samples", "lead_mask")
    codes = words.codes_of(**{name: inputs[name] for name in names})
    judged = outputs.masked_places >= 0
    found = codes.gather(1, outputs.masked_places.clamp(min=0))
    assert torch.equal(outputs.labels[judged], found[judged]) and (outputs.labels[~judged] == -100).all()
    records = range(len(judged))
    each = [F.cross_entropy(outputs.logits[row][judged[row]], found[row][judged[row]]) for row in records]
    wanted = sum(each) / len(each)
    torch.testing.assert_close(outputs.loss, wanted)
    # the same words given
    torch.testing.assert_close(model(**inputs, labels=codes).loss, wanted)


@pytest.mark.parametrize("compat", [False, True])
def test_a_masked_beat_shows_in_its_neighbours_as_released_and_else_not(compat):
    config = with_vocabulary(compat_visible_padding=compat)
    model, inputs = built(HeartLangForPreTraining, config), drawn(noisy)
    first = model(**inputs)
    changed = inputs["beat_tokens"].masked_fill(first.masked.unsqueeze(-1), 3.0)
    assert torch.equal(model(**inputs | {"beat_tokens": changed}).logits, first.logits) != compat


@pytest.mark.parametrize("compat", [False, True])
def test_words_are_asked_for_with_or_without_positions(compat):
    model = built(HeartLangForPreTraining, with_vocabulary(compat_codes_without_positions=compat)), drawn(noisy)
    model, inputs = model
    labels = model(**inputs).labels
    moved = inputs | {"lead_ids": inputs["lead_ids"].flip(1), "time_ids": inputs["time_ids"].flip(1)}
    moved["lead_mask"] = torch.ones_like(inputs["lead_mask"])
    given = inputs | {"lead_mask": torch.ones_like(inputs["lead_mask"])}
    same = torch.equal(model(**given).labels, model(**moved).labels)
    assert same == compat and labels.max() < 12


def test_padding_does_not_matter_but_in_the_released_arithmetic():
    inputs = drawn(beats)
    longer = {name: F.pad(value, (0, 0, 0, 4) if value.ndim == 3 else (0, 4)) for name, value in inputs.items()}
    longer["beat_mask"] = F.pad(torch.ones(3, 36, dtype=torch.bool), (0, 4))
    for compat in (False, True):
        model = built(HeartLangModel, heartlang_config(compat_visible_padding=compat))
        pooled, padded = model(**inputs).pooler_output, model(**longer).pooler_output
        off = (pooled - padded).abs().max()
        assert off > 1e-4 if compat else off < 1e-6
        assert torch.equal(model(**inputs).pooler_output, pooled), "two calls are equal"


def read(signals, leads=LEADS, **parameters):
    steps = [{"name": "select_leads"}, {"name": "pad"}, {"name": "beat_tokens", "max_tokens": 40} | parameters]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps)
    return dict(extractor(signals, 100, leads, "mV", return_tensors="pt"))


def of_real_length(**options):
    return heartlang_config(num_samples=1000, beat_samples=96, **options)


def test_all_leads_survive_150_beats_a_minute():
    model, inputs = built(HeartLangModel, of_real_length()), read(waveform(every(0.4)))
    outputs = model(**inputs)
    assert set(outputs.token_leads[outputs.token_mask].tolist()) == set(range(12))
    lost = model(**read(waveform(every(0.4)), compat_lead_major_truncation=True))
    assert set(lost.token_leads[lost.token_mask].tolist()) == {0, 1}


def test_a_token_lines_up_with_the_waveform():
    signals = waveform(every(0.9), noise=0.0)
    outputs = built(HeartLangModel, of_real_length())(**read(signals))
    for position, lead in zip(outputs.token_positions[0, 1:4], outputs.token_leads[0, 1:4], strict=True):
        near = np.abs(signals[lead, position - 5 : position + 6])
        assert near.argmax() == 5
    assert outputs.token_positions[0, 0] == outputs.token_leads[0, 0] == -1 and not outputs.token_mask[0, 0]


@pytest.mark.parametrize(
    "record",
    [
        {"signals": np.zeros((12, 1000))},
        {"signals": waveform(every(0.3))},
        {"signals": waveform(every(0.8))[:1], "leads": ["I"]},
        {"signals": waveform(every(0.8, samples=500), samples=500)},
    ],
    ids=["flat", "200 bpm", "one lead", "5 s"],
)
def test_odd_records_give_numbers(record):
    inputs = read(**record)
    assert built(HeartLangModel, of_real_length())(**inputs).pooler_output.isfinite().all()
    words = vqhbr_config(num_samples=1000, beat_samples=96)
    model = built(HeartLangForPreTraining, of_real_length(vocabulary_config=words), mode=True)
    outputs = model(**inputs, record_seeds=torch.tensor([3]))
    assert outputs.loss.isfinite() and bool(outputs.loss > 0) == bool(inputs["beat_mask"].sum() > 1)


def test_a_minute_is_windows():
    signals = waveform(every(0.8, samples=6000), samples=6000)
    steps = [{"name": "select_leads"}, {"name": "crop"}, {"name": "beat_tokens", "max_tokens": 256}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps)
    windows = extractor(signals, 100, LEADS, "mV", window="all")
    assert windows["record_index"].tolist() == [0] * 6 and windows["beat_mask"].any(1).all()
    unasked = extractor(signals, 100, LEADS, "mV")
    assert np.array_equal(unasked["beat_mask"], windows["beat_mask"])


IDS = ("lead_ids", "time_ids", "peak_samples")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beat_tokens": torch.zeros(1, 36, 9)}, r"wanted \(batch, tokens, 8\)"),
        ({name: None for name in IDS} | {"beat_tokens": torch.zeros(1, 41, 8)}, "41 places, wanted 40 at most"),
        ({"lead_ids": torch.full((1, 36), 13)}, "lead_ids go from 13 to 13"),
        ({"time_ids": torch.full((1, 36), 16)}, "time_ids go from 16 to 16"),
        ({"beat_mask": torch.ones(1, 35, dtype=torch.bool)}, r"beat_mask has shape \(1, 35\)"),
        ({"lead_ids": None, "lead_mask": torch.ones(1, 12, dtype=torch.bool)}, "lead_mask is given without lead_ids"),
        ({"labels": torch.full((1, 36), 12)}, "labels go up to 12, the model has the words 0 to 11"),
        ({"labels": torch.zeros(1, 35).long()}, r"labels have shape \(1, 35\)"),
        ({"mask_noise": torch.zeros(1, 35)}, r"mask_noise has shape \(1, 35\)"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(change, message):
    model = built(HeartLangForPreTraining, with_vocabulary())
    with pytest.raises(ValueError, match=message):
        model(**drawn(beats, 1) | change)


@pytest.mark.parametrize(
    ("options", "words", "message"),
    [
        ({}, {"codebook_size": 13}, "vocabulary has 13 words, vocabulary_size is 12"),
        ({}, {"beat_samples": 9}, "vocabulary's beat_samples is 9, the model's is 8"),
        ({}, {"num_tokens": 39}, "vocabulary reads 39 beats, the model 40"),
        ({"num_time_embeddings": 2}, None, "num_time_embeddings is 2, wanted more than the 2 seconds"),
        ({"num_lead_embeddings": 12}, None, "num_lead_embeddings is 12, wanted more than the 12 leads"),
        ({"embedding_kernel_size": 2}, None, "wanted an odd number"),
        ({"mask_ratio": 1.0}, None, "mask_ratio is 1.0"),
    ],
)
def test_configurations_that_cannot_be(options, words, message):
    if words is not None:
        options = options | {"vocabulary_config": vqhbr_config(**words)}
    with pytest.raises(Exception, match=message):
        heartlang_config(**options)


def test_another_model_is_not_a_vocabulary():
    with pytest.raises(Exception, match="model_type 'st_mem', wanted 'heartlang_vqhbr'"):
        HeartLangConfig(vocabulary_config={"model_type": "st_mem"})


def test_without_vocabulary_and_labels_there_is_nothing_to_learn():
    model, inputs = built(HeartLangForPreTraining, heartlang_config()), drawn(noisy)
    assert model(**inputs).loss is None
    with pytest.raises(ValueError, match="wanted a vocabulary"):
        model.train()(**inputs)


def test_a_recipe_names_the_vocabulary_and_gets_its_words(tmp_path):
    words = built(HeartLangVQHBRForPreTraining, vqhbr_config(), mode=True)
    words(**drawn())
    words.save_pretrained(tmp_path)
    given = {name: value for name, value in heartlang_config().to_diff_dict().items() if name in CARRIED}
    section = ModelSection(
        class_="HeartLangForPreTraining", config=given, init_from={"vocabulary_model": str(tmp_path)}
    )
    model = build_model(section)
    assert torch.equal(model.vocabulary_model.codebook.vectors, words.codebook.vectors)
    section.config["vocabulary_size"] = 13
    with pytest.raises(ValueError, match="vocabulary has 12 words, vocabulary_size is 13"):
        build_model(section)


CARRIED = (*heartlang.SIZES, *heartlang.BEATS, *heartlang.PLAIN)


def test_the_vocabulary_computes_attention_as_the_model_around_it(tmp_path):
    built(HeartLangForPreTraining, with_vocabulary()).save_pretrained(tmp_path)
    model = HeartLangForPreTraining.from_pretrained(tmp_path, attn_implementation="eager")
    assert model.vocabulary_model.config._attn_implementation == "eager"
    model.set_attn_implementation("sdpa")
    assert model.vocabulary_model.config._attn_implementation == "sdpa"
