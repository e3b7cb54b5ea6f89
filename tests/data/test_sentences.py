"""Which sentence of a record's text a batch shows."""

from collections import Counter

import pytest
import torch

from hf_ecg.data.sentences import SentenceSampler, sentence_spans, token_sentences

TEXT = "sinus rhythm. left ventricular hypertrophy"


def draws(sampler, number=2000, text=TEXT):
    generator = torch.Generator().manual_seed(0)
    return Counter(sampler.draw(text, generator) for _ in range(number))


def test_without_a_probability_the_text_stays_whole():
    assert draws(SentenceSampler()) == {TEXT: 2000}


def test_the_probability_is_that_of_a_single_sentence():
    counts = draws(SentenceSampler(0.25))
    assert counts[TEXT] / 2000 == pytest.approx(0.75, abs=0.03)
    assert counts["sinus rhythm"] / 2000 == pytest.approx(0.125, abs=0.03)


def test_rare_sentences_are_drawn_in_inverse_proportion():
    sampler = SentenceSampler(1.0, rare_sentence_power=1.0)
    with pytest.raises(ValueError, match="call fit"):
        draws(sampler)
    sampler.fit([TEXT, "sinus rhythm", "sinus rhythm", None, ""])
    assert sampler.counts == {"sinus rhythm": 3, "left ventricular hypertrophy": 1}
    assert draws(sampler)["left ventricular hypertrophy"] / 2000 == pytest.approx(0.75, abs=0.03)


def test_possible_and_true_texts():
    assert SentenceSampler().possible([TEXT]) == [TEXT]
    single = ["left ventricular hypertrophy", "sinus rhythm"]
    assert SentenceSampler(0.5).possible([TEXT]) == sorted([TEXT, *single])
    assert SentenceSampler(1.0).possible([TEXT]) == single
    assert SentenceSampler(0.5).true_of(TEXT) == [TEXT, "sinus rhythm", "left ventricular hypertrophy"]
    assert SentenceSampler(0.5).true_of("sinus rhythm") == ["sinus rhythm"]


def test_extra_sentences_are_distinct_and_all_when_few():
    sampler, generator = SentenceSampler(1.0), torch.Generator().manual_seed(0)
    with pytest.raises(ValueError, match="call fit"):
        sampler.extra(1, generator)
    sampler.fit(["a. b", "c. a", "d"])
    assert sampler.extra(4, generator) == sampler.extra(100, generator) == ["a", "b", "c", "d"]
    seen = [tuple(sampler.extra(2, generator)) for _ in range(300)]
    assert all(len(set(pair)) == 2 for pair in seen) and len(set(seen)) == 12


@pytest.mark.parametrize("options", [(1.5,), (-0.1,), (0.5, -1.0)])
def test_impossible_options(options):
    with pytest.raises(ValueError, match="single_sentence_probability|rare_sentence_power"):
        SentenceSampler(*options)


@pytest.mark.parametrize(
    "text, sentences",
    [
        ("Sinus rhythm. QRS 0.12 s; no ST elevation.", ["Sinus rhythm", "QRS 0.12 s", "no ST elevation"]),
        ("sinusrhythmus normales ekg", ["sinusrhythmus normales ekg"]),
        ("sinus rhythm.\nnormal ECG\n", ["sinus rhythm", "normal ECG"]),
        ("a.. a", ["a", "a"]),
        ("... - .", []),
        ("", []),
    ],
)
def test_where_sentences_lie(text, sentences):
    assert [text[start:stop] for start, stop in sentence_spans(text)] == sentences


def test_the_sentence_of_each_token_and_rows_that_stay_in_step():
    texts = ["ab c. d", "...", "ab c"]
    # [CLS] ab c . d [SEP], the stop alone; then joined to the word before it, and the space to the one behind
    special = [0, 0]
    apart = [special, [0, 2], [3, 4], [4, 5], [6, 7], special]
    joined = [special, [0, 2], [2, 5], [5, 7], special, special]
    dots = [special, [0, 3], special, special, special, special]
    plain = [special, [0, 2], [3, 4], special, special, special]
    assert token_sentences(texts, torch.tensor([apart, dots, plain])).tolist() == [
        [-1, 0, 0, -1, 1, -1],
        [-1] * 6,
        [-1, 0, 0, -1, -1, -1],
    ]
    assert token_sentences(texts[:1], torch.tensor([joined])).tolist() == [[-1, 0, 0, 1, -1, -1]]
    with pytest.raises(ValueError, match="3 texts and the tokens of 1"):
        token_sentences(texts, torch.tensor([joined]))
