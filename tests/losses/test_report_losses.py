"""Captions, and beats beside sentences, against plain loops in double precision."""

import math

import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import beat_alignment_loss, captioning_loss

COUNTS = [2, 0, 3, 1, 2]  # sentences of each report


def made(seed=0, beats=4, size=6):
    generator = torch.Generator().manual_seed(seed)
    ecgs = torch.randn(len(COUNTS), beats, size, generator=generator, dtype=torch.float64)
    sentences = torch.randn(len(COUNTS), max(COUNTS), size, generator=generator, dtype=torch.float64)
    return ecgs, sentences, torch.arange(max(COUNTS)) < torch.tensor(COUNTS)[:, None]


def plain_logit(beats, sentences, scales=(4.0, 5.0, 10.0)):
    """One ECG (beats, size) and one report (sentences, size), word by word of the description."""
    shares = [[math.exp(float(beat @ sentence)) for sentence in sentences] for beat in beats]
    shares = [[one / sum(row) for one in row] for row in shares]
    told = 0.0
    for number, sentence in enumerate(sentences):
        looks = [math.exp(scales[0] * row[number]) for row in shares]
        context = sum(look / sum(looks) * beat for look, beat in zip(looks, beats, strict=True))
        told += math.exp(scales[1] * F.cosine_similarity(context, sentence, dim=0).item())
    return scales[2] * math.log(told)


def plain(ecgs, sentences, positive=None):
    kept = [row for row, number in enumerate(COUNTS) if number]
    logits = torch.tensor(
        [[plain_logit(ecgs[i], sentences[j, : COUNTS[j]]) for j in kept] for i in kept], dtype=torch.float64
    )
    positive = torch.eye(len(kept), dtype=torch.float64) if positive is None else positive
    target = positive / positive.sum(dim=1, keepdim=True)
    parts = [-(target * one.log_softmax(dim=1)).sum(dim=1).mean() for one in (logits, logits.T)]
    return float(sum(parts) / 2)


def test_beats_and_sentences_are_the_plain_loop():
    ecgs, sentences, mask = made()
    assert beat_alignment_loss(ecgs, sentences, mask).item() == pytest.approx(plain(ecgs, sentences), rel=1e-9)
    single = beat_alignment_loss(ecgs.float(), sentences.float(), mask)
    assert single.item() == pytest.approx(plain(ecgs, sentences), rel=1e-5)


def test_equal_reports_are_wrong_answers_right_ones_or_left_out():
    ecgs, sentences, mask = made()
    ids = torch.tensor([7, 1, 8, 9, 7])  # the first and the last, of those with sentences
    positive = torch.eye(4, dtype=torch.float64)
    positive[0, 3] = positive[3, 0] = 1
    options = {"text_ids": ids, "identical_text": "positive"}
    found = beat_alignment_loss(ecgs, sentences, mask, **options).item()
    assert found == pytest.approx(plain(ecgs, sentences, positive), rel=1e-9)
    masked = beat_alignment_loss(ecgs, sentences, mask, text_ids=ids, identical_text="mask").item()
    assert masked < beat_alignment_loss(ecgs, sentences, mask).item()


def test_a_report_without_a_sentence_shifts_nobody():
    """The released lists of sentences would move up, and every ECG behind it would be told by another's report."""
    ecgs, sentences, mask = made()
    kept = mask.any(dim=1)
    wanted = beat_alignment_loss(ecgs[kept], sentences[kept], mask[kept])
    ecgs.requires_grad_(), sentences.requires_grad_()
    loss = beat_alignment_loss(ecgs, sentences, mask)
    torch.testing.assert_close(loss.detach(), wanted)
    loss.backward()
    assert not ecgs.grad[~kept].any() and not sentences.grad[~mask].any()
    assert ecgs.grad.isfinite().all() and ecgs.grad[kept].flatten(1).any(dim=1).all()


def test_no_sentence_at_all_is_no_loss():
    ecgs, sentences, mask = made()
    ecgs.requires_grad_()
    loss = beat_alignment_loss(ecgs, 0 * sentences, torch.zeros_like(mask))
    loss.backward()
    assert loss == 0 and not ecgs.grad.any()


def test_gradients_are_those_of_small_steps():
    ecgs, sentences, mask = made(seed=3)
    inputs = (ecgs.requires_grad_(), sentences.requires_grad_())
    assert torch.autograd.gradcheck(lambda *pair: beat_alignment_loss(*pair, mask), inputs)


def test_captions_are_the_plain_loop_over_tokens_that_count():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(7, (3, 4), generator=generator)
    counted = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]]).bool()
    wanted = [
        -math.log(math.exp(logits[row, place, labels[row, place]]) / sum(map(math.exp, logits[row, place].tolist())))
        for row, place in counted.nonzero().tolist()
    ]
    loss = captioning_loss(logits, labels, counted)
    assert loss.item() == pytest.approx(sum(wanted) / 5, rel=1e-9)
    loss.backward()
    assert not logits.grad[~counted].any() and logits.grad[counted].any(dim=1).all()
    assert captioning_loss(logits, labels, torch.zeros_like(counted)) == 0
    assert captioning_loss(logits.bfloat16(), labels).dtype == torch.float32


def test_shapes_that_do_not_fit():
    ecgs, sentences, mask = made()
    with pytest.raises(ValueError, match="wanted .batch, beats, dimensions."):
        beat_alignment_loss(ecgs, sentences, mask[:, :1])
    with pytest.raises(ValueError, match="wanted .texts, tokens, vocabulary."):
        captioning_loss(torch.zeros(2, 3, 4), torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="counted has shape .2, 2., wanted .2, 3."):
        captioning_loss(torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 2))
